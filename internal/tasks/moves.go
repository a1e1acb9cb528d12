// How tasks come, go and get from one group or account to another.

package tasks

import (
	"cmp"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/unlisted"
)

// Add tracks a task, with what is known of it, in a group.
func (s *Set) Add(k *entry.Task, g *entry.Group, labels map[string]string, b schedule.Bounds) {
	k.Marks.Set(entry.Removed, false)
	s.Table.Put(g.Account.Name, k)
	s.put(k)
	s.enter(k, g, labels, b)
}

// Recall returns a task that is listed in a group and is not tracked as it was remembered; nil: it was not. Removed are tasks of the
// account that are tracked no longer and are being asked, by id.
func (s *Set) Recall(g *entry.Group, id string, removed map[string]*entry.Task) *entry.Task {
	k := cmp.Or(s.Unlisted.Recall(g.Account.Name, id), removed[id])
	if k != nil && (k.Unfinished == nil || !k.Unfinished.Asking) { // a query reads it without the lock
		k.ID = id // the same text, of which one copy is enough
	}
	return k
}

// Restore returns a task that is listed in a group as its record tells; nil: it tells nothing. A source says that it is of the model
// hint, and is asked about at an endpoint of that word or its group's. The last answer about an unfinished one counts if it came from there.
func (s *Set) Restore(g *entry.Group, id, hint, own string, r *store.Record, now time.Time, seen *entry.Shared) *entry.Task {
	if !r.Known() {
		return nil
	}
	if !r.State.Finished() && (r.Answered.IsZero() || r.Endpoint != g.AskedAt(own)) {
		return seen.Begin(entry.Resume(g, id, hint, r, now))
	}
	name, _ := s.Admit(r.Model)
	m := s.Model(g, name)
	if r.State.Finished() {
		return entry.Restore(id, m, r)
	}
	k, o := entry.Resume(g, id, hint, r, now)
	k.Hold(&r.Task, m)
	o.Recall(r.Answered.Time(), r.Created, g.Account.Clock.At(now))
	return seen.Begin(k, o)
}

// Drop tracks a task no longer, and remembers it in case it comes back. Totals keep what it added to them.
func (s *Set) Drop(k *entry.Task) {
	s.remove(k)
	s.Unlisted.Drop(k)
}

// Evict has a task that is over leave memory. Totals keep what it added to them.
func (s *Set) Evict(k *entry.Task) {
	s.remove(k)
	k.Kind.Group.Totals.Evicted()
}

func (s *Set) remove(k *entry.Task) {
	k.Marks.Set(entry.Removed, true)
	s.Table.Delete(k.Kind.Group.Account.Name, k)
	s.take(k)
	s.leave(k)
}

// Move takes a task, with what is known of it, to another group, or gives it other labels.
func (s *Set) Move(k *entry.Task, g *entry.Group, labels map[string]string, b schedule.Bounds) {
	from := k.Kind.Group
	s.leave(k)
	if from.Account != g.Account {
		s.Table.Delete(from.Account.Name, k)
		s.Table.Put(g.Account.Name, k)
	}
	s.enter(k, g, labels, b)
}

// enter makes a task one of a group's.
func (s *Set) enter(k *entry.Task, g *entry.Group, labels map[string]string, b schedule.Bounds) {
	k.Labels = labels
	g.Tasks++
	if k.Kind.Group != g {
		g.Learned.Inherit(k.ModelName(), k.Kind.Group.Learned)
	}
	s.MarkChanged(k)
	if k.Kind.Model == nil {
		k.Enter(g, nil)
	} else {
		name, _ := s.Admit(k.Kind.Model.Name) // it may have been dropped, and its model forgotten
		k.Enter(g, s.Model(g, name))
		k.Kind.Model.Tasks[k.State]++
	}
	if k.Unfinished == nil {
		return
	}
	if !k.Unfinished.Shared {
		k.Unfinished.Durations = k.Durations()
	}
	if !k.Unfinished.Asking {
		k.Await()
	}
	s.Retime(k, b, time.Now()) // the group that it comes from may have had it asked otherwise
}

// leave takes a task out of its group. Scrapes that wait for it wait no longer.
func (s *Set) leave(k *entry.Task) {
	k.Kind.Group.Tasks--
	if k.Kind.Model != nil {
		k.Kind.Model.Tasks[k.State]--
	}
	if k.Unfinished != nil {
		k.Kind.Group.Account.Dequeue(k)
		k.Kind.Group.Account.Release()
	}
}

// TakeFacts stores the facts of an answer in the entry of a task, and counts it under the model and the state that they name.
func (s *Set) TakeFacts(k *entry.Task, f *kie.Task) {
	if k.Kind.Model != nil {
		k.Kind.Model.Tasks[k.State]--
	}
	name := f.Model
	switch {
	case name != "":
	case k.Kind.Model != nil:
		name = k.Kind.Model.Name
	case k.AskedAt().Model() != "": // an endpoint that need not tell models
		name = cmp.Or(k.ModelName(), k.AskedAt().Model())
	}
	name, admitted := s.Admit(name)
	if !admitted && k.Kind.Model == nil {
		s.Limits.Overflows.Model++
	}
	k.Hold(f, s.Model(k.Kind.Group, name))
	k.Kind.Model.Tasks[k.State]++
}

// Finish makes an unfinished task that waits nowhere a finished one.
func (s *Set) Finish(k *entry.Task) {
	s.take(k)
	k.Unfinished = nil
	s.put(k)
}

// GetOfRetiring returns a task of one of the accounts that a reload removes, whose group leaves with it: the group that lists the id now
// takes it over. Nil: there is none.
func (s *Set) GetOfRetiring(retiring []*entry.Account, id string) *entry.Task {
	for _, a := range retiring {
		if k := s.Get(a.Name, id); k != nil && k.Kind.Group.Account == a {
			return k
		}
	}
	return nil
}

// SetAccount makes an account the one of a group. The group's tasks move to it with all that is known of them, but for ids that the
// account has already: these keep what is known there. Moved: the account has another name than the one before.
func (s *Set) SetAccount(g *entry.Group, a *entry.Account) (moved bool) {
	from := g.Account
	if from == nil || from == a {
		g.Account = a
		return false
	}
	s.blocks.Forget() // each task shows its account
	if moved = from.Name != a.Name; moved {
		s.takeAlong(g, a.Name)
	}
	g.Account = a
	for _, k := range s.unfinished {
		if k.Kind.Group == g {
			from.Dequeue(k)
			k.Unfinished.Revive(time.Now())
			if !k.Unfinished.Asking {
				k.Await()
			}
		}
	}
	from.Release()
	return moved
}

// AskAt has a group's tasks asked about at an endpoint from now on. What another did not know is asked again.
func (s *Set) AskAt(g *entry.Group, e kie.Endpoint) {
	g.Endpoint, g.LoggedUnknown = e, false
	s.blocks.Forget() // each task shows its endpoint
	for _, k := range s.unfinished {
		if k.Kind.Group == g {
			s.Revive(k)
		}
	}
}

// AskTaskAt has a tracked task asked about at the endpoint of that word, or where its group says if it is empty. What another did not know
// is asked again.
func (s *Set) AskTaskAt(k *entry.Task, own string) {
	k.SetOwn(own)
	s.MarkChanged(k)
	k.Kind.Group.Account.Budget.Use(k.AskedAt())
	if k.Unfinished != nil {
		s.Revive(k)
	}
}

// Revive has an unfinished task asked again that was given up, or not found, where it was asked until now.
func (s *Set) Revive(k *entry.Task) {
	s.MarkChanged(k)
	k.Kind.Group.Account.Dequeue(k)
	k.Unfinished.Revive(time.Now())
	if !k.Unfinished.Asking {
		k.Await()
	}
}

// takeAlong moves a group's tasks from their account to another, but for ids that this has.
func (s *Set) takeAlong(g *entry.Group, to string) {
	for _, k := range unlisted.OfGroup(s.Table, g) {
		if s.Get(to, k.ID) != nil {
			s.remove(k)
			continue
		}
		s.Table.Delete(g.Account.Name, k)
		s.Table.Put(to, k)
	}
	s.Unlisted.TakeAlong(g, to)
}
