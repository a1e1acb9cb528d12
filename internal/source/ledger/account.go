// Ids by account: whose an id is, is decided among the lists of an account.

package ledger

import (
	"maps"
	"slices"

	"github.com/kie-exporter/kie_exporter/internal/table"
)

// account is the tracked ids of an account.
type account struct {
	name    string
	tasks   *table.Table[task]
	touched []*task // the claims on which may have changed since the last settle
}

// account returns the account of a name, if need be a new one.
func (g *Ledger) account(name string) *account {
	a := g.accounts[name]
	if a == nil {
		a = &account{name: name, tasks: table.New(func(t *task) string { return t.id })}
		g.accounts[name] = a
	}
	return a
}

// inOrder returns the accounts by name.
func (g *Ledger) inOrder() []*account {
	var all []*account
	for _, name := range slices.Sorted(maps.Keys(g.accounts)) {
		all = append(all, g.accounts[name])
	}
	return all
}

// track adds an id without claims to an account.
func (g *Ledger) track(a *account, id string) *task {
	t := &task{id: id, Listing: g.shared.Listing(nil, nil)}
	a.tasks.Put(t)
	g.count++
	return t
}

// untrack takes an id without claims out of an account, if it is still there.
func (g *Ledger) untrack(a *account, t *task) {
	if a.tasks.Get(t.id) == t {
		a.tasks.Delete(t.id)
		g.count--
	}
}

// entrust has the ids of a group be those of another account. The sink has it so already, but for ids that the other account had:
// those stay what they were there.
func (g *Ledger) entrust(gr *Group, to *account) {
	for _, src := range gr.sources {
		for l := range src.lists {
			for i, t := range l.tasks {
				l.tasks[i] = g.transfer(l, t, to)
			}
			missing := l.missing
			l.missing = nil
			for t, since := range missing {
				l.miss(g.transfer(l, t, to), since)
			}
		}
	}
	g.past.Move(gr.account.name, to.name, func(number uint32) bool {
		l := g.numbers[number]
		return l != nil && l.source.group == gr
	})
	gr.account = to
}

// transfer moves a list's claim on an id to the same id of another account, and returns that.
func (g *Ledger) transfer(l *List, t *task, to *account) *task {
	claimed, from := t.Claims.By(&l.List), l.source.group.account
	if claimed == nil { // it was given up
		return t
	}
	moved := to.tasks.Get(t.id)
	if moved == nil {
		moved = g.track(to, t.id)
	}
	reported, there := t.Reported, moved.Reported
	if reported != nil && reported.Group == &l.source.group.Group {
		if there == nil {
			there = reported
		} else {
			reported.Group.Tasks--
		}
		reported = nil
	}
	c := *claimed
	c.Lost = false
	t.Listing = g.shared.Listing(g.shared.GivenUp(t.Claims, &l.List), reported)
	moved.Listing = g.shared.Listing(g.shared.With(moved.Claims, c), there)
	from.touched = append(from.touched, t)
	to.touched = append(to.touched, moved)
	return moved
}
