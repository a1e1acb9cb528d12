// Tasks by account and id.

package tracker

import (
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/table"
)

// tasks holds tasks by the name of their account and their id: what one account knows of an id says nothing about another's task.
type tasks map[string]*table.Table[task]

// get returns the task of an account with an id; nil: there is none.
func (s tasks) get(account, id string) *task {
	if all := s[account]; all != nil {
		return all.Get(id)
	}
	return nil
}

// put adds a task of an account, in place of one with the same id.
func (s tasks) put(account string, k *task) {
	all := s[account]
	if all == nil {
		all = table.New(func(k *task) string { return k.id })
		s[account] = all
	}
	all.Put(k)
}

// delete takes a task of an account out, if it is there.
func (s tasks) delete(account string, k *task) {
	all := s[account]
	if all == nil || all.Get(k.id) != k {
		return
	}
	if all.Delete(k.id); all.Len() == 0 {
		delete(s, account)
	}
}

// all yields all tasks. None may come or go meanwhile.
func (s tasks) all() iter.Seq[*task] {
	return func(yield func(*task) bool) {
		for _, all := range s {
			for k := range all.All() {
				if !yield(k) {
					return
				}
			}
		}
	}
}

// of returns the tasks of a group.
func (s tasks) of(g *group) (some []*task) {
	all := s[g.account.name]
	if all == nil {
		return nil
	}
	for k := range all.All() {
		if k.group == g {
			some = append(some, k)
		}
	}
	return some
}

// names returns the accounts that have tasks, in order.
func (s tasks) names() []string { return slices.Sorted(maps.Keys(s)) }

// appendPart appends the tasks of a part of those of an account.
func (s tasks) appendPart(to []*task, account string, part int) []*task {
	if all := s[account]; all != nil {
		return slices.AppendSeq(to, all.Shard(part))
	}
	return to
}

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
	for _, k := range t.tasks.of(g) {
		if t.tasks.get(a.name, k.id) != nil {
			t.drop(k)
			continue
		}
		t.tasks.delete(g.account.name, k)
		t.tasks.put(a.name, k)
	}
	for _, k := range t.dropped.tasks.of(g) {
		t.dropped.tasks.delete(g.account.name, k)
		if t.dropped.tasks.get(a.name, k.id) == nil {
			t.dropped.tasks.put(a.name, k)
		}
	}
	t.store.Renew()
}

// orphan returns a task of an account that a reconfiguration under way does away with, together with the task's group: it goes on as
// that of the group that lists it now. Nil: there is none.
func (t *Tracker) orphan(id string) *task {
	for _, a := range t.retiring {
		if k := t.tasks.get(a.name, id); k != nil && k.group.account == a {
			return k
		}
	}
	return nil
}
