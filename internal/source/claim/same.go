package claim

// Same is what became of the listing of an id, which is what becomes of that of the next one, nearly always.
type Same struct {
	before, after *Listing
	attrs         *Attrs
}

// Claimed returns the listing of an id that a list claims in its round.
func (m *Same) Claimed(shared *Shared, s *Listing, l *List, of *Attrs) *Listing {
	if s != m.before || of != m.attrs {
		c := Claim{List: l, Attrs: of, Round: l.Round}
		if before := s.Claims.By(l); before != nil {
			c.Counted, c.Lost = before.Counted, before.Lost
		}
		m.before, m.attrs, m.after = s, of, shared.Listing(shared.With(s.Claims, c), s.Reported)
	}
	return m.after
}
