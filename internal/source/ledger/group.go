// The groups, and what becomes of their lists when others are put in force.

package ledger

import (
	"slices"

	"github.com/kie-exporter/kie_exporter/internal/source/claim"
	"github.com/kie-exporter/kie_exporter/internal/source/list"
	"github.com/kie-exporter/kie_exporter/internal/source/owners"
)

// GroupOptions is what a configuration says of a group.
type GroupOptions struct {
	Name     string
	Account  string
	MaxTasks int                  // 0: as many as of all groups
	Has      func(id string) bool // reports whether an id is this process's, and not another replica's; nil: all are
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
		gr, to := g.groups[o.Name], g.IDs.Account(o.Account)
		if gr == nil {
			gr = &group{Group: list.Group{Group: claim.Group{Name: o.Name}, Account: to}}
			g.groups[o.Name] = gr
		}
		if gr.Account != to {
			g.entrust(gr, to)
		}
		gr.Index, gr.Most = i, o.MaxTasks
		if gr.Has != nil || o.Has != nil {
			again[o.Name] = true
			gr.Has = o.Has
			gr.Round++
			gr.narrow()
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
func (g *Ledger) entrust(gr *group, to *owners.Account) {
	for _, src := range gr.sources {
		src.Entrust(to)
	}
	g.Capacity.Move(gr.Account.Name, to.Name, func(number uint32) bool { return g.IsOf(number, &gr.Group) })
	gr.Account = to
}

// narrow releases the ids of a group's lists that are another replica's.
func (gr *group) narrow() {
	if gr.Has == nil {
		return
	}
	for _, src := range gr.sources {
		src.Narrow()
	}
}

// Forget forgets groups without sources, and accounts of which no group is and no id.
func (g *Ledger) Forget(groups int) {
	g.order = groups
	used := make(map[*owners.Account]bool)
	for name, gr := range g.groups {
		if len(gr.sources) == 0 {
			delete(g.groups, name)
		} else {
			used[gr.Account] = true
		}
	}
	g.IDs.Forget(used)
}

// NewSource returns a source of a group that was arranged, whose ids have these labels.
func (g *Ledger) NewSource(name string, labels map[string]string) *list.Source {
	gr := g.groups[name]
	src := g.All.NewSource(&gr.Group, labels)
	gr.sources = append(gr.sources, src)
	return src
}

// Retire takes back all claims of a source, which is no more.
func (g *Ledger) Retire(src *list.Source) {
	src.Retire()
	gr := g.groups[src.Group.Name]
	gr.sources = slices.DeleteFunc(gr.sources, func(other *list.Source) bool { return other == src })
}

// Shrink makes room where there is less of it than tasks.
func (g *Ledger) Shrink() {
	for _, gr := range g.groups {
		g.Capacity.Shrink(&gr.Group.Group)
	}
	g.Capacity.ShrinkAll()
}
