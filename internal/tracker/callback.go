// Callbacks: hints that a task has finished, and how a group is asked that relies on them.

package tracker

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

// Callback takes the hint that a task of an account has finished: it is due as soon as it may be asked again. It reports
// whether the task is tracked, and whether it is still asked. Of one that is not tracked nothing is kept.
func (t *Tracker) Callback(account, id string) (tracked, asked bool) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.tasks.get(account, id)
	if k == nil {
		return false, false
	}
	if !k.marks.has(markCalled) {
		k.marks.set(markCalled, true)
		k.group.relyOn(k.group.callbacks.Came)
	}
	if k.open == nil || k.open.given {
		return true, false
	}
	if k.open.asking {
		k.open.Called = true // which learn heeds
		return true, true
	}
	k.own().Called = true
	k.heed(now, t.options.Bounds)
	k.enqueue()
	k.group.account.wakeUp()
	return true, true
}

// heed has a task asked soon that a callback has come for. A doubtful failure is confirmed when it is time.
func (k *task) heed(now time.Time, b schedule.Bounds) {
	o := k.open
	soonest := now
	if allowed := o.asked.Time().Add(b.Min); allowed.After(now) {
		soonest = allowed
	}
	if o.doubt == "" && o.Due.After(soonest) {
		o.Due = soonest
	}
}

// relies reports whether the group's tasks are polled as a safety net only.
func (g *group) relies() bool { return g.webhook && g.callbacks.Relied() }

// relyOn makes a change of what is known of the group's callbacks, and logs what comes of it.
func (g *group) relyOn(change func()) {
	was := g.relies()
	change()
	switch log := g.account.log; {
	case g.relies() && !was:
		log.Info("Callbacks come, tasks are polled as a safety net", "group", g.name)
	case was && !g.relies():
		log.Warn("Tasks finish without callbacks, they are polled again", "group", g.name)
	}
}

// interval returns how long after an answer an unfinished task of this age is asked again. No second callback comes.
func (k *task) interval(b schedule.Bounds, age time.Duration) time.Duration {
	if k.group.relies() && !k.marks.has(markCalled) {
		overdue := k.model.overdueAfter()
		return byOverdue(k.open.Durations.SafetyNet(b, age, overdue), b, age, overdue)
	}
	wait := k.open.Durations.Interval(b, age)
	if k.group.overdue == 0 {
		return wait // what is learned follows from how often tasks are asked anyway
	}
	return min(byOverdue(wait, b, age, k.group.overdue), max(wait, b.Max))
}

// byOverdue ends a wait that would go on past the age from which a task is overdue, or to just that age, right after it.
func byOverdue(wait time.Duration, b schedule.Bounds, age, overdue time.Duration) time.Duration {
	const justAfter = 100 * time.Millisecond
	if left := overdue - age; left >= 0 && wait >= left {
		return max(left+justAfter, b.Min)
	}
	return wait
}

// firstQuery returns how long after its first sight a task is asked that its source says to be of a model.
func (g *group) firstQuery(b schedule.Bounds, hint string) time.Duration {
	if !g.relies() {
		return 0
	}
	d := g.expect(hint)
	overdue := g.overdue
	if overdue == 0 {
		overdue = d.Overdue()
	}
	return byOverdue(d.SafetyNet(b, 0, overdue), b, 0, overdue)
}

// missed takes the news that one of the group's tasks has finished, without a callback, at that time or later. When it is one
// too many, the group is polled as others are.
func (t *Tracker) missed(g *group, ended kie.Time, c clock) {
	was := g.relies()
	g.relyOn(func() { g.callbacks.Missed(c.api(c.now).Sub(ended)) })
	if was && !g.relies() {
		t.retime(map[*group]bool{g: true}, c.now)
	}
}
