package room

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
)

// patienceCost is how many times as long as a list took to read last, it is not read again for the sake of ids refused before: there may
// be millions of them, and room for a few at a time. A list that takes less than that part of the time between two looks may be read at each.
const patienceCost = 100

// Patience is until when a list is not to be read again for the sake of ids refused before.
type Patience struct{ began, until time.Time }

// Begin notes that a whole content begins to be read.
func (p *Patience) Begin() { p.began = time.Now() }

// End notes that it was read.
func (p *Patience) End() {
	p.until = time.Time{}
	if took := time.Since(p.began); took > source.Interval/patienceCost {
		p.until = time.Now().Add(patienceCost * took)
	}
}

// Lasts reports whether the list is not to be read again yet.
func (p *Patience) Lasts() bool { return time.Now().Before(p.until) }
