// What is remembered of tasks that are listed no longer.

package tracker

// maxDropped is how many drops are remembered.
const maxDropped = 100_000

// dropped holds the tasks dropped last, for a list may only have been empty for a while: a task that comes back is the one it
// was, neither asked nor counted again.
type dropped struct {
	tasks map[string]drop
	order []drop // oldest first; some have come back
	count uint64
}

// drop is one drop of a task, which may be dropped again after it has come back.
type drop struct {
	task   *task
	number uint64
}

func newDropped() dropped { return dropped{tasks: make(map[string]drop)} }

func (d *dropped) remember(k *task) {
	d.count++
	last := drop{k, d.count}
	d.tasks[k.id] = last
	d.order = append(d.order, last)
	if len(d.order) <= maxDropped {
		return
	}
	if oldest := d.order[0]; d.tasks[oldest.task.id] == oldest {
		delete(d.tasks, oldest.task.id)
	}
	d.order[0] = drop{}
	d.order = d.order[1:]
}

// recall returns a dropped task and forgets it.
func (d *dropped) recall(id string) (*task, bool) {
	last, ok := d.tasks[id]
	delete(d.tasks, id)
	return last.task, ok
}
