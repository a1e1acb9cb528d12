// What is known of all unfinished tasks, gathered in portions.

package tasks

import (
	"iter"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/blocks"
	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// surveyAtATime is of how many tasks a survey looks at each time: whole pieces of them.
const surveyAtATime = 64 * blocks.PieceSize

// Survey goes through the unfinished tasks from the first to the last. Others may come and go between two portions, so what the tasks
// come to is that of some moment on the way for each of them; but each that is there all the time counts once.
type Survey struct {
	now    time.Time
	next   int // position; those below were visited
	limit  int // of newest
	sum    summary
	newest blocks.Newest[*entry.Task]
}

// NewSurvey returns a survey that has visited none. A set has one under way at a time.
func NewSurvey(now time.Time) *Survey { return &Survey{now: now, sum: newSummary()} }

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

func (v *Survey) visit(k *entry.Task) {
	v.sum.add(k, v.now)
	if k.Unfinished.IsAnswered() {
		v.newest.Add(Aged{Born: k.Born(), ID: k.ID, Account: k.Group.Account.Name, Task: k}, v.limit)
	}
}

// moved takes the news that a task goes from one position to another, and visits it if it would be missed.
func (v *Survey) moved(k *entry.Task, from, to int) {
	if v != nil && to < v.next && from >= v.next {
		v.visit(k)
	}
}

// Limit returns how many tasks may have series, as far as the survey knows.
func (v *Survey) Limit() int { return v.limit }

// Len returns how many of the tasks visited so far may have series.
func (v *Survey) Len() int { return v.newest.Len() }

// IsSurveyed reports whether a survey is under way.
func (s *Set) IsSurveyed() bool { return s.survey != nil }

// Newest returns the newest tasks that were answered.
func (v *Survey) Newest() []Aged { return v.newest.Sorted() }

// Aged is an unfinished task that was answered, with its age.
type Aged = blocks.Aged[*entry.Task]

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
		seen.Oldest, seen.Overdue = v.sum.oldest[m], v.sum.overdue[m]
		models = append(models, seen)
	}
	for _, g := range s.Groups {
		seen := view.Group{
			Name: g.Name, Pending: pending[g], OldestAnswer: v.sum.oldestAnswer[g],
			WithoutSeries: g.Tasks - withSeries[g.Name], QueryFailing: v.sum.failing(g),
		}
		g.Totals.Show(&seen)
		groups = append(groups, seen)
	}
	return models, groups
}

// Due returns how many tasks of an account were due.
func (v *Survey) Due(a *entry.Account) int { return v.sum.due[a] }

// summary is what the unfinished tasks come to.
type summary struct {
	oldestAnswer map[*entry.Group]time.Time
	classes      map[*entry.Group]map[kie.Class]int
	oldest       map[*entry.Model]kie.Time
	overdue      map[*entry.Model]int
	due          map[*entry.Account]int
}

func newSummary() summary {
	return summary{
		oldestAnswer: make(map[*entry.Group]time.Time),
		classes:      make(map[*entry.Group]map[kie.Class]int),
		oldest:       make(map[*entry.Model]kie.Time),
		overdue:      make(map[*entry.Model]int),
		due:          make(map[*entry.Account]int),
	}
}

func (s *summary) add(k *entry.Task, now time.Time) {
	o, g := k.Unfinished, k.Group
	if !o.GivenUp && !o.Due.After(now) {
		s.due[g.Account]++
	}
	if o.Class != kie.ClassOK {
		if s.classes[g] == nil {
			s.classes[g] = make(map[kie.Class]int)
		}
		s.classes[g][o.Class]++
	}
	if !o.IsAnswered() || o.GivenUp {
		return
	}
	if at, ok := s.oldestAnswer[g]; !ok || o.Answered.Before(at) {
		s.oldestAnswer[g] = o.Answered
	}
	if at, ok := s.oldest[k.Model]; !k.Created.IsZero() && (!ok || k.Created < at) {
		s.oldest[k.Model] = k.Created
	}
	if o.Overdue {
		s.overdue[k.Model]++
	}
}

// failing returns how many of the group's tasks had a last query of each class.
func (s *summary) failing(g *entry.Group) map[kie.Class]int {
	all := make(map[kie.Class]int)
	for _, c := range kie.Classes() {
		if c != kie.ClassOK {
			all[c] = s.classes[g][c]
		}
	}
	return all
}
