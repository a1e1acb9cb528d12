// How tasks that are scheduled follow what they were scheduled by: bounds, thresholds, callbacks.

package tracker

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/life"
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
		g.account.dispatcher.Wake()
	}
}

// retimeTask has a task asked when it would be if its last answer came now, but never within the shortest interval of its last
// query. One of a backlog waits for its turn alone.
func (t *Tracker) retimeTask(k *task, now time.Time) {
	o := k.unfinished
	if o.Shared || o.GivenUp {
		return
	}
	rules := k.rules(t.options.Bounds)
	if overdue := o.IsOverdueAfter(rules.Overdue); overdue != o.Overdue {
		o.Overdue = overdue
		t.touch(k)
	}
	due := o.Again(rules, now)
	if o.Asking {
		o.Due = life.Earlier(o.Due, due) // should the query come to nothing: it was due
		return
	}
	if !due.Equal(o.Due) {
		k.own().Due = due
		k.enqueue()
	}
}
