// What is looked up without going through the tasks.

package reader

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/view"
)

// Status returns how accounts, groups and storage stand. It notes nothing: what a snapshot shows from its first reader on waits
// for that one.
func (r *Reader) Status() view.Status {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	state := r.state()
	s := view.Status{At: now, Storage: state.Storage, Keeps: state.Storage.Keeps}
	for _, a := range state.Accounts {
		s.Accounts = append(s.Accounts, a.Dispatcher.View(now, 0))
	}
	for _, g := range r.tasks.Groups {
		s.Groups = append(s.Groups, view.GroupStatus{
			Name: g.Name, Account: g.Account.Name, Tasks: g.Tasks, Callbacks: g.Webhook, Relied: g.Relies(),
		})
	}
	return s
}

// Find returns what is known of the tracked tasks with an id, one for each account that has it, by the accounts' names.
func (r *Reader) Find(id string) (all []view.Task) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, account := range r.tasks.Table.Names() {
		if k := r.tasks.Get(account, id); k != nil {
			all = append(all, k.View())
		}
	}
	return all
}

// Next returns when a task of an account is asked next.
func (r *Reader) Next(account, id string) view.Next {
	r.mu.Lock()
	defer r.mu.Unlock()
	k := r.tasks.Get(account, id)
	if k == nil || k.Unfinished == nil || k.Unfinished.GivenUp {
		return view.Next{}
	}
	u := k.Unfinished
	return view.Next{Due: u.Due, Asking: u.Asking, Called: u.Called}
}

// Count returns how many tasks of an account are tracked, and how many of them are not known to be finished.
func (r *Reader) Count(account string) (tasks, unfinished int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, g := range r.tasks.Groups {
		if g.Account.Name == account {
			tasks += g.Tasks
		}
	}
	for _, k := range r.tasks.Unfinished() {
		if k.Kind.Group.Account.Name == account && !k.Unfinished.GivenUp {
			unfinished++
		}
	}
	return tasks, unfinished
}
