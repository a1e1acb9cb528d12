// The newest of many tasks, found in one pass.

package blocks

import (
	"cmp"
	"container/heap"
	"slices"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// Newest holds the newest of some tasks, so many at most.
type Newest[T any] struct {
	tasks oldestFirst[T]
}

// Aged is a task with what orders it, as it was when it was looked at.
type Aged[T any] struct {
	Born        kie.Time
	ID, Account string
	Task        T
}

// compare orders by age, the newest first.
func (a Aged[T]) compare(b Aged[T]) int {
	return cmp.Or(cmp.Compare(b.Born, a.Born), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Account, b.Account))
}

// Add takes a task if it is one of the newest so far.
func (n *Newest[T]) Add(a Aged[T], limit int) {
	switch {
	case len(n.tasks) < limit:
		heap.Push(&n.tasks, a)
	case limit > 0 && a.compare(n.tasks[0]) < 0:
		n.tasks[0] = a
		heap.Fix(&n.tasks, 0)
	}
}

// Len returns how many are held.
func (n *Newest[T]) Len() int { return len(n.tasks) }

// Sorted returns the tasks, the newest first. None may be added after.
func (n *Newest[T]) Sorted() []Aged[T] {
	slices.SortFunc(n.tasks, Aged[T].compare)
	return n.tasks
}

// oldestFirst is a heap with the oldest task on top.
type oldestFirst[T any] []Aged[T]

// Len implements heap.Interface.
func (h oldestFirst[T]) Len() int { return len(h) }

// Less implements heap.Interface.
func (h oldestFirst[T]) Less(i, j int) bool { return h[i].compare(h[j]) > 0 }

// Swap implements heap.Interface.
func (h oldestFirst[T]) Swap(i, j int) { h[i], h[j] = h[j], h[i] }

// Push implements heap.Interface.
func (h *oldestFirst[T]) Push(x any) { *h = append(*h, x.(Aged[T])) }

// Pop implements heap.Interface, and is not needed.
func (h *oldestFirst[T]) Pop() any { panic("nothing is taken out") }
