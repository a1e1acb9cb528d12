// Finished tasks in their order, a portion at a time: however many there are, no more than two portions are held.

package web

import (
	"cmp"
	"slices"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// portionSize is how many tasks are put in order at a time. Each portion is a pass over all tasks.
const portionSize = 1 << 16

// portion finds the first tasks after a place, of those learned until some time.
type portion struct {
	after cursor
	until kie.Time
	kept  []offered // fewer than twice as many as wanted
	count int       // offered so far
	bound *cursor   // those after it are not wanted; nil: all are
}

// offered is a task with its place, and the how manieth it came.
type offered struct {
	cursor
	number int
	task   view.Task
}

// begin has the next portion be of what comes after a place.
func (p *portion) begin(after cursor) {
	p.after, p.kept, p.bound = after, p.kept[:0], nil
}

// wants reports whether a task of which was learned then that it has finished may be in the portion.
func (p *portion) wants(learned kie.Time) bool {
	return learned >= p.after.at && learned <= p.until && (p.bound == nil || learned <= p.bound.at)
}

func (p *portion) add(k *view.Task) {
	at := cursorOf(k)
	if !p.wants(at.at) || at.compare(p.after) <= 0 || p.bound != nil && at.compare(*p.bound) > 0 {
		return
	}
	p.count++
	p.kept = append(p.kept, offered{at, p.count, *k})
	if len(p.kept) == 2*portionSize {
		p.cut()
	}
}

// cut puts in order what was offered, drops what is beyond a portion, and of a task that was offered twice what came last.
func (p *portion) cut() {
	slices.SortFunc(p.kept, func(a, b offered) int { return cmp.Or(a.compare(b.cursor), cmp.Compare(a.number, b.number)) })
	p.kept = slices.CompactFunc(p.kept, func(a, b offered) bool { return a.cursor == b.cursor })
	if len(p.kept) >= portionSize {
		clear(p.kept[portionSize:])
		p.kept = p.kept[:portionSize]
		p.bound = new(p.kept[portionSize-1].cursor)
	}
}

// end returns the tasks of the portion in their order, and whether there may be more after them. They are good until the next begins.
func (p *portion) end() (tasks []offered, more bool) {
	p.cut()
	return p.kept, p.bound != nil
}
