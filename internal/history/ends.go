// Tasks that ended before so many others that there will be no room for them.

package history

import (
	"cmp"
	"hash/maphash"
	"math/bits"
	"sync/atomic"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

const (
	hoursBack = 1<<ageBits - 1 // that are told apart
	// manyTimes is from how many times as many as there is room for on it pays to tell old ones apart. Where there are fewer, lists
	// that name them find their way without.
	manyTimes = 2
)

// A slot holds 48 bits of a hash, of which further ones say where it lies, and since when the task is over: in hours.
const (
	ageBits = 16
	free    = 0
)

// together is how many tasks are looked for at a time.
const together = 64

// smallPage is how many slots the smallest page of memory has.
const smallPage = 4096 / 8

// share is for how many records a part takes room at a time.
const share = 1 << 8

// Ends is what records on disk say of tasks that are over, until the first lists were read, in ten bytes a record. Parts may note records at
// the same time; whoever asks comes after them.
type Ends struct {
	seed  maphash.Seed
	now   kie.Time
	slots []uint64
	room  atomic.Int64 // records that no part has room for yet
	parts [store.Parts]notes
	known int // tasks that were over
	old   int // the age from which on they are old
}

// notes is what one part has noted.
type notes struct {
	room    int64 // records that it may note still
	known   int   // tasks that are over
	counts  []int // of those of them that need room, by age
	pending []noted
	account string // of the last record
	hash    uint64 // of that
	_       [64]byte
}

// noted is a record that has no slot yet: where looking for one begins, what it will hold, and whether its task needs room.
type noted struct {
	at        int
	slot      uint64
	needsRoom bool
}

// newEnds has room for so many tasks.
func newEnds(most int) *Ends {
	most += share * store.Parts
	e := &Ends{seed: maphash.MakeSeed(), now: kie.TimeOf(time.Now()), slots: make([]uint64, most+most/5+2), old: hoursBack + 1}
	for i := 0; i < len(e.slots); i += smallPage {
		e.slots[i] = free // a page that is read before it is written to is mapped twice
	}
	e.room.Store(int64(most))
	return e
}

// None returns that no task was over.
func None() *Ends { return newEnds(0) }

// slotOf returns where looking for a task begins, and what is kept of its hash.
func (e *Ends) slotOf(account, id uint64) (at int, tag uint64) {
	hash := bits.RotateLeft64(account, 32) ^ id
	high, _ := bits.Mul64(hash, uint64(len(e.slots)))
	return int(high), cmp.Or(hash<<ageBits, 1<<ageBits) //nolint:gosec // less than a length
}

// note notes a record, if there is room.
func (e *Ends) note(part int, account, id []byte, r *store.Record) {
	n := &e.parts[part]
	if !r.IsOver() || !n.reserve(&e.room) {
		return
	}
	age := min(max(int64(e.now-cmp.Or(r.Learned, r.Seen))/time.Hour.Milliseconds(), 0), hoursBack)
	if n.account != string(account) {
		n.account, n.hash = string(account), maphash.Bytes(e.seed, account)
	}
	at, tag := e.slotOf(n.hash, maphash.Bytes(e.seed, id))
	if n.pending = append(n.pending, noted{at, tag | uint64(age), !r.Unlisted()}); len(n.pending) == together {
		e.settle(n)
	}
}

// settle gives slots to what a part has noted. Slots are only ever taken.
func (e *Ends) settle(n *notes) {
	for _, p := range n.pending {
		_ = atomic.LoadUint64(&e.slots[p.at]) // memory is waited for here, for many at the same time
	}
	for _, p := range n.pending {
		if !e.take(p.at, p.slot) {
			continue
		}
		if n.known++; p.needsRoom {
			n.counts[p.slot&hoursBack]++
		}
	}
	n.pending = n.pending[:0]
}

// take takes a slot for a record; false: it has one.
func (e *Ends) take(at int, slot uint64) bool {
	for {
		switch was := atomic.LoadUint64(&e.slots[at]); {
		case was == free:
			if atomic.CompareAndSwapUint64(&e.slots[at], free, slot) {
				return true
			}
		case was>>ageBits == slot>>ageBits:
			return false
		default:
			at = e.next(at)
		}
	}
}

// reserve takes room for a record, if there is any.
func (n *notes) reserve(all *atomic.Int64) bool {
	if n.counts == nil {
		n.counts, n.pending = make([]int, hoursBack+1), make([]noted, 0, together)
	}
	if n.room == 0 {
		if left := all.Add(-share); left < 0 {
			return false
		}
		n.room = share
	}
	n.room--
	return true
}

// Settle decides which are old: all but so many, and those that ended in the same hour as the first of them.
func (e *Ends) Settle(room int) {
	var counts [hoursBack + 1]int
	all := 0
	for i := range e.parts {
		e.settle(&e.parts[i])
		e.known += e.parts[i].known
		for age, n := range e.parts[i].counts {
			counts[age] += n
			all += n
		}
	}
	e.old = hoursBack + 1
	if all < manyTimes*room {
		return
	}
	for age, later := 0, 0; age < hoursBack; age++ {
		if later += counts[age]; later >= room {
			e.old = age + 1
			return
		}
	}
}

// Len implements source.Old.
func (e *Ends) Len() int { return e.known }

// Ages implements source.Old.
func (e *Ends) Ages(account string, ids []string, ages []source.Age) {
	var at [together]int
	var tags [together]uint64
	named := maphash.String(e.seed, account)
	for len(ids) > 0 {
		n := min(len(ids), together)
		var met uint64
		for i, id := range ids[:n] {
			at[i], tags[i] = e.slotOf(named, maphash.String(e.seed, id))
			met |= e.slots[at[i]] // memory is waited for here, for many at the same time
		}
		for i := range n {
			ages[i] = source.NotOver
			if met != free {
				ages[i] = e.age(at[i], tags[i])
			}
		}
		ids, ages = ids[n:], ages[n:]
	}
}

func (e *Ends) age(at int, tag uint64) source.Age {
	for ; e.slots[at] != free; at = e.next(at) {
		if was := e.slots[at]; was>>ageBits == tag>>ageBits {
			if int(was&hoursBack) >= e.old {
				return source.OldOver
			}
			return source.Over
		}
	}
	return source.NotOver
}

func (e *Ends) next(at int) int {
	if at++; at < len(e.slots) {
		return at
	}
	return 0
}
