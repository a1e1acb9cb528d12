// How changes of what is listed are taken.

package tracker

import (
	"cmp"
	"runtime"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/querylog"
	"github.com/kie-exporter/kie_exporter/internal/records"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

// applyAtATime bounds for how many ids the lock is held.
const applyAtATime = 1 << 9

// applying is a change while it is taken.
type applying struct {
	source.Change
	now   time.Time
	seen  entry.Shared
	moved int // tasks that went to another group
}

// Apply takes a change of what is listed. It implements source.Sink: one change at a time.
func (t *Tracker) Apply(c source.Change) {
	for ids := range slices.Chunk(c.Removed, applyAtATime) {
		t.store.Forget(t.removeListed(c.Group, ids), ids)
	}
	a := &applying{Change: c}
	for listed := range slices.Chunk(c.Added, records.AtATime(c.Added)) {
		found := t.records.Find(c.Group, listed)
		a.now = time.Now()
		for i := 0; i < len(listed); i += applyAtATime {
			end := min(i+applyAtATime, len(listed))
			t.addListed(a, listed[i:end], found.Part(i, end))
			if end < len(listed) {
				runtime.Gosched() // a scrape that waits for a processor has it before the next ones
			}
		}
		found.Recycle()
	}
	t.update(func() {
		t.records.KeptMovedLocked(a.moved)
		t.wakeAllLocked()
	})
}

// removeListed drops tasks of a group, and returns the group's account. Ids that are another group's by now stay.
func (t *Tracker) removeListed(from string, ids []string) (account string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := t.tasks.Group(from)
	if g == nil {
		return "" // its tasks went with it
	}
	own := t.accountLocked(g.Account.Name).ownsLocked
	for _, id := range ids {
		if k := t.tasks.Get(g.Account.Name, id); k != nil && k.Kind.Group == g {
			if !k.IsOver() && own(id) { // another replica goes on with what is not
				g.Totals.DroppedUnfinished()
			}
			t.tasks.Drop(k)
		}
	}
	return g.Account.Name
}

// addListed tracks tasks listed in a group, of which so much is known.
func (t *Tracker) addListed(a *applying, listed []source.Task, found records.Found) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g, now := t.tasks.Group(a.Group), a.now
	removed := g.Account.AskedOfRemoved()
	for i, l := range listed {
		if !t.tasks.Limits.AdmitKeys(l.Labels) {
			t.tasks.Limits.Overflows.LabelKey++
		}
		k := cmp.Or(found.Task(i), t.tasks.Get(g.Account.Name, l.ID), t.tasks.GetOfRetiring(t.retiring, l.ID))
		if k != nil {
			from := k.Kind.Group
			if t.tasks.Move(k, g, l.Labels, t.options.Bounds); g != from {
				a.moved++
				t.records.KeepMovedLocked(k, a.moved)
			}
		} else {
			r := t.records.OwnLocked(found.Record(i), g.Account)
			k = t.tasks.Recall(g, l.ID, removed)
			if k == nil || t.options.Replicas && t.isOutdatedLocked(k, &r) {
				k = t.tasks.Restore(g, l.ID, l.Model, l.Endpoint, &r, now, &a.seen)
			}
			if k == nil {
				k = a.seen.First(g, l, a.Backlog, now, t.options.Bounds)
				t.records.KeepLocked(k, nil)
			}
			t.tasks.Add(k, g, l.Labels, t.options.Bounds)
			if r.Known() && r.Group != g.Name { // it was moved while we did not run, or did not know it
				g.Learned.Inherit(k.ModelName(), t.tasks.Learned.Get(r.Group))
				t.records.KeepLocked(k, nil)
			}
			if k.Kind.Own == l.Endpoint && k.Unfinished != nil && r.Known() && r.Endpoint != k.AskedAt() {
				t.tasks.Revive(k) // what it was given up for, perhaps, was that it is unknown elsewhere
			}
			if at, came := t.early.Heed(g.Account.Name, l.ID, now); came {
				t.queries.Add(g.Account.Name, l.ID, querylog.Query{Ended: at, State: k.State, Callback: true})
				k.CallbackCame(t.options.Bounds, now)
			}
		}
		if k.Kind.Own != l.Endpoint {
			t.tasks.AskTaskAt(k, l.Endpoint)
		}
		t.useFinalAnswerLocked(k, now)
	}
}

// isOutdatedLocked reports whether a record says better what became of a task that comes back than what was known when it left: another replica
// found out since that it is over, or that could not be written. Where the store has lost the record, it is written again.
func (t *Tracker) isOutdatedLocked(k *entry.Task, r *store.Record) bool {
	if k.IsOver() == r.IsOver() {
		return false
	}
	if k.IsOver() && k.Marks.Has(entry.Written) {
		t.records.KeepLocked(k, nil)
		return false
	}
	return true
}
