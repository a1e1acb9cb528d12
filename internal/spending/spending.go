// Package spending tells how fast credits are used, from what is known of their use now and then.
package spending

import "time"

const (
	// window is over how long use is looked at.
	window = time.Hour
	// step is the least time between two of the samples that are kept: there are 31 of them at the most.
	step = 2 * time.Minute
	// least is over how long something must be known for a rate to mean anything.
	least = time.Minute
)

// Rate is how fast credits were used lately. The zero value knows nothing. Not safe for concurrent use.
type Rate struct {
	kept   []sample // the oldest first; the last may be replaced
	latest sample
}

// sample is how much had been used in all at a moment.
type sample struct {
	at   time.Time
	used float64
}

// Add notes how much has been used in all until now.
func (r *Rate) Add(now time.Time, used float64) {
	r.latest = sample{now, used}
	if n := len(r.kept); n == 0 || now.Sub(r.kept[n-1].at) >= step {
		r.kept = append(r.kept, r.latest)
	}
	for len(r.kept) > 1 && now.Sub(r.kept[1].at) >= window {
		r.kept = append(r.kept[:0], r.kept[1:]...)
	}
}

// PerHour returns how much an hour takes at the pace of the last hour, or of the time since the first sample if that is less; false:
// too little is known to say.
func (r *Rate) PerHour() (credits float64, ok bool) {
	if len(r.kept) == 0 {
		return 0, false
	}
	first := r.kept[0]
	took := r.latest.at.Sub(first.at)
	if took < least {
		return 0, false
	}
	return (r.latest.used - first.used) / took.Hours(), true
}
