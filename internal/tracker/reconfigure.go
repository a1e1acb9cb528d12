// Other options, in place of those in force.

package tracker

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// Reconfigure puts other options in force; Store, Log and Histograms stay those of New. An account of the same name and budget stays
// what it is, and so does a group of the same name, with its tasks and totals. Relist is called while both the old groups and the new
// ones are known, and is to apply what changes in the lists, so that a task can move from one to the other. Then the old groups are
// removed, with the tasks that they still have, and so are the old accounts: their requests under way are cancelled and waited for.
func (t *Tracker) Reconfigure(o Options, relist func()) {
	t.reconfiguring.Lock()
	defer t.reconfiguring.Unlock()
	retired := t.adopt(o)
	relist()
	t.dropGroups(o.Groups)
	t.Discard()
	for _, a := range retired {
		a.end()
	}
}

// adopt puts options in force, but keeps the groups that are leaving, and returns the accounts to remove.
func (t *Tracker) adopt(o Options) (retired []*dispatchedAccount) {
	t.mu.Lock()
	defer t.mu.Unlock()
	bounds := t.options.Bounds
	t.options = o
	t.tasks.Limits.SetModels(o.Models)
	retired = t.adoptAccountsLocked(o.Accounts)
	for _, a := range retired {
		t.retiring = append(t.retiring, a.Account)
	}
	changed := t.adoptGroupsLocked(o.Groups)
	if o.Bounds != bounds {
		for _, g := range t.tasks.Groups {
			changed[g] = true
		}
	}
	t.tasks.RetimeGroups(changed, o.Bounds, time.Now())
	t.Changed()
	select {
	case t.joined <- struct{}{}:
	default: // Run will look anyway
	}
	t.wakeAllLocked()
	return retired
}

// adoptAccountsLocked makes the accounts of the options, keeping those of the same name and budget, and returns the others.
func (t *Tracker) adoptAccountsLocked(options []AccountOptions) (retired []*dispatchedAccount) {
	before := make(map[string]*dispatchedAccount, len(t.accounts))
	for _, a := range t.accounts {
		before[a.Name] = a
	}
	t.accounts = nil
	for _, o := range options {
		a := before[o.Name]
		if a != nil && a.Budget == o.Budget {
			delete(before, o.Name)
			a.Dispatcher.Configure(a.dispatchOptions(o))
			a.has = o.Has
		} else {
			a = newAccount(t, o)
		}
		t.accounts = append(t.accounts, a)
	}
	for _, a := range before {
		retired = append(retired, a)
	}
	return retired
}

// adoptGroupsLocked makes the groups of the options out of those there are. It returns the groups whose tasks are to be asked at other
// times now.
func (t *Tracker) adoptGroupsLocked(options []GroupOptions) map[*entry.Group]bool {
	changed := make(map[*entry.Group]bool)
	names := make([]string, len(options))
	for i, o := range options {
		names[i] = o.Name
	}
	t.tasks.SetGroups(names)
	for _, o := range options {
		g := t.tasks.Group(o.Name)
		if t.tasks.SetAccount(g, t.accountLocked(o.Account).Account) {
			t.store.Renew()
		}
		if g.Overdue != o.Overdue || g.Webhook != o.Webhook {
			changed[g] = true
		}
		if g.Endpoint != o.Endpoint {
			t.tasks.AskAt(g, o.Endpoint)
		}
		if o.Endpoint != kie.Jobs { // which is in use in any case
			g.Account.Budget.Use(o.Endpoint)
		}
		g.Overdue, g.Webhook = o.Overdue, o.Webhook
		t.tasks.Limits.AdmitKeys(o.Labels)
	}
	return changed
}

// dropGroups forgets the groups that are not among the options, and what is left of their tasks.
func (t *Tracker) dropGroups(options []GroupOptions) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.retiring = nil
	t.tasks.DropLeaving()
	labels := make([]map[string]string, len(options))
	for i, o := range options {
		labels[i] = o.Labels
	}
	t.tasks.Forget(labels)
	t.Changed()
}
