// All tracked tasks, for the pages.

package reader

import (
	"iter"
	"slices"

	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/table"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// atATime bounds for how many tasks the lock is held when all are looked at.
const atATime = 1 << 10

// All yields every tracked task once, in no order. The lock is held for a portion at a time, so that scrapes and answers go
// on meanwhile: what comes or goes on the way may be missing, and each task is as it was when its portion was read.
func (r *Reader) All() iter.Seq[view.Task] {
	return func(yield func(view.Task) bool) {
		portion := make([]view.Task, 0, atATime)
		for shard := range r.tracked() {
			for tasks := range slices.Chunk(shard, atATime) {
				portion = r.read(portion[:0], tasks)
				for _, k := range portion {
					if !yield(k) {
						return
					}
				}
			}
		}
	}
}

// tracked yields all tasks, a part at a time. A part is good until the next one.
func (r *Reader) tracked() iter.Seq[[]*entry.Task] {
	return func(yield func([]*entry.Task) bool) {
		var part []*entry.Task
		for _, account := range r.Accounts() {
			for i := range table.Shards {
				r.mu.Lock()
				part = slices.AppendSeq(part[:0], r.tasks.Table.Shard(account, i))
				r.mu.Unlock()
				if !yield(part) {
					return
				}
			}
		}
	}
}

// read appends what is known of those tasks that are still tracked.
func (r *Reader) read(to []view.Task, tasks []*entry.Task) []view.Task {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range tasks {
		if !k.Marks.Has(entry.Removed) {
			to = append(to, view.Task{})
			k.ViewTo(&to[len(to)-1])
		}
	}
	return to
}

// ReadFinished calls yield with the finished tasks that are tracked or remembered as dropped, of those that wanted says by when that was
// learned, until it returns false. Wanted is called with the lock held, yield without; each task that stays where it is comes once.
func (r *Reader) ReadFinished(wanted func(learned kie.Time) bool, yield func(view.Task) bool) {
	portion := make([]view.Task, 0, atATime)
	for shard := range r.finished() {
		for tasks := range slices.Chunk(shard, atATime) {
			portion = r.readFinished(portion[:0], tasks, wanted)
			for i := range portion {
				if !yield(portion[i]) {
					return
				}
			}
		}
	}
}

// finished yields all tasks that may be finished, a part at a time. A part is good until the next one.
func (r *Reader) finished() iter.Seq[[]*entry.Task] {
	return func(yield func([]*entry.Task) bool) {
		for part := range r.tracked() {
			if !yield(part) {
				return
			}
		}
		r.mu.Lock()
		dropped := slices.Collect(r.tasks.Unlisted.All()) // a pointer each, of 100,000 at the most
		r.mu.Unlock()
		yield(dropped)
	}
}

// readFinished appends what is known of those tasks that are finished and wanted.
func (r *Reader) readFinished(to []view.Task, tasks []*entry.Task, wanted func(learned kie.Time) bool) []view.Task {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, k := range tasks {
		if k.Unfinished == nil && wanted(k.Learned()) {
			to = append(to, k.View())
		}
	}
	return to
}
