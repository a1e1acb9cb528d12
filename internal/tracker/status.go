// What is looked up without going through the tasks.

package tracker

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/querylog"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// Status returns how accounts, groups and storage stand. It notes nothing: what a snapshot shows from its first reader on waits
// for that one.
func (t *Tracker) Status() view.Status {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	kept := t.store.Stats()
	s := view.Status{At: now, Storage: kept, Keeps: kept.Keeps}
	for _, a := range t.accounts {
		s.Accounts = append(s.Accounts, a.dispatcher.View(now, 0))
	}
	for _, g := range t.groups {
		s.Groups = append(s.Groups, view.GroupStatus{
			Name: g.name, Account: g.account.name, Tasks: g.tasks, Callbacks: g.webhook, Relied: g.relies(),
		})
	}
	return s
}

// Find returns what is known of the tracked tasks with an id, one for each account that has it, by the accounts' names.
func (t *Tracker) Find(id string) (all []view.Task) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, account := range t.tasks.Names() {
		if k := t.tasks.Get(account, id); k != nil {
			all = append(all, k.snapshot())
		}
	}
	return all
}

// record notes a query about a task that is tracked. One that was cancelled says nothing.
func (t *Tracker) record(a *account, k *task, q *query, now time.Time) {
	if k.marks.has(markRemoved) || kie.Cancelled(q.outcome.Err) {
		return
	}
	t.queries.Add(a.name, k.id, querylog.Query{
		Ended: now, Took: q.outcome.Took, Class: kie.ClassOf(q.outcome.Err), State: k.state,
	})
}
