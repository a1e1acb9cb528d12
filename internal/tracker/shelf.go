// How the blocks of a list of tasks are kept, so that making them anew costs what changed in the list.

package tracker

import (
	"math/bits"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/view"
)

const (
	// pieceSize is how many positions of a list make a piece: one for each bit of a mask.
	pieceSize = 64
	// runSize is how many pieces share a block where nothing changes.
	runSize = 16
	// quiet is how long the pieces of a run must not have changed until they share a block.
	quiet = time.Minute
)

// shelf keeps the blocks of the tasks of a list, which may have gaps.
type shelf struct {
	pieces []piece
	runs   []run // of runSize pieces each
	kinds  view.Kinds
}

func newShelf() shelf { return shelf{kinds: view.Kinds{}} }

// piece is pieceSize positions of the list. Its masks have a bit for each.
type piece struct {
	live     uint64      // what has a task
	answered uint64      // what has an unfinished one that was answered
	wanted   uint64      // what is to be shown
	shown    uint64      // what its block, or that of its run, has
	block    *view.Block // nil: nothing is shown, or its run has a block
	settled  bool        // nothing in it changed since it was last looked at
}

// run is some pieces in a row.
type run struct {
	block   *view.Block // of all of it; nil: each piece has its own
	changed time.Time   // zero: there has been no block yet
}

// touch notes that the task at a position of the list has changed, has gone, or is another one.
func (s *shelf) touch(position int) {
	if i := position / pieceSize; i < len(s.pieces) {
		s.pieces[i].settled = false
	}
}

// desk is where blocks are made at one moment, as long as there is room.
type desk struct {
	now  time.Time
	room int  // for tasks
	full bool // there was no room for some
}

// takes reports whether there is room left, and takes that for some tasks.
func (d *desk) takes(tasks int) bool {
	if d.room <= 0 {
		d.full = true
		return false
	}
	d.room -= tasks
	return true
}

// look finds out what has changed in some pieces of a list of unfinished tasks.
func (s *shelf) look(tasks []*task, from, to int) {
	s.fit(tasks)
	for i := from; i < min(to, len(s.pieces)); i++ {
		if p := &s.pieces[i]; !p.settled {
			p.block = nil
			p.look(part(tasks, i))
		}
	}
}

// chosen returns the blocks of the tasks of a list of unfinished ones, which was looked at, that are chosen. They stay small.
func (s *shelf) chosen(tasks []*task, c *choice, d *desk) (blocks []*view.Block) {
	for i := range s.pieces {
		p := &s.pieces[i]
		p.wanted = c.of(i, p)
		if b := p.show(part(tasks, i), s.kinds, d); b != nil {
			blocks = append(blocks, b)
		}
	}
	return blocks
}

// last returns the blocks of so many tasks, from the end of the list backwards. Those that have long been the same are large.
func (s *shelf) last(tasks []*task, count int, d *desk) (blocks []*view.Block) {
	s.fit(tasks)
	for i := len(s.runs) - 1; i >= 0; i-- {
		first := i * runSize
		pieces := s.pieces[first:min(first+runSize, len(s.pieces))]
		if count == 0 {
			s.runs[i] = run{}
			clear(pieces)
			continue
		}
		of := tasks[first*pieceSize : min((first+runSize)*pieceSize, len(tasks))]
		var same, whole bool
		same, whole, count = want(pieces, of, count)
		blocks = append(blocks, s.runs[i].show(pieces, of, same, whole && len(of) == runSize*pieceSize, s.kinds, d)...)
	}
	return blocks
}

// want decides what of a run is to be shown, if there is room for so many tasks: the last ones. It returns whether that is
// what is shown already, whether it is all there is, and how much room is left.
func want(pieces []piece, tasks []*task, room int) (same, whole bool, left int) {
	same, whole = true, true
	for i := len(pieces) - 1; i >= 0; i-- {
		p := &pieces[i]
		if !p.settled {
			same, p.block = false, nil
			p.look(part(tasks, i))
		}
		p.wanted = highest(p.live, room)
		room -= bits.OnesCount64(p.wanted)
		same = same && p.wanted == p.shown
		whole = whole && p.wanted == p.live
	}
	return same, whole, room
}

// show returns the blocks of a run: one if it can be and the run is new or was quiet for long, else that of each piece.
func (r *run) show(pieces []piece, tasks []*task, same, whole bool, ks view.Kinds, d *desk) (blocks []*view.Block) {
	if r.block != nil && same {
		return []*view.Block{r.block}
	}
	r.block = nil
	isNew := r.changed.IsZero()
	if whole && (isNew || same && d.now.Sub(r.changed) >= quiet) {
		return r.showWhole(pieces, tasks, ks, d)
	}
	if isNew || !same {
		r.changed = d.now
	}
	for i := range pieces {
		if b := pieces[i].show(part(tasks, i), ks, d); b != nil {
			blocks = append(blocks, b)
		}
	}
	return blocks
}

// showWhole returns one block of the whole run.
func (r *run) showWhole(pieces []piece, tasks []*task, ks view.Kinds, d *desk) []*view.Block {
	if !d.takes(len(tasks)) {
		return nil
	}
	if r.changed.IsZero() {
		r.changed = d.now
	}
	b := view.NewBuilder(len(tasks), ks)
	for i := range pieces {
		p := &pieces[i]
		addAll(b, p.wanted, part(tasks, i))
		p.shown, p.block = p.wanted, nil
	}
	r.block = b.Block()
	return []*view.Block{r.block}
}

// look finds out which positions have a task, and which of those are unfinished and were answered.
func (p *piece) look(tasks []*task) {
	p.live, p.answered, p.settled = 0, 0, true
	for i, k := range tasks {
		if k == nil {
			continue
		}
		p.live |= 1 << i
		if k.unfinished != nil && !k.unfinished.Answered.IsZero() {
			p.answered |= 1 << i
		}
	}
}

// show returns a block of what is wanted of a piece that was looked at; nil if that is nothing, or there is no room.
func (p *piece) show(tasks []*task, ks view.Kinds, d *desk) *view.Block {
	if p.wanted != p.shown {
		p.block = nil
	}
	p.shown = p.wanted
	if p.block == nil && p.wanted != 0 && d.takes(bits.OnesCount64(p.wanted)) {
		b := view.NewBuilder(bits.OnesCount64(p.wanted), ks)
		addAll(b, p.wanted, tasks)
		p.block = b.Block()
	}
	return p.block
}

// addAll adds the tasks of a piece whose bits are set.
func addAll(b view.Builder, mask uint64, tasks []*task) {
	for ; mask != 0; mask &= mask - 1 {
		t := tasks[bits.TrailingZeros64(mask)].snapshot()
		b.Add(&t)
	}
}

// fit makes the shelf as long as the list.
func (s *shelf) fit(tasks []*task) {
	s.pieces = resized(s.pieces, (len(tasks)+pieceSize-1)/pieceSize)
	s.runs = resized(s.runs, (len(s.pieces)+runSize-1)/runSize)
}

// resized returns all with n elements: the first n that it has, and then empty ones.
func resized[T any](all []T, n int) []T {
	if n > len(all) {
		return append(all, make([]T, n-len(all))...)
	}
	clear(all[n:])
	return all[:n]
}

// part returns the tasks of a piece.
func part(tasks []*task, i int) []*task {
	return tasks[i*pieceSize : min((i+1)*pieceSize, len(tasks))]
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

// highest returns the highest bits of a mask, so many at most.
func highest(mask uint64, count int) uint64 {
	for n := bits.OnesCount64(mask); n > count; n-- {
		mask &= mask - 1
	}
	return mask
}
