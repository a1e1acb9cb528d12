// Package records has records of tasks kept beyond the process, and reads them again: the tracker's side of the store.
package records

import (
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/history"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/tasks"
)

// Keeper keeps records of tasks in a store. It is safe for concurrent use. A method that needs mu held is called …Locked.
type Keeper struct {
	store   Store
	started time.Time

	mu    sync.Locker // the tracker's lock; it guards what follows
	tasks *tasks.Set
	only  func() string
}

// New returns a keeper of records of tasks that a lock guards. Only is called with the lock held and returns the name of the only account;
// empty: there are several.
func New(mu sync.Locker, set *tasks.Set, s Store, only func() string) *Keeper {
	return &Keeper{store: s, started: time.Now(), mu: mu, tasks: set, only: only}
}

// atATime bounds for how many tasks the lock is held.
const atATime = 512

// longestOutage is how old the last process's heartbeat may be. One that is older, or lies ahead, was written by a wrong clock.
const longestOutage = 60 * 24 * time.Hour

// LastRun returns the time after which what finished of an account's tasks is news though they were listed before this process started.
func (k *Keeper) LastRun(account string) time.Time {
	at, now := k.store.LastRun(account), time.Now()
	if at.After(now) || now.Sub(at) > longestOutage {
		return k.started
	}
	return at
}

// Find returns the store's records of tasks listed in a group, in their order; the zero one of those that are tracked, of which more is known,
// and which stay tracked until what is listed was taken. It reads the disk, and is called with no lock held.
func (k *Keeper) Find(in string, listed []source.Task) []store.Record {
	ids, at := make([]string, 0, len(listed)), make([]int, 0, len(listed))
	var account string
	for i := 0; i < len(listed); i += atATime {
		account, ids, at = k.untracked(in, listed[:min(i+atATime, len(listed))], ids, at, i)
	}
	found := k.store.FindListed(account, ids)
	if len(ids) == len(listed) {
		return found
	}
	records := make([]store.Record, len(listed))
	for i, r := range found {
		records[at[i]] = r
	}
	return records
}

// untracked appends the ids that are not tracked among those listed in a group from one on, and where they are. If that one is not, as in a list
// that is new, it looks at none of the others: that a record is found which nobody needs does no harm.
func (k *Keeper) untracked(in string, listed []source.Task, ids []string, at []int, from int) (string, []string, []int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	account := k.tasks.Group(in).Account.Name
	known := k.tasks.Get(account, listed[from].ID) != nil
	for i := from; i < len(listed); i++ {
		if !known || k.tasks.Get(account, listed[i].ID) == nil {
			ids, at = append(ids, listed[i].ID), append(at, i)
		}
	}
	return account, ids, at
}

// KeepLocked has the store keep what is known of a task.
func (k *Keeper) KeepLocked(t *entry.Task, written func(first bool)) bool {
	if o := t.Unfinished; o != nil && o.Unkept {
		o.Unkept = false
	}
	return k.store.Put(t.Kind.Group.Account.Name, t.ID, t.Record(), written)
}

// Noting returns what KeepLocked is to call when the final record of a task is written, or can't be: it calls written, if there is that. With replicas,
// where others may write it, the task is marked with what came of it.
func (k *Keeper) Noting(t *entry.Task, replicas bool, written func(first bool)) func(first bool) {
	if !replicas {
		return written
	}
	return func(first bool) {
		k.mu.Lock()
		t.Marks.Set(entry.Written, first)
		k.mu.Unlock()
		if written != nil {
			written(first)
		}
	}
}

// KeepAnswers has the last answers about unfinished tasks kept that were not, so that the next process goes on from them.
func (k *Keeper) KeepAnswers() {
	for at := 0; ; at += atATime {
		if !k.keepAnswers(at) {
			return
		}
	}
}

// keepAnswers does so for some tasks; false: there are no more. One that changes places meanwhile may be passed over, which costs a query.
func (k *Keeper) keepAnswers(from int) (more bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := k.tasks.Unfinished()
	if from >= len(all) {
		return false
	}
	for _, t := range all[from:min(from+atATime, len(all))] {
		if t.Unfinished.Unkept {
			k.KeepLocked(t, nil)
		}
	}
	return true
}

// OwnLocked returns a record that was found for an account; the zero one if it was kept by id alone and is another account's.
func (k *Keeper) OwnLocked(r store.Record, a *entry.Account) store.Record {
	if r.KeptByID() {
		if owner := k.ownerLocked(r); owner != a.Name {
			return store.Record{}
		}
	}
	return r
}

// ownerLocked returns the account of a record that was kept by id alone: that of its group, or else the only account. Empty: not known.
func (k *Keeper) ownerLocked(r store.Record) string {
	if g := k.tasks.Group(r.Group); g != nil {
		return g.Account.Name
	}
	return k.only()
}

// Owner implements store.Tasks.
func (k *Keeper) Owner(r store.Record) (account string, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	account = k.ownerLocked(r)
	return account, account != ""
}

// Relearn learns how long tasks take from records of an earlier process, of those that were news, as they were learned from at first. It
// is to be called before tasks are listed.
func (k *Keeper) Relearn(h *history.History) {
	samples, latest := h.Samples()
	k.mu.Lock()
	defer k.mu.Unlock()
	k.tasks.Relearn(samples)
	k.tasks.Stamps.Note(latest)
}
