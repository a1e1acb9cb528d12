// The ways to spend a budget that are compared.

package polling

import (
	"container/heap"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

// fixed asks each task at an interval that its age gives, the one that is due for longest first.
type fixed struct {
	interval func(age time.Duration) time.Duration
	waiting  dueFirst
}

// Every returns the strategy that asks each task again after the same time.
func Every(d time.Duration) Strategy {
	return &fixed{interval: func(time.Duration) time.Duration { return d }}
}

// Plan returns the strategy that the API's documentation advises.
func Plan() Strategy {
	return &fixed{interval: func(age time.Duration) time.Duration {
		switch {
		case age < 30*time.Second:
			return 3 * time.Second
		case age < 2*time.Minute:
			return 7 * time.Second
		default:
			return 20 * time.Second
		}
	}}
}

func (f *fixed) List(k *Task, _ time.Time) {
	k.item.Due = k.Born
	heap.Push(&f.waiting, k)
}

func (f *fixed) Next(now time.Time) *Task {
	if len(f.waiting) == 0 || f.waiting[0].item.Due.After(now) {
		return nil
	}
	return heap.Pop(&f.waiting).(*Task)
}

func (f *fixed) Answer(k *Task, finished bool, now time.Time) {
	if !finished {
		k.item.Due = now.Add(f.interval(now.Sub(k.Born)))
		heap.Push(&f.waiting, k)
	}
}

// dueFirst is a heap of tasks, the one due first on top.
type dueFirst []*Task

func (h dueFirst) Len() int           { return len(h) }
func (h dueFirst) Less(i, j int) bool { return h[i].item.Due.Before(h[j].item.Due) }
func (h dueFirst) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *dueFirst) Push(x any)        { *h = append(*h, x.(*Task)) }
func (h *dueFirst) Pop() any {
	old := *h
	k := old[len(old)-1]
	*h = old[:len(old)-1]
	return k
}

// Learning is the exporter's own strategy.
type Learning struct {
	queue   schedule.Queue[*Task]
	backlog backlog
	group   *schedule.Durations
	models  map[int]*schedule.Durations
	hinted  bool // a task's model is known before its first answer
	bounds  schedule.Bounds
}

// Ours returns the exporter's own strategy. If hinted, the source of the ids names the model of each task.
func Ours(hinted bool) *Learning {
	l := &Learning{
		group:  schedule.NewDurations(schedule.NewDurations(nil)),
		models: make(map[int]*schedule.Durations),
		hinted: hinted,
		bounds: schedule.Bounds{Min: 3 * time.Second, Max: time.Minute},
	}
	l.queue.Backlog = &l.backlog
	return l
}

// List implements Strategy.
func (l *Learning) List(k *Task, now time.Time) {
	k.item = schedule.Item{Seen: now, Born: k.Born, Due: now, Lane: schedule.LaneHot, Durations: l.group}
	if m, ok := l.models[k.Model]; ok && l.hinted {
		k.item.Durations = m
	}
	if k.Old {
		k.item.Lane = schedule.LaneBacklog
		l.backlog = append(l.backlog, k)
		return
	}
	l.queue.Put(k, &k.item)
}

// Next implements Strategy.
func (l *Learning) Next(now time.Time) *Task {
	k, ok := l.queue.Take(now, func(*Task) bool { return false })
	if ok && k.item.Lane == schedule.LaneBacklog {
		l.backlog = l.backlog[:len(l.backlog)-1]
	}
	return k
}

// Due reports whether there is a task to ask now.
func (l *Learning) Due(now time.Time) bool {
	at, ok := l.queue.Earliest()
	return ok && !at.After(now)
}

// Refused has a task asked again whose query the API refused.
func (l *Learning) Refused(k *Task, now time.Time) {
	k.item.Due = now
	l.queue.Put(k, &k.item)
}

// Worth returns what the query about the task returned last is worth, in seconds of delay.
func (l *Learning) Worth() float64 { return l.queue.Worth() }

// backlog is old tasks in the order of their listing.
type backlog []*Task

// Newest implements schedule.Backlog.
func (b *backlog) Newest(func(*Task) bool) (*Task, bool) {
	if len(*b) == 0 {
		return nil, false
	}
	return (*b)[len(*b)-1], true
}

// Oldest implements schedule.Backlog.
func (b *backlog) Oldest() (time.Time, bool) {
	if len(*b) == 0 {
		return time.Time{}, false
	}
	return (*b)[0].item.Due, true
}

// Answer implements Strategy.
func (l *Learning) Answer(k *Task, finished bool, now time.Time) {
	m, ok := l.models[k.Model]
	if !ok {
		m = schedule.NewDurations(l.group)
		l.models[k.Model] = m
	}
	if finished {
		m.Observe(k.Duration)
		return
	}
	k.item.Durations, k.item.Answered, k.item.Lane = m, now, schedule.LaneHot
	k.item.Due = now.Add(m.Interval(l.bounds, now.Sub(k.Born)))
	l.queue.Put(k, &k.item)
}

// Worth returns what it is worth to ask a task of the model at an age in seconds, if it was not asked before and the model
// is known from 1000 tasks.
func Worth(m Model) func(age float64) float64 {
	d := schedule.NewDurations(nil)
	m.Share = 1
	for _, k := range Workload([]Model{m}, 1000, 1, 1) {
		d.Observe(k.Duration)
	}
	return func(age float64) float64 { return d.Worth(seconds(age)) }
}
