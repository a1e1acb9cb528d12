// What is remembered of tasks that are in no list.

package tracker

import (
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/table"
)

const (
	// maxDropped is how many drops are remembered, for a list may only have been empty for a while: a task that comes back is the
	// one it was, neither asked nor counted again.
	maxDropped = 100_000
	// maxFinal is how many final answers are remembered: a task of which one was told is not asked again, listed or not.
	maxFinal = 10_000
)

// unlisted remembers tasks that are in no list: those dropped last, and the last final answers about tasks that were in none.
type unlisted struct {
	tasks   table.Accounts[task]
	dropped []*task // oldest first; some have come back
	first   uint32  // the number of the first one in dropped; a task's index is that of its last drop

	final      map[accountID]kie.Task
	finalOrder []accountID // oldest first
}

type accountID struct{ account, id string }

func newUnlisted() unlisted {
	return unlisted{tasks: table.NewAccounts(idOf), final: make(map[accountID]kie.Task)}
}

// drop remembers a task that is in no list any more.
func (u *unlisted) drop(k *task) {
	k.index = u.first + position(len(u.dropped))
	u.tasks.Put(k.group.account.name, k)
	u.dropped = append(u.dropped, k)
	if len(u.dropped) <= maxDropped {
		return
	}
	if oldest := u.dropped[0]; oldest.marks.has(markRemoved) && oldest.index == u.first {
		u.tasks.Delete(oldest.group.account.name, oldest)
	}
	u.dropped[0] = nil
	u.dropped = u.dropped[1:]
	u.first++
}

// recall returns a dropped task of an account and forgets it; nil: there is none.
func (u *unlisted) recall(account, id string) *task {
	k := u.tasks.Get(account, id)
	if k != nil {
		u.tasks.Delete(account, k)
	}
	return k
}

// learn remembers what a final answer told about a task that is in no list.
func (u *unlisted) learn(account string, f kie.Task) {
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

// toldFinal returns what a final answer told about a task of an account while it was in no list; false: there was none.
func (u *unlisted) toldFinal(account, id string) (kie.Task, bool) {
	f, ok := u.final[accountID{account, id}]
	return f, ok
}

// isFinished reports whether a task of an account that is in no list is known to be finished.
func (u *unlisted) isFinished(account, id string) bool {
	_, told := u.toldFinal(account, id)
	k := u.tasks.Get(account, id)
	return told || k != nil && k.unfinished == nil
}

// takeAlong takes a group's tasks from its account to another, but for those that this has.
func (u *unlisted) takeAlong(g *group, to string) {
	for _, k := range ofGroup(u.tasks, g) {
		u.tasks.Delete(g.account.name, k)
		if u.tasks.Get(to, k.id) == nil {
			u.tasks.Put(to, k)
		}
	}
}

// ofGroup returns the tasks of a group among those of its account.
func ofGroup(tasks table.Accounts[task], g *group) []*task {
	var all []*task
	for k := range tasks.Account(g.account.name) {
		if k.group == g {
			all = append(all, k)
		}
	}
	return all
}

func idOf(k *task) string { return k.id }
