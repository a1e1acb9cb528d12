// Records that wait to be written.

package shared

import "github.com/kie-exporter/kie_exporter/internal/store"

// mostQueued is how many records wait that nobody waits for. Beyond, they are made again from the tasks.
const mostQueued = 50_000

// key is which task a record is of.
type key struct{ account, id string }

// entry is a record that waits, with those who wait for it.
type entry struct {
	record  store.Record
	nonce   uint32 // the same for each try
	waiting []waiter
}

type waiter struct {
	may     bool // the record may be the first final one of its task
	written func(first bool)
}

// call tells who waits what came of it.
func (e *entry) call(first bool) {
	for _, w := range e.waiting {
		w.written(first && w.may)
	}
}

// queue is at most one record of a task. A final one stays: it is the first.
type queue map[key]*entry

func (q queue) put(k key, e entry, written func(first bool)) {
	w := waiter{may: e.record.State.Finished(), written: written}
	if old := q[k]; old != nil {
		if old.record.State.Finished() {
			e.record, e.nonce, w.may = old.record, old.nonce, false
		}
		e.waiting = old.waiting
	}
	if written != nil {
		e.waiting = append(e.waiting, w)
	}
	q[k] = &e
}

// putBack puts an entry back that could not be written.
func (q queue) putBack(k key, old *entry) {
	newer := q[k]
	switch {
	case newer == nil:
		q[k] = old
	case old.record.State.Finished():
		for _, w := range newer.waiting {
			old.waiting = append(old.waiting, waiter{written: w.written})
		}
		q[k] = old
	default:
		newer.waiting = append(old.waiting, newer.waiting...)
	}
}

// giveUp tells all who wait that nothing is counted.
func (q queue) giveUp() {
	for _, e := range q {
		e.call(false)
	}
}
