// What probes need of the tracker.

package tracker

import (
	"errors"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/probe"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// ErrNoAccount says that a probe names an account that there is not.
var ErrNoAccount = errors.New("no such account")

// ErrElsewhere says that a probe names a task that is another replica's.
var ErrElsewhere = errors.New("the task is another replica's")

var _ probe.Tracker = probeTracker{}

// probeTracker is the tracker as probes use it.
type probeTracker struct{ *Tracker }

// Learn implements probe.Tracker.
func (t probeTracker) Learn(a *entry.Account, k *entry.Task, answer kie.Answer, err error) view.Probe {
	return t.learn(a, k, answer, err)
}

// Tell implements probe.Tracker.
func (t probeTracker) Tell(a *entry.Account, f kie.Task) {
	t.update(func() { t.learnUnlistedLocked(a, f) })
}

// Known implements probe.Tracker. The error is ErrNoAccount or ErrElsewhere.
func (t probeTracker) Known(account, id string) (*entry.Account, view.Task, error) {
	record := t.store.Find(account, []string{id})[0]
	t.mu.Lock()
	defer t.mu.Unlock()
	known := view.Task{Task: kie.Task{ID: id, State: kie.StatePending}, Account: account}
	named := t.accountLocked(account)
	switch {
	case named == nil:
		return nil, known, ErrNoAccount
	case !named.ownsLocked(id):
		return nil, known, ErrElsewhere
	}
	a := named.Account
	if k := t.tasks.Get(account, id); k != nil {
		return a, k.View(), nil
	}
	if f, ok := t.tasks.Unlisted.FinalAnswer(account, id); ok {
		known.Take(f, time.Time{})
		return a, known, nil
	}
	if k := t.tasks.Unlisted.Get(account, id); k != nil && k.Unfinished == nil {
		return a, k.View(), nil
	}
	if record = t.records.OwnLocked(record, a); record.State.Finished() {
		if g := t.tasks.Group(record.Group); g != nil && g.Account == a {
			known.Group = g.Name
		}
		known.Take(record.Task, time.Time{})
	}
	return a, known, nil
}
