// What outlives the process: the tracker's side of the store.

package tracker

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/learned"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

// longestOutage is how old the last process's heartbeat may be. One that is older, or lies ahead, was written by a wrong clock.
const longestOutage = 60 * 24 * time.Hour

// lastRun returns the time after which what finished of an account's tasks is news though they were listed before this process started.
func (t *Tracker) lastRun(account string) time.Time {
	at := t.store.LastRun(account)
	if at.After(t.started) || t.started.Sub(at) > longestOutage {
		return t.started
	}
	return at
}

// recorded returns the store's records of tasks listed in a group. It reads the disk, and is called with no lock held.
func (t *Tracker) recorded(in string, listed []source.Task) []store.Record {
	ids := make([]string, len(listed))
	for i, l := range listed {
		ids[i] = l.ID
	}
	t.mu.Lock()
	account := t.tasks.Group(in).Account.Name
	t.mu.Unlock()
	return t.store.Find(account, ids)
}

// keepRecordLocked has the store keep what is known of a task.
func (t *Tracker) keepRecordLocked(k *entry.Task, committed func(first bool)) bool {
	return t.store.Put(k.Group.Account.Name, k.ID, k.Record(), committed)
}

// ownRecordLocked returns a record that was found for an account; the zero one if it was kept by id alone and is another account's.
func (t *Tracker) ownRecordLocked(r store.Record, a *entry.Account) store.Record {
	if r.KeptByID() {
		if owner := t.ownerLocked(r); owner != a.Name {
			return store.Record{}
		}
	}
	return r
}

// ownerLocked returns the account of a record that was kept by id alone: that of its group, or else the only account. Empty: not known.
func (t *Tracker) ownerLocked(r store.Record) string {
	if g := t.tasks.Group(r.Group); g != nil {
		return g.Account.Name
	}
	if len(t.accounts) == 1 {
		return t.accounts[0].Name
	}
	return ""
}

// Owner implements store.Tasks.
func (t *Tracker) Owner(r store.Record) (account string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	account = t.ownerLocked(r)
	return account, account != ""
}

// Relearn learns how long tasks take from the store's records of those that were news, as they were learned from at first. It
// is to be called before tasks are listed.
func (t *Tracker) Relearn() {
	var latest kie.Time
	samples := learned.LastSamples(func(yield func(string, store.Record) bool) {
		for id, r := range t.store.All() {
			latest = max(latest, r.Learned)
			if !yield(id, r) {
				return
			}
		}
	})
	t.mu.Lock()
	defer t.mu.Unlock()
	t.tasks.Relearn(samples)
	t.tasks.Stamped(latest)
}
