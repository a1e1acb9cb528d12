// Package table finds things by their id in little memory: 15 bytes each, however many there are, where a map with strings
// as keys takes up to 56.
package table

import (
	"hash/maphash"
	"iter"
)

// Table is a set of things that know their ids. Not safe for concurrent use.
//
// It has several shards, so that it grows by a part at a time. A thing stays in its shard.
type Table[T any] struct {
	id     func(*T) string
	seed   maphash.Seed
	shards [Shards]shard[T]
	count  int
}

// Shards is how many shards a table has.
const Shards = 64

// shard is a part of a table.
//
// Each thing lies in the first free slot from the one on that its hash says. Hashes are in the order of their slots, so that
// a shard of another size is filled from one end to the other without a look at any thing.
type shard[T any] struct {
	hashes []uint32 // by slot; 0: free
	things []*T
	count  int
}

const (
	least = 8 // slots
	// growth is by which part a full shard grows, and full how many of eight slots may be taken.
	growth = 4
	full   = 7
)

// New returns an empty table of things with such ids. The id of a thing that is in a table must not change.
func New[T any](id func(*T) string) *Table[T] { return &Table[T]{id: id, seed: maphash.MakeSeed()} }

// Len returns how many things there are.
func (t *Table[T]) Len() int { return t.count }

// Get returns the thing with an id; nil: there is none.
func (t *Table[T]) Get(id string) *T {
	s, hash := t.shardOf(id)
	if s.count == 0 {
		return nil
	}
	return s.things[s.find(hash, id, t.id)]
}

// Put adds a thing, in place of one with the same id.
func (t *Table[T]) Put(thing *T) {
	id := t.id(thing)
	s, hash := t.shardOf(id)
	if s.hashes == nil {
		s.resize(least)
	}
	slot := s.find(hash, id, t.id)
	if s.hashes[slot] == 0 {
		if (s.count+1)*8 > len(s.hashes)*full {
			s.resize(len(s.hashes) + len(s.hashes)/growth)
			slot = s.free(hash)
		}
		s.count++
		t.count++
	}
	s.hashes[slot], s.things[slot] = hash, thing
}

// Delete takes the thing with an id out, if there is one.
func (t *Table[T]) Delete(id string) {
	s, hash := t.shardOf(id)
	if s.count == 0 {
		return
	}
	slot := s.find(hash, id, t.id)
	if s.hashes[slot] == 0 {
		return
	}
	s.count--
	t.count--
	s.close(slot)
	if len(s.hashes) > least && s.count*4 < len(s.hashes) {
		s.resize(max(least, len(s.hashes)/2))
	}
}

// All yields all things. The table must not change meanwhile.
func (t *Table[T]) All() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for i := range Shards {
			for thing := range t.Shard(i) {
				if !yield(thing) {
					return
				}
			}
		}
	}
}

// Shard yields the things of one shard, which must not change meanwhile.
func (t *Table[T]) Shard(i int) iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for _, thing := range t.shards[i].things {
			if thing != nil && !yield(thing) {
				return
			}
		}
	}
}

// shardOf returns the shard of an id, and its hash there.
func (t *Table[T]) shardOf(id string) (s *shard[T], hash uint32) {
	h := maphash.String(t.seed, id)
	return &t.shards[h%Shards], max(1, uint32(h>>32))
}

// find returns the slot of an id, or the free one in which it belongs.
func (s *shard[T]) find(hash uint32, id string, idOf func(*T) string) (slot int) {
	for slot = s.home(hash); s.hashes[slot] != 0; slot = s.next(slot) {
		if s.hashes[slot] == hash && idOf(s.things[slot]) == id {
			break
		}
	}
	return slot
}

// free returns the free slot in which something with this hash belongs.
func (s *shard[T]) free(hash uint32) int {
	slot := s.home(hash)
	for s.hashes[slot] != 0 {
		slot = s.next(slot)
	}
	return slot
}

func (s *shard[T]) home(hash uint32) int {
	return int(uint64(hash) * uint64(len(s.hashes)) >> 32)
}

func (s *shard[T]) next(slot int) int {
	if slot++; slot < len(s.hashes) {
		return slot
	}
	return 0
}

// close empties a slot, and moves up what would not be found behind an empty one.
func (s *shard[T]) close(empty int) {
	for slot := s.next(empty); s.hashes[slot] != 0; slot = s.next(slot) {
		if home := s.home(s.hashes[slot]); s.distance(home, slot) >= s.distance(empty, slot) {
			s.hashes[empty], s.things[empty] = s.hashes[slot], s.things[slot]
			empty = slot
		}
	}
	s.hashes[empty], s.things[empty] = 0, nil
}

// distance returns how many slots there are from one to another.
func (s *shard[T]) distance(from, to int) int {
	if to < from {
		to += len(s.hashes)
	}
	return to - from
}

func (s *shard[T]) resize(slots int) {
	hashes, things := s.hashes, s.things
	s.hashes, s.things = make([]uint32, slots), make([]*T, slots)
	for i, hash := range hashes {
		if hash != 0 {
			slot := s.free(hash)
			s.hashes[slot], s.things[slot] = hash, things[i]
		}
	}
}
