// The groups and how much room they have.

package ledger

import (
	"slices"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/claim"
	"github.com/kie-exporter/kie_exporter/internal/source/owners"
)

// GroupOptions is what a configuration says of a group.
type GroupOptions struct {
	Name     string
	Account  string
	MaxTasks int                  // 0: as many as of all groups
	Has      func(id string) bool // reports whether an id is this process's, and not another replica's; nil: all are
}

// Group is a group by its place in the configuration.
type Group struct {
	claim.Group
	account *owners.Account
	has     func(id string) bool
	sources []*Source
	round   uint32 // changes when its lists are to be read again
}

// Arrange puts groups in force, in their order of precedence. Those that are gone come last as long as they still have claims. It returns
// the groups whose lists are to be read again, because other ids may be this process's: two functions can't be compared, so each group
// that has one is among them. Ids that are another's now are released at once.
func (g *Ledger) Arrange(groups []GroupOptions) (again map[string]bool) {
	again = make(map[string]bool)
	for _, gr := range g.groups {
		gr.Index = -1
	}
	for i, o := range groups {
		gr, to := g.groups[o.Name], g.ids.Account(o.Account)
		if gr == nil {
			gr = &Group{Group: claim.Group{Name: o.Name}, account: to}
			g.groups[o.Name] = gr
		}
		if gr.account != to {
			g.entrust(gr, to)
		}
		gr.Index, gr.Most = i, o.MaxTasks
		if gr.has != nil || o.Has != nil {
			again[o.Name] = true
			gr.has = o.Has
			gr.round++
			g.narrow(gr)
		}
	}
	g.order = len(groups)
	for _, gr := range g.groups {
		if gr.Index < 0 {
			gr.Index = g.order
			g.order++
		}
	}
	return again
}

// entrust has the ids of a group be those of another account. The sink has it so already, but for ids that the other account had:
// those stay what they were there.
func (g *Ledger) entrust(gr *Group, to *owners.Account) {
	for _, src := range gr.sources {
		for l := range src.lists {
			for i, t := range l.tasks {
				l.tasks[i] = g.ids.Transfer(&l.List, t, gr.account, to)
			}
			missing := l.missing
			l.missing = nil
			for t, since := range missing {
				l.miss(g.ids.Transfer(&l.List, t, gr.account, to), since)
			}
		}
	}
	g.past.Move(gr.account.Name, to.Name, func(number uint32) bool {
		l := g.numbers[number]
		return l != nil && l.source.group == gr
	})
	gr.account = to
}

// Forget forgets groups without sources, and accounts of which no group is and no id.
func (g *Ledger) Forget(groups int) {
	g.order = groups
	used := make(map[*owners.Account]bool)
	for name, gr := range g.groups {
		if len(gr.sources) == 0 {
			delete(g.groups, name)
		} else {
			used[gr.account] = true
		}
	}
	g.ids.Forget(used)
}

// narrow releases the ids of a group's lists that are another replica's.
func (g *Ledger) narrow(gr *Group) {
	if gr.has == nil {
		return
	}
	for _, src := range gr.sources {
		for l := range src.lists {
			l.removeFunc(func(t *owners.Task) bool { return !gr.has(t.ID) })
		}
	}
}

// Room returns the account of the source's group, how many ids the group has, and how many more it will have as soon as that is settled.
func (src *Source) Room() (account string, tasks, coming int) {
	return src.group.account.Name, src.group.Tasks, src.group.Coming
}

// refuses returns why there is no room for an id that a list does not claim yet; empty: there is.
func (g *Ledger) refuses(t *owners.Task, l *List) source.Rejection {
	takes, reason := g.lacksRoom(t, l)
	if takes && reason == "" {
		l.source.group.Coming++
	}
	return reason
}

// lacksRoom returns whether an id that a list does not claim yet would become its group's, and why there is no room for it.
func (g *Ledger) lacksRoom(t *owners.Task, l *List) (takes bool, reason source.Rejection) {
	gr := l.source.group
	takes = t == nil || gr.Takes(t.Claims, &l.List)
	switch {
	case takes && gr.IsFull():
		reason = source.RejectedMaxTasks
	case t == nil && g.ids.Count() >= g.limits.Tasks:
		reason = source.RejectedLimit
	}
	return takes, reason
}

// leave takes a source out of its group.
func (gr *Group) leave(src *Source) {
	gr.sources = slices.DeleteFunc(gr.sources, func(other *Source) bool { return other == src })
}
