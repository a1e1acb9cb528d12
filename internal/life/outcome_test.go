package life

import (
	"context"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

var (
	start  = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)
	limits = schedule.Bounds{Min: 3 * time.Second, Max: time.Minute}
)

// at is a moment so long after the start, by clocks that agree.
func at(after time.Duration) Moment { return Moment{Now: start.Add(after), sure: true} }

// ago is a time of the API's so long before the start.
func ago(d time.Duration) kie.Time { return kie.TimeOf(start.Add(-d)) }

// listed is a task that was first seen so long before the start, and is due at the start.
func listed(seen time.Duration, known ...func(*Unfinished)) *Unfinished {
	u := New("kling/v2", start.Add(-seen))
	u.Due, u.Durations = start, schedule.NewDurations(nil)
	for _, is := range known {
		is(&u)
	}
	return &u
}

func answered(since time.Duration) func(*Unfinished) {
	return func(u *Unfinished) { u.Answered, u.Watched = start.Add(-since), true }
}

func failed(class kie.Class) error { return &kie.Error{Class: class} }

// isAbout reports whether a wait is that of a backoff, which is spread by a fifth.
func isAbout(got, want time.Duration) bool {
	return float64(got) >= .8*float64(want) && float64(got) <= 1.2*float64(want)
}

func TestTheOutcomeOfAQueryDecidesWhenTheTaskIsAskedAgain(t *testing.T) {
	const day = 24 * time.Hour
	for name, tt := range map[string]struct {
		task    *Unfinished
		created kie.Time
		outcome Outcome
		effect  Effect
		due     time.Duration // after the start
		about   bool          // give or take a fifth
		class   kie.Class
		lane    schedule.Lane
	}{
		"an answer tells the state": {
			task: listed(time.Minute), effect: Effect{HasState: true}, lane: schedule.LaneHot,
		},
		"a failure told as an error wants a second answer": {
			task: listed(time.Minute), outcome: Outcome{Answer: kie.Answer{Task: kie.Task{FailCode: "501"}}, Err: failed(kie.ClassTaskFailed)},
			due: schedule.ConfirmAfter, class: kie.ClassTaskFailed, lane: schedule.LaneHot,
		},
		"the same failure again, too soon": {
			task:    listed(time.Minute, func(u *Unfinished) { u.unconfirmed, u.unconfirmedAt = "501", start.Add(-20*time.Second) }),
			outcome: Outcome{Answer: kie.Answer{Task: kie.Task{FailCode: "501"}}, Err: failed(kie.ClassTaskFailed)},
			due:     10 * time.Second, class: kie.ClassTaskFailed, lane: schedule.LaneHot,
		},
		"the same failure again": {
			task:    listed(time.Minute, func(u *Unfinished) { u.unconfirmed, u.unconfirmedAt = "501", start.Add(-schedule.ConfirmAfter) }),
			outcome: Outcome{Answer: kie.Answer{Task: kie.Task{FailCode: "501"}}, Err: failed(kie.ClassTaskFailed)},
			effect:  Effect{HasState: true}, lane: schedule.LaneHot,
		},
		"another failure": {
			task:    listed(time.Minute, func(u *Unfinished) { u.unconfirmed, u.unconfirmedAt = "408", start.Add(-time.Hour) }),
			outcome: Outcome{Answer: kie.Answer{Task: kie.Task{FailCode: "501"}}, Err: failed(kie.ClassTaskFailed)},
			due:     schedule.ConfirmAfter, class: kie.ClassTaskFailed, lane: schedule.LaneHot,
		},
		"asked out of turn": {
			task:    listed(time.Minute, func(u *Unfinished) { u.Due = start.Add(time.Second) }),
			outcome: Outcome{Err: failed(kie.ClassServer)}, due: time.Second, lane: schedule.LaneHot,
		},
		"not found, at first": {
			task: listed(time.Second), outcome: Outcome{Err: failed(kie.ClassNotFound)}, due: 15 * time.Second, lane: schedule.LaneHot,
		},
		"not found, during the grace": {
			task:    listed(70*time.Second, func(u *Unfinished) { u.inGrace = 1 }),
			outcome: Outcome{Err: failed(kie.ClassNotFound)}, due: 20 * time.Second, lane: schedule.LaneHot,
		},
		"not found, during the grace of a backlog": {
			task:    listed(time.Second, func(u *Unfinished) { u.Backlog = true }),
			outcome: Outcome{Err: failed(kie.ClassNotFound)}, due: 15 * time.Second, lane: schedule.LaneRetry,
		},
		"not found, after the grace": {
			task:    listed(schedule.Grace),
			outcome: Outcome{Err: failed(kie.ClassNotFound)}, due: 10 * time.Minute, class: kie.ClassNotFound, lane: schedule.LaneRare,
		},
		"not found for a week": {
			task:    listed(7 * day),
			outcome: Outcome{Err: failed(kie.ClassNotFound)}, effect: Effect{Keep: true},
			due: 3 * time.Second, class: kie.ClassNotFound, lane: schedule.LaneNone,
		},
		"not found, though known this week": {
			task:    listed(8*day, answered(6*day)),
			outcome: Outcome{Err: failed(kie.ClassNotFound)}, due: 10 * time.Minute, class: kie.ClassNotFound, lane: schedule.LaneRare,
		},
		"not found, and older than what the API keeps": {
			task: listed(time.Hour), created: ago(61 * day),
			outcome: Outcome{Err: failed(kie.ClassNotFound)}, effect: Effect{Keep: true},
			due: 3 * time.Second, class: kie.ClassNotFound, lane: schedule.LaneNone,
		},
		"too many requests": {
			task: listed(time.Minute), outcome: Outcome{Err: failed(kie.ClassRateLimited), Closed: true}, lane: schedule.LaneHot,
		},
		"cancelled": {
			task: listed(time.Minute), outcome: Outcome{Err: context.Canceled}, lane: schedule.LaneHot,
		},
		"the gate is closed": {
			task: listed(time.Minute), outcome: Outcome{Err: failed(kie.ClassAuth), Closed: true},
			due: 3 * time.Second, class: kie.ClassAuth, lane: schedule.LaneHot,
		},
		"something in between answers": {
			task:    listed(time.Minute, answered(10*time.Second)),
			created: ago(10 * time.Minute), outcome: Outcome{Err: &kie.Error{Class: kie.ClassServer, Foreign: true}},
			due: 20 * time.Second, class: kie.ClassServer, lane: schedule.LaneHot,
		},
		"something in between answers about an old task": {
			task:    listed(time.Minute, answered(10*time.Second)),
			created: ago(2 * day), outcome: Outcome{Err: &kie.Error{Class: kie.ClassServer, Foreign: true}},
			due: time.Minute, class: kie.ClassServer, lane: schedule.LaneHot,
		},
		"a fault": {
			task: listed(time.Minute), outcome: Outcome{Err: failed(kie.ClassServer)},
			due: 5 * time.Second, about: true, class: kie.ClassServer, lane: schedule.LaneHot,
		},
		"a fault of a backlog": {
			task:    listed(time.Minute, func(u *Unfinished) { u.Backlog = true }),
			outcome: Outcome{Err: failed(kie.ClassDecode)}, due: 5 * time.Second, about: true, class: kie.ClassDecode, lane: schedule.LaneRetry,
		},
		"a fourth fault": {
			task:    listed(time.Minute, func(u *Unfinished) { u.faults = 3 }),
			outcome: Outcome{Err: failed(kie.ClassTransport)}, due: 40 * time.Second, about: true, class: kie.ClassTransport, lane: schedule.LaneHot,
		},
		"a fault of an old task": {
			task: listed(time.Minute), created: ago(2 * day),
			outcome: Outcome{Err: failed(kie.ClassServer)}, due: schedule.OldInterval, class: kie.ClassServer, lane: schedule.LaneRare,
		},
		"a fault, and when to come back": {
			task:    listed(time.Minute),
			outcome: Outcome{Err: &kie.Error{Class: kie.ClassServer, RetryAfter: time.Minute}},
			due:     time.Minute, class: kie.ClassServer, lane: schedule.LaneHot,
		},
	} {
		t.Run(name, func(t *testing.T) {
			u := tt.task
			if effect := u.Conclude(tt.outcome, tt.created, at(0), limits); effect != tt.effect {
				t.Errorf("%+v follows, want %+v", effect, tt.effect)
			}
			if due := u.Due.Sub(start); due != tt.due && (!tt.about || !isAbout(due, tt.due)) {
				t.Errorf("due after %v, want %v", due, tt.due)
			}
			if u.Class != tt.class || u.NextLane() != tt.lane {
				t.Errorf("class %v in lane %d, want %v in %d", u.Class, u.NextLane(), tt.class, tt.lane)
			}
			if u.GivenUp != (tt.lane == schedule.LaneNone) {
				t.Errorf("given up: %v", u.GivenUp)
			}
		})
	}
}

// A task that is given up is overdue no longer, and a later answer brings it back.
func TestAnAnswerTakesBackWhatWasBelieved(t *testing.T) {
	u := listed(8*24*time.Hour, answered(8*24*time.Hour), func(u *Unfinished) { u.Overdue = true })
	u.Conclude(Outcome{Err: failed(kie.ClassNotFound)}, 0, at(0), limits)
	if !u.GivenUp || u.Overdue {
		t.Fatalf("given up: %v, overdue: %v", u.GivenUp, u.Overdue)
	}
	u.unconfirmed, u.faults, u.inGrace, u.Backlog = "501", 3, 2, true
	r := Rules{Bounds: limits, Durations: schedule.NewDurations(nil), Overdue: time.Hour}
	if !u.Continue(ago(2*time.Hour), at(time.Minute), r) {
		t.Error("that it is back is not kept")
	}
	if u.GivenUp || u.missing+u.inGrace+u.faults > 0 || u.unconfirmed != "" || u.Backlog || u.Class != kie.ClassOK || !u.Watched {
		t.Errorf("%+v", u)
	}
	if !u.Overdue || u.old || !u.Born.Equal(start.Add(-2*time.Hour)) || !u.Answered.Equal(start.Add(time.Minute)) {
		t.Errorf("overdue: %v, old: %v, born %v, answered %v", u.Overdue, u.old, u.Born, u.Answered)
	}
	if !u.Unkept {
		t.Error("that it is not kept yet is not noted")
	}
	if u.Continue(ago(2*time.Hour), at(time.Minute+59*time.Second), r) {
		t.Error("a second answer of a minute is kept, though nothing is new")
	}
	if !u.Continue(ago(2*time.Hour), at(2*time.Minute), r) {
		t.Error("the first answer of a minute is not kept")
	}
}

func TestAnUnfinishedTaskIsAskedAgainAsItsAgeIs(t *testing.T) {
	for age, want := range map[time.Duration]struct {
		wait time.Duration
		lane schedule.Lane
	}{
		time.Second:      {3 * time.Second, schedule.LaneHot},
		time.Minute:      {7 * time.Second, schedule.LaneHot},
		10 * time.Minute: {20 * time.Second, schedule.LaneHot},
		25 * time.Hour:   {time.Hour, schedule.LaneRare},
	} {
		u := listed(time.Second)
		u.Continue(ago(age), at(0), Rules{Bounds: limits, Durations: schedule.NewDurations(nil), Overdue: time.Hour, Learned: true})
		if wait := u.Due.Sub(start); wait != want.wait || u.NextLane() != want.lane || u.Overdue != (age > time.Hour) {
			t.Errorf("%v old: asked after %v in lane %d, overdue: %v", age, wait, u.NextLane(), u.Overdue)
		}
	}
}

func TestWhatFinishedWhileWatchedIsNews(t *testing.T) {
	watched := func(u *Unfinished) { u.Watched = true }
	backlog := func(lastRun time.Duration) func(*Unfinished) {
		return func(u *Unfinished) { u.Backlog, u.News = true, start.Add(-lastRun) }
	}
	for name, tt := range map[string]struct {
		task      *Unfinished
		facts     kie.Task
		offset    time.Duration
		news      bool
		completed kie.Time
		guessed   bool
		latest    kie.Time
	}{
		"watched":                        {task: listed(time.Hour, watched), news: true, latest: ago(0)},
		"watched, completed long before": {task: listed(time.Minute, watched), facts: kie.Task{Completed: ago(time.Hour)}, news: true, completed: ago(time.Hour), latest: ago(time.Hour)},
		"a little before it was seen":    {task: listed(time.Minute), facts: kie.Task{Completed: ago(10 * time.Minute)}, news: true, completed: ago(10 * time.Minute), latest: ago(10 * time.Minute)},
		"long before it was seen":        {task: listed(time.Minute), facts: kie.Task{Completed: ago(12 * time.Minute)}, completed: ago(12 * time.Minute), latest: ago(12 * time.Minute)},
		"by the API's clock":             {task: listed(time.Minute), facts: kie.Task{Completed: ago(9 * time.Minute)}, offset: 5 * time.Minute, completed: ago(9 * time.Minute), latest: ago(9 * time.Minute)},
		"no times":                       {task: listed(time.Minute), news: true, latest: ago(0)},
		"no times, of a backlog":         {task: listed(time.Minute, backlog(time.Hour)), latest: ago(0)},
		"while we did not run":           {task: listed(time.Minute, backlog(time.Hour)), facts: kie.Task{Completed: ago(59 * time.Minute)}, news: true, completed: ago(59 * time.Minute), latest: ago(59 * time.Minute)},
		"before we last ran":             {task: listed(time.Minute, backlog(time.Hour)), facts: kie.Task{Completed: ago(61 * time.Minute)}, completed: ago(61 * time.Minute), latest: ago(61 * time.Minute)},
		"created long ago, nothing else": {task: listed(time.Minute), facts: kie.Task{Created: ago(time.Hour)}, latest: ago(0)},
		"a failure, only updated": {
			task: listed(time.Minute), facts: kie.Task{State: kie.StateFail, Updated: ago(time.Minute)},
			news: true, completed: ago(time.Minute), guessed: true, latest: ago(time.Minute),
		},
		"an old failure, only updated": {
			task: listed(time.Minute), facts: kie.Task{State: kie.StateFail, Updated: ago(time.Hour)}, latest: ago(time.Hour),
		},
		"a failure without times": {
			task: listed(time.Minute), facts: kie.Task{State: kie.StateFail}, news: true, completed: ago(0), guessed: true, latest: ago(0),
		},
		"a failure that tells when": {
			task: listed(time.Minute), facts: kie.Task{State: kie.StateFail, Completed: ago(time.Second)},
			news: true, completed: ago(time.Second), latest: ago(time.Second),
		},
	} {
		t.Run(name, func(t *testing.T) {
			m := at(0)
			m.offset = tt.offset
			want := Ending{News: tt.news, Completed: tt.completed, Guessed: tt.guessed, Latest: tt.latest}
			if got := tt.task.Finish(&tt.facts, m); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
		})
	}
}

func TestHowLongATaskTookThatIsFinishedNow(t *testing.T) {
	answered := func(before time.Duration) func(*Unfinished) {
		return func(u *Unfinished) { u.Answered = start.Add(-before) }
	}
	success := func(created, completed kie.Time) kie.Task {
		return kie.Task{State: kie.StateSuccess, Created: created, Completed: completed}
	}
	for name, tt := range map[string]struct {
		task  *Unfinished
		facts kie.Task
		took  time.Duration
		known bool
	}{
		"both times":             {listed(time.Hour), success(ago(3*time.Minute), ago(time.Minute)), 2 * time.Minute, true},
		"at once":                {listed(time.Hour), success(ago(time.Minute), ago(time.Minute)), 0, true},
		"one time":               {listed(time.Hour, answered(time.Minute)), success(ago(time.Hour), 0), 0, false},
		"no times, never asked":  {listed(time.Hour), success(0, 0), 0, false},
		"no times, seen running": {listed(10*time.Minute, answered(2*time.Minute)), success(0, 0), 9 * time.Minute, true},
		"no times, of a backlog": {
			listed(10*time.Minute, answered(2*time.Minute), func(u *Unfinished) { u.News = start.Add(-time.Hour) }), success(0, 0), 0, false,
		},
	} {
		if end := tt.task.Finish(&tt.facts, at(0)); end.Took != tt.took || end.HasTook != tt.known {
			t.Errorf("%s: %v, %v; want %v, %v", name, end.Took, end.HasTook, tt.took, tt.known)
		}
	}
}
