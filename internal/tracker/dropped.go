// What is remembered of tasks that are listed no longer.

package tracker

// maxDropped is how many drops are remembered.
const maxDropped = 100_000

// dropped holds the tasks dropped last, for a list may only have been empty for a while: a task that comes back is the one it
// was, neither asked nor counted again.
type dropped struct {
	tasks tasks
	order []*task // oldest first; some have come back
	first uint32  // the number of the first drop in order; a task's index is that of its last one
}

func newDropped() dropped { return dropped{tasks: make(tasks)} }

func (d *dropped) remember(k *task) {
	k.index = d.first + position(len(d.order))
	d.tasks.put(k.group.account.name, k)
	d.order = append(d.order, k)
	if len(d.order) <= maxDropped {
		return
	}
	if oldest := d.order[0]; oldest.marks.has(markRemoved) && oldest.index == d.first {
		d.tasks.delete(oldest.group.account.name, oldest)
	}
	d.order[0] = nil
	d.order = d.order[1:]
	d.first++
}

// recall returns a dropped task of an account and forgets it; nil: there is none.
func (d *dropped) recall(account, id string) *task {
	k := d.tasks.get(account, id)
	if k != nil {
		d.tasks.delete(account, k)
	}
	return k
}
