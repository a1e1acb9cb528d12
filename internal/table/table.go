// Package table finds things by their id in little memory: 15 bytes each, however many there are, where a map with strings
// as keys takes up to 56.
package table

import (
	"hash/maphash"
	"iter"
)

// Table is a set of things that know their ids. Not safe for concurrent use.
//
// Each thing lies in the first free slot from the one on that its hash says. Hashes are in the order of their slots, so that
// a table of another size is filled from one end to the other without a look at any thing.
type Table[T any] struct {
	id     func(*T) string
	seed   maphash.Seed
	hashes []uint32 // by slot; 0: free
	things []*T
	count  int
}

const (
	least = 8 // slots
	// growth is by which part a full table grows, and full how many of eight slots may be taken.
	growth = 4
	full   = 7
)

// New returns an empty table of things with such ids. The id of a thing that is in a table must not change.
func New[T any](id func(*T) string) *Table[T] {
	return &Table[T]{id: id, seed: maphash.MakeSeed(), hashes: make([]uint32, least), things: make([]*T, least)}
}

// Len returns how many things there are.
func (t *Table[T]) Len() int { return t.count }

// Get returns the thing with an id; nil: there is none.
func (t *Table[T]) Get(id string) *T {
	slot, _ := t.find(id)
	return t.things[slot]
}

// Put adds a thing, in place of one with the same id.
func (t *Table[T]) Put(thing *T) {
	slot, hash := t.find(t.id(thing))
	if t.hashes[slot] == 0 {
		if (t.count+1)*8 > len(t.hashes)*full {
			t.resize(len(t.hashes) + len(t.hashes)/growth)
			slot = t.free(hash)
		}
		t.count++
	}
	t.hashes[slot], t.things[slot] = hash, thing
}

// Delete takes the thing with an id out, if there is one.
func (t *Table[T]) Delete(id string) {
	slot, _ := t.find(id)
	if t.hashes[slot] == 0 {
		return
	}
	t.count--
	t.close(slot)
	if len(t.hashes) > least && t.count*4 < len(t.hashes) {
		t.resize(max(least, len(t.hashes)/2))
	}
}

// All yields all things. The table must not change meanwhile.
func (t *Table[T]) All() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for _, thing := range t.things {
			if thing != nil && !yield(thing) {
				return
			}
		}
	}
}

// find returns the slot of an id, or the free one in which it belongs, and its hash.
func (t *Table[T]) find(id string) (slot int, hash uint32) {
	hash = max(1, uint32(maphash.String(t.seed, id)>>32))
	for slot = t.home(hash); t.hashes[slot] != 0; slot = t.next(slot) {
		if t.hashes[slot] == hash && t.id(t.things[slot]) == id {
			break
		}
	}
	return slot, hash
}

// free returns the free slot in which something with this hash belongs.
func (t *Table[T]) free(hash uint32) int {
	slot := t.home(hash)
	for t.hashes[slot] != 0 {
		slot = t.next(slot)
	}
	return slot
}

func (t *Table[T]) home(hash uint32) int {
	return int(uint64(hash) * uint64(len(t.hashes)) >> 32)
}

func (t *Table[T]) next(slot int) int {
	if slot++; slot < len(t.hashes) {
		return slot
	}
	return 0
}

// close empties a slot, and moves up what would not be found behind an empty one.
func (t *Table[T]) close(empty int) {
	for slot := t.next(empty); t.hashes[slot] != 0; slot = t.next(slot) {
		if home := t.home(t.hashes[slot]); t.distance(home, slot) >= t.distance(empty, slot) {
			t.hashes[empty], t.things[empty] = t.hashes[slot], t.things[slot]
			empty = slot
		}
	}
	t.hashes[empty], t.things[empty] = 0, nil
}

// distance returns how many slots there are from one to another.
func (t *Table[T]) distance(from, to int) int {
	if to < from {
		to += len(t.hashes)
	}
	return to - from
}

func (t *Table[T]) resize(slots int) {
	hashes, things := t.hashes, t.things
	t.hashes, t.things = make([]uint32, slots), make([]*T, slots)
	for i, hash := range hashes {
		if hash != 0 {
			slot := t.free(hash)
			t.hashes[slot], t.things[slot] = hash, things[i]
		}
	}
}
