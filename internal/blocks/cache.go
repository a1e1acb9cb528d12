// How the blocks of a list are kept: it is cut into pieces, and pieces in a row that have not changed for long share a block.

package blocks

import (
	"math/bits"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/view"
)

// cache keeps the blocks of a list.
type cache struct {
	pieces []piece
	runs   []run // of RunSize pieces each
}

// piece is PieceSize positions of the list. Its masks have a bit for each.
type piece struct {
	live     uint64 // what has a task
	answered uint64 // what has an unfinished one that was answered
	wanted   uint64 // what is to be shown
	shown    uint64 // what its block, or that of its run, has
	block    *view.Block
	settled  bool // nothing in it changed since it was last looked at
}

// run is some pieces in a row.
type run struct {
	block   *view.Block // of all of it; nil: each piece has its own
	changed time.Time   // zero: there has been no block yet
}

// changed notes that the task at a position has changed, has gone, or is another one.
func (c *cache) changed(position int) {
	if i := position / PieceSize; i < len(c.pieces) {
		c.pieces[i].settled = false
	}
}

// look finds out what has changed in some pieces of a list of unfinished tasks.
func (c *cache) look(l List, from, to int) {
	c.fit(l.Len())
	for i := from; i < min(to, len(c.pieces)); i++ {
		if p := &c.pieces[i]; !p.settled {
			p.block = nil
			p.look(l, i)
		}
	}
}

// chosen returns the blocks of the tasks of a list of unfinished ones, which was looked at, that are chosen. They stay small.
func (c *cache) chosen(l List, choice *choice, pass *pass) (blocks []*view.Block) {
	for i := range c.pieces {
		p := &c.pieces[i]
		p.wanted = choice.take(i, p.live, p.answered)
		if b := p.show(l, i, pass); b != nil {
			blocks = append(blocks, b)
		}
	}
	return blocks
}

// last returns the blocks of so many tasks, from the end of the list backwards. Those that have long been the same are large.
func (c *cache) last(l List, count int, pass *pass) (blocks []*view.Block) {
	c.fit(l.Len())
	for i := len(c.runs) - 1; i >= 0; i-- {
		first := i * RunSize
		pieces := c.pieces[first:min(first+RunSize, len(c.pieces))]
		if count == 0 {
			c.runs[i] = run{}
			clear(pieces)
			continue
		}
		var same, whole bool
		same, whole, count = want(l, pieces, first, count)
		whole = whole && l.Len() >= (first+RunSize)*PieceSize
		blocks = append(blocks, c.runs[i].show(l, pieces, first, same, whole, pass)...)
	}
	return blocks
}

// want decides what of some pieces, of which the first has that number, is to be shown if there is room for so many tasks: the last
// ones. It returns whether that is what is shown already, whether it is all there is, and how much room is left.
func want(l List, pieces []piece, first, room int) (same, whole bool, left int) {
	same, whole = true, true
	for i := len(pieces) - 1; i >= 0; i-- {
		p := &pieces[i]
		if !p.settled {
			same, p.block = false, nil
			p.look(l, first+i)
		}
		p.wanted = highest(p.live, room)
		room -= bits.OnesCount64(p.wanted)
		same = same && p.wanted == p.shown
		whole = whole && p.wanted == p.live
	}
	return same, whole, room
}

// show returns the blocks of a run: one if it can be and the run is new or was quiet for long, else that of each piece.
func (r *run) show(l List, pieces []piece, first int, same, whole bool, pass *pass) (blocks []*view.Block) {
	if r.block != nil && same {
		return []*view.Block{r.block}
	}
	r.block = nil
	isNew := r.changed.IsZero()
	if whole && (isNew || same && pass.now.Sub(r.changed) >= Quiet) {
		return r.showWhole(l, pieces, first, pass)
	}
	if isNew || !same {
		r.changed = pass.now
	}
	for i := range pieces {
		if b := pieces[i].show(l, first+i, pass); b != nil {
			blocks = append(blocks, b)
		}
	}
	return blocks
}

// showWhole returns one block of the whole run.
func (r *run) showWhole(l List, pieces []piece, first int, pass *pass) []*view.Block {
	if !pass.takes(runTasks) {
		return nil
	}
	if r.changed.IsZero() {
		r.changed = pass.now
	}
	b := view.NewBuilder(runTasks)
	for i := range pieces {
		p := &pieces[i]
		add(b, l, first+i, p.wanted)
		p.shown, p.block = p.wanted, nil
	}
	r.block = b.Block()
	return []*view.Block{r.block}
}

// look finds out which positions have a task, and which of those are unfinished and were answered.
func (p *piece) look(l List, number int) {
	p.live, p.answered, p.settled = 0, 0, true
	from := number * PieceSize
	for i := range min(PieceSize, l.Len()-from) {
		live, answered := l.Look(from + i)
		if live {
			p.live |= 1 << i
		}
		if answered {
			p.answered |= 1 << i
		}
	}
}

// show returns a block of what is wanted of a piece that was looked at; nil if that is nothing, or there is no room.
func (p *piece) show(l List, number int, pass *pass) *view.Block {
	if p.wanted != p.shown {
		p.block = nil
	}
	p.shown = p.wanted
	if p.block == nil && p.wanted != 0 && pass.takes(bits.OnesCount64(p.wanted)) {
		b := view.NewBuilder(bits.OnesCount64(p.wanted))
		add(b, l, number, p.wanted)
		p.block = b.Block()
	}
	return p.block
}

// add adds the tasks of a piece whose bits are set.
func add(to *view.Builder, l List, number int, mask uint64) {
	for ; mask != 0; mask &= mask - 1 {
		t := l.Read(number*PieceSize + bits.TrailingZeros64(mask))
		to.Add(&t)
	}
}

// fit makes room for the blocks of a list of that length.
func (c *cache) fit(positions int) {
	c.pieces = resized(c.pieces, (positions+PieceSize-1)/PieceSize)
	c.runs = resized(c.runs, (len(c.pieces)+RunSize-1)/RunSize)
}

// resized returns all with n elements: the first n that it has, and then empty ones.
func resized[T any](all []T, n int) []T {
	if n > len(all) {
		return append(all, make([]T, n-len(all))...)
	}
	clear(all[n:])
	return all[:n]
}

// highest returns the highest bits of a mask, so many at most.
func highest(mask uint64, count int) uint64 {
	for n := bits.OnesCount64(mask); n > count; n-- {
		mask &= mask - 1
	}
	return mask
}
