package capacity

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
)

// backoffCost is how many times as long as a list took to read last, it is not read again for the sake of ids refused before: there may
// be millions of them, and room for a few at a time. A list that takes less than that part of the time between two looks may be read at each.
const backoffCost = 100

// Backoff is until when a list is not to be read again for the sake of ids refused before.
type Backoff struct{ began, until time.Time }

// Begin notes that a whole content begins to be read.
func (b *Backoff) Begin() { b.began = time.Now() }

// End notes that it was read.
func (b *Backoff) End() {
	b.until = time.Time{}
	if took := time.Since(b.began); took > source.Interval/backoffCost {
		b.until = time.Now().Add(backoffCost * took)
	}
}

// Lasts reports whether the list is not to be read again yet.
func (b *Backoff) Lasts() bool { return time.Now().Before(b.until) }
