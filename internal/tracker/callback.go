// Callbacks: hints that a task has finished, and how a group is asked that relies on them.

package tracker

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/life"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

// Callback takes the hint that a task of an account has finished: it is due as soon as it may be asked again. It reports
// whether the task is tracked, and whether it is still asked. Of one that is not tracked nothing is kept.
func (t *Tracker) Callback(account, id string) (tracked, asked bool) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.tasks.Get(account, id)
	if k == nil {
		return false, false
	}
	if !k.marks.has(markCalled) {
		k.marks.set(markCalled, true)
		k.group.relyOn(k.group.callbacks.Came)
	}
	if k.unfinished == nil || k.unfinished.GivenUp {
		return true, false
	}
	if k.unfinished.Asking {
		k.unfinished.Called = true // which learn heeds
		return true, true
	}
	o := k.own()
	o.Called = true
	o.Heed(now, t.options.Bounds)
	k.enqueue()
	k.group.account.dispatcher.Wake()
	return true, true
}

// relies reports whether the group's tasks are polled as a safety net only.
func (g *group) relies() bool { return g.webhook && g.callbacks.Relied() }

// relyOn makes a change of what is known of the group's callbacks, and logs what comes of it.
func (g *group) relyOn(change func()) {
	was := g.relies()
	change()
	switch log := g.account.log(); {
	case g.relies() && !was:
		log.Info("Callbacks come, tasks are polled as a safety net", "group", g.name)
	case was && !g.relies():
		log.Warn("Tasks finish without callbacks, they are polled again", "group", g.name)
	}
}

// rules returns when the group's tasks are asked of which so much is known.
func (g *group) rules(b schedule.Bounds, d *schedule.Durations) life.Rules {
	r := life.Rules{Bounds: b, Durations: d, Overdue: g.overdue, Learned: g.overdue == 0, Relies: g.relies()}
	if r.Learned {
		r.Overdue = d.Overdue()
	}
	return r
}

// rules returns when a task is asked.
func (k *task) rules(b schedule.Bounds) life.Rules {
	r := k.group.rules(b, k.durations())
	r.Called = k.marks.has(markCalled)
	return r
}

// missed takes the news that one of the group's tasks has finished, without a callback, so long ago or less. When it is one too many, the
// group is polled as others are.
func (t *Tracker) missed(g *group, ago time.Duration, now time.Time) {
	was := g.relies()
	g.relyOn(func() { g.callbacks.Missed(ago) })
	if was && !g.relies() {
		t.retime(map[*group]bool{g: true}, now)
	}
}
