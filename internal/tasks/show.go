// What readers see of the tasks.

package tasks

import (
	"iter"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/blocks"
	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// surveyAtATime is of how many tasks a survey looks at each time: whole pieces of them.
const surveyAtATime = 64 * blocks.PieceSize

// Visit visits the next portion, of which so many tasks may have series; false: it was the last.
func (s *Set) Visit(v *Survey, limit int) (more bool) {
	v.limit = limit
	end := min(v.next+surveyAtATime, len(s.unfinished))
	for _, k := range s.unfinished[min(v.next, end):end] {
		v.visit(k)
	}
	s.blocks.Look(list(s.unfinished), v.next, end)
	v.next = end
	s.survey = nil
	if more = end < len(s.unfinished); more {
		s.survey = v
	}
	return more
}

// IsSurveyed reports whether a survey is under way.
func (s *Set) IsSurveyed() bool { return s.survey != nil }

// Show returns which tasks have series, so many at most. It reads about as many tasks as there is room for; complete is false if others
// have changed, too: then it is to be called again.
func (s *Set) Show(newest []Aged, limit, room int, now time.Time) (shown view.Shown, complete bool) {
	return s.blocks.Make(blocks.Lists{
		Unfinished: list(s.unfinished), Finished: list(s.finished), Count: len(s.finished) - s.gaps,
		Newest: positions(newest), LabelKeys: s.Limits.Keys(),
	}, limit, room, now)
}

// positions yields where those of some tasks are that are still unfinished and tracked.
func positions(tasks []Aged) iter.Seq[int] {
	return func(yield func(int) bool) {
		for _, a := range tasks {
			if k := a.Task; k.Unfinished != nil && !k.Marks.Has(entry.Removed) && !yield(int(k.Index)) {
				return
			}
		}
	}
}

// list is a list of tasks, with nil in its gaps, as their blocks are made of it.
type list []*entry.Task

// Len implements blocks.List.
func (l list) Len() int { return len(l) }

// Look implements blocks.List.
func (l list) Look(position int) (live, answered bool) {
	k := l[position]
	return k != nil, k != nil && k.Unfinished != nil && k.Unfinished.IsAnswered()
}

// Read implements blocks.List.
func (l list) Read(position int) view.Task { return l[position].View() }

// View returns what readers see of the models and groups, of whose tasks those shown have series.
func (s *Set) View(v *Survey, shown view.Shown, now time.Time, holdBack time.Duration) (models []view.Model, groups []view.Group) {
	withSeries := make(map[string]int, len(s.Groups))
	for _, b := range shown.Blocks {
		b.CountByGroup(withSeries)
	}
	pending := make(map[*entry.Group]int, len(s.Groups)) // all that are of no model yet
	for _, g := range s.Groups {
		pending[g] = g.Tasks
	}
	for _, m := range s.sortedModels() {
		for _, n := range m.Tasks {
			pending[m.Group] -= n
		}
		seen := m.View(now, holdBack)
		seen.Oldest, seen.Overdue = v.sum.Oldest[m], v.sum.Overdue[m]
		models = append(models, seen)
	}
	for _, g := range s.Groups {
		seen := view.Group{
			Name: g.Name, Pending: pending[g], OldestAnswer: v.sum.OldestAnswer[g],
			WithoutSeries: g.Tasks - withSeries[g.Name], QueryFailing: v.sum.Failing(g),
		}
		g.Totals.Show(&seen)
		groups = append(groups, seen)
	}
	return models, groups
}
