// The tasks that came with their sources' first reads and were never asked.

package tracker

import (
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/life"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

var _ schedule.Backlog[*task] = (*backlog)(nil)

// backlog holds an account's tasks that came with their sources' first reads and were never asked.
type backlog struct {
	tasks  []*task // in the order listed; nil where one was taken
	bottom int     // all below were taken
	count  int
}

func (b *backlog) put(k *task) {
	if len(b.tasks) == cap(b.tasks) && b.count < len(b.tasks)/2 {
		b.close()
	}
	k.detail = uint64(len(b.tasks))
	b.tasks = append(b.tasks, k)
	b.count++
}

// take takes a task out that is in the backlog.
func (b *backlog) take(k *task) {
	b.tasks[k.detail] = nil
	b.count--
	for len(b.tasks) > 0 && b.tasks[len(b.tasks)-1] == nil {
		b.tasks = b.tasks[:len(b.tasks)-1]
	}
	for b.bottom < len(b.tasks) && b.tasks[b.bottom] == nil {
		b.bottom++
	}
	b.bottom = min(b.bottom, len(b.tasks))
	if b.count < cap(b.tasks)/4 {
		b.close()
	}
}

// close closes the gaps, and gives back what is more room than need be.
func (b *backlog) close() {
	all := b.tasks
	b.tasks, b.bottom = make([]*task, 0, b.count), 0
	for _, k := range all {
		if k != nil {
			k.detail = uint64(len(b.tasks))
			b.tasks = append(b.tasks, k)
		}
	}
}

// Newest implements schedule.Backlog.
func (b *backlog) Newest(avoid func(*task) bool) (*task, bool) {
	for _, k := range slices.Backward(b.tasks) {
		if k != nil && !avoid(k) {
			return k, true
		}
	}
	return nil, false
}

// Oldest implements schedule.Backlog.
func (b *backlog) Oldest() (time.Time, bool) {
	if b.bottom >= len(b.tasks) {
		return time.Time{}, false
	}
	return b.tasks[b.bottom].unfinished.Due, true
}

// alike holds what is known of unfinished tasks that were never asked once for all of which the same is known.
type alike map[life.Unfinished]*life.Unfinished

// begin gives a task what is known of it as an unfinished one.
func (a alike) begin(k *task, o life.Unfinished) *task {
	if o.Lane = o.NextLane(); o.Lane != schedule.LaneBacklog {
		k.unfinished = new(o)
		return k
	}
	o.Shared = true
	if k.unfinished = a[o]; k.unfinished == nil {
		k.unfinished = new(o)
		a[o] = k.unfinished
	}
	return k
}
