// How tasks that are scheduled follow what they were scheduled by: bounds, thresholds, callbacks.

package tracker

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// retime has the tasks of some groups asked when the options say that are in force now.
func (t *Tracker) retime(groups map[*group]bool, now time.Time) {
	if len(groups) == 0 {
		return
	}
	for _, k := range t.unfinished {
		if groups[k.group] {
			t.retimeTask(k, now)
		}
	}
	for g := range groups {
		g.account.wakeUp()
	}
}

// retimeTask has a task asked when it would be if its last answer came now, but never within the shortest interval of its last
// query. One of a backlog waits for its turn alone.
func (t *Tracker) retimeTask(k *task, now time.Time) {
	if k.open.shared || k.open.given {
		return
	}
	if overdue := k.isOverdue(); overdue != k.open.overdue {
		k.open.overdue = overdue
		t.touch(k)
	}
	due := t.dueAgain(k, now)
	if k.open.asking {
		k.open.Due = minTime(k.open.Due, due) // should the query come to nothing: it was due
		return
	}
	if !due.Equal(k.open.Due) {
		k.own().Due = due
		k.enqueue()
	}
}

// isOverdue reports whether a task was, at its last answer, older than its group and model allow now.
func (k *task) isOverdue() bool {
	o := k.open
	return !o.Answered.IsZero() && o.Answered.Sub(o.Born) > k.model.overdueAfter()
}

// dueAgain returns when an unfinished task is to be asked. What it rests for may be another reason than its last answer: then
// that holds.
func (t *Tracker) dueAgain(k *task, now time.Time) time.Time {
	o, b := k.open, t.options.Bounds
	due := o.Due
	switch {
	case o.class != kie.ClassOK || o.inGrace > 0 || o.doubt != "" || o.Called:
	case o.Answered.IsZero():
		first := o.Seen.Add(k.group.firstQuery(b, o.hint))
		due = minTime(due, maxTime(first, now)) // at a restart it is asked sooner than at first sight
	default:
		due = o.Answered.Add(k.interval(b, max(0, o.Answered.Sub(o.Born))))
	}
	return maxTime(due, o.asked.Time().Add(b.Min))
}

func minTime(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

func maxTime(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
