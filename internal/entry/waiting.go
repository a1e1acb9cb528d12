// Where unfinished tasks wait for their next query, and which are being asked.

package entry

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/life"
	"github.com/kie-exporter/kie_exporter/internal/packed"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/source"
)

// BacklogIndex implements backlog.Task.
func (k *Task) BacklogIndex() int { return int(k.backlogIndex) }

// SetBacklogIndex implements backlog.Task.
func (k *Task) SetBacklogIndex(at int) { k.backlogIndex = uint32(at) } //nolint:gosec // an index in a list of tasks in memory

// DueAt implements backlog.Task.
func (k *Task) DueAt() time.Time { return k.Unfinished.Due }

// mostHot is how many tasks of an account are asked when that is worth most. It is more than any budget can follow, and each query looks at all of
// them; there may be a million that producers pushed and nobody asked about yet.
const mostHot = 1 << 14

// Shared holds one Unfinished for all tasks of a backlog of which the same is known. It is for one call of Tracker.Apply. The zero one has none.
type Shared struct {
	all  map[life.Unfinished]*life.Unfinished
	last *life.Unfinished // which most have
}

// Begin gives a task what is known of it as an unfinished one. If it is one too many that nobody asked about yet, it waits in the backlog.
func (a *Shared) Begin(k *Task, o life.Unfinished) *Task {
	if account := k.Kind.Group.Account; account.Queue.Hot() >= mostHot && o.MayWait() && !k.Kind.Group.Relies() {
		o.Waits = true
	}
	if o.Lane = o.NextLane(); o.Lane != schedule.LaneBacklog {
		k.Unfinished = new(o)
		return k
	}
	k.at = packed.PackTime(kie.TimeOf(o.Seen))
	o.Seen, o.Born, o.Shared = time.Time{}, time.Time{}, true
	k.Unfinished = a.of(o)
	return k
}

// First returns a task of a group at first sight, as a source lists it: with its first read, or later.
func (a *Shared) First(g *Group, l source.Task, first bool, now time.Time, b schedule.Bounds) *Task {
	o := life.New(l.Model, now)
	if first {
		o.Backlog, o.News = true, g.Account.LastRun
	} else {
		o.Due = now.Add(g.Rules(b, g.Learned.Expect(l.Model)).First())
	}
	return a.Begin(NewTask(g, l.ID), o)
}

func (a *Shared) of(o life.Unfinished) *life.Unfinished {
	if a.last != nil && *a.last == o {
		return a.last
	}
	if a.last = a.all[o]; a.last == nil {
		if a.all == nil {
			a.all = make(map[life.Unfinished]*life.Unfinished)
		}
		a.last = new(o)
		a.all[o] = a.last
	}
	return a.last
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
		o.Seen, o.Born = k.Seen(), k.Born().Time()
		o.Shared, o.Waits, o.Durations = false, false, k.Durations()
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
