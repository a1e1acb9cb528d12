// Package withheld leaves out of a snapshot the shares of accounts that were taken a moment ago from a replica that gave them up: until that one
// was scraped again, Prometheus has its gauges and series of tasks still, and a sum would have them twice. Counters begin at 0 and stay. At a start it
// leaves out what nobody can say before all lists were read.
package withheld

import (
	"iter"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// Account is an account of which something is not to be shown yet.
type Account struct {
	Parts share.Set // that are not
	Whole bool      // nothing else of it is held
}

func (a *Account) hides(id string) bool { return a.Whole || a.Parts.Has(id) }

// From returns a snapshot without what is withheld of some accounts. All are the tracker's tasks; they are looked at where an account is shown
// in part. Of says whose a group is.
func From(known *view.Snapshot, accounts map[string]*Account, of func(group string) string, all iter.Seq[view.Task]) *view.Snapshot {
	s := *known
	s.Blocks = blocks(known.Blocks, accounts, of)
	rest := sum(accounts, all)
	withSeries := make(map[string]int)
	for _, b := range s.Blocks {
		b.CountByGroup(withSeries)
	}
	s.Accounts = changed(known.Accounts, func(a *view.Account) {
		if w := accounts[a.Name]; w != nil && w.Whole {
			a.CountersOnly = true
		}
	})
	s.Models = changed(known.Models, func(m *view.Model) {
		if w := accounts[of(m.Group)]; w != nil {
			m.CountersOnly = w.Whole
			rest.models[[2]string{m.Group, m.Model}].put(m)
		}
	})
	s.Groups = changed(known.Groups, func(g *view.Group) {
		if w := accounts[of(g.Name)]; w != nil {
			g.CountersOnly = w.Whole
			rest.groups[g.Name].put(g, withSeries[g.Name])
		}
	})
	return &s
}

// Unread returns a snapshot without what depends on which tasks there are, as long as that was not read to the end: their series, and gauges of
// groups and models.
func Unread(known *view.Snapshot) *view.Snapshot {
	s := *known
	s.Shown = view.Shown{LabelKeys: known.LabelKeys}
	s.Accounts = changed(known.Accounts, func(a *view.Account) { a.DueUnknown = true })
	s.Models = changed(known.Models, func(m *view.Model) { m.CountersOnly = true })
	s.Groups = changed(known.Groups, func(g *view.Group) { g.CountersOnly = true })
	return &s
}

// changed returns a copy of values, each changed.
func changed[T any](values []T, change func(*T)) []T {
	next := append([]T(nil), values...)
	for i := range next {
		change(&next[i])
	}
	return next
}

// blocks returns blocks of those tasks that are shown. What has no others stays what it is.
func blocks(all []*view.Block, accounts map[string]*Account, of func(group string) string) (left []*view.Block) {
	for _, b := range all {
		counts, touched := make(map[string]int), false
		b.CountByGroup(counts)
		for group := range counts {
			touched = touched || accounts[of(group)] != nil
		}
		if !touched {
			left = append(left, b)
			continue
		}
		some := view.NewBuilder(b.Len())
		for i := range b.Len() {
			var t view.Task
			b.Read(i, &t)
			if w := accounts[t.Account]; w == nil || !w.hides(t.ID) {
				some.Add(&t)
			}
		}
		if next := some.Block(); next.Len() > 0 {
			left = append(left, next)
		}
	}
	return left
}

// rest is what the tasks come to that are shown of accounts that are shown in part.
type rest struct {
	models map[[2]string]*model
	groups map[string]*group
}

type model struct {
	tasks   map[kie.State]int
	oldest  kie.Time
	overdue int
}

type group struct {
	tasks, pending int
	oldest         time.Time
	failing        map[kie.Class]int
}

func sum(accounts map[string]*Account, all iter.Seq[view.Task]) rest {
	r := rest{make(map[[2]string]*model), make(map[string]*group)}
	inPart := false
	for _, a := range accounts {
		inPart = inPart || !a.Whole
	}
	if !inPart {
		return r
	}
	for t := range all {
		if w := accounts[t.Account]; w != nil && !w.Whole && !w.hides(t.ID) {
			r.add(&t)
		}
	}
	return r
}

// add adds a task, as tasks and summary do for all.
func (r *rest) add(t *view.Task) {
	g := r.groups[t.Group]
	if g == nil {
		g = &group{failing: make(map[kie.Class]int)}
		r.groups[t.Group] = g
	}
	g.tasks++
	if t.QueryError != kie.ClassOK {
		g.failing[t.QueryError]++
	}
	if t.State == kie.StatePending {
		g.pending++
		return
	}
	m := r.models[[2]string{t.Group, t.Model}]
	if m == nil {
		m = &model{tasks: make(map[kie.State]int)}
		r.models[[2]string{t.Group, t.Model}] = m
	}
	m.tasks[t.State]++
	if t.State.Finished() || t.GivenUp {
		return
	}
	if g.oldest.IsZero() || t.LastAnswer.Before(g.oldest) {
		g.oldest = t.LastAnswer
	}
	if m.oldest.IsZero() || t.Created < m.oldest && !t.Created.IsZero() {
		m.oldest = t.Created
	}
	if t.Overdue {
		m.overdue++
	}
}

// put has a model show these tasks alone; nil: none.
func (m *model) put(to *view.Model) {
	if m == nil {
		m = &model{}
	}
	tasks := make(map[kie.State]int, len(to.Tasks))
	for state := range to.Tasks {
		tasks[state] = m.tasks[state]
	}
	to.Tasks, to.Oldest, to.Overdue = tasks, m.oldest, m.overdue
}

// put has a group show these tasks alone, of which so many have series; nil: none.
func (g *group) put(to *view.Group, withSeries int) {
	if g == nil {
		g = &group{}
	}
	failing := make(map[kie.Class]int, len(to.QueryFailing))
	for class := range to.QueryFailing {
		failing[class] = g.failing[class]
	}
	to.Pending, to.OldestAnswer, to.QueryFailing, to.WithoutSeries = g.pending, g.oldest, failing, max(0, g.tasks-withSeries)
}
