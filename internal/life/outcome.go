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

// keepEvery is the time of which one answer is kept, though it tells nothing new: so a process that was killed knows the last one to the
// minute, and a task that is asked every few seconds is not written as often.
const keepEvery = time.Minute

// Continue takes an answer that tells the task to be unfinished, and created then if that is known. Keep: it is to be kept for the next
// process. Those that are not are Unkept.
func (u *Unfinished) Continue(created kie.Time, m Moment, r Rules) (keep bool) {
	keep = !u.Watched || u.GivenUp || !m.Now.Truncate(keepEvery).Equal(u.Answered.Truncate(keepEvery))
	u.Unkept = true
	u.Answered, u.Class, u.unconfirmed, u.Watched, u.Backlog, u.GivenUp = m.Now, kie.ClassOK, "", true, false, false
	u.faults, u.inGrace, u.missing = 0, 0, 0
	age := u.Age(created, m)
	u.old, u.Overdue = age >= schedule.OldAge, age > r.Overdue
	u.Durations, u.Born = r.Durations, m.Now.Add(-age)
	u.Due = m.Now.Add(max(r.Interval(age), r.Bounds.Min))
	return keep
}

// Ending is when a finished task ended, and whether that counts.
type Ending struct {
	News bool // it finished while we were watching
	// Completed is when, as the API told. If it did not, of a failed task that is news it is the best guess.
	Completed kie.Time
	Guessed   bool     // Completed is not what the API told
	Latest    kie.Time // it ended no later than that
	// Took is how long it took, for the schedule. HasTook: that can be told, as it can't where the API tells no times and the task was not
	// seen from its start to its end.
	Took    time.Duration
	HasTook bool
}

// Finish takes the facts of the task that is finished now.
func (u *Unfinished) Finish(f *kie.Task, m Moment) Ending {
	e := Ending{News: u.isNews(f, m), Completed: f.Completed}
	e.Latest = kie.FirstTime(f.Completed, f.Updated, m.APINow())
	if e.News && f.State == kie.StateFail && e.Completed.IsZero() {
		e.Completed, e.Guessed = e.Latest, true
	}
	e.Took, e.HasTook = u.took(f, m)
	return e
}

// took returns how long the task took that is finished now: where the API tells no times, from its first sight to the middle between the last
// answer that it was unfinished and this one. False: that can't be told.
func (u *Unfinished) took(f *kie.Task, m Moment) (time.Duration, bool) {
	if took, ok := f.Latency(); ok {
		return took, true
	}
	fresh := u.News.Equal(u.Seen.Add(-backlogSlack))
	if !fresh || !u.IsAnswered() || !f.Created.IsZero() || !f.Completed.IsZero() {
		return 0, false
	}
	return u.Answered.Sub(u.Seen) + m.Now.Sub(u.Answered)/2, true
}

// isNews reports whether the task finished while we were watching, rather than long before it was listed.
func (u *Unfinished) isNews(f *kie.Task, m Moment) bool {
	if u.Watched {
		return true
	}
	finished := kie.FirstTime(f.Completed, f.Updated, f.Created)
	if finished.IsZero() {
		return !u.Backlog
	}
	return finished >= m.API(u.News)
}
