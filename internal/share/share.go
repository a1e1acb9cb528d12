// Package share says which part of an account's tasks an id belongs to, and which of the parts are held. It knows nothing of who holds them.
package share

import (
	"fmt"
	"slices"
	"strconv"
)

// Share is a part of an account's tasks, counted from 0.
type Share struct {
	Account     string
	Part, Parts int
}

// String returns the account and the part, as logs and pages say it.
func (s Share) String() string { return s.Account + "/" + strconv.Itoa(s.Part) }

// Of returns the part, of so many, that a task belongs to, by jump hash over FNV-1a of 64 bits: all parts get as many, and of N+1 parts instead of
// N one in N+1 tasks belongs to another. Others may compute it, too (docs/scaling.md), so it never changes.
func Of(id string, parts int) int {
	const offset, prime = 14695981039346656037, 1099511628211
	h := uint64(offset)
	for i := range len(id) {
		h ^= uint64(id[i])
		h *= prime
	}
	part := 0
	for next := 0; next < parts; {
		part = next
		h = h*2862933555777941757 + 1
		next = int(min(float64(part+1)*((1<<31)/float64(h>>33+1)), 1<<30))
	}
	return part
}

// Set is the parts of one account that are held here. The zero value holds none.
type Set struct {
	parts int
	held  []int // in order
}

// Some returns the set of some parts of so many. Parts that there are not are left out.
func Some(parts int, held ...int) Set {
	held = slices.DeleteFunc(slices.Clone(held), func(part int) bool { return part < 0 || part >= parts })
	slices.Sort(held)
	return Set{parts, slices.Compact(held)}
}

// Has reports whether a task belongs to one of the parts that are held.
func (s Set) Has(id string) bool { return s.HasPart(Of(id, s.parts)) }

// HasPart reports whether a part is held.
func (s Set) HasPart(part int) bool { return slices.Contains(s.held, part) }

// IsWhole reports whether all parts are held.
func (s Set) IsWhole() bool { return s.parts > 0 && len(s.held) == s.parts }

// Fraction returns how many parts are held, and of how many.
func (s Set) Fraction() (held, parts int) { return len(s.held), s.parts }

// Held returns the parts that are held, in order.
func (s Set) Held() []int { return slices.Clone(s.held) }

// Equal reports whether two sets are the same.
func (s Set) Equal(other Set) bool { return s.parts == other.parts && slices.Equal(s.held, other.held) }

// Sets are what is held, by account.
type Sets map[string]Set

// Shard is one of several processes among which the tasks of each account are divided for good, counted from 0. The zero value stands for a process
// that has all of them.
type Shard struct{ Number, Total int }

// IsOne reports whether the process is one of several, or may be one day.
func (s Shard) IsOne() bool { return s.Total > 0 }

// Held returns what a shard has of an account.
func (s Shard) Held(string) Set {
	if !s.IsOne() {
		return Some(1, 0)
	}
	return Some(s.Total, s.Number)
}

// String returns which shard it is.
func (s Shard) String() string {
	return fmt.Sprintf("shard %d of %d (counted from 0)", s.Number, s.Total)
}

// Other returns the shard that has a task, if that is another one.
func (s Shard) Other(id string) (other Shard, is bool) {
	if !s.IsOne() {
		return s, false
	}
	other = Shard{Of(id, s.Total), s.Total}
	return other, other != s
}
