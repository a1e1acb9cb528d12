// Ids by account: whose an id is, is decided among the lists of an account.

package source

import (
	"maps"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/table"
)

// account is the tracked ids of an account.
type account struct {
	name    string
	tasks   *table.Table[task]
	touched []*task // the claims on which may have changed since the last settle
}

// account returns the account of a name, if need be a new one.
func (g *ledger) account(name string) *account {
	a := g.accounts[name]
	if a == nil {
		a = &account{name: name, tasks: table.New(func(t *task) string { return t.id })}
		g.accounts[name] = a
	}
	return a
}

// inOrder returns the accounts by name.
func (g *ledger) inOrder() []*account {
	var all []*account
	for _, name := range slices.Sorted(maps.Keys(g.accounts)) {
		all = append(all, g.accounts[name])
	}
	return all
}

// forget forgets the accounts that no group is of.
func (g *ledger) forget(sources []*source) {
	for name, a := range g.accounts {
		if a.tasks.Len() == 0 && !slices.ContainsFunc(sources, func(src *source) bool { return src.group.account == a }) {
			delete(g.accounts, name)
		}
	}
}

// track adds an id without claims to an account.
func (g *ledger) track(a *account, id string) *task {
	t := &task{id: id, standing: g.shared.standing(nil, nil)}
	a.tasks.Put(t)
	g.count++
	return t
}

// untrack takes an id without claims out of an account, if it is still there.
func (g *ledger) untrack(a *account, t *task) {
	if a.tasks.Get(t.id) == t {
		a.tasks.Delete(t.id)
		g.count--
	}
}

// entrust has the ids of a group be those of another account. The sink has it so already, but for ids that the other account had:
// those stay what they were there.
func (g *ledger) entrust(gr *group, to *account, sources []*source) {
	for _, src := range sources {
		if src.group != gr {
			continue
		}
		for l := range src.feed.lists() {
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
	gr.account = to
}

// transfer moves a list's claim on an id to the same id of another account, and returns that.
func (g *ledger) transfer(l *list, t *task, to *account) *task {
	claimed, from := t.claims.of(l), l.source.group.account
	if claimed == nil { // it was given up
		return t
	}
	moved := to.tasks.Get(t.id)
	if moved == nil {
		moved = g.track(to, t.id)
	}
	told, tells := t.told, moved.told
	if told != nil && told.group == l.source.group {
		if tells == nil {
			tells = told
		} else {
			told.group.tasks--
		}
		told = nil
	}
	c := *claimed
	c.lost = false
	t.standing = g.shared.standing(g.shared.given(t.claims, l), told)
	moved.standing = g.shared.standing(g.shared.with(moved.claims, c), tells)
	from.touched = append(from.touched, t)
	to.touched = append(to.touched, moved)
	return moved
}

// isFull reports whether a group may have no more ids.
func (gr *group) isFull() bool { return gr.most > 0 && gr.tasks+gr.coming >= gr.most }

// takes reports whether an id would become one of the group's if a list of its claims it.
func (gr *group) takes(t *task, l *list) bool {
	if t == nil || t.claims == nil {
		return true
	}
	owner := t.claims.owner().list.source
	return owner.group != gr && l.source.rank < owner.rank
}

// refuses returns why there is no room for an id that a list does not claim yet; empty: there is.
func (g *ledger) refuses(t *task, l *list) Rejection {
	gr := l.source.group
	takes := gr.takes(t, l)
	switch {
	case takes && gr.isFull():
		return RejectedMaxTasks
	case t == nil && g.count >= g.limit:
		return RejectedLimit
	case takes:
		gr.coming++
	}
	return ""
}

// ownerOf returns the claim on an id that counts. A group that would get the id, and may have no more, gives its claims up.
func (g *ledger) ownerOf(t *task) *claim {
	for t.claims != nil {
		owner := t.claims.owner()
		gr := owner.list.source.group
		if gr.most == 0 || gr.tasks < gr.most || t.told != nil && t.told.group == gr {
			return owner
		}
		owner.list.giveUp(t)
		t.standing = g.shared.standing(g.shared.given(t.claims, owner.list), t.told)
	}
	return nil
}

// giveUp notes that the group has no room for an id of the list.
func (l *list) giveUp(t *task) {
	delete(l.missing, t)
	l.crowded++
	l.source.group.refused++
	l.source.rejected[RejectedMaxTasks]++
}

// miss notes since when the source's reads lacked an id of the list.
func (l *list) miss(t *task, since time.Time) {
	if l.missing == nil {
		l.missing = make(map[*task]time.Time)
	}
	l.missing[t] = since
}

// tell notes that an id is a group's, by what its list says of it.
func (g *ledger) tell(t *task, claims *claim, now *traits) {
	if was := t.told; was == nil || now == nil || was.group != now.group {
		if was != nil {
			was.group.tasks--
		}
		if now != nil {
			now.group.tasks++
		}
	}
	t.standing = g.shared.standing(claims, now)
}
