package claim

// Shared makes claims and listings of which no two are the same.
type Shared struct {
	claims   map[Claim]*Claim
	listings map[Listing]*Listing
}

// NewShared returns one that has made nothing.
func NewShared() Shared {
	return Shared{claims: make(map[Claim]*Claim), listings: make(map[Listing]*Listing)}
}

// Listing returns the one listing of these claims and of what was reported.
func (s *Shared) Listing(claims *Claim, reported *Attrs) *Listing {
	return once(s.listings, Listing{claims, reported})
}

// Know has a listing, and the claims in it, be found as if they had been made here.
func (s *Shared) Know(l *Listing) {
	if s.listings[*l] != nil {
		return
	}
	s.listings[*l] = l
	for c := range l.Claims.All() {
		if s.claims[*c] == nil {
			s.claims[*c] = c
		}
	}
}

// With returns claims with c added, or in place of that of the same list.
func (s *Shared) With(claims *Claim, c Claim) *Claim {
	c.Next = claims
	if claims.By(c.List) != nil {
		c.Next = s.Without(claims, c.List)
	}
	return once(s.claims, c)
}

// Without returns claims but for that of a list.
func (s *Shared) Without(claims *Claim, l *List) *Claim {
	switch {
	case claims == nil:
		return nil
	case claims.List == l:
		return claims.Next
	}
	c := *claims
	c.Next = s.Without(claims.Next, l)
	return once(s.claims, c)
}

// GivenUp returns claims but for that of a list, which gives it up.
func (s *Shared) GivenUp(claims *Claim, l *List) *Claim {
	if c := claims.By(l); c != nil && c.Lost {
		l.Source.Lost--
	}
	return s.Without(claims, l)
}

// MarkLost returns claims of which those that are lost to a group say so.
func (s *Shared) MarkLost(claims *Claim, to *Group) *Claim {
	for c := range claims.All() {
		lost := c.List.Source.Group != to
		if c.Lost == lost {
			continue
		}
		changed := *c
		changed.Lost = lost
		claims = s.With(claims, changed)
		if lost {
			c.List.Source.Lost++
		} else {
			c.List.Source.Lost--
		}
	}
	return claims
}

// Len returns how many listings were made.
func (s *Shared) Len() int { return len(s.listings) }

// once returns the one copy of a value.
func once[V comparable](values map[V]*V, value V) *V {
	held := values[value]
	if held == nil {
		held = new(value) // a copy: what is there already takes no memory
		values[value] = held
	}
	return held
}
