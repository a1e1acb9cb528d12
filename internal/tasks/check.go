// What always holds of the tasks, for tests to check.

package tasks

import (
	"errors"
	"fmt"

	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// Check returns what does not hold of the set, or of an entry in it, though it always is to: see Set and entry.Task. It goes through all
// tasks, which is for tests.
func (s *Set) Check() error {
	c := checker{
		inGroup: make(map[*entry.Group]int), inModel: make(map[*entry.Model]map[kie.State]int),
		backlog: make(map[*entry.Account]int),
	}
	tracked := 0
	for _, account := range s.Table.Names() {
		for k := range s.Table.Account(account) {
			tracked++
			c.task(s, account, k)
		}
	}
	if listed := len(s.unfinished) + len(s.finished) - s.gaps; listed != tracked {
		c.complain("%d tasks are in the lists, %d are tracked", listed, tracked)
	}
	for _, g := range s.Groups {
		if g.Tasks != c.inGroup[g] {
			c.complain("group %s counts %d tasks, it has %d", g.Name, g.Tasks, c.inGroup[g])
		}
	}
	for _, m := range s.models {
		for state, n := range m.Tasks {
			if n != c.inModel[m][state] {
				c.complain("model %s of %s counts %d tasks as %v, it has %d", m.Name, m.Group.Name, n, state, c.inModel[m][state])
			}
		}
	}
	for a, n := range c.backlog {
		if a.Backlog.Len() != n {
			c.complain("the backlog of %s has %d tasks, %d are in it", a.Name, a.Backlog.Len(), n)
		}
	}
	for k := range s.Unlisted.All() {
		if !k.Marks.Has(entry.Removed) {
			c.complain("%s is tracked and remembered as dropped", k.ID)
		}
	}
	return errors.Join(c.problems...)
}

// checker counts tasks, and gathers what does not hold.
type checker struct {
	problems []error
	inGroup  map[*entry.Group]int
	inModel  map[*entry.Model]map[kie.State]int
	backlog  map[*entry.Account]int
}

func (c *checker) complain(format string, args ...any) {
	if len(c.problems) < 10 {
		c.problems = append(c.problems, fmt.Errorf(format, args...))
	}
}

// task checks a task that is tracked for an account.
func (c *checker) task(s *Set, account string, k *entry.Task) {
	list := s.unfinished
	if k.Unfinished == nil {
		list = s.finished
	}
	if int(k.Index) >= len(list) || list[k.Index] != k {
		c.complain("%s is not where it says, at %d", k.ID, k.Index)
	}
	if k.Kind.Group.Account.Name != account || s.byName[k.Kind.Group.Name] != k.Kind.Group {
		c.complain("%s is tracked for %s, and in group %s of %s", k.ID, account, k.Kind.Group.Name, k.Kind.Group.Account.Name)
	}
	if k.Kind.Model != nil && s.models[modelKey{k.Kind.Group, k.Kind.Model.Name}] != k.Kind.Model {
		c.complain("%s is of a model %s that is forgotten", k.ID, k.Kind.Model.Name)
	}
	if err := k.Check(); err != nil {
		c.complain("%s: %w", k.ID, err)
	}
	c.inGroup[k.Kind.Group]++
	if k.Kind.Model != nil {
		if c.inModel[k.Kind.Model] == nil {
			c.inModel[k.Kind.Model] = make(map[kie.State]int)
		}
		c.inModel[k.Kind.Model][k.State]++
	}
	if k.Unfinished != nil && k.Unfinished.Shared {
		c.backlog[k.Kind.Group.Account]++
	}
}
