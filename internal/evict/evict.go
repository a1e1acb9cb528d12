// Package evict has tasks that are over leave memory when others need their place, and knows them again.
package evict

import (
	"cmp"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/history"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/table"
	"github.com/kie-exporter/kie_exporter/internal/tasks"
)

// Store is what is kept of tasks.
type Store interface {
	Find(account string, ids []string) []store.Record
	AreOver(account string, ids []string) []bool
	Forget(account string, ids []string)
	Stats() store.Stats
}

// Evictor has tasks leave memory. It is safe for concurrent use.
type Evictor struct {
	store    Store
	believed func(r store.Record, a *entry.Account) store.Record // none if it is another account's; called with mu held
	changed  func()                                              // notes that a snapshot would show something else

	ends *history.Ends // before the start, until lists are read; nil: not known

	waiting map[string][]leaving // tasks without an answer that are listed for longest, by group; empty: of all. Its caller's lock guards it

	mu    sync.Locker // of whoever owns the tasks; it guards what follows
	tasks *tasks.Set
}

// New returns an evictor of tasks that a lock guards.
func New(
	mu sync.Locker, set *tasks.Set, s Store, believed func(store.Record, *entry.Account) store.Record, changed func(),
) *Evictor {
	return &Evictor{store: s, believed: believed, changed: changed, waiting: make(map[string][]leaving), mu: mu, tasks: set}
}

var _ source.Memory = (*Evictor)(nil)

// Remember has Old tell which tasks were over.
func (e *Evictor) Remember(ends *history.Ends) { e.ends = ends }

// Old implements source.Memory.
func (e *Evictor) Old(room int) source.Old {
	ends := e.ends
	e.ends = nil
	if st := e.store.Stats(); ends == nil && st.Tasks == 0 && st.Up == st.Keeps {
		ends = history.None()
	}
	if ends == nil {
		return nil
	}
	ends.Settle(room)
	return ends
}

// atATime bounds for how many tasks the lock is held.
const atATime = 1 << 9

// Over implements source.Memory: it looks at what is kept, and at tasks that were dropped lately.
func (e *Evictor) Over(group string, ids []string) []time.Time {
	e.mu.Lock()
	account := e.tasks.Group(group).Account.Name
	e.mu.Unlock()
	records, over := e.store.Find(account, ids), make([]time.Time, len(ids))
	for from := 0; from < len(ids); from += atATime {
		to := min(from+atATime, len(ids))
		e.lookOver(group, ids[from:to], records[from:to], over[from:to])
	}
	return over
}

func (e *Evictor) lookOver(group string, ids []string, records []store.Record, over []time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	a := e.tasks.Group(group).Account
	for i, id := range ids {
		if r := e.believed(records[i], a); r.IsOver() {
			over[i] = cmp.Or(r.Learned, r.Seen).Time()
		} else if k := e.tasks.Unlisted.Get(a.Name, id); k != nil && k.IsOver() {
			over[i] = k.OverSince()
		}
	}
}

// CountOver implements source.Memory.
func (e *Evictor) CountOver() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.tasks.CountFinished()
}

// Keeps implements source.Memory.
func (e *Evictor) Keeps() bool { return e.store.Stats().Up }

// leaving is a task that may leave memory, since when that is so, and which place it has among those of the same time.
type leaving struct {
	since time.Time
	place uint32
	task  *entry.Task
}

func (l leaving) compare(other leaving) int {
	return cmp.Or(l.since.Compare(other.since), cmp.Compare(l.place, other.place), cmp.Compare(l.task.ID, other.task.ID))
}

// Evict implements source.Memory. Only what is kept goes, so that a task which has just finished waits until it is on disk.
func (e *Evictor) Evict(w source.Wanted) (gone []source.Evicted) {
	longest := e.kept(e.longest(w.Need+len(w.Rivals), func(k *entry.Task) (leaving, bool) {
		if !isLeaving(k, w.Group) {
			return leaving{}, false
		}
		return leaving{since: k.OverSince(), task: k}, true
	}))
	need := min(w.Need, len(longest))
	for _, rival := range w.Rivals {
		if need >= len(longest) || !longest[need].since.Before(rival) {
			break
		}
		need++
	}
	byAccount := make(map[string][]string)
	for some := range slices.Chunk(longest[:need], atATime) {
		e.let(some, w.Group, byAccount)
	}
	return sorted(byAccount)
}

// sorted returns ids that left, by account.
func sorted(byAccount map[string][]string) (gone []source.Evicted) {
	for _, account := range slices.Sorted(maps.Keys(byAccount)) {
		gone = append(gone, source.Evicted{Account: account, IDs: byAccount[account]})
	}
	return gone
}

// longest returns the tasks that may leave for longest, in that order.
func (e *Evictor) longest(most int, may func(k *entry.Task) (leaving, bool)) (all []leaving) {
	var last time.Time // of those that may for longest so far, once there are enough of them
	shorten := func() {
		slices.SortFunc(all, leaving.compare)
		all = all[:min(most, len(all))]
		if len(all) == most && most > 0 {
			last = all[most-1].since
		}
	}
	for _, account := range e.accounts() {
		for shard := range table.Shards {
			all = e.appendLeaving(all, account, shard, last, may)
			if len(all) > 2*most+1<<17 {
				shorten()
			}
		}
	}
	shorten()
	return all
}

func (e *Evictor) accounts() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.tasks.Table.Names()
}

// appendLeaving appends the tasks that may leave, of one part of an account's, but for those that may only since after the last; zero: all.
func (e *Evictor) appendLeaving(
	all []leaving, account string, shard int, last time.Time, may func(k *entry.Task) (leaving, bool),
) []leaving {
	e.mu.Lock()
	defer e.mu.Unlock()
	for k := range e.tasks.Table.Shard(account, shard) {
		if l, ok := may(k); ok && (last.IsZero() || !l.since.After(last)) {
			all = append(all, l)
		}
	}
	return all
}

// isLeaving reports whether a task is tracked, over and of a group; empty: of any.
func isLeaving(k *entry.Task, group string) bool {
	return !k.Marks.Has(entry.Removed) && k.IsOver() && (group == "" || k.Kind.Group.Name == group)
}

// kept returns those of some tasks that will be known again, as far as anything is kept.
func (e *Evictor) kept(all []leaving) []leaving {
	accounts, ids := make(map[string][]int), make([]string, len(all))
	e.mu.Lock()
	for i, l := range all {
		account := l.task.Kind.Group.Account.Name
		accounts[account], ids[i] = append(accounts[account], i), l.task.ID
	}
	e.mu.Unlock()
	keep := make([]bool, len(all))
	for account, places := range accounts {
		own := make([]string, len(places))
		for i, place := range places {
			own[i] = ids[place]
		}
		for i, kept := range e.store.AreOver(account, own) {
			keep[places[i]] = kept
		}
	}
	var kept []leaving
	for i, l := range all {
		if keep[i] {
			kept = append(kept, l)
		}
	}
	return kept
}

// let has some tasks leave memory that still are as they were, and adds their ids by account.
func (e *Evictor) let(some []leaving, group string, byAccount map[string][]string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range some {
		if k := l.task; isLeaving(k, group) {
			account := k.Kind.Group.Account.Name
			byAccount[account] = append(byAccount[account], k.ID)
			e.tasks.Evict(k)
		}
	}
	e.changed()
}
