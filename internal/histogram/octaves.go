// The scale of durations counted without a recorder: what is learned of them, and the pages.

package histogram

import "math"

// Octaves is a scale of buckets of equal ratio, so many to an octave. Before them is one of all that is below a second.
type Octaves int

// Bucket returns in which bucket a duration of so many seconds is, and how far into it: 2.5 is in the middle of the third one.
func (n Octaves) Bucket(seconds float64) float64 {
	if seconds < 1 {
		return max(seconds, 0)
	}
	return math.Log2(seconds)*float64(n) + 1
}

// Edge returns the seconds at the lower end of a bucket, or at a place within one but the first.
func (n Octaves) Edge(place float64) float64 {
	if place <= 0 {
		return 0
	}
	return math.Exp2((place - 1) / float64(n))
}
