// Package backlog holds the tasks that came with their sources' first reads and were never asked, in the order listed. There may be a
// million of them, so each takes a pointer here and nothing else.
package backlog

import (
	"slices"
	"time"
)

// Task is a task that knows its index in the list that it is in.
type Task interface {
	comparable
	BacklogIndex() int
	SetBacklogIndex(at int)
	DueAt() time.Time
}

// List is some tasks; the zero one has none. Not safe for concurrent use.
type List[T Task] struct {
	tasks  []T // in the order listed; none where one was taken
	bottom int // all below were taken
	count  int
}

// Len returns how many tasks there are.
func (b *List[T]) Len() int { return b.count }

// Put adds a task, which is listed last.
func (b *List[T]) Put(k T) {
	if len(b.tasks) == cap(b.tasks) && b.count < len(b.tasks)/2 {
		b.close()
	}
	k.SetBacklogIndex(len(b.tasks))
	b.tasks = append(b.tasks, k)
	b.count++
}

// Take takes a task out that is in the list.
func (b *List[T]) Take(k T) {
	var none T
	b.tasks[k.BacklogIndex()] = none
	b.count--
	for len(b.tasks) > 0 && b.tasks[len(b.tasks)-1] == none {
		b.tasks = b.tasks[:len(b.tasks)-1]
	}
	for b.bottom < len(b.tasks) && b.tasks[b.bottom] == none {
		b.bottom++
	}
	b.bottom = min(b.bottom, len(b.tasks))
	if b.count < cap(b.tasks)/4 {
		b.close()
	}
}

// close closes the gaps, and gives back what is more room than need be.
func (b *List[T]) close() {
	all := b.tasks
	b.tasks, b.bottom = make([]T, 0, b.count), 0
	var none T
	for _, k := range all {
		if k != none {
			k.SetBacklogIndex(len(b.tasks))
			b.tasks = append(b.tasks, k)
		}
	}
}

// Has reports whether a task is in the list.
func (b *List[T]) Has(k T) bool {
	return k.BacklogIndex() < len(b.tasks) && b.tasks[k.BacklogIndex()] == k
}

// Newest implements schedule.Backlog.
func (b *List[T]) Newest(avoid func(T) bool) (newest T, ok bool) {
	var none T
	for _, k := range slices.Backward(b.tasks) {
		if k != none && !avoid(k) {
			return k, true
		}
	}
	return none, false
}

// Oldest implements schedule.Backlog.
func (b *List[T]) Oldest() (time.Time, bool) {
	if b.bottom >= len(b.tasks) {
		return time.Time{}, false
	}
	return b.tasks[b.bottom].DueAt(), true
}
