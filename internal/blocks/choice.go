// What blocks are made of, and which tasks are chosen.

package blocks

import (
	"iter"
	"math/bits"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/view"
)

const (
	// PieceSize is how many positions of a list make a piece: one for each bit of a mask.
	PieceSize = 64
	// RunSize is how many pieces share a block where nothing changes.
	RunSize = 16
	// Quiet is how long the pieces of a run must not have changed until they share a block.
	Quiet = time.Minute

	runTasks = RunSize * PieceSize
)

// List is some tasks by their positions, of which some may have none.
type List interface {
	Len() int
	// Look tells whether a position has a task, and whether that is an unfinished one that was answered.
	Look(position int) (live, answered bool)
	// Read returns the task at a position that has one.
	Read(position int) view.Task
}

// choice is which tasks get series of their own: answered unfinished ones, newest first, up to half of the limit; then
// finished ones, last learned first; then what unfinished ones are left, answered before pending.
type choice struct {
	finished int            // the last ones
	pending  int            // the first ones that come by
	answered map[int]uint64 // by piece, the positions; nil: all
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

// take returns which of the tasks of a piece are chosen, of which some are unfinished and were answered. It is called once for each piece, in their order.
func (c *choice) take(i int, live, answered uint64) (mask uint64) {
	mask = answered
	if c.answered != nil {
		mask &= c.answered[i]
	}
	if c.pending > 0 {
		pending := lowest(live&^answered, c.pending)
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

// lowest returns the lowest bits of a mask, so many at most.
func lowest(mask uint64, count int) (low uint64) {
	if count >= bits.OnesCount64(mask) {
		return mask
	}
	for ; count > 0; count-- {
		bit := mask & -mask
		low |= bit
		mask &^= bit
	}
	return low
}
