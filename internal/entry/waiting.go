// Where unfinished tasks wait for their next query, and which are being asked.

package entry

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/life"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

// Place implements backlog.Task.
func (k *Task) Place() int { return int(k.detail) } //nolint:gosec // SetPlace was given an int

// SetPlace implements backlog.Task.
func (k *Task) SetPlace(place int) { k.detail = uint64(place) } //nolint:gosec // a place in a list

// DueAt implements backlog.Task.
func (k *Task) DueAt() time.Time { return k.Unfinished.Due }

// Alike holds what is known of unfinished tasks that were never asked once for all of which the same is known.
type Alike map[life.Unfinished]*life.Unfinished

// Begin gives a task what is known of it as an unfinished one.
func (a Alike) Begin(k *Task, o life.Unfinished) *Task {
	if o.Lane = o.NextLane(); o.Lane != schedule.LaneBacklog {
		k.Unfinished = new(o)
		return k
	}
	o.Shared = true
	if k.Unfinished = a[o]; k.Unfinished == nil {
		k.Unfinished = new(o)
		a[o] = k.Unfinished
	}
	return k
}

// Enqueue makes an unfinished task wait for its next query.
func (k *Task) Enqueue() {
	a := k.Group.Account
	k.Unfinished.Lane = k.Unfinished.NextLane()
	if k.Unfinished.Lane == schedule.LaneBacklog {
		k.Unfinished.Shared = true
		a.Backlog.Put(k)
		return
	}
	a.Queue.Put(k, &k.Unfinished.Item)
}

// Dequeue takes a task out of where it waits, if it does.
func (a *Account) Dequeue(k *Task) {
	if k.Unfinished.Shared {
		a.Backlog.Take(k)
		return
	}
	a.Queue.Remove(&k.Unfinished.Item)
}

// Own takes an unfinished task out of where it waits, and returns what is known of it as something that may be written to.
func (k *Task) Own() *life.Unfinished {
	k.Group.Account.Dequeue(k)
	if k.Unfinished.Shared {
		o := *k.Unfinished
		o.Shared, o.Durations = false, k.Durations()
		k.Unfinished = &o
	}
	return k.Unfinished
}

// Await makes an unfinished task wait for its next query, or for the answer to one that began before the task was listed.
func (k *Task) Await() {
	k.Enqueue()
	a := k.Group.Account
	if q := a.Probing[k.ID]; q != nil && q.Sent {
		a.Begin(k)
	}
}

// CallbackCame takes a callback for a task, which is due as soon as it may be asked again. It reports whether the task is still asked.
func (k *Task) CallbackCame(b schedule.Bounds, now time.Time) (asked bool) {
	if !k.Marks.Has(Called) {
		k.Marks.Set(Called, true)
		k.Group.CallbackCame()
	}
	if k.Unfinished == nil || k.Unfinished.GivenUp {
		return false
	}
	if k.Unfinished.Asking {
		k.Unfinished.Called = true // which is heeded when the query ends
		return true
	}
	o := k.Own()
	o.Called = true
	o.Heed(now, b)
	k.Enqueue()
	return true
}

// Begin notes that a task is being asked.
func (a *Account) Begin(k *Task) {
	k.Own().Begin()
	a.Asking[k] = NewQuery()
}

// End notes that the query about a task has ended, and returns it.
func (a *Account) End(k *Task, now time.Time) *Query {
	q := a.Asking[k]
	delete(a.Asking, k)
	k.Unfinished.End(now)
	return q
}

// Asked returns the task of that id that is being asked; nil: there is none. It may be one that is tracked no longer.
func (a *Account) Asked(id string) *Task {
	for k := range a.Asking { // a few at most
		if k.ID == id {
			return k
		}
	}
	return nil
}

// AskedOfRemoved returns the tasks that are being asked and are tracked no longer, by id.
func (a *Account) AskedOfRemoved() map[string]*Task {
	removed := make(map[string]*Task)
	for k := range a.Asking {
		if k.Marks.Has(Removed) {
			removed[k.ID] = k
		}
	}
	return removed
}

// Release lets the scrapes go for which nothing is left to wait.
func (a *Account) Release() {
	if len(a.Waiting) == 0 {
		return
	}
	first, due := a.earliestUnasked()
	a.Waiting.Release(first, due, a.Budget.Closed() != kie.ClassOK)
}

// earliestUnasked returns the time since when the first task is due that has no answer since, those being asked included.
func (a *Account) earliestUnasked() (time.Time, bool) {
	first, due := a.Queue.Earliest()
	for k := range a.Asking {
		if !k.Marks.Has(Removed) && (!due || k.Unfinished.Due.Before(first)) {
			first, due = k.Unfinished.Due, true
		}
	}
	return first, due
}
