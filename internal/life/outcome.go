// What the outcome of a query means for the task that it was about.

package life

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

// Outcome is what became of a query.
type Outcome struct {
	Answer kie.Answer
	Err    error
	Closed bool // the account's gate is closed
}

// Effect is what follows from an outcome for others than the task.
type Effect struct {
	HasState bool // the answer tells the task's state: it goes to Continue or Finish
	Keep     bool // what is kept of the task for the next process has changed
}

// Conclude decides by the class of an outcome what it means for the task, which was created then if that is known.
func (u *Unfinished) Conclude(o Outcome, created kie.Time, m Moment, b schedule.Bounds) (e Effect) {
	now, class := m.Now, kie.ClassOf(o.Err)
	switch {
	case o.Err == nil, class == kie.ClassTaskFailed && u.confirms(o.Answer, now):
		return Effect{HasState: true}
	case class == kie.ClassTaskFailed:
		u.Class, u.Due = class, u.unconfirmedAt.Add(schedule.ConfirmAfter)
	case now.Before(u.Due):
		u.goBack()
		return e // it was asked out of turn, by a probe: that is no reason to ask it later
	case class == kie.ClassNotFound:
		u.notFound(created, m)
		e.Keep = u.GivenUp
	case class == kie.ClassRateLimited, kie.Cancelled(o.Err):
		u.goBack()
		return e // says nothing about the task: it stays as it was, due
	case o.Closed:
		u.Class, u.Due = class, now // the account rests, and no task is to rest longer for it
	case class == kie.ClassServer && kie.IsForeign(o.Err):
		// Something in between says nothing about the task: it is asked again as one of its age is, and backs off for nothing.
		u.Class, u.Due = class, now.Add(min(b.Interval(u.Age(created, m)), b.Max))
	default:
		u.fault(class, now, u.Age(created, m))
	}
	u.Due = later(u.Due, now.Add(max(b.Min, budget.RetryAfter(o.Err))))
	return e
}

// goBack has the task be as it was when the query was sent: the callback that had come is not answered yet.
func (u *Unfinished) goBack() { u.Called = u.Called || u.heeding }

// confirms takes an answer that the task is over, given as an error; false: it wants a second one like it.
func (u *Unfinished) confirms(answer kie.Answer, now time.Time) bool {
	if code := answer.FailCode; u.unconfirmed != code {
		u.unconfirmed, u.unconfirmedAt = code, now
		return false
	}
	return now.Sub(u.unconfirmedAt) >= schedule.ConfirmAfter
}

// notFound takes the answer that there is no such task.
func (u *Unfinished) notFound(created kie.Time, m Moment) {
	n := schedule.NotFound{Seen: m.Now.Sub(u.Seen), Lost: m.Now.Sub(u.Seen)}
	if u.IsAnswered() {
		n.Lost = m.Now.Sub(u.Answered)
	}
	if !created.IsZero() {
		n.Age = m.LeastSince(created) // it is given up for good
	}
	if n.Seen < schedule.Grace {
		u.inGrace++
		u.Class = kie.ClassOK
	} else {
		u.missing++
		u.Class = kie.ClassNotFound
	}
	n.InGrace, n.After = u.inGrace, u.missing
	wait, again := n.Again()
	u.GivenUp, u.Due = !again, m.Now.Add(wait)
	u.Overdue = u.Overdue && again
}

// fault takes a failure that concerns this task alone.
func (u *Unfinished) fault(class kie.Class, now time.Time, age time.Duration) {
	u.faults++
	u.old = age >= schedule.OldAge
	wait := schedule.Backoff(u.faults)
	if u.old {
		wait = max(wait, schedule.OldInterval)
	}
	u.Class, u.Due = class, now.Add(wait)
}
