// Package unlisted remembers tasks that are in no list. It has no lock: the tracker's guards it.
package unlisted

import (
	"iter"

	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/table"
)

const (
	// MaxDropped is how many drops are remembered, for a list may only have been empty for a while: a task that comes back is the
	// one it was, neither asked nor counted again.
	MaxDropped = 100_000
	// maxFinal is how many final answers are remembered: a task of which one was told is not asked again, listed or not.
	maxFinal = 10_000
)

// Memory holds the tasks dropped last, and the last final answers about tasks that were in no list.
type Memory struct {
	tasks   table.Accounts[entry.Task]
	dropped []*entry.Task // oldest first; some have come back
	first   uint32        // the number of the first one in dropped; a task's index is that of its last drop

	final      map[accountID]kie.Task
	finalOrder []accountID // oldest first
}

type accountID struct{ account, id string }

// New returns an empty memory.
func New() Memory {
	return Memory{tasks: table.NewAccounts(idOf), final: make(map[accountID]kie.Task)}
}

// Drop remembers a task that is in no list any more.
func (u *Memory) Drop(k *entry.Task) {
	k.Index = u.first + uint32(len(u.dropped)) //nolint:gosec // there are at most MaxDropped and one
	u.tasks.Put(k.Kind.Group.Account.Name, k)
	u.dropped = append(u.dropped, k)
	if len(u.dropped) <= MaxDropped {
		return
	}
	if oldest := u.dropped[0]; oldest.Marks.Has(entry.Removed) && oldest.Index == u.first {
		u.tasks.Delete(oldest.Kind.Group.Account.Name, oldest)
	}
	u.dropped[0] = nil
	u.dropped = u.dropped[1:]
	u.first++
}

// Get returns a dropped task of an account; nil: there is none.
func (u *Memory) Get(account, id string) *entry.Task { return u.tasks.Get(account, id) }

// Recall returns a dropped task of an account and forgets it; nil: there is none.
func (u *Memory) Recall(account, id string) *entry.Task {
	k := u.tasks.Get(account, id)
	if k != nil {
		u.tasks.Delete(account, k)
	}
	return k
}

// Learn remembers what a final answer told about a task that is in no list.
func (u *Memory) Learn(account string, f kie.Task) {
	key := accountID{account, f.ID}
	if _, ok := u.final[key]; !ok {
		u.finalOrder = append(u.finalOrder, key)
	}
	u.final[key] = f
	if len(u.finalOrder) > maxFinal {
		delete(u.final, u.finalOrder[0])
		u.finalOrder = u.finalOrder[1:]
	}
}

// FinalAnswer returns what a final answer told about a task of an account while it was in no list; false: there was none.
func (u *Memory) FinalAnswer(account, id string) (kie.Task, bool) {
	f, ok := u.final[accountID{account, id}]
	return f, ok
}

// IsFinished reports whether a task of an account that is in no list is known to be finished.
func (u *Memory) IsFinished(account, id string) bool {
	_, told := u.FinalAnswer(account, id)
	k := u.tasks.Get(account, id)
	return told || k != nil && k.Unfinished == nil
}

// TakeAlong takes a group's tasks from its account to another, but for those that this has.
func (u *Memory) TakeAlong(g *entry.Group, to string) {
	for _, k := range OfGroup(u.tasks, g) {
		u.tasks.Delete(g.Account.Name, k)
		if u.tasks.Get(to, k.ID) == nil {
			u.tasks.Put(to, k)
		}
	}
}

// OfGroup returns the tasks of a group among those of its account.
func OfGroup(tasks table.Accounts[entry.Task], g *entry.Group) []*entry.Task {
	var all []*entry.Task
	for k := range tasks.Account(g.Account.Name) {
		if k.Kind.Group == g {
			all = append(all, k)
		}
	}
	return all
}

// All yields the tasks that are remembered as dropped.
func (u *Memory) All() iter.Seq[*entry.Task] { return u.tasks.All() }

func idOf(k *entry.Task) string { return k.ID }
