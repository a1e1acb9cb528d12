// Faults that happen at random, for tests that last.

package kiesim

// Mixture lets a share of all requests meet a fault. Which ones, and which fault, is drawn by Options.Seed and the number of the
// request, so the same requests in the same order meet the same faults.
type Mixture struct {
	Share  float64 // of the requests, 0 to 1
	Faults []Ingredient
}

// Ingredient is one fault of a mixture.
type Ingredient struct {
	Name   string // under which Stats counts it
	Weight float64
	Fault  Fault
}

// Mix replaces the mixture; the zero one has no faults. Faults injected go before those of a mixture.
func (s *Server) Mix(m Mixture) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.mixture = m
}

// mixedLocked draws the fault that the mixture has for a request.
func (s *Server) mixedLocked(n arrival) Fault {
	m := s.mixture
	r := s.rand(streamFaults, n.number)
	if r.Float64() >= m.Share {
		return Fault{}
	}
	i := pick(r, len(m.Faults), func(i int) float64 { return m.Faults[i].Weight })
	s.log.Mixed[m.Faults[i].Name]++
	return m.Faults[i].Fault
}
