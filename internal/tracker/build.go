// How a snapshot is made.

package tracker

import (
	"iter"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/blocks"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// snapshot is what was known at one moment, for whoever asks again within a second.
type snapshot struct {
	*view.Snapshot
	changes uint64 // of the tracker until then
}

// build returns what is known now, which tasks have series among it. The lock must be held.
func (t *Tracker) build(now time.Time, shows view.Shown, sum *summary) *view.Snapshot {
	s := &view.Snapshot{
		Shown: shows, At: now, Overflows: t.limits.Overflows, Storage: t.store.Stats(),
	}
	shown := make(map[string]int, len(t.groups))
	for _, b := range s.Blocks {
		b.CountByGroup(shown)
	}
	pending := make(map[*group]int, len(t.groups)) // all that are of no model yet
	for _, g := range t.groups {
		pending[g] = g.tasks
	}
	for _, m := range t.sortedModels() {
		for _, n := range m.tasks {
			pending[m.group] -= n
		}
		v := m.view(now, t.options.HoldBack)
		v.Oldest, v.Overdue = sum.oldest[m], sum.overdue[m]
		s.Models = append(s.Models, v)
	}
	for _, g := range t.groups {
		s.Groups = append(s.Groups, view.Group{
			Name: g.name, Pending: pending[g], OldestAnswer: sum.oldestAnswer[g],
			WithoutSeries: g.tasks - shown[g.name], QueryFailing: sum.failing(g),
		})
		g.totals.Show(&s.Groups[len(s.Groups)-1])
	}
	for _, a := range t.accounts {
		s.Accounts = append(s.Accounts, a.dispatcher.View(now, sum.due[a]))
	}
	return s
}

// summary is what the unfinished tasks come to.
type summary struct {
	oldestAnswer map[*group]time.Time
	classes      map[*group]map[kie.Class]int
	oldest       map[*model]kie.Time
	overdue      map[*model]int
	due          map[*account]int
}

func newSummary() summary {
	return summary{
		oldestAnswer: make(map[*group]time.Time),
		classes:      make(map[*group]map[kie.Class]int),
		oldest:       make(map[*model]kie.Time),
		overdue:      make(map[*model]int),
		due:          make(map[*account]int),
	}
}

func (s *summary) add(k *task, now time.Time) {
	o, g := k.unfinished, k.group
	if !o.GivenUp && !o.Due.After(now) {
		s.due[g.account]++
	}
	if o.Class != kie.ClassOK {
		if s.classes[g] == nil {
			s.classes[g] = make(map[kie.Class]int)
		}
		s.classes[g][o.Class]++
	}
	if o.Answered.IsZero() || o.GivenUp {
		return
	}
	if at, ok := s.oldestAnswer[g]; !ok || o.Answered.Before(at) {
		s.oldestAnswer[g] = o.Answered
	}
	if at, ok := s.oldest[k.model]; !k.created.IsZero() && (!ok || k.created < at) {
		s.oldest[k.model] = k.created
	}
	if o.Overdue {
		s.overdue[k.model]++
	}
}

// failing returns how many of the group's tasks had a last query of each class.
func (s *summary) failing(g *group) map[kie.Class]int {
	all := make(map[kie.Class]int)
	for _, c := range kie.Classes() {
		if c != kie.ClassOK {
			all[c] = s.classes[g][c]
		}
	}
	return all
}

// showAtATime is how many tasks a snapshot reads anew while it holds the lock, about.
const showAtATime = 4096

// show returns which tasks have series now. It reads about as many tasks as there is room for; complete is false if others
// have changed, too: then it is to be called again. The lock must be held.
func (t *Tracker) show(now time.Time, newest []aged, room int) (s view.Shown, complete bool) {
	return t.blocks.Make(blocks.Lists{
		Unfinished: list(t.unfinished), Finished: list(t.finished), Count: len(t.finished) - t.gaps,
		Newest: positions(newest), LabelKeys: t.limits.Keys(),
	}, t.options.TaskSeries, room, now)
}

// aged is an unfinished task that was answered, with its age.
type aged = blocks.Aged[*task]

// positions yields where those of some tasks are that are still unfinished and tracked.
func positions(tasks []aged) iter.Seq[int] {
	return func(yield func(int) bool) {
		for _, a := range tasks {
			if k := a.Task; k.unfinished != nil && !k.marks.has(markRemoved) && !yield(int(k.index)) {
				return
			}
		}
	}
}

// list is a list of tasks, with nil in its gaps, as their blocks are made of it.
type list []*task

// Len implements blocks.List.
func (l list) Len() int { return len(l) }

// Look implements blocks.List.
func (l list) Look(position int) (live, answered bool) {
	k := l[position]
	return k != nil, k != nil && k.unfinished != nil && k.unfinished.IsAnswered()
}

// Read implements blocks.List.
func (l list) Read(position int) view.Task { return l[position].snapshot() }

// born returns when an unfinished task was created, or first seen if that is not known.
func (k *task) born() kie.Time { return kie.FirstTime(k.created, kie.TimeOf(k.unfinished.Seen)) }

func (k *task) snapshot() view.Task {
	s := view.Task{
		Task: k.facts(), Group: k.group.name, Account: k.group.account.name, Labels: k.labels,
		FailedAt: k.failedAt(), Learned: k.learned,
	}
	if k.unfinished != nil {
		o := k.unfinished
		s.Seen, s.LastAnswer, s.QueryError, s.Overdue, s.GivenUp = o.Seen, o.Answered, o.Class, o.Overdue, o.GivenUp
	}
	return s
}
