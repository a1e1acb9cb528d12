// Which lists name an id, held once for all ids of which the same is true.

package ledger

import (
	"cmp"
	"iter"
	"strings"
)

// listing is which lists name an id. It is shared between ids and never written to.
type listing struct {
	claims   *claim // nil only while being settled
	reported *attrs // what the sink was last told of the id; nil: nothing yet
}

// claim is a list's claim on an id, and those of other lists. It is shared like the listing that has it.
type claim struct {
	list    *List
	attrs   *attrs
	round   uint32 // the list's round that had the id last
	counted bool   // as a duplicate
	lost    bool   // to another group
	next    *claim
}

// shared makes listings of which no two are the same.
type shared struct {
	claims   map[claim]*claim
	listings map[listing]*listing
}

func newShared() shared {
	return shared{claims: make(map[claim]*claim), listings: make(map[listing]*listing)}
}

// listing returns the one listing of these claims and of what was reported.
func (s *shared) listing(claims *claim, reported *attrs) *listing {
	return once(s.listings, listing{claims, reported})
}

// with returns claims with c added, or in place of that of the same list.
func (s *shared) with(claims *claim, c claim) *claim {
	c.next = claims
	if claims.by(c.list) != nil {
		c.next = s.without(claims, c.list)
	}
	return once(s.claims, c)
}

// without returns claims but for that of a list.
func (s *shared) without(claims *claim, l *List) *claim {
	switch {
	case claims == nil:
		return nil
	case claims.list == l:
		return claims.next
	}
	c := *claims
	c.next = s.without(claims.next, l)
	return once(s.claims, c)
}

// givenUp returns claims but for that of a list, which gives it up.
func (s *shared) givenUp(claims *claim, l *List) *claim {
	if c := claims.by(l); c != nil && c.lost {
		l.source.lost--
	}
	return s.without(claims, l)
}

// markLost returns claims of which those that are lost to a group say so.
func (s *shared) markLost(claims *claim, to *Group) *claim {
	for c := range claims.all() {
		lost := c.list.source.group != to
		if c.lost == lost {
			continue
		}
		changed := *c
		changed.lost = lost
		claims = s.with(claims, changed)
		if lost {
			c.list.source.lost++
		} else {
			c.list.source.lost--
		}
	}
	return claims
}

// once returns the one copy of a value.
func once[V comparable](values map[V]*V, value V) *V {
	held := values[value]
	if held == nil {
		held = &value
		values[value] = held
	}
	return held
}

// all yields c and those after it.
func (c *claim) all() iter.Seq[*claim] {
	return func(yield func(*claim) bool) {
		for c := c; c != nil; c = c.next {
			if !yield(c) {
				return
			}
		}
	}
}

// by returns a list's claim; nil: it has none.
func (c *claim) by(l *List) *claim {
	for c != nil && c.list != l {
		c = c.next
	}
	return c
}

// owner returns the claim that counts.
func (c *claim) owner() *claim {
	first := c
	for other := range c.all() {
		if other.compare(first) < 0 {
			first = other
		}
	}
	return first
}

// live reports whether the list's content has the id.
func (c *claim) live() bool { return c.round == c.list.round }

// before reports whether an id that c claims goes before that of another list.
func (c *claim) before(l *List) bool {
	return c.live() && c.list != l &&
		(c.list.source.rank < l.source.rank || c.list.source == l.source && c.list.name < l.name)
}

// compare orders claims by precedence. Within a source a file that lists the id goes before one that did.
func (c *claim) compare(d *claim) int {
	if order := cmp.Compare(c.list.source.rank, d.list.source.rank); order != 0 {
		return order
	}
	if c.live() != d.live() {
		if c.live() {
			return -1
		}
		return 1
	}
	return strings.Compare(c.list.name, d.list.name)
}
