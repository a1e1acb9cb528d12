// Package blocks chooses the tasks that have series of their own, and keeps them in blocks that stay the same as long as their tasks
// do, so that making them anew costs what has changed. It is told what changed, and how to read a task; whoever calls it sees to it
// that nothing changes meanwhile.
package blocks

import (
	"iter"
	"math"
	"math/bits"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/view"
)

// List is some tasks by their positions, of which some may have none.
type List interface {
	Len() int
	// Look tells whether a position has a task, and whether that is an unfinished one that was answered.
	Look(position int) (live, answered bool)
	// Read returns the task at a position that has one.
	Read(position int) view.Task
}

// Maker makes blocks of two lists: of the unfinished tasks, and of the finished ones in the order learned.
type Maker struct {
	unfinished, finished cache
	made                 uint64 // how often
}

// NewMaker returns a maker of lists that nothing is known of.
func NewMaker() Maker { return Maker{unfinished: newCache(), finished: newCache()} }

// UnfinishedChanged notes that the task at a position of the list of unfinished ones has changed, has gone, or is another one.
func (m *Maker) UnfinishedChanged(position int) { m.unfinished.changed(position) }

// FinishedChanged does the same for the list of finished tasks.
func (m *Maker) FinishedChanged(position int) { m.finished.changed(position) }

// ForgetFinished notes that every position of the list of finished tasks may have another one.
func (m *Maker) ForgetFinished() { m.finished = newCache() }

// Forget notes that every task of both lists may have changed.
func (m *Maker) Forget() { m.unfinished, m.finished = newCache(), newCache() }

// Look finds out what has changed in a part of the list of unfinished tasks, so that Make finds less to do. A part is whole pieces.
func (m *Maker) Look(unfinished List, from, to int) {
	m.unfinished.look(unfinished, from/PieceSize, (to+PieceSize-1)/PieceSize)
}

// Lists is what there is to choose from.
type Lists struct {
	Unfinished, Finished List
	Count                int           // finished tasks: positions of Finished that have one
	Newest               iter.Seq[int] // positions of unfinished tasks that were answered, the newest task first
	LabelKeys            []string
}

// Make returns the tasks that have series, so many at most. It reads about as many tasks as there is room for; complete is false if
// others have changed, too: then it is to be called again.
func (m *Maker) Make(l Lists, limit, room int, now time.Time) (s view.Shown, complete bool) {
	m.unfinished.look(l.Unfinished, 0, math.MaxInt)
	c := m.choose(l, limit)
	p := &pass{now: now, room: room}
	blocks := append(m.unfinished.chosen(l.Unfinished, c, p), m.finished.last(l.Finished, c.finished, p)...)
	m.made++
	return view.Shown{LabelKeys: l.LabelKeys, Blocks: blocks, Number: m.made}, !p.full
}

// choice is which tasks get series of their own: answered unfinished ones, newest first, up to half of the limit; then
// finished ones, last learned first; then what unfinished ones are left, answered before pending.
type choice struct {
	finished int            // the last ones
	pending  int            // the first ones that come by
	answered map[int]uint64 // by piece, the positions; nil: all
}

func (m *Maker) choose(l Lists, limit int) *choice {
	answered := 0
	for _, p := range m.unfinished.pieces {
		answered += bits.OnesCount64(p.answered)
	}
	finished := min(l.Count, limit-min(answered, limit/2))
	chosen := min(answered, limit-finished)
	c := &choice{finished: finished, pending: limit - finished - chosen}
	if chosen < answered {
		c.answered = masks(l.Newest, chosen)
	}
	return c
}

// masks returns the first of some positions, so many at most, as masks by piece.
func masks(positions iter.Seq[int], count int) map[int]uint64 {
	byPiece := make(map[int]uint64)
	for position := range positions {
		if count == 0 {
			break
		}
		byPiece[position/PieceSize] |= 1 << (position % PieceSize)
		count--
	}
	return byPiece
}

// take returns which of the tasks of a piece are chosen. It is called once for each piece, in their order.
func (c *choice) take(i int, p *piece) (mask uint64) {
	mask = p.answered
	if c.answered != nil {
		mask &= c.answered[i]
	}
	if c.pending > 0 {
		pending := lowest(p.live&^p.answered, c.pending)
		c.pending -= bits.OnesCount64(pending)
		mask |= pending
	}
	return mask
}

// pass is one making of blocks, as long as there is room.
type pass struct {
	now  time.Time
	room int  // for tasks
	full bool // there was no room for some
}

// takes reports whether there is room left, and takes that for some tasks.
func (p *pass) takes(tasks int) bool {
	if p.room <= 0 {
		p.full = true
		return false
	}
	p.room -= tasks
	return true
}
