// How tasks get from one account to another.

package tracker

import (
	"time"
)

// entrust has a group's tasks asked by an account from now on. They go there with all that is known of them, but for those that the
// account has already: their knowledge is its own.
func (t *Tracker) entrust(g *group, a *account) {
	from := g.account
	if from == nil || from == a {
		g.account = a
		return
	}
	t.blocks.Forget() // each task shows its account
	if from.name != a.name {
		t.takeAlong(g, a)
	}
	g.account = a
	for _, k := range t.unfinished {
		if k.group == g {
			from.dequeue(k)
			k.unfinished.Revive(time.Now())
			if !k.unfinished.Asking {
				k.await()
			}
		}
	}
	from.release()
}

// takeAlong takes a group's tasks out of their account's and puts them to another's, but for those that this has.
func (t *Tracker) takeAlong(g *group, a *account) {
	for _, k := range ofGroup(t.tasks, g) {
		if t.tasks.Get(a.name, k.id) != nil {
			t.drop(k)
			continue
		}
		t.tasks.Delete(g.account.name, k)
		t.tasks.Put(a.name, k)
	}
	t.unlisted.takeAlong(g, a.name)
	t.store.Renew()
}

// orphan returns a task of an account that a reconfiguration under way does away with, together with the task's group: it goes on as
// that of the group that lists it now. Nil: there is none.
func (t *Tracker) orphan(id string) *task {
	for _, a := range t.retiring {
		if k := t.tasks.Get(a.name, id); k != nil && k.group.account == a {
			return k
		}
	}
	return nil
}
