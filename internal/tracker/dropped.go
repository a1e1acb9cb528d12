// What is remembered of tasks that are listed no longer.

package tracker

// maxDropped is how many of them are remembered.
const maxDropped = 100_000

// dropped holds the tasks dropped last, for a list may only have been empty for a while: a task that comes back is the one it
// was, neither asked nor counted again.
type dropped struct {
	tasks map[string]*task
	order []*task // oldest first; some have come back
}

func newDropped() dropped { return dropped{tasks: make(map[string]*task)} }

func (d *dropped) remember(k *task) {
	d.tasks[k.id] = k
	d.order = append(d.order, k)
	for len(d.order) > maxDropped {
		if oldest := d.order[0]; d.tasks[oldest.id] == oldest {
			delete(d.tasks, oldest.id)
		}
		d.order[0] = nil
		d.order = d.order[1:]
	}
}

// recall returns a dropped task and forgets it.
func (d *dropped) recall(id string) (*task, bool) {
	k, ok := d.tasks[id]
	delete(d.tasks, id)
	return k, ok
}
