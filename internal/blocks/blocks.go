// Package blocks chooses the tasks that have series of their own, and keeps them in blocks that stay the same as long as their tasks
// do, so that making them anew costs what has changed. It is told what changed, and how to read a task. It has no lock: the tracker's is
// held while its methods run.
package blocks

import (
	"iter"
	"math"
	"math/bits"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/view"
)

// Maker makes blocks of two lists: of the unfinished tasks, and of the finished ones in the order learned. Its zero value knows nothing
// of them.
type Maker struct {
	unfinished, finished cache
	made                 uint64 // how often
}

// UnfinishedChanged notes that the task at a position of the list of unfinished ones has changed, has gone, or is another one.
func (m *Maker) UnfinishedChanged(position int) { m.unfinished.changed(position) }

// FinishedChanged does the same for the list of finished tasks.
func (m *Maker) FinishedChanged(position int) { m.finished.changed(position) }

// ForgetFinished notes that every position of the list of finished tasks may have another one.
func (m *Maker) ForgetFinished() { m.finished = cache{} }

// Forget notes that every task of both lists may have changed.
func (m *Maker) Forget() { m.unfinished, m.finished = cache{}, cache{} }

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
