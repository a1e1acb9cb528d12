package life

import (
	"context"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

func TestWhereATaskWaits(t *testing.T) {
	for name, tt := range map[string]struct {
		is   func(*Unfinished)
		want schedule.Lane
	}{
		"new":                        {func(*Unfinished) {}, schedule.LaneHot},
		"failing":                    {func(u *Unfinished) { u.Class = kie.ClassServer }, schedule.LaneHot},
		"old":                        {func(u *Unfinished) { u.old = true }, schedule.LaneRare},
		"missing":                    {func(u *Unfinished) { u.missing = 1 }, schedule.LaneRare},
		"missing, with a callback":   {func(u *Unfinished) { u.missing, u.Called = 1, true }, schedule.LaneHot},
		"of a backlog":               {func(u *Unfinished) { u.Backlog = true }, schedule.LaneBacklog},
		"of a backlog, failing":      {func(u *Unfinished) { u.Backlog, u.Class = true, kie.ClassServer }, schedule.LaneRetry},
		"of a backlog, not found":    {func(u *Unfinished) { u.Backlog, u.inGrace = true, 1 }, schedule.LaneRetry},
		"of a backlog, called":       {func(u *Unfinished) { u.Backlog, u.Called = true, true }, schedule.LaneHot},
		"of a backlog, old":          {func(u *Unfinished) { u.Backlog, u.old = true, true }, schedule.LaneRare},
		"given up":                   {func(u *Unfinished) { u.GivenUp, u.missing = true, 9 }, schedule.LaneNone},
		"given up, with a callback":  {func(u *Unfinished) { u.GivenUp, u.Called = true, true }, schedule.LaneNone},
		"given up, though a backlog": {func(u *Unfinished) { u.GivenUp, u.Backlog = true, true }, schedule.LaneNone},
	} {
		if got := listed(time.Minute, tt.is).NextLane(); got != tt.want {
			t.Errorf("%s: in lane %d, want %d", name, got, tt.want)
		}
	}
}

// What a query under way will tell is later than a callback that came before it, not than one that comes meanwhile.
func TestAQueryAnswersTheCallbacksBeforeIt(t *testing.T) {
	u := listed(time.Minute, func(u *Unfinished) { u.Called = true })
	u.Begin()
	if !u.Asking || u.Called {
		t.Errorf("asking: %v, called: %v", u.Asking, u.Called)
	}
	u.Called = true
	u.End(start)
	if u.Asking || !u.Called {
		t.Errorf("asking: %v, called: %v", u.Asking, u.Called)
	}
}

func TestACallbackIsNotAnsweredByAQueryThatSaysNothingOfTheTask(t *testing.T) {
	for name, tt := range map[string]struct {
		outcome Outcome
		early   bool // asked by a probe before it was due
		want    bool
	}{
		"a rate limit":              {outcome: Outcome{Err: failed(kie.ClassRateLimited), Closed: true}, want: true},
		"a query that was ended":    {outcome: Outcome{Err: context.Canceled}, want: true},
		"a probe that failed early": {outcome: Outcome{Err: failed(kie.ClassServer)}, early: true, want: true},
		"a fault":                   {outcome: Outcome{Err: failed(kie.ClassServer)}},
		"no such task":              {outcome: Outcome{Err: failed(kie.ClassNotFound)}},
		"an answer":                 {},
	} {
		u := listed(time.Minute, func(u *Unfinished) { u.Called, u.Backlog = true, true })
		if tt.early {
			u.Due = start.Add(time.Second)
		}
		u.Begin()
		u.End(start)
		if u.Conclude(tt.outcome, 0, at(0), limits); u.Called != tt.want {
			t.Errorf("%s: called %v, want %v", name, u.Called, tt.want)
		}
		u.Begin()
		if u.Called {
			t.Errorf("%s: the next query does not answer the callback", name)
		}
	}
}

func TestACallbackMakesATaskDueAsSoonAsItMayBeAsked(t *testing.T) {
	for name, tt := range map[string]struct {
		asked       time.Duration // before the start; 0: never
		due         time.Duration
		unconfirmed string
		want        time.Duration
	}{
		"never asked":            {due: time.Minute, want: 0},
		"asked long ago":         {asked: time.Minute, due: time.Minute, want: 0},
		"asked just now":         {asked: time.Second, due: time.Minute, want: 2 * time.Second},
		"due already":            {asked: time.Minute, due: -time.Second, want: -time.Second},
		"a failure to confirm":   {asked: time.Minute, due: 20 * time.Second, unconfirmed: "501", want: 20 * time.Second},
		"due sooner than allows": {asked: time.Second, due: time.Second, want: time.Second},
	} {
		u := listed(time.Hour, func(u *Unfinished) { u.Due, u.unconfirmed = start.Add(tt.due), tt.unconfirmed })
		if tt.asked > 0 {
			u.asked = ago(tt.asked)
		}
		if u.AskSoon(start, limits); u.Due.Sub(start) != tt.want {
			t.Errorf("%s: due after %v, want %v", name, u.Due.Sub(start), tt.want)
		}
	}
}

func TestAnotherAccountAsksAgainWhatOneDidNotKnow(t *testing.T) {
	for name, tt := range map[string]struct {
		is   func(*Unfinished)
		want bool
	}{
		"given up":  {func(u *Unfinished) { u.GivenUp = true }, true},
		"not found": {func(u *Unfinished) { u.missing = 3 }, true},
		"in grace":  {func(u *Unfinished) { u.inGrace = 1 }, false},
		"answered":  {answered(time.Second), false},
	} {
		u := listed(time.Hour, tt.is, func(u *Unfinished) { u.Due = start.Add(time.Hour) })
		u.Revive(start)
		if asked := u.Due.Equal(start); asked != tt.want || u.GivenUp || tt.want && u.missing+u.inGrace > 0 {
			t.Errorf("%s: %+v", name, u)
		}
	}
}
