// How the blocks of a list of tasks are kept, so that making them anew costs what changed in the list.

package tracker

import (
	"math/bits"
	"time"
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
	kinds  kinds
}

func newShelf() shelf { return shelf{kinds: kinds{}} }

// piece is pieceSize positions of the list. Its masks have a bit for each.
type piece struct {
	live    uint64 // what has a task
	wanted  uint64 // what is to be shown
	shown   uint64 // what its block, or that of its run, has
	block   *Block // nil: nothing is shown, or its run has a block
	settled bool   // nothing in it changed since it was last looked at
}

// run is some pieces in a row.
type run struct {
	block   *Block    // of all of it; nil: each piece has its own
	changed time.Time // zero: there has been no block yet
}

// touch notes that the task at a position of the list has changed, has gone, or is another one.
func (s *shelf) touch(position int) {
	if i := position / pieceSize; i < len(s.pieces) {
		s.pieces[i].settled = false
	}
}

// chosen returns the blocks of the tasks that choose wants of each piece. They stay small.
func (s *shelf) chosen(tasks []*task, choose func(piece []*task) (mask uint64)) (blocks []*Block) {
	s.fit(tasks)
	for i := range s.pieces {
		p, of := &s.pieces[i], part(tasks, i)
		p.wanted = choose(of)
		if b := p.show(of, s.kinds); b != nil {
			blocks = append(blocks, b)
		}
	}
	return blocks
}

// last returns the blocks of so many tasks, from the end of the list backwards. Those that have long been the same are large.
func (s *shelf) last(tasks []*task, count int, now time.Time) (blocks []*Block) {
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
		blocks = append(blocks, s.runs[i].show(pieces, of, same, whole && len(of) == runSize*pieceSize, now, s.kinds)...)
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
func (r *run) show(pieces []piece, tasks []*task, same, whole bool, now time.Time, ks kinds) (blocks []*Block) {
	if r.block != nil && same {
		return []*Block{r.block}
	}
	r.block = nil
	isNew := r.changed.IsZero()
	if isNew || !same {
		r.changed = now
	}
	if whole && (isNew || now.Sub(r.changed) >= quiet) {
		r.block = newBlock(len(tasks))
		for i := range pieces {
			p := &pieces[i]
			r.block.addAll(p.wanted, part(tasks, i), ks)
			p.shown, p.block = p.wanted, nil
		}
		return []*Block{r.block}
	}
	for i := range pieces {
		if b := pieces[i].show(part(tasks, i), ks); b != nil {
			blocks = append(blocks, b)
		}
	}
	return blocks
}

// look finds out which positions have a task.
func (p *piece) look(tasks []*task) {
	p.live, p.settled = 0, true
	for i, k := range tasks {
		if k != nil {
			p.live |= 1 << i
		}
	}
}

// show returns a block of what is wanted of a piece; nil if that is nothing.
func (p *piece) show(tasks []*task, ks kinds) *Block {
	if !p.settled || p.wanted != p.shown {
		p.block = nil
	}
	p.shown, p.settled = p.wanted, true
	if p.block == nil && p.wanted != 0 {
		p.block = newBlock(bits.OnesCount64(p.wanted))
		p.block.addAll(p.wanted, tasks, ks)
	}
	return p.block
}

// addAll adds the tasks of a piece whose bits are set.
func (b *Block) addAll(mask uint64, tasks []*task, ks kinds) {
	for ; mask != 0; mask &= mask - 1 {
		t := tasks[bits.TrailingZeros64(mask)].snapshot()
		b.add(&t, ks)
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

// highest returns the highest bits of a mask, so many at most.
func highest(mask uint64, count int) uint64 {
	for n := bits.OnesCount64(mask); n > count; n-- {
		mask &= mask - 1
	}
	return mask
}
