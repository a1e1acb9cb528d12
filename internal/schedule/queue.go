// Which task is asked next.

package schedule

import (
	"container/heap"
	"math"
	"slices"
	"time"
)

// Item is what the schedule knows of one unfinished task.
type Item struct {
	Seen     time.Time // first sight
	Born     time.Time // creation in our time, or first sight if it is not known
	Answered time.Time // when it was last told to be unfinished; zero: never
	Due      time.Time // when it is to be asked

	Durations *Durations // of tasks like this
	Lane      Lane       // where it belongs
	Called    bool       // a callback says that it has finished

	queued Lane   // where it is
	place  int    // in its lane
	known  known  // the age at which it was unfinished
	round  uint64 // queries given away when it was queued
}

// IsQueued reports whether the task is in a queue.
func (k *Item) IsQueued() bool { return k.queued != LaneNone }

// known is an age with its position in the tables.
type known struct {
	age    float64 // in seconds
	bucket int
	part   float64
}

// Lane is where a task waits for its next query.
type Lane uint8

// The lanes.
const (
	LaneNone    Lane = iota // it is never asked
	LaneHot                 // asked when that is worth most
	LaneBacklog             // came with its source's first read and was never asked: it is in the Backlog, and has no Item
	LaneRetry               // the same, but its query failed
	LaneRare                // hardly worth asking
)

// The shares of the queries that the other lanes get while hot tasks are due.
const (
	backlogShare = 0.25 // while others than backlog and rare ones are due
	rareShare    = 0.05 // while any others are due
)

// Backlog holds the tasks that came with their sources' first reads and were never asked. There may be a million of them, so none has an
// Item: the queue asks for the newest and the oldest only.
type Backlog[T any] interface {
	// Newest returns the task listed last; false: there is none but those to avoid.
	Newest(avoid func(T) bool) (T, bool)
	// Oldest returns since when the task that was listed first is due; false: there is none.
	Oldest() (time.Time, bool)
}

// Queue holds an account's unfinished tasks that are not being asked. Not safe for concurrent use.
type Queue[T any] struct {
	Backlog Backlog[T] // nil: none

	hot   byDue[T]
	retry byDue[T]
	rare  byDue[T]

	worth                     float64 // of asking the task that was taken last
	hotQueries                uint64  // queries given to hot tasks
	backlogCredit, rareCredit float64 // queries that the lane has coming to it
}

// Hot returns how many tasks are asked when that is worth most.
func (q *Queue[T]) Hot() int { return len(q.hot) }

// Put adds a task to its lane.
func (q *Queue[T]) Put(task T, k *Item) {
	k.queued = k.Lane
	switch k.Lane {
	case LaneRare:
		q.rare.add(task, k)
	case LaneRetry:
		q.retry.add(task, k)
	case LaneHot:
		k.begin(q.hotQueries)
		q.hot.add(task, k)
	case LaneNone, LaneBacklog:
	}
}

// Remove takes a task out, if it is there.
func (q *Queue[T]) Remove(k *Item) {
	switch k.queued {
	case LaneHot:
		heap.Remove(&q.hot, k.place)
	case LaneRetry:
		heap.Remove(&q.retry, k.place)
	case LaneRare:
		heap.Remove(&q.rare, k.place)
	case LaneNone, LaneBacklog:
	}
	k.queued = LaneNone
}

// Take removes and returns the task most worth asking now; false: none is due. Tasks to avoid are taken only if there is no
// other; of several kinds to avoid, the first is given up first. One of the backlog is for the caller to take out of it.
func (q *Queue[T]) Take(now time.Time, avoid ...func(T) bool) (task T, ok bool) {
	k, task, ok := q.choose(now, func(t T) bool {
		return slices.ContainsFunc(avoid, func(avoided func(T) bool) bool { return avoided(t) })
	})
	if !ok && len(avoid) > 0 {
		return q.Take(now, avoid[1:]...)
	}
	if k != nil {
		if k.queued == LaneHot {
			q.hotQueries++
		}
		q.Remove(k)
	}
	return task, ok
}

// Worth returns what it was worth to ask the task that was taken last, in seconds of delay. One of the backlog is worth highestPrice, for
// nothing at all is known of it; one whose query failed and one that is rare, nothing.
func (q *Queue[T]) Worth() float64 { return q.worth }

// choose returns a task and its item, which is nil if the task is one of the backlog.
func (q *Queue[T]) choose(now time.Time, avoid func(T) bool) (k *Item, task T, ok bool) {
	hot, worth, price := q.worthiest(now, avoid)
	q.worth = 0
	retry, rare := q.retry.next(now, avoid), q.rare.next(now, avoid)
	backlog := retry.Item != nil
	if !backlog && q.Backlog != nil {
		task, backlog = q.Backlog.Newest(avoid)
	}
	switch {
	case rare.Item != nil && (hot.Item == nil && !backlog || isTurn(&q.rareCredit, rareShare)):
		return rare.Item, rare.task, true
	case backlog && (hot.Item == nil || isTurn(&q.backlogCredit, backlogShare/backlogDivisor(price))):
		if retry.Item != nil {
			return retry.Item, retry.task, true
		}
		q.worth = highestPrice
		return nil, task, true
	case hot.Item != nil:
		q.worth = worth
		return hot.Item, hot.task, true
	}
	return nil, task, false
}

// isTurn gives a lane its share of the queries for which lanes compete.
func isTurn(credit *float64, share float64) bool {
	*credit += share
	if *credit < 1 {
		return false
	}
	*credit--
	return true
}

// backlogDivisor returns by what a backlog's share is divided where a query about a hot task is worth this price: its fourth root. So
// a backlog delays the answers about hot tasks by a third at the most, until they need nearly the whole budget.
func backlogDivisor(price float64) float64 {
	return math.Sqrt(math.Sqrt(min(max(price, 1), highestPrice)))
}

// worthiest returns the hot task that is most worth asking, if there is one, what asking it is worth, and that as a price for the backlog.
func (q *Queue[T]) worthiest(now time.Time, avoid func(T) bool) (best waiting[T], most, price float64) {
	if len(q.hot) == 0 || q.hot[0].Due.After(now) {
		return best, 0, 0
	}
	rounds := mostRounds * float64(len(q.hot))
	most = -1
	for _, k := range q.hot {
		if k.Due.After(now) {
			continue
		}
		if worth := k.worth(now, float64(q.hotQueries-k.round), rounds); worth > most && !avoid(k.task) {
			best, most = k, worth
		}
	}
	if best.Item != nil && best.Durations.knownTables() == nil {
		return best, most, 0 // nothing was learned of such tasks: their worth is a guess, and no price for the backlog
	}
	return best, most, most
}

// Earliest returns when the first task is due; false if there is none.
func (q *Queue[T]) Earliest() (time.Time, bool) {
	var first *Item
	sooner := func(k *Item) {
		if first == nil || k.Due.Before(first.Due) {
			first = k
		}
	}
	for _, lane := range []byDue[T]{q.hot, q.retry, q.rare} {
		if len(lane) > 0 {
			sooner(lane[0].Item)
		}
	}
	at, due := time.Time{}, first != nil
	if due {
		at = first.Due
	}
	if q.Backlog != nil {
		if oldest, waits := q.Backlog.Oldest(); waits && (!due || oldest.Before(at)) {
			at, due = oldest, true
		}
	}
	return at, due
}

// waiting is a task with what the schedule knows of it; without, it stands for none.
type waiting[T any] struct {
	*Item
	task T
}

// byDue is a heap of tasks, the one due first on top.
type byDue[T any] []waiting[T]

// add adds a task. What heap.Push is given would have to be allocated.
func (h *byDue[T]) add(task T, k *Item) {
	k.place = len(*h)
	*h = append(*h, waiting[T]{k, task})
	heap.Fix(h, k.place)
}

// next returns the first task that is due, if there is one.
func (h byDue[T]) next(now time.Time, avoid func(T) bool) (best waiting[T]) {
	if len(h) == 0 || h[0].Due.After(now) {
		return best
	}
	if !avoid(h[0].task) {
		return h[0]
	}
	for _, k := range h {
		if !k.Due.After(now) && (best.Item == nil || k.Due.Before(best.Due)) && !avoid(k.task) {
			best = k
		}
	}
	return best
}

// Len implements heap.Interface.
func (h byDue[T]) Len() int { return len(h) }

// Less implements heap.Interface.
func (h byDue[T]) Less(i, j int) bool { return h[i].Due.Before(h[j].Due) }

// Swap implements heap.Interface.
func (h byDue[T]) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

// Push implements heap.Interface, and is not needed.
func (h *byDue[T]) Push(any) { panic("add adds tasks") }

// Pop implements heap.Interface.
func (h *byDue[T]) Pop() any {
	old := *h
	k := old[len(old)-1].Item
	old[len(old)-1] = waiting[T]{}
	*h = old[:len(old)-1]
	if len(*h) > 0 && len(*h) < cap(*h)/4 {
		*h = slices.Clone(*h) // gives memory back
	}
	return k
}
