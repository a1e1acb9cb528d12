// What one replica tells another: what a pass came to, and all about a task. It is JSON, in a list of Redis. There is nothing in it that is
// not on the pages.

package web

import (
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/querylog"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// replicaTask is a task.
type replicaTask struct {
	ID      string `json:"id"`
	Account string `json:"account"`
	view.Task
}

func forReplica(k *view.Task) replicaTask { return replicaTask{ID: k.ID, Account: k.Account, Task: *k} }

func forReplicas(tasks []view.Task) []replicaTask {
	all := make([]replicaTask, 0, len(tasks))
	for i := range tasks {
		all = append(all, forReplica(&tasks[i]))
	}
	return all
}

// view returns the task that is told of.
func (t *replicaTask) view() *view.Task {
	k := t.Task
	k.ID, k.Account, k.Model = t.ID, t.Account, kie.CleanLabel(k.Model)
	return &k
}

func (t *replicaTask) isWithin(s scope) bool { return kie.ValidID(t.ID) && s.has(t.Account, t.ID) }

// replicaRecord is all that is known of a task.
type replicaRecord struct {
	Task    replicaTask      `json:"task"`
	Tracked bool             `json:"tracked,omitempty"`
	Queries []querylog.Query `json:"queries,omitempty"`
	Left    int              `json:"left,omitempty"`
	Next    view.Next        `json:"next"`
}

// replicaPass is what a pass came to.
type replicaPass struct {
	Tracked  int           `json:"tracked"`
	Matching int           `json:"matching"`
	Ahead    int           `json:"ahead"`
	Page     []replicaTask `json:"page"`
	Failures []replicaTask `json:"failures,omitempty"`
	Urgent   []replicaTask `json:"urgent,omitempty"`
	Missing  []replicaTask `json:"missing,omitempty"`
	Rows     []replicaRow  `json:"rows"`
}

// replicaRow is the sums of a group and model.
type replicaRow struct {
	Group   string            `json:"group,omitempty"`
	Model   string            `json:"model,omitempty"`
	Tasks   int               `json:"tasks,omitempty"`
	States  map[kie.State]int `json:"states,omitempty"`
	Overdue int               `json:"overdue,omitempty"`
	Failing int               `json:"failing,omitempty"`
	Missing int               `json:"missing,omitempty"`
	Oldest  kie.Time          `json:"oldest,omitempty"`
	Bins    map[int]int       `json:"bins,omitempty"` // how many took how long
}

// told returns what the pass came to. It is no longer than a page.
func (p *pass) forReplica() *replicaPass {
	t := &replicaPass{
		Tracked: p.tracked, Matching: p.matching, Ahead: p.ahead, Page: forReplicas(p.page.tasks()), Rows: []replicaRow{},
		Failures: forReplicas(p.failures.tasks()), Urgent: forReplicas(p.urgent.tasks()), Missing: forReplicas(p.missing.tasks()),
	}
	for _, r := range p.rows {
		t.Rows = append(t.Rows, r.forReplica())
	}
	return t
}

func (r *row) forReplica() replicaRow {
	t := replicaRow{
		Group: r.group, Model: r.model, Tasks: r.tasks, Overdue: r.overdue, Failing: r.failing, Missing: r.missing, Oldest: r.oldest,
		States: make(map[kie.State]int), Bins: make(map[int]int),
	}
	for state, n := range r.states {
		if n > 0 {
			t.States[kie.State(state)] = n
		}
	}
	for bin, n := range r.latency.bins {
		if n > 0 {
			t.Bins[bin] = n
		}
	}
	return t
}

// isWithin reports whether all tasks are of a scope, and all numbers can be.
func (t *replicaPass) isWithin(s scope) bool {
	for _, tasks := range [][]replicaTask{t.Page, t.Failures, t.Urgent, t.Missing} {
		for i := range tasks {
			if !tasks[i].isWithin(s) {
				return false
			}
		}
	}
	for i := range t.Rows {
		if !t.Rows[i].isSound() {
			return false
		}
	}
	return areCounts(t.Tracked, t.Matching, t.Ahead) && t.Ahead <= t.Matching && t.Matching <= t.Tracked
}

func (r *replicaRow) isSound() bool {
	for bin, n := range r.Bins {
		if bin < 0 || bin >= bins || !areCounts(n) {
			return false
		}
	}
	for _, n := range r.States {
		if !areCounts(n) {
			return false
		}
	}
	return areCounts(r.Tasks, r.Overdue, r.Failing, r.Missing)
}

// mostTold is more than there can be of anything, and sums of it fit an int of 32 bits.
const mostTold = 1 << 27

func areCounts(numbers ...int) bool {
	for _, n := range numbers {
		if n < 0 || n > mostTold {
			return false
		}
	}
	return true
}

// take takes into account what a pass of another replica came to. Of what lists have, none but tasks of the page come further.
func (p *pass) take(t *replicaPass) {
	p.tracked += t.Tracked
	p.matching += t.Matching
	p.ahead += t.Ahead
	for i := range t.Page {
		k := t.Page[i].view()
		q := p.query
		if place := q.placeOf(k); (q.after == nil || place.compare(*q.after) > 0) && (q.before == nil || place.compare(*q.before) < 0) {
			p.page.add(place, k)
		}
	}
	p.failures.addAll(t.Failures)
	p.urgent.addAll(t.Urgent)
	p.missing.addAll(t.Missing)
	for i := range t.Rows {
		r := &t.Rows[i]
		p.row(rowKey{r.Group, kie.CleanLabel(r.Model)}).take(r)
	}
}

func (l *topTasks) addAll(tasks []replicaTask) {
	for i := range tasks {
		k := tasks[i].view()
		l.add(rankOf(k), k)
	}
}

func (r *row) take(t *replicaRow) {
	r.tasks += t.Tasks
	r.overdue += t.Overdue
	r.failing += t.Failing
	r.missing += t.Missing
	for state, n := range t.States {
		r.states[state] += n
	}
	for bin, n := range t.Bins {
		r.latency.bins[bin] += n
		r.latency.count += n
	}
	if !t.Oldest.IsZero() && (r.oldest.IsZero() || t.Oldest < r.oldest) {
		r.oldest = t.Oldest
	}
}
