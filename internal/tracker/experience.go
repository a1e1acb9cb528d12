// What is known of how long tasks take, and how it gets from one group to another.

package tracker

import (
	"slices"

	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

// experience is what is known of how long tasks take: those of a group, or all.
type experience struct {
	wider     *experience // of all tasks; nil: this is it
	durations *schedule.Durations
	byModel   map[string]*schedule.Durations
}

func newExperience(wider *experience) experience {
	e := experience{wider: wider, byModel: make(map[string]*schedule.Durations)}
	if wider == nil {
		e.durations = schedule.NewDurations(nil)
	} else {
		e.durations = schedule.NewDurations(wider.durations)
	}
	return e
}

// of returns what is known of a model, whose name is bounded already. It begins with what is known of it in all groups, unless
// the name may stand for many.
func (e *experience) of(model string) *schedule.Durations {
	d, ok := e.byModel[model]
	if ok {
		return d
	}
	switch {
	case e.wider == nil:
		d = schedule.NewDurations(nil)
	case model == "" || model == overflow:
		d = schedule.NewDurations(e.durations)
	default:
		d = schedule.NewModel(e.durations, e.wider.of(model))
	}
	e.byModel[model] = d
	return d
}

// expect returns what to go by for a task that is said to be of a model. Of one that no answer has named yet, that is what is
// known of all tasks here.
func (e *experience) expect(model string) *schedule.Durations {
	_, here := e.byModel[model]
	if _, anywhere := e.wider.byModel[model]; here || anywhere {
		return e.of(model)
	}
	return e.durations
}

// inherit has a model begin with what is known of it in another group, unless something is known of it here.
func (e *experience) inherit(model string, from *experience) {
	if from == nil {
		return
	}
	e.durations.Inherit(from.durations)
	if d, ok := from.byModel[model]; ok {
		e.of(model).Inherit(d)
	}
}

// maxFormer is of how many groups that are no more something is known.
const maxFormer = 20

// former is what is known of groups that are no more, for they may only have another name now. The last one comes last.
type former []formerGroup

type formerGroup struct {
	name string
	experience
}

func (f *former) remember(name string, e experience) {
	f.forget(name)
	if len(*f) == maxFormer {
		*f = slices.Delete(*f, 0, 1)
	}
	e.durations.Retire()
	*f = append(*f, formerGroup{name, e})
}

func (f *former) forget(name string) {
	*f = slices.DeleteFunc(*f, func(g formerGroup) bool { return g.name == name })
}

// experienceOf returns what is known of a group that there is or was; nil: nothing.
func (t *Tracker) experienceOf(name string) *experience {
	if g := t.byGroup[name]; g != nil {
		return &g.experience
	}
	if i := slices.IndexFunc(t.former, func(g formerGroup) bool { return g.name == name }); i >= 0 {
		return &t.former[i].experience
	}
	return nil
}

// found returns a new group, or one that is there again.
func (t *Tracker) found(name string) *group {
	g := newGroup(name, &t.experience, &t.bounds, t.histograms)
	if before := t.experienceOf(name); before != nil {
		for model := range before.byModel {
			g.inherit(model, before)
		}
		t.former.forget(name)
	}
	return g
}
