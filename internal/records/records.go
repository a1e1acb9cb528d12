// Package records has records of tasks kept beyond the process, and reads them again: the tracker's side of the store.
package records

import (
	"slices"
	"strings"
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

// Of how many listed ids the records are read at once. In many, neighbours share what is read; those that come in order do so anyway, as
// pushed ones, and few of them take less memory.
const (
	findAtATime    = 1 << 17
	orderedAtATime = 1 << 14
)

// AtATime returns of how many of some ids the records are to be read at once.
func AtATime(listed []source.Task) int {
	if slices.IsSortedFunc(listed, func(a, b source.Task) int { return strings.Compare(a.ID, b.ID) }) {
		return orderedAtATime
	}
	return findAtATime
}

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

// Found is what is known of listed ids, in their order.
type Found struct {
	records []store.Record // empty: none was looked for
	tracked []*entry.Task  // empty: none was
}

// Part returns what is known of some of the ids.
func (f Found) Part(from, to int) Found {
	if len(f.records) > 0 {
		f.records = f.records[from:to]
	}
	if len(f.tracked) > 0 {
		f.tracked = f.tracked[from:to]
	}
	return f
}

// Task returns the task of the i-th id if it was tracked, and is still; nil: nobody knows.
func (f Found) Task(i int) *entry.Task {
	if len(f.tracked) == 0 || f.tracked[i] == nil || f.tracked[i].Marks.Has(entry.Removed) {
		return nil
	}
	return f.tracked[i]
}

// Record returns the store's record of the i-th id; the zero one of what was tracked.
func (f Found) Record(i int) store.Record {
	if len(f.records) == 0 {
		return store.Record{}
	}
	return f.records[i]
}

// Recycle says that nobody uses it any more, so that the next one takes less memory.
func (f Found) Recycle() { store.Recycle(f.records) }

// Find returns what is known of tasks listed in a group: the store's records, or the tasks that are tracked, of which more is known,
// and which stay tracked until what is listed was taken. It reads the disk, and is called with no lock held.
func (k *Keeper) Find(in string, listed []source.Task) Found {
	f := finding{ids: make([]string, 0, len(listed)), at: make([]int, 0, len(listed))}
	for from := 0; from < len(listed); from += atATime {
		k.untracked(&f, in, listed, from, min(from+atATime, len(listed)))
	}
	if len(f.ids) == 0 {
		return f.Found
	}
	found := k.store.FindListed(f.account, f.ids)
	if len(f.ids) == len(listed) {
		f.records = found
		return f.Found
	}
	f.records = make([]store.Record, len(listed))
	for i, r := range found {
		f.records[f.at[i]] = r
	}
	store.Recycle(found)
	return f.Found
}

// finding is what was found so far, and the ids of an account that are to be looked for in the store, with where they are in the list.
type finding struct {
	Found
	account string
	ids     []string
	at      []int
}

// untracked takes some of the listed ids: notes which tasks are tracked, and what is to be looked for. If the first is not tracked, as in a list
// that is new, it looks at none of the others: that a record is found which nobody needs does no harm.
func (k *Keeper) untracked(f *finding, in string, listed []source.Task, from, to int) {
	k.mu.Lock()
	defer k.mu.Unlock()
	f.account = k.tasks.Group(in).Account.Name
	known := k.tasks.Get(f.account, listed[from].ID) != nil
	if known && len(f.tracked) == 0 {
		f.tracked = make([]*entry.Task, len(listed))
	}
	for i := from; i < to; i++ {
		if known {
			if f.tracked[i] = k.tasks.Get(f.account, listed[i].ID); f.tracked[i] != nil {
				continue
			}
		}
		f.ids, f.at = append(f.ids, listed[i].ID), append(f.at, i)
	}
}

// KeepLocked has the store keep what is known of a task.
func (k *Keeper) KeepLocked(t *entry.Task, written func(first bool)) bool {
	if o := t.Unfinished; o != nil && o.Unkept {
		o.Unkept = false
	}
	return k.store.Put(t.Kind.Group.Account.Name, t.ID, t.Record(), written)
}

// mostMoved is of how many tasks that go to another group the records are kept one by one. The store has room for some more.
const mostMoved = 1 << 14

// KeepMovedLocked has the store keep what is known of a task that went to another group, as so many did in one change. After the last one
// KeptMovedLocked is to be called.
func (k *Keeper) KeepMovedLocked(t *entry.Task, moved int) {
	if moved <= mostMoved {
		k.KeepLocked(t, nil)
	}
}

// KeptMovedLocked has the records of all tasks made again if so many went to another group that not all are kept.
func (k *Keeper) KeptMovedLocked(moved int) {
	if moved > mostMoved {
		k.store.Renew()
	}
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
