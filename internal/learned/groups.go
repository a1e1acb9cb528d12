// The groups of the configuration, and former ones.

package learned

import "slices"

// maxFormer is how many removed groups are remembered.
const maxFormer = 20

// Groups is what is known of the tasks of each group. Not safe for concurrent use.
type Groups struct {
	all     *Group
	current map[string]*Group
	former  []former // they may only have another name now; the last one comes last
}

type former struct {
	name string
	*Group
}

// NewGroups returns what is known before there is a group.
func NewGroups() *Groups { return &Groups{all: newGroup(nil), current: make(map[string]*Group)} }

// Begin returns a group that there is from now on. One that there was before goes on with what was known of it.
func (s *Groups) Begin(name string) *Group {
	g, before := newGroup(s.all), s.Get(name)
	if before != nil {
		for model := range before.byModel {
			g.Inherit(model, before)
		}
	}
	s.forgetFormer(name)
	s.current[name] = g
	return g
}

// Get returns what is known of a group that there is or was; nil: nothing.
func (s *Groups) Get(name string) *Group {
	if g := s.current[name]; g != nil {
		return g
	}
	if i := slices.IndexFunc(s.former, func(f former) bool { return f.name == name }); i >= 0 {
		return s.former[i].Group
	}
	return nil
}

// End notes that a group was removed.
func (s *Groups) End(name string) {
	s.remember(name, s.current[name])
	delete(s.current, name)
}

// Recall returns what is known of a group that there is or was, perhaps nothing yet.
func (s *Groups) Recall(name string) *Group {
	g := s.Get(name)
	if g == nil {
		g = newGroup(s.all)
		s.remember(name, g)
	}
	return g
}

func (s *Groups) remember(name string, g *Group) {
	s.forgetFormer(name)
	if len(s.former) == maxFormer {
		s.former = slices.Delete(s.former, 0, 1)
	}
	g.any.Retire()
	s.former = append(s.former, former{name, g})
}

func (s *Groups) forgetFormer(name string) {
	s.former = slices.DeleteFunc(s.former, func(f former) bool { return f.name == name })
}

// ForgetModels forgets what is known of some models, but in groups that are spared.
func (s *Groups) ForgetModels(models map[string]struct{}, spared func(group string) bool) {
	s.all.forget(models)
	for name, g := range s.current {
		if !spared(name) {
			g.forget(models)
		}
	}
	for _, f := range s.former {
		f.forget(models)
	}
}
