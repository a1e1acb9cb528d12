// Which groups there are.

package tasks

import (
	"maps"
	"slices"

	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/learned"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

// SetGroups makes the groups those of these names, in that order. Groups that are not among them are marked as leaving and stay, after
// the others, until DropLeaving.
func (s *Set) SetGroups(names []string) {
	before := s.byName
	s.Groups, s.byName = nil, make(map[string]*entry.Group, len(names))
	for _, name := range names {
		g := before[name]
		if g == nil {
			g = entry.NewGroup(name, s.Learned.Begin(name), &s.Limits, s.histograms)
		}
		g.Leaving = false
		delete(before, name)
		s.add(g)
	}
	for _, name := range slices.Sorted(maps.Keys(before)) {
		before[name].Leaving = true
		s.add(before[name])
	}
}

func (s *Set) add(g *entry.Group) {
	s.Groups = append(s.Groups, g)
	s.byName[g.Name] = g
}

// Relearn learns how long tasks took before. It is to be called before there are tasks.
func (s *Set) Relearn(samples []learned.Sample) {
	for _, one := range slices.Backward(samples) {
		s.Limits.Model(one.Model) // the latest ones first
	}
	for _, one := range samples {
		name, _ := s.Limits.Model(one.Model)
		s.durations(one.Group, name).Observe(one.Took)
	}
}

// durations returns what is known of a model in a group that there is, or of one that there was: its tasks may be in another now.
func (s *Set) durations(group, model string) *schedule.Durations {
	if g := s.Group(group); g != nil {
		return s.Model(g, model).Durations
	}
	return s.Learned.Recall(group).Model(model)
}

// DropLeaving removes the groups that are leaving, and drops the tasks that they still have.
func (s *Set) DropLeaving() {
	left := 0
	for _, g := range s.Groups {
		if g.Leaving {
			left += g.Tasks
			delete(s.byName, g.Name)
			s.Learned.End(g.Name)
		}
	}
	if left > 0 {
		for _, k := range slices.Collect(s.Table.All()) {
			if k.Kind.Group.Leaving {
				s.Drop(k)
			}
		}
	}
	maps.DeleteFunc(s.models, func(key modelKey, _ *entry.Model) bool { return key.group.Leaving })
	s.Groups = slices.DeleteFunc(s.Groups, func(g *entry.Group) bool { return g.Leaving })
}
