// What requests out of turn may take of a budget.

package budget

import "time"

const (
	// probeShare is the part of the budget that probes get while other tasks are due.
	probeShare = 0.25
	// probePoll is how often a probe that has to leave the budget to others looks whether anything is due still.
	probePoll = 100 * time.Millisecond
)

// Probe is what a permit for a request out of turn is wanted for.
type Probe struct {
	ID       string
	Unlisted bool        // the task is not tracked: a failure may be about the task rather than the API
	Due      func() bool // whether tracked tasks are due
}

// id is empty for no probe.
func (p *Probe) id() string {
	if p == nil {
		return ""
	}
	return p.ID
}

// contends reports whether it is a probe that comes while tracked tasks are due.
func (p *Probe) contends() bool { return p != nil && p.Due() }

// probes is how much of the budget probes have.
type probes struct {
	inFlight int
	turn     float64 // 1: the next request may be a probe, though others are due
}

// mayGo reports whether a probe may be sent. One of the concurrent requests is always left to tracked tasks.
func (s *probes) mayGo(concurrent int, contended bool) bool {
	if contended {
		return s.turn >= 1 && s.inFlight < max(1, int(probeShare*float64(concurrent)))
	}
	return s.inFlight < max(1, concurrent-1)
}

// granted notes a permit. Each one that is not a probe's adds to turn what makes probes probeShare of all; no more than one is saved up.
func (s *probes) granted(p *Probe, contended bool) {
	switch {
	case p == nil:
		s.turn = min(1, s.turn+probeShare/(1-probeShare))
		return
	case contended:
		s.turn--
	}
	s.inFlight++
}
