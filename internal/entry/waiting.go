// Where unfinished tasks wait for their next query, and which are being asked.

package entry

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/life"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

// BacklogIndex implements backlog.Task.
func (k *Task) BacklogIndex() int { return int(k.backlogIndex) }

// SetBacklogIndex implements backlog.Task.
func (k *Task) SetBacklogIndex(at int) { k.backlogIndex = uint32(at) } //nolint:gosec // an index in a list of tasks in memory

// DueAt implements backlog.Task.
func (k *Task) DueAt() time.Time { return k.Unfinished.Due }

// Shared holds one Unfinished for all tasks of a backlog of which the same is known. It is for one call of Tracker.Apply.
type Shared map[life.Unfinished]*life.Unfinished

// Begin gives a task what is known of it as an unfinished one.
func (a Shared) Begin(k *Task, o life.Unfinished) *Task {
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
	a := k.Kind.Group.Account
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

// Detach takes an unfinished task out of its lane or the backlog, and returns its Unfinished for writing: a copy if it was shared.
func (k *Task) Detach() *life.Unfinished {
	k.Kind.Group.Account.Dequeue(k)
	if k.Unfinished.Shared {
		o := *k.Unfinished
		o.Shared, o.Durations = false, k.Durations()
		k.Unfinished = &o
	}
	return k.Unfinished
}

// Await puts an unfinished task into its lane. If a probe's query about it is under way since before it was listed, it counts as asked.
func (k *Task) Await() {
	k.Enqueue()
	a := k.Kind.Group.Account
	if q := a.Probing[k.ID]; q != nil && q.Sent {
		a.Begin(k)
	}
}

// CallbackCame takes a callback for a task, which is due as soon as it may be asked again. It reports whether the task is still asked.
func (k *Task) CallbackCame(b schedule.Bounds, now time.Time) (asked bool) {
	if !k.Marks.Has(Called) {
		k.Marks.Set(Called, true)
		k.Kind.Group.CallbackCame()
	}
	if k.Unfinished == nil || k.Unfinished.GivenUp {
		return false
	}
	if k.Unfinished.Asking {
		k.Unfinished.Called = true // which is heeded when the query ends
		return true
	}
	o := k.Detach()
	o.Called = true
	o.AskSoon(now, b)
	k.Enqueue()
	return true
}

// Begin notes that a task is being asked.
func (a *Account) Begin(k *Task) {
	k.Detach().Begin()
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

// Release ends the waiting of scrapes for which every task that was due when they came has been asked.
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
