// The exporter's own strategy where callbacks tell of each end.

package polling

import (
	"container/heap"
	"math/rand/v2"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

const (
	lost        = 0.01                   // part of the callbacks that never come
	soonestCall = 500 * time.Millisecond // after the task's end
	latestCall  = 2 * time.Second
)

// calling is ours with callbacks. The model of a task is not known before its first answer.
type calling struct {
	*Learning
	random    *rand.Rand
	callbacks schedule.Callbacks
	under     calledFirst // tasks whose callbacks are under way
	waiting   map[*Task]bool
}

// calledFirst is a heap of tasks, the one whose callback comes first on top.
type calledFirst struct{ dueFirst }

func (h calledFirst) Less(i, j int) bool { return h.dueFirst[i].called.Before(h.dueFirst[j].called) }

// WithCallbacks returns the exporter's own strategy for tasks of which each sends a callback.
func WithCallbacks() Strategy {
	return &calling{
		Learning: Ours(false),
		random:   rand.New(rand.NewPCG(3, 3)), //nolint:gosec // repeatable, guards no secret
		waiting:  make(map[*Task]bool),
	}
}

// List implements Strategy.
func (c *calling) List(k *Task, now time.Time) {
	c.Learning.List(k, now)
	c.waiting[k] = true
	if c.callbacks.Relied() {
		c.put(k, now.Add(c.group.SafetyNet(c.bounds, 0, c.group.Overdue())))
	}
	after := soonestCall + time.Duration(c.random.Int64N(int64(latestCall-soonestCall)))
	if c.random.Float64() >= lost {
		k.called = k.Born.Add(k.Duration + after)
		heap.Push(&c.under, k)
	}
}

// put has a task that waits asked at another time.
func (c *calling) put(k *Task, due time.Time) {
	c.queue.Remove(&k.item)
	k.item.Due = due
	c.queue.Put(k, &k.item)
}

// Next implements Strategy.
func (c *calling) Next(now time.Time) *Task {
	for c.under.Len() > 0 && !c.under.dueFirst[0].called.After(now) {
		k := heap.Pop(&c.under).(*Task)
		c.callbacks.Came()
		if c.waiting[k] {
			k.item.Called = true
			c.put(k, latest(now, k.item.Answered.Add(c.bounds.Min)))
		}
	}
	return c.Learning.Next(now)
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// Answer implements Strategy.
func (c *calling) Answer(k *Task, finished bool, now time.Time) {
	c.Learning.Answer(k, finished, now)
	came := !k.called.IsZero() && !k.called.After(now)
	switch {
	case finished:
		delete(c.waiting, k)
		if !came {
			c.callbacks.Missed(now.Sub(k.Born.Add(k.Duration)))
		}
	case c.callbacks.Relied() && !came:
		d := k.item.Durations
		c.put(k, now.Add(d.SafetyNet(c.bounds, now.Sub(k.Born), d.Overdue())))
	}
}
