// What the facts of an answer mean for the task that it is about.

package life

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

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
	if !u.isFresh() || !u.IsAnswered() || !f.Created.IsZero() || !f.Completed.IsZero() {
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
	return finished >= m.API(u.newsAfter())
}
