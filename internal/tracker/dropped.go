// What is remembered of tasks that are listed no longer.

package tracker

import "github.com/kie-exporter/kie_exporter/internal/table"

// maxDropped is how many drops are remembered.
const maxDropped = 100_000

// dropped holds the tasks dropped last, for a list may only have been empty for a while: a task that comes back is the one it
// was, neither asked nor counted again.
type dropped struct {
	tasks *table.Table[task]
	order []*task // oldest first; some have come back
	first uint32  // the number of the first drop in order; a task's index is that of its last one
}

func newDropped() dropped { return dropped{tasks: newTasks()} }

func (d *dropped) remember(k *task) {
	k.index = d.first + position(len(d.order))
	d.tasks.Put(k)
	d.order = append(d.order, k)
	if len(d.order) <= maxDropped {
		return
	}
	if oldest := d.order[0]; oldest.marks.has(markRemoved) && oldest.index == d.first {
		d.tasks.Delete(oldest.id)
	}
	d.order[0] = nil
	d.order = d.order[1:]
	d.first++
}

// recall returns a dropped task and forgets it; nil: there is none.
func (d *dropped) recall(id string) *task {
	k := d.tasks.Get(id)
	d.tasks.Delete(id)
	return k
}
