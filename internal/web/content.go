// An overview as the page shows it.

package web

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// shownRows is how many groups and models the page shows at the most.
const shownRows = 100

// content is what the page's template fills in. The template escapes all of it.
type content struct {
	At      stamp
	Tracked int

	Form    form
	Filters []filter

	Status viewStatus

	Counts   []cell
	Statuses []kie.State
	Ticks    []tick
	Rows     []viewRow
	MoreRows int

	Urgent   list
	Missing  []viewTask
	Lost     cell // how many tasks the API does not know, and the query string that lists them
	Failures []viewTask

	Tasks          []viewTask
	From, To       int
	Matching       int
	Start          string // query strings of pages, "" where there is none
	Previous, Next string
	Query          string
}

// form holds what the filters are set to, and what they can be set to.
type form struct {
	Text                           string
	Groups, Models, States, Reason []option
	Overdue, Failing, Missing      bool
	Limit                          string // "" if it is the default
}

type option struct {
	Value    string
	Selected bool
}

// filter is one that is set; Without is the query string that is the same but for it.
type filter struct{ Name, Value, Without string }

// list is some tasks, and how many more there are.
type list struct {
	Tasks []viewTask
	More  int
}

// cell is a number of tasks, and the query string that lists them.
type cell struct {
	Kind  string
	Count int
	Query string
}

type viewRow struct {
	Key, Group, Model string
	Query             string
	Cells             []cell
	Overdue           cell
	Oldest            stamp
	Latency           *viewLatency
}

type viewLatency struct {
	Count       int
	Median, P90 string
	Bars        string
}

// viewTask is a task, with what the page puts in words of its own in place of the task's.
type viewTask struct {
	*view.Task
	Path       string // of the page of the task, from that of all; "" if it can't have one
	State      kie.State
	Created    stamp // of a task that was never answered: first seen
	Seen       bool
	Ended      stamp
	Took       string
	Running    bool // Took is how long until now
	Failed     bool
	QueryError string
	Credits    string
	Answered   stamp
}

// stamp is a time for people: exactly, and how long ago. It is empty if the time is not known.
type stamp struct{ Exact, Ago string }

func (s *overview) stamp(t time.Time) stamp {
	if t = moment(t); t.IsZero() {
		return stamp{}
	}
	return stamp{Exact: t.Format(time.RFC3339), Ago: ageInWords(s.at.Sub(t))}
}

func newContent(s *overview, status *statusDocument) content {
	q := s.query
	v := content{
		At: stamp{Exact: moment(s.at).Format("2006-01-02 15:04:05 MST")}, Tracked: s.tracked,
		Status: status.view(),
		Form:   s.form(), Filters: q.filters(),
		Statuses: s.occurring(), Ticks: ticks(),
		Failures: s.viewTasks(s.failures), Tasks: s.viewTasks(s.tasks),
		From: s.earlier + min(1, len(s.tasks)), To: s.earlier + len(s.tasks), Matching: s.matching,
		Previous: s.previous(), Next: s.next(), Query: q.with(),
	}
	if s.earlier > 0 {
		v.Start = q.with()
	}
	sum := s.sum()
	v.Counts = s.counts(sum)
	v.Urgent = list{s.viewTasks(s.urgent), sum.overdue + sum.failing - len(s.urgent)}
	v.Missing, v.Lost = s.viewTasks(s.missing), cell{Count: sum.missing, Query: q.with("missing", "true", "state", "", "overdue", "", "failing", "")}
	for _, r := range s.rows {
		switch {
		case r.tasks == 0:
		case len(v.Rows) == shownRows:
			v.MoreRows++
		default:
			v.Rows = append(v.Rows, s.viewRow(r, v.Statuses))
		}
	}
	return v
}

// sum returns what the rows come to.
func (s *overview) sum() *row {
	sum := &row{}
	for _, r := range s.rows {
		sum.overdue += r.overdue
		sum.failing += r.failing
		sum.missing += r.missing
		for i, n := range r.states {
			sum.states[i] += n
		}
	}
	return sum
}

// occurring returns the states in which some task in scope is, in their order.
func (s *overview) occurring() []kie.State {
	sum := s.sum()
	return slices.DeleteFunc(kie.States(), func(st kie.State) bool { return sum.states[st] == 0 })
}

// counts returns how many tasks in scope there are of each state, and how many are overdue.
func (s *overview) counts(sum *row) []cell {
	all := []cell{{Kind: "overdue", Count: sum.overdue, Query: s.query.with("overdue", "true", "state", "")}}
	for _, st := range kie.States() {
		all = append(all, cell{Kind: st.String(), Count: sum.states[st], Query: s.query.with("state", st.String(), "overdue", "")})
	}
	return all
}

func (s *overview) viewRow(r *row, occurring []kie.State) viewRow {
	// Tasks that were never answered have no model, and a filter by none is no filter.
	of := func(pairs ...string) string {
		return s.query.with(append([]string{"group", r.group, "model", r.model}, pairs...)...)
	}
	v := viewRow{
		Key: r.group + "\n" + r.model, Group: r.group, Model: r.model, Query: of(), Oldest: s.stamp(r.oldest.Time()),
		Overdue: cell{Kind: "overdue", Count: r.overdue, Query: of("overdue", "true", "state", "")},
	}
	for _, st := range occurring {
		v.Cells = append(v.Cells, cell{Kind: st.String(), Count: r.states[st], Query: of("state", st.String(), "overdue", "")})
	}
	if l := &r.latency; l.count > 0 {
		v.Latency = &viewLatency{
			Count: l.count, Median: inWords(l.quantile(.5)), P90: inWords(l.quantile(.9)), Bars: l.bars(),
		}
	}
	return v
}

func (s *overview) viewTasks(tasks []view.Task) (all []viewTask) {
	for i := range tasks {
		all = append(all, s.viewTask(&tasks[i]))
	}
	return all
}

func (s *overview) viewTask(k *view.Task) viewTask {
	v := viewTask{
		Task: k, Path: pathOf(k), State: k.State, Failed: k.State == kie.StateFail,
		Created: s.stamp(k.Created.Time()), Answered: s.stamp(k.LastAnswer),
	}
	if k.Created.IsZero() {
		v.Created, v.Seen = s.stamp(k.Seen), true
	}
	if k.State.Finished() {
		v.Ended = s.stamp(ended(k).Time())
	} else {
		v.Took, v.Running = v.Created.Ago, true
	}
	if took, ok := k.Latency(); ok {
		v.Took = inWords(took)
	}
	if k.QueryError != kie.ClassOK {
		v.QueryError = k.QueryError.String()
		if k.GivenUp {
			v.QueryError += ", given up"
		}
	}
	if k.HasCredits {
		v.Credits = fmt.Sprintf("%.4g", k.Credits)
	}
	return v
}

func (s *overview) form() form {
	q := s.query
	groups, models := map[string]bool{}, map[string]bool{}
	for _, r := range s.rows {
		groups[r.group], models[r.model] = true, true
	}
	states := []string{"unfinished", "finished"}
	for _, st := range kie.States() {
		states = append(states, st.String())
	}
	var reasons []string
	for _, r := range kie.Reasons() {
		reasons = append(reasons, r.String())
	}
	return form{
		Text: q.text, Overdue: q.overdue, Failing: q.failing, Missing: q.missing, Limit: q.values.Get("limit"),
		Groups: q.options("group", slices.Sorted(maps.Keys(groups))),
		Models: q.options("model", slices.Sorted(maps.Keys(models))),
		States: q.options("state", states),
		Reason: q.options("reason", reasons),
	}
}

// options returns the values of a parameter to choose from: any, those there are, and the one that is set.
func (q *query) options(name string, values []string) []option {
	chosen := q.values.Get(name)
	if !slices.Contains(values, chosen) {
		values = append(values, chosen)
	}
	all := []option{{Value: ""}}
	for _, v := range values {
		if v != "" {
			all = append(all, option{Value: v, Selected: v == chosen})
		}
	}
	return all
}

// filters returns those that are set, each value by itself.
func (q *query) filters() (all []filter) {
	for _, name := range slices.Sorted(maps.Keys(q.values)) {
		if name == "limit" {
			continue
		}
		for _, v := range q.values[name] {
			rest := *q
			rest.values = maps.Clone(q.values)
			rest.values[name] = slices.DeleteFunc(slices.Clone(q.values[name]), func(o string) bool { return o == v })
			all = append(all, filter{Name: cmp.Or(map[string]string{"q": "id"}[name], strings.ReplaceAll(name, "_", " ")), Value: v, Without: rest.with()})
		}
	}
	return all
}
