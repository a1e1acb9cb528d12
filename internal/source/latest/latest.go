// Package latest says which ids of a content have room where there is too little for all: those that stand last, for producers append.
// Those that are new since the last read may even have the place of tasks that no answer has come for.
package latest

import (
	"math"
	"slices"
	"strconv"
)

// Order is how room is given to the ids of a content that need it, one by one. In the zero one all are new.
type Order struct {
	older   int     // so many have no room at once: there is just enough for those behind them
	before  int     // so many were refused before
	refused Refused // and so were these
	quiet   bool    // none is new
	known   bool    // the tasks of those without room are not over
	whole   bool    // all of it comes at once
	seen    int
}

// First is the order of a content of lines of which nothing is known.
func First(quiet bool) Order { return Order{quiet: quiet} }

// Again is the order of lines that were read before, when so many ids were refused. Now there is room for so many.
func Again(refused, room int) Order {
	return Order{older: max(0, refused-room), before: refused, known: true}
}

// Whole is the order of a content of which so many ids need room, and there is room for so many. The first ones were refused before, and some.
func Whole(needs, room, before int, refused Refused, quiet bool) Order {
	return Order{older: max(0, needs-room), before: before, refused: refused, quiet: quiet, whole: true}
}

// PassOver has the ids that come next have no room, until it is told otherwise.
func (o *Order) PassOver(yes bool) {
	o.older = 0
	if yes {
		o.older = math.MaxInt
	}
}

// Turn is what becomes of an id for which there is no room.
type Turn uint8

// The turns of ids.
const (
	Fresh  Turn = iota // it may have the place of a task that no answer has come for
	Waits              // it may have the place of a task that is over
	Passed             // it has none, unless it turns out that its task is over
	Denied             // it has none
)

// Next takes the next id that needs room, and says whether it has what there is.
func (o *Order) Next(hash uint64) (turn Turn, room bool) {
	o.seen++
	room = o.seen > o.older
	switch {
	case !o.quiet && o.seen > o.before && !o.refused.has(hash):
		return Fresh, room
	case room || o.whole:
		return Waits, room
	case o.known:
		return Denied, room
	default:
		return Passed, room
	}
}

// Refused is ids by their hashes, in order.
type Refused []uint64

// NewRefused puts hashes in order.
func NewRefused(hashes []uint64) Refused {
	slices.Sort(hashes)
	return slices.Compact(hashes)
}

func (r Refused) has(hash uint64) bool {
	_, has := slices.BinarySearch(r, hash)
	return has
}

// samples is of how many ids it is found out how many are this process's.
const samples = 1 << 12

// Share is which part of the ids of a list are this process's, and not other replicas', about, and rather more than that: what room is left is taken at
// the next read.
type Share int64

// ShareOf returns the share of a process that has some ids; nil: it has all.
func ShareOf(has func(id string) bool) (s Share) {
	if has == nil {
		return samples
	}
	for i := range samples {
		if has(strconv.Itoa(i)) {
			s++
		}
	}
	return min(samples, s+s/16)
}

// Of returns how many of some ids are this process's.
func (s Share) Of(ids int) int { return int(int64(ids) * int64(s) / samples) }

// Needs returns of how many ids so many are this process's.
func (s Share) Needs(ids int) int {
	return int(min(int64(ids)*samples/max(1, int64(s)), math.MaxInt32))
}
