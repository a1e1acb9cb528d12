// Package tasks holds the tasks that are tracked: by account and id, in lists, in their groups, and what is remembered of those that
// are in no list. It has no lock: the tracker's guards all of it, and the entries.
package tasks

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/blocks"
	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/histogram"
	"github.com/kie-exporter/kie_exporter/internal/labels"
	"github.com/kie-exporter/kie_exporter/internal/learned"
	"github.com/kie-exporter/kie_exporter/internal/life"
	"github.com/kie-exporter/kie_exporter/internal/table"
	"github.com/kie-exporter/kie_exporter/internal/unlisted"
)

// Set is the tasks that are tracked, and the groups that they are in. Not safe for concurrent use.
//
// What holds while no method runs, Check checks:
//   - A tracked task is in the table under its account and id, and once in the list of unfinished or in that of finished tasks, at
//     its index.
//   - It counts once in its group, and once in its model if it has one, under its state.
//   - A task that is remembered as dropped is not tracked.
type Set struct {
	Groups   []*entry.Group // in the configuration's order, then those that leave
	Limits   labels.Limits
	Learned  *learned.Groups
	Unlisted unlisted.Memory
	Table    table.Accounts[entry.Task]
	Stamps   life.Stamps // of ends

	histograms histogram.New
	byName     map[string]*entry.Group
	models     map[modelKey]*entry.Model
	forgot     time.Time // when was last looked for models that nothing uses

	unfinished []*entry.Task
	finished   []*entry.Task // in the order in which it was learned, with gaps
	gaps       int           // in finished
	blocks     blocks.Maker  // of unfinished and finished
	survey     *Survey       // under way; nil: none
}

type modelKey struct {
	group *entry.Group
	name  string
}

// NewSet returns a set of no tasks, with so many models at most.
func NewSet(models int, histograms histogram.New) *Set {
	return &Set{
		Limits:     labels.New(models),
		Learned:    learned.NewGroups(),
		Unlisted:   unlisted.New(),
		Table:      table.NewAccounts(func(k *entry.Task) string { return k.ID }),
		histograms: histograms,
		models:     make(map[modelKey]*entry.Model),
	}
}

// Get returns the task of an account with an id; nil: it is not tracked.
func (s *Set) Get(account, id string) *entry.Task { return s.Table.Get(account, id) }

// Group returns the group of that name; nil: there is none.
func (s *Set) Group(name string) *entry.Group { return s.byName[name] }

// Unfinished returns the unfinished tasks. The slice is good until one comes or goes.
func (s *Set) Unfinished() []*entry.Task { return s.unfinished }

// Finished returns the finished tasks in the order in which it was learned, with nil where one went. The slice is good until one comes
// or goes.
func (s *Set) Finished() []*entry.Task { return s.finished }

// CountFinished returns how many finished tasks there are.
func (s *Set) CountFinished() int { return len(s.finished) - s.gaps }

// MarkChanged notes that what is shown of a task has changed.
func (s *Set) MarkChanged(k *entry.Task) {
	if k.Unfinished == nil {
		s.blocks.FinishedChanged(int(k.Index))
	} else {
		s.blocks.UnfinishedChanged(int(k.Index))
	}
}

// Model returns a group's model, whose name is limited already.
func (s *Set) Model(g *entry.Group, name string) *entry.Model {
	key := modelKey{g, name}
	m, ok := s.models[key]
	if !ok {
		m = entry.NewModel(g, name, s.histograms)
		s.models[key] = m
	}
	return m
}

// sortedModels returns the models by group, then name.
func (s *Set) sortedModels() []*entry.Model {
	all := make([]*entry.Model, 0, len(s.models))
	for _, m := range s.models {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *entry.Model) int {
		return cmp.Or(cmp.Compare(a.Group.Name, b.Group.Name), cmp.Compare(a.Name, b.Name))
	})
	return all
}

// ModelsOf returns the names of the models that an account's tasks have, those with most tasks first.
func (s *Set) ModelsOf(a *entry.Account) []string {
	tasks := make(map[string]int)
	for _, m := range s.models {
		if m.Group.Account != a {
			continue
		}
		for _, n := range m.Tasks {
			tasks[m.Name] += n
		}
	}
	maps.DeleteFunc(tasks, func(_ string, n int) bool { return n == 0 })
	return slices.SortedFunc(maps.Keys(tasks), func(a, b string) int {
		return cmp.Or(cmp.Compare(tasks[b], tasks[a]), cmp.Compare(a, b))
	})
}

// put puts a task at the end of the list that it belongs to.
func (s *Set) put(k *entry.Task) {
	list := &s.unfinished
	if k.Unfinished == nil {
		list = &s.finished
	}
	k.Index = position(len(*list))
	*list = append(*list, k)
	s.MarkChanged(k)
}

// take takes a task out of the list that it is in.
func (s *Set) take(k *entry.Task) {
	s.MarkChanged(k)
	if k.Unfinished == nil {
		s.takeFinished(k)
	} else {
		s.takeUnfinished(k)
	}
}

// takeUnfinished puts the last one where the task was.
func (s *Set) takeUnfinished(k *entry.Task) {
	end := len(s.unfinished) - 1
	last := s.unfinished[end]
	s.MarkChanged(last)
	s.survey.moved(last, end, int(k.Index))
	s.unfinished[k.Index], last.Index = last, k.Index
	s.unfinished[end] = nil
	s.unfinished = s.unfinished[:end]
	if len(s.unfinished) < cap(s.unfinished)/4 {
		s.unfinished = slices.Clone(s.unfinished) // gives memory back
	}
}

// takeFinished leaves a gap, and closes the gaps when they are more than half.
func (s *Set) takeFinished(k *entry.Task) {
	s.finished[k.Index] = nil
	s.gaps++
	if s.gaps*2 <= len(s.finished) {
		return
	}
	left := make([]*entry.Task, 0, len(s.finished)-s.gaps)
	for _, k := range s.finished {
		if k != nil {
			k.Index = position(len(left))
			left = append(left, k)
		}
	}
	s.finished, s.gaps = left, 0
	s.blocks.ForgetFinished() // every position has another task
}

// position returns a place in a list in half the bytes.
func position(n int) uint32 { return uint32(n) } //nolint:gosec // no memory holds so many
