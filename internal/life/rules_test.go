package life

import (
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

// Nothing is learned of durations here, so that a safety net is first asked at 5 min, and polling goes by age.
func TestIntervals(t *testing.T) {
	for name, tt := range map[string]struct {
		rules Rules
		age   time.Duration
		want  time.Duration
	}{
		"learned":                            {Rules{Overdue: time.Hour, Learned: true}, 10 * time.Minute, 20 * time.Second},
		"learned, over the threshold":        {Rules{Overdue: 10*time.Minute + time.Second, Learned: true}, 10 * time.Minute, 20 * time.Second},
		"configured":                         {Rules{Overdue: time.Hour}, 10 * time.Minute, 20 * time.Second},
		"configured, overdue soon":           {Rules{Overdue: 10*time.Minute + 10*time.Second}, 10 * time.Minute, 10*time.Second + 100*time.Millisecond},
		"configured, overdue at once":        {Rules{Overdue: 10*time.Minute + time.Second}, 10 * time.Minute, 3 * time.Second},
		"configured, overdue already":        {Rules{Overdue: 10 * time.Minute}, 20 * time.Minute, time.Minute},
		"relies":                             {Rules{Overdue: time.Hour, Relies: true}, time.Minute, 4 * time.Minute},
		"relies, overdue before":             {Rules{Overdue: 2 * time.Minute, Relies: true}, time.Minute, time.Minute + 100*time.Millisecond},
		"relies, though the callback came":   {Rules{Overdue: time.Hour, Learned: true, Relies: true, Called: true}, time.Minute, 7 * time.Second},
		"relies, and the age grows by half":  {Rules{Overdue: time.Hour, Relies: true}, 10 * time.Minute, 5 * time.Minute},
		"relies, and never less than an old": {Rules{Overdue: time.Hour, Relies: true}, 25 * time.Hour, time.Hour},
	} {
		tt.rules.Bounds, tt.rules.Durations = limits, schedule.NewDurations(nil)
		if got := tt.rules.Interval(tt.age); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func TestTheFirstQueryWaitsOnlyForACallback(t *testing.T) {
	for name, tt := range map[string]struct {
		rules Rules
		want  time.Duration
	}{
		"polled":                 {Rules{Overdue: time.Hour}, 0},
		"relies":                 {Rules{Overdue: time.Hour, Relies: true}, 5 * time.Minute},
		"relies, and came":       {Rules{Overdue: time.Hour, Relies: true, Called: true}, 5 * time.Minute},
		"relies, overdue before": {Rules{Overdue: time.Minute, Relies: true}, time.Minute + 100*time.Millisecond},
	} {
		tt.rules.Bounds, tt.rules.Durations = limits, schedule.NewDurations(nil)
		if got := tt.rules.First(); got != tt.want {
			t.Errorf("%s: %v, want %v", name, got, tt.want)
		}
	}
}

func TestOtherRulesMoveOnlyWhatWasScheduledByRules(t *testing.T) {
	const due = 40 * time.Second
	asked := func(ago time.Duration) func(*Unfinished) {
		return func(u *Unfinished) { u.asked = kie.TimeOf(start.Add(-ago)) }
	}
	for name, tt := range map[string]struct {
		task  *Unfinished
		rules Rules
		want  time.Duration // after the start
	}{
		"answered":                 {listed(time.Hour, answered(5*time.Second), asked(5*time.Second), born(time.Minute)), Rules{Learned: true}, 2 * time.Second},
		"answered, asked just now": {listed(time.Hour, answered(7*time.Second), asked(time.Second), born(time.Minute)), Rules{Learned: true}, 2 * time.Second},
		"answered, relies":         {listed(time.Hour, answered(5*time.Second), asked(5*time.Second), born(time.Minute)), Rules{Relies: true}, 235 * time.Second},
		"never answered":           {listed(time.Minute), Rules{}, 0},
		"never answered, relies":   {listed(290 * time.Second), Rules{Relies: true}, 10 * time.Second},
		"it stays the sooner":      {listed(time.Minute), Rules{Relies: true}, due},
		"failing":                  {listed(time.Hour, answered(time.Minute), func(u *Unfinished) { u.Class = kie.ClassServer }), Rules{}, due},
		"in grace":                 {listed(time.Second, func(u *Unfinished) { u.inGrace = 1 }), Rules{}, due},
		"to be confirmed":          {listed(time.Hour, func(u *Unfinished) { u.unconfirmed = "501" }), Rules{}, due},
		"called":                   {listed(time.Hour, func(u *Unfinished) { u.Called = true }), Rules{}, due},
	} {
		t.Run(name, func(t *testing.T) {
			tt.task.Due = start.Add(due)
			tt.rules.Bounds, tt.rules.Durations, tt.rules.Overdue = limits, schedule.NewDurations(nil), 100*time.Hour
			if got := tt.task.Again(tt.rules, start).Sub(start); got != tt.want {
				t.Errorf("due after %v, want %v", got, tt.want)
			}
		})
	}
}

// born has a task been created so long before its last answer.
func born(age time.Duration) func(*Unfinished) {
	return func(u *Unfinished) { u.Born = u.Answered.Add(-age) }
}

func TestATaskIsOverdueByItsAgeAtTheLastAnswer(t *testing.T) {
	if u := listed(10 * time.Hour); u.IsOverdueAfter(time.Hour) {
		t.Error("one that was never answered is overdue")
	}
	u := listed(10*time.Hour, answered(time.Hour), born(time.Hour))
	if u.IsOverdueAfter(time.Hour) || !u.IsOverdueAfter(time.Hour-1) {
		t.Error("not by the age at the last answer")
	}
}

func TestAnotherClockTakesBackThatATaskIsOld(t *testing.T) {
	u := listed(time.Minute, answered(time.Second), born(30*time.Hour), func(u *Unfinished) {
		u.old, u.faults, u.Due = true, 1, start.Add(time.Hour)
	})
	u.Rejudge(ago(10*time.Second), at(0))
	if u.old || !u.Born.Equal(start.Add(-10*time.Second)) || !isAbout(u.Due.Sub(start), 5*time.Second) {
		t.Errorf("old: %v, born %v, due after %v", u.old, u.Born, u.Due.Sub(start))
	}
	u.Rejudge(ago(30*time.Hour), at(0))
	if !u.old || !isAbout(u.Due.Sub(start), 5*time.Second) {
		t.Errorf("old: %v, due after %v", u.old, u.Due.Sub(start))
	}
}
