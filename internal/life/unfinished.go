// Package life is the life of one task: what is known of an unfinished one, and what the outcome of a query changes in it. Times and
// outcomes are passed in, and what follows is returned: it holds no lock, reads no clock, logs nothing and knows no other task.
package life

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

// Unfinished is what is known of a task that is not known to be finished. Where it is shared, what each task has of its own is absent: when it
// was first seen, and its creation.
type Unfinished struct {
	schedule.Item

	Hint          string    // of its source: model and variant
	unconfirmed   string    // fail code of an answer that wants a second one
	unconfirmedAt time.Time // when that answer came
	faults        int       // queries in a row that failed
	inGrace       int       // answers during the grace that there is no such task
	missing       int       // such answers after the grace
	Class         kie.Class // of the last query, as far as it concerns the task
	Unkept        bool      // its last answer is in no record yet; here it takes no room
	asked         kie.Time  // when its last query ended, in our time, rounded up; absent: never
	News          time.Time // if it finished after this, it did so while we were watching; zero: it depends on when it was first seen
	Watched       bool      // was seen unfinished, perhaps by an earlier process
	Asking        bool      // a query is under way
	heeding       bool      // a callback had come when it was sent
	Backlog       bool      // came with its source's first read and was not answered yet
	Resumed       bool      // came so to an earlier process: if it finished after its first sight, it did so while we were watching
	Waits         bool      // was never asked, and is in the backlog for want of room among the hot ones
	old           bool      // the last answer showed it to be hardly worth asking
	Overdue       bool      // the last answer showed it to be older than its group and model allow
	GivenUp       bool      // it is never asked again
	Shared        bool      // with other tasks of the backlog of which nothing else is known: whoever writes to it makes a copy before
}

// backlogSlack is how long before its first sight a task may have finished and still be news: lists are written late.
const backlogSlack = 10 * time.Minute

// New returns what there is to know of an unfinished task at first sight.
func New(hint string, seen time.Time) Unfinished {
	u := Unfinished{Hint: hint}
	u.Seen, u.Born, u.Due = seen, seen, seen
	return u
}

// NextLane returns where the task waits for its next query.
func (u *Unfinished) NextLane() schedule.Lane {
	switch {
	case u.GivenUp:
		return schedule.LaneNone
	case u.Called:
		return schedule.LaneHot
	case u.old || u.missing > 0:
		return schedule.LaneRare
	case u.Backlog && (u.Class != kie.ClassOK || u.inGrace > 0):
		return schedule.LaneRetry
	case u.Backlog || u.Waits:
		return schedule.LaneBacklog
	default:
		return schedule.LaneHot
	}
}

// IsAnswered reports whether an answer has told the task to be unfinished since it is tracked.
func (u *Unfinished) IsAnswered() bool { return !u.Answered.IsZero() }

// MayWait reports whether the task may wait in the backlog though it did not come with its source's first read: it would be among the hot ones,
// and nothing is known of it.
func (u *Unfinished) MayWait() bool {
	return u.NextLane() == schedule.LaneHot && !u.Called && !u.IsAnswered()
}

// isFresh reports whether the task came while we were watching, rather than with a first read.
func (u *Unfinished) isFresh() bool { return u.News.IsZero() && !u.Resumed }

// newsAfter returns after when the task must have finished to be news.
func (u *Unfinished) newsAfter() time.Time {
	switch {
	case u.isFresh():
		return u.Seen.Add(-backlogSlack)
	case u.Resumed:
		return u.Seen
	default:
		return u.News
	}
}

// Age returns how long ago the task was created, or first seen if it was never answered or the API does not tell.
func (u *Unfinished) Age(created kie.Time, m Moment) time.Duration {
	if created.IsZero() {
		return m.Now.Sub(u.Seen)
	}
	return m.Since(created)
}

// Begin notes that a query is sent.
func (u *Unfinished) Begin() {
	u.Asking = true
	u.heeding, u.Called = u.Called, false // what this query tells is later than the callback
}

// End notes that the query under way has ended.
func (u *Unfinished) End(now time.Time) {
	u.Asking, u.asked = false, kie.TimeOf(now.Add(time.Millisecond))
}

// Revive makes a task due that was given up or not found: another account is asked about it from now on.
func (u *Unfinished) Revive(now time.Time) {
	if u.GivenUp || u.missing > 0 {
		u.GivenUp, u.missing, u.inGrace, u.Due = false, 0, 0, now
	}
}
