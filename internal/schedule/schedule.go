// Package schedule learns how long tasks take, and says when one is to be asked and which one is worth most. It knows no API
// and has no clock: times are passed in, so that the simulation runs the very code that the tracker does.
package schedule

import (
	"math/rand/v2"
	"time"
)

const (
	// OldAge is the age from which an unfinished task is hardly expected to finish.
	OldAge = 24 * time.Hour
	// OldInterval is how often such a task is asked.
	OldInterval = time.Hour
	// Grace is how long after its first sight a task may be unknown to the API: creation takes its time to get around.
	Grace = 90 * time.Second
	// ConfirmAfter is how long after an answer that a task is over, given as an error, a second one is asked for.
	ConfirmAfter = 30 * time.Second

	recordsKept  = 60 * 24 * time.Hour // the API forgets a task two months after its creation
	notFoundLast = 7 * 24 * time.Hour  // from when on a task that is not found is asked no more
)

// Bounds limit how often one unfinished task is asked.
type Bounds struct {
	Min, Max time.Duration
}

// Interval returns how long after an answer an unfinished task of this age is asked again. The steps follow the advice of
// the API's documentation (docs.kie.ai): every 2 to 3 s for the first 30 s, 5 to 10 s up to 2 min, 15 to 30 s after.
func (b Bounds) Interval(age time.Duration) time.Duration {
	var d time.Duration
	switch {
	case age < 30*time.Second:
		d = 3 * time.Second
	case age < 2*time.Minute:
		d = 7 * time.Second
	case age < 15*time.Minute:
		d = 20 * time.Second
	case age < OldAge:
		d = time.Minute
	default:
		return max(OldInterval, b.Max)
	}
	return min(max(d, b.Min), b.Max)
}

// Backoff returns how long a task rests after its n-th fault in a row, n from 1: 5 s doubling to 10 min, ± 20 %.
func Backoff(n int) time.Duration {
	d := min(5*time.Second<<min(n-1, 10), 10*time.Minute)
	return time.Duration(float64(d) * (0.8 + 0.4*rand.Float64())) //nolint:gosec // spreads load, guards no secret
}

// NotFound is a task that the API does not know.
type NotFound struct {
	Seen    time.Duration // since its first sight
	Lost    time.Duration // since it was last known to the API, or first seen
	Age     time.Duration // since its creation; 0 if unknown
	InGrace int           // answers of this kind during the grace, this one included
	After   int           // answers of this kind after the grace, this one included
}

// Again returns how long until the task is asked again; false: never.
func (n NotFound) Again() (time.Duration, bool) {
	switch {
	case n.Seen < Grace && n.InGrace <= 1:
		return 15 * time.Second, true
	case n.Seen < Grace: // the last time when it ends, so that the error shows from then on
		return min(30*time.Second, Grace-n.Seen), true
	case n.Lost >= notFoundLast || n.Age > recordsKept:
		return 0, false
	default:
		return min(10*time.Minute<<min(max(n.After-1, 0), 10), 24*time.Hour), true
	}
}
