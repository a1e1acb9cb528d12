// Which task is asked next.

package tracker

import (
	"container/heap"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// lane is where a task waits for its next query.
type lane uint8

const (
	laneNone    lane = iota
	laneHot          // asked by schedule
	laneBacklog      // came with its source's first read; never asked
	laneRetry        // the same, but its query failed
	laneRare         // old, or not found: hardly worth asking
)

// The shares of the queries that the other lanes get while hot tasks are due.
const (
	backlogShare = 0.25 // while others than backlog and rare ones are due
	rareShare    = 0.05 // while any others are due
)

// queue holds an account's unfinished tasks that are not being asked.
type queue struct {
	hot     []*task // in no order: what is worth most changes with time
	backlog []*task // the last one listed is on top; nil where a task was removed
	retry   byDue
	rare    byDue

	backlogCredit, rareCredit float64 // queries that the lane has coming to it
}

// put adds a task to the lane where it belongs.
func (q *queue) put(k *task) {
	o := k.open
	switch {
	case o.given:
		o.lane = laneNone
	case o.old || o.missing > 0:
		o.lane = laneRare
		heap.Push(&q.rare, k)
	case o.backlog && (o.class != kie.ClassOK || o.inGrace > 0):
		o.lane = laneRetry
		heap.Push(&q.retry, k)
	case o.backlog:
		o.lane, o.place = laneBacklog, len(q.backlog)
		q.backlog = append(q.backlog, k)
	default:
		o.lane, o.place = laneHot, len(q.hot)
		q.hot = append(q.hot, k)
	}
}

// remove takes a task out, if it is there.
func (q *queue) remove(k *task) {
	o := k.open
	switch o.lane {
	case laneHot:
		last := q.hot[len(q.hot)-1]
		q.hot[o.place], last.open.place = last, o.place
		q.hot[len(q.hot)-1] = nil
		q.hot = q.hot[:len(q.hot)-1]
	case laneBacklog:
		q.backlog[o.place] = nil
		for len(q.backlog) > 0 && q.backlog[len(q.backlog)-1] == nil {
			q.backlog = q.backlog[:len(q.backlog)-1]
		}
	case laneRetry:
		heap.Remove(&q.retry, o.place)
	case laneRare:
		heap.Remove(&q.rare, o.place)
	case laneNone:
	}
	o.lane = laneNone
}

// take removes and returns the task most worth asking now, nil if none is due. Tasks to avoid are taken only if there is
// no other.
func (q *queue) take(now time.Time, avoid func(*task) bool) *task {
	k := q.choose(now, avoid)
	if k == nil {
		k = q.choose(now, func(*task) bool { return false })
	}
	if k != nil {
		q.remove(k)
	}
	return k
}

func (q *queue) choose(now time.Time, avoid func(*task) bool) *task {
	hot := mostOverdue(q.hot, now, avoid)
	backlog := q.retry.next(now, avoid)
	if backlog == nil {
		backlog = newest(q.backlog, avoid)
	}
	rare := q.rare.next(now, avoid)
	switch {
	case rare != nil && (hot == nil && backlog == nil || q.isTurn(&q.rareCredit, rareShare)):
		return rare
	case backlog != nil && (hot == nil || q.isTurn(&q.backlogCredit, backlogShare)):
		return backlog
	default:
		return hot
	}
}

// isTurn gives a lane its share of the queries for which lanes compete.
func (q *queue) isTurn(credit *float64, share float64) bool {
	*credit += share
	if *credit < 1 {
		return false
	}
	*credit--
	return true
}

// mostOverdue returns the task that has been due for longest.
func mostOverdue(tasks []*task, now time.Time, avoid func(*task) bool) *task {
	var best *task
	for _, k := range tasks {
		if k.open.due.After(now) || best != nil && !k.open.due.Before(best.open.due) || avoid(k) {
			continue
		}
		best = k
	}
	return best
}

// newest returns the task listed last.
func newest(tasks []*task, avoid func(*task) bool) *task {
	for _, k := range slices.Backward(tasks) {
		if k != nil && !avoid(k) {
			return k
		}
	}
	return nil
}

// earliest returns when the first task is due; false if there is none.
func (q *queue) earliest() (time.Time, bool) {
	var first *task
	sooner := func(k *task) {
		if first == nil || k.open.due.Before(first.open.due) {
			first = k
		}
	}
	for _, k := range q.hot {
		sooner(k)
	}
	for _, heap := range []byDue{q.retry, q.rare} {
		if len(heap) > 0 {
			sooner(heap[0])
		}
	}
	if i := slices.IndexFunc(q.backlog, func(k *task) bool { return k != nil }); i >= 0 {
		sooner(q.backlog[i])
	}
	if first == nil {
		return time.Time{}, false
	}
	return first.open.due, true
}

// byDue is a heap of tasks, the one due first on top.
type byDue []*task

// next returns the first task that is due.
func (h byDue) next(now time.Time, avoid func(*task) bool) *task {
	if len(h) == 0 || h[0].open.due.After(now) {
		return nil
	}
	if !avoid(h[0]) {
		return h[0]
	}
	return mostOverdue(h, now, avoid)
}

// Len implements heap.Interface.
func (h byDue) Len() int { return len(h) }

// Less implements heap.Interface.
func (h byDue) Less(i, j int) bool { return h[i].open.due.Before(h[j].open.due) }

// Swap implements heap.Interface.
func (h byDue) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].open.place, h[j].open.place = i, j
}

// Push implements heap.Interface.
func (h *byDue) Push(x any) {
	k := x.(*task)
	k.open.place = len(*h)
	*h = append(*h, k)
}

// Pop implements heap.Interface.
func (h *byDue) Pop() any {
	old := *h
	k := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return k
}
