// Other options, in place of those in force.

package tracker

import (
	"slices"
	"time"
)

// Reconfigure puts other options in force; Store, Log and Histograms stay those of New. An account of the same name and budget stays what
// it is, and so does a group of the same name, with its tasks and totals. Relist is called while the groups that there were
// and those that there are to be are both known, and is to apply what changes in the lists, so that a task can move from one
// to the other. Then groups that are no more go, with what is left of their tasks, and so do accounts: their requests under way
// are cancelled and waited for.
func (t *Tracker) Reconfigure(o Options, relist func()) {
	t.reconfiguring.Lock()
	defer t.reconfiguring.Unlock()
	retired := t.adopt(o)
	relist()
	t.dropGroups(o.Groups)
	for _, a := range retired {
		a.end()
	}
}

// adopt puts options in force but for the end of groups, and returns the accounts that are no more.
func (t *Tracker) adopt(o Options) (retired []*account) {
	t.mu.Lock()
	defer t.mu.Unlock()
	bounds := t.options.Bounds
	t.options = o
	t.limits.SetModels(o.Models)
	retired = t.adoptAccounts(o.Accounts)
	t.retiring = retired
	changed := t.adoptGroups(o.Groups)
	if o.Bounds != bounds {
		for _, g := range t.groups {
			changed[g] = true
		}
	}
	t.retime(changed, time.Now())
	t.changes.Add(1)
	select {
	case t.hired <- struct{}{}:
	default: // Run will look anyway
	}
	t.wakeAll()
	return retired
}

func (t *Tracker) adoptAccounts(options []AccountOptions) (retired []*account) {
	before := make(map[string]*account, len(t.accounts))
	for _, a := range t.accounts {
		before[a.name] = a
	}
	t.accounts = nil
	for _, o := range options {
		a := before[o.Name]
		if a != nil && a.budget == o.Budget {
			delete(before, o.Name)
			a.dispatcher.Configure(dispatchOptions(o, t.log))
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

// adoptGroups makes the groups of the options out of those there are. Those that are no more stay known, after the others.
// It returns the groups whose tasks are to be asked at other times now.
func (t *Tracker) adoptGroups(options []GroupOptions) map[*group]bool {
	changed := make(map[*group]bool)
	accounts := make(map[string]*account, len(t.accounts))
	for _, a := range t.accounts {
		accounts[a.name] = a
	}
	before := t.byGroup
	t.groups, t.byGroup = nil, make(map[string]*group, len(options))
	for _, o := range options {
		g := before[o.Name]
		if g == nil {
			g = newGroup(o.Name, t.learned.Begin(o.Name), &t.limits, t.histograms)
		}
		delete(before, o.Name)
		t.groups = append(t.groups, g)
		t.byGroup[g.name] = g
		t.entrust(g, accounts[o.Account])
		if g.overdue != o.Overdue || g.webhook != o.Webhook {
			changed[g] = true
		}
		g.overdue, g.webhook, g.leaving = o.Overdue, o.Webhook, false
		t.limits.AdmitKeys(o.Labels)
	}
	for _, g := range before {
		g.leaving = true
		t.groups = append(t.groups, g)
		t.byGroup[g.name] = g
	}
	return changed
}

// dropGroups forgets the groups that are not among the options, and what is left of their tasks.
func (t *Tracker) dropGroups(options []GroupOptions) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.retiring = nil
	gone := make(map[*group]bool)
	left := 0
	for _, g := range t.groups[len(options):] {
		gone[g] = true
		left += g.tasks
		delete(t.byGroup, g.name)
		t.learned.End(g.name)
	}
	if left > 0 {
		for _, k := range slices.Collect(t.tasks.All()) {
			if gone[k.group] {
				t.drop(k)
				t.unlisted.drop(k)
			}
		}
	}
	for key := range t.models {
		if gone[key.group] {
			delete(t.models, key)
		}
	}
	t.groups = t.groups[:len(options):len(options)]
	t.forgetFailCodes()
	t.limits.KeepKeys(t.allLabels())
	t.changes.Add(1)
}
