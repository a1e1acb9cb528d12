// When an unfinished task is asked again.

package life

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

// Rules say when a task is asked again.
type Rules struct {
	Bounds    schedule.Bounds
	Durations *schedule.Durations // of tasks like it
	Overdue   time.Duration       // the age from which it is overdue
	Learned   bool                // that age was learned rather than configured
	Relies    bool                // its group relies on callbacks: polling is a safety net
	Called    bool                // its callback has come, and no second one does
}

// Interval returns how long after an answer an unfinished task of this age is asked again.
func (r Rules) Interval(age time.Duration) time.Duration {
	if r.Relies && !r.Called {
		return r.untilOverdue(r.Durations.SafetyNet(r.Bounds, age, r.Overdue), age)
	}
	wait := r.Durations.Interval(r.Bounds, age)
	if r.Learned {
		return wait // what is learned follows from how often tasks are asked anyway
	}
	return min(r.untilOverdue(wait, age), max(wait, r.Bounds.Max))
}

// First returns how long after its first sight a task is asked.
func (r Rules) First() time.Duration {
	if !r.Relies {
		return 0
	}
	return r.untilOverdue(r.Durations.SafetyNet(r.Bounds, 0, r.Overdue), 0)
}

// untilOverdue ends a wait that would go on past the age from which a task is overdue, or to just that age, right after it.
func (r Rules) untilOverdue(wait, age time.Duration) time.Duration {
	const justAfter = 100 * time.Millisecond
	if left := r.Overdue - age; left >= 0 && wait >= left {
		return max(left+justAfter, r.Bounds.Min)
	}
	return wait
}

// Again returns when the task is due by these rules: Interval after its last answer, or First after its first sight, but never within
// Bounds.Min of its last query. If it rests for a failure, one that is to be confirmed or a callback, that keeps its time.
func (u *Unfinished) Again(r Rules, now time.Time) time.Time {
	due := u.Due
	switch {
	case u.Class != kie.ClassOK || u.inGrace > 0 || u.unconfirmed != "" || u.Called:
	case u.IsAnswered():
		due = u.Answered.Add(r.Interval(max(0, u.Answered.Sub(u.Born))))
	default:
		due = earlier(due, later(u.Seen.Add(r.First()), now)) // at a restart it is asked sooner than at first sight
	}
	return later(due, u.asked.Time().Add(r.Bounds.Min))
}

// DueBy makes the task due no later than that.
func (u *Unfinished) DueBy(due time.Time) { u.Due = earlier(u.Due, due) }

// IsOverdueAfter reports whether the task was, at its last answer, older than that.
func (u *Unfinished) IsOverdueAfter(age time.Duration) bool {
	return u.IsAnswered() && u.Answered.Sub(u.Born) > age
}

// AskSoon makes the task due because a callback has come for it, but not within b.Min of its last query, nor before a failure is
// to be confirmed.
func (u *Unfinished) AskSoon(now time.Time, b schedule.Bounds) {
	if u.unconfirmed == "" {
		u.Due = earlier(u.Due, later(now, u.asked.Time().Add(b.Min)))
	}
}

// Recall takes when an earlier process last got an answer about the task, which was created then if that is known.
func (u *Unfinished) Recall(answered time.Time, created kie.Time, m Moment) {
	u.Answered = earlier(answered, m.Now) // whose clock may have been ahead
	u.asked = kie.TimeOf(u.Answered.Add(time.Millisecond))
	u.Rejudge(created, m)
}

// Rejudge concludes from the task's last answer what follows from it by a clock that was read later. It was created then.
func (u *Unfinished) Rejudge(created kie.Time, m Moment) {
	age := u.Age(created, m.at(u.Answered))
	wasOld := u.old
	u.old, u.Born = age >= schedule.OldAge, u.Answered.Add(-age)
	if wasOld && !u.old && u.faults > 0 {
		u.Due = earlier(u.Due, m.Now.Add(schedule.Backoff(u.faults)))
	}
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
