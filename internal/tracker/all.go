// All tracked tasks, for whoever wants to look at more than those with series of their own.

package tracker

import (
	"iter"
	"slices"
)

// atATime bounds for how many tasks the lock is held when all are looked at.
const atATime = 1 << 10

// All yields every tracked task once, in no order. The lock is held for a portion at a time, so that scrapes and answers go
// on meanwhile: what comes or goes on the way may be missing, and each task is as it was when its portion was read.
func (t *Tracker) All() iter.Seq[Task] {
	return func(yield func(Task) bool) {
		portion := make([]Task, 0, atATime)
		for tasks := range slices.Chunk(t.tracked(), atATime) {
			portion = t.read(portion[:0], tasks)
			for _, k := range portion {
				if !yield(k) {
					return
				}
			}
		}
	}
}

// tracked returns all tasks.
func (t *Tracker) tracked() []*task {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]*task, 0, t.tasks.Len())
	all = append(all, t.unfinished...)
	for _, k := range t.finished {
		if k != nil {
			all = append(all, k)
		}
	}
	return all
}

// read appends what is known of those tasks that are still tracked.
func (t *Tracker) read(to []Task, tasks []*task) []Task {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, k := range tasks {
		if !k.marks.has(markRemoved) {
			to = append(to, k.snapshot())
		}
	}
	return to
}
