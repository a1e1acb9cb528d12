// Package learned keeps what is known of how long tasks take: of all, by group, by model, and of the last groups that were removed. What
// is learned from durations is internal/schedule's.
package learned

import (
	"maps"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/source"
)

// Group is what is known of how long the tasks of a group take, or all tasks. Not safe for concurrent use.
type Group struct {
	all     *Group // of all tasks; nil: this is it
	any     *schedule.Durations
	byModel map[string]*schedule.Durations
	byHint  map[string]*schedule.Durations // of variants, by model and variant
	counts  map[string]int                 // variants by model
}

// mostVariants is how many variants of a model are told apart. Tasks of further ones go by the model.
const mostVariants = 32

func newGroup(all *Group) *Group {
	g := &Group{all: all, byModel: make(map[string]*schedule.Durations)}
	if all == nil {
		g.any = schedule.NewDurations(nil)
	} else {
		g.any = schedule.NewDurations(all.any)
	}
	return g
}

// Model returns what is known of a model, whose name is limited already. It begins with what is known of it in all groups, unless
// the name may stand for many.
func (g *Group) Model(name string) *schedule.Durations {
	d, ok := g.byModel[name]
	if ok {
		return d
	}
	switch {
	case g.all == nil:
		d = schedule.NewDurations(nil)
	case name == "" || name == kie.Other:
		d = schedule.NewDurations(g.any)
	default:
		d = schedule.NewModel(g.any, g.all.Model(name))
	}
	g.byModel[name] = d
	return d
}

// Variant returns what is known of a variant of a model in the group, of which the model's durations are known.
func (g *Group) Variant(model, variant string, of *schedule.Durations) *schedule.Durations {
	if variant == "" || model == kie.Other {
		return of
	}
	hint := source.Hint(model, variant)
	if d, ok := g.byHint[hint]; ok {
		return d
	}
	if g.counts[model] >= mostVariants {
		return of
	}
	if g.byHint == nil {
		g.byHint, g.counts = make(map[string]*schedule.Durations), make(map[string]int)
	}
	d := schedule.NewVariant(of)
	g.byHint[hint] = d
	g.counts[model]++
	return d
}

// Expect returns what to go by for a task of which a hint tells the model. Of one that no answer has named yet, that is what is
// known of all tasks of the group.
func (g *Group) Expect(hint string) *schedule.Durations {
	model, variant := source.SplitHint(hint)
	_, here := g.byModel[model]
	if _, anywhere := g.all.byModel[model]; here || anywhere {
		return g.Variant(model, variant, g.Model(model))
	}
	return g.any
}

// Inherit has a model begin with what is known of it in another group, unless something is known of it here. Nil: in none.
func (g *Group) Inherit(model string, from *Group) {
	if from == nil {
		return
	}
	g.any.Inherit(from.any)
	if d, ok := from.byModel[model]; ok {
		g.Model(model).Inherit(d)
	}
}

// Each calls yield with what is known of each model, and with all models with that of all of them.
func (g *Group) Each(yield func(model string, all bool, d *schedule.Durations)) {
	yield("", true, g.any)
	for name, d := range g.byModel {
		yield(name, false, d)
	}
}

// GoOn has the group go on with what others know of a model of it, or of all of them. Where nothing is known of that in all groups, that begins
// with it, too.
func (g *Group) GoOn(model string, all bool, with *schedule.Durations) {
	if all {
		g.any.Replace(with)
		g.all.any.Inherit(with)
		return
	}
	g.Model(model).Replace(with)
	if model != "" && model != kie.Other {
		g.all.Model(model).Inherit(with)
	}
}

// forget forgets what is known of some models.
func (g *Group) forget(models map[string]struct{}) {
	for name := range models {
		if d, ok := g.byModel[name]; ok {
			d.Retire()
			delete(g.byModel, name)
			delete(g.counts, name)
			maps.DeleteFunc(g.byHint, func(hint string, _ *schedule.Durations) bool {
				of, _ := source.SplitHint(hint)
				return of == name
			})
		}
	}
}
