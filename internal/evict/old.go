// Tasks that ended before so many others that there will be no room for them.

package evict

import (
	"cmp"
	"hash/maphash"
	"math/bits"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

const (
	hoursBack = 1<<16 - 1 // that are told apart
	// manyTimes is from how many times as many as there is room for on it pays to tell old ones apart. Where there are fewer, lists
	// that name them find their way without.
	manyTimes = 2
)

// olds is what records on disk say of tasks that are over, until the first lists were read: of each a hash and since when, ten bytes. In
// a table without pointers, that no more than one in 2^64 pairs of ids is mistaken for each other costs 13 bytes an id.
type olds struct {
	seed   maphash.Seed
	now    time.Time
	hashes []uint64 // 0: none
	ages   []uint16 // in hours
	counts []int    // by age
	count  int
	before int // the age from which on tasks are old
}

// newOlds has room for so many tasks.
func newOlds(most int) *olds {
	size := most + most/3 + 2
	return &olds{
		seed: maphash.MakeSeed(), now: time.Now(), hashes: make([]uint64, size), ages: make([]uint16, size), counts: make([]int, hoursBack+1),
	}
}

// place returns where a task is, or would be.
func (o *olds) place(account, id string) (place int, hash uint64) {
	var h maphash.Hash
	h.SetSeed(o.seed)
	_, _ = h.WriteString(account)
	_ = h.WriteByte(0)
	_, _ = h.WriteString(id)
	hash = h.Sum64() | 1
	high, _ := bits.Mul64(hash, uint64(len(o.hashes)))
	for place = int(high); o.hashes[place] != 0 && o.hashes[place] != hash; { //nolint:gosec // less than a length
		if place++; place == len(o.hashes) {
			place = 0
		}
	}
	return place, hash
}

// note notes a record.
func (o *olds) note(account, id string, r *store.Record) {
	if !r.IsOver() || r.KeptByID() || 4*(o.count+1) > 3*len(o.hashes) { // as many have come meanwhile
		return
	}
	place, hash := o.place(account, id)
	if o.hashes[place] != 0 {
		return
	}
	hours := o.now.Sub(cmp.Or(r.Learned, r.Seen).Time()) / time.Hour
	age := uint16(min(max(hours, 0), hoursBack))
	o.hashes[place], o.ages[place] = hash, age
	o.counts[age]++
	o.count++
}

// settle decides which are old: all but so many, and those that ended in the same hour as the first of them.
func (o *olds) settle(room int) {
	o.before = hoursBack + 1
	if o.count < manyTimes*room {
		return
	}
	for age, later := 0, 0; age < hoursBack; age++ {
		if later += o.counts[age]; later >= room {
			o.before = age + 1
			return
		}
	}
}

// Over implements source.Old.
func (o *olds) Over(account, id string) (over, old bool) {
	place, _ := o.place(account, id)
	return o.hashes[place] != 0, o.hashes[place] != 0 && int(o.ages[place]) >= o.before
}

// Note takes a record that is on disk, before any task is listed.
func (e *Evictor) Note(account, id string, r *store.Record) {
	if e.olds == nil {
		e.olds = newOlds(e.store.Stats().Tasks)
	}
	e.olds.note(account, id, r)
}

// Old implements source.Memory.
func (e *Evictor) Old(room int) source.Old {
	o := e.olds
	e.olds = nil
	if st := e.store.Stats(); o == nil && st.Tasks == 0 && st.Up == st.Keeps {
		o = newOlds(0)
	}
	if o == nil {
		return nil
	}
	o.settle(room)
	return o
}
