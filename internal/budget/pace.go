// How many requests a second are allowed now.

package budget

import "time"

// pace is the rate allowed: the full one, or less for some time after the API found us too fast.
type pace struct {
	full  float64
	base  float64 // what was allowed at since
	since time.Time
}

const (
	slowest  = 0.1 // of the full rate
	recovery = 0.1 // of the full rate, a minute
)

// allowed returns the requests a second allowed at now.
func (p *pace) allowed(now time.Time) float64 {
	if p.base >= p.full {
		return p.full
	}
	return min(p.full, p.base+p.full*recovery*now.Sub(p.since).Minutes())
}

// halve slows down, because the API says that we are too fast.
func (p *pace) halve(now time.Time) {
	p.base, p.since = max(p.full*slowest, p.allowed(now)/2), now
}

// scale makes another rate the full one. What is allowed of it stays the same part.
func (p *pace) scale(full float64, now time.Time) {
	p.base, p.since = full*p.allowed(now)/p.full, now
	p.full = full
}
