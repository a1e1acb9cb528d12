// What is looked up without going through the tasks.

package tracker

import (
	"time"

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
		s.Accounts = append(s.Accounts, a.Dispatcher.View(now, 0))
	}
	for _, g := range t.tasks.Groups {
		s.Groups = append(s.Groups, view.GroupStatus{
			Name: g.Name, Account: g.Account.Name, Tasks: g.Tasks, Callbacks: g.Webhook, Relied: g.Relies(),
		})
	}
	return s
}

// Find returns what is known of the tracked tasks with an id, one for each account that has it, by the accounts' names.
func (t *Tracker) Find(id string) (all []view.Task) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, account := range t.tasks.Table.Names() {
		if k := t.tasks.Get(account, id); k != nil {
			all = append(all, k.View())
		}
	}
	return all
}

// Count returns how many tasks of an account are tracked, and how many of them are not known to be finished.
func (t *Tracker) Count(account string) (tasks, unfinished int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, g := range t.tasks.Groups {
		if g.Account.Name == account {
			tasks += g.Tasks
		}
	}
	for _, k := range t.tasks.Unfinished() {
		if k.Group.Account.Name == account && !k.Unfinished.GivenUp {
			unfinished++
		}
	}
	return tasks, unfinished
}
