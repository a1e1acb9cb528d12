// Package histogram is the interface between what observes durations (Recorder) and what shows them (Histogram). It counts nothing
// itself: native buckets, their limits and exemplars are kept by the implementation that is passed in as New, and are known to it alone.
package histogram

import "time"

// Options say what a histogram is like. It has native buckets of 2^(1/8) beside the classic ones.
type Options struct {
	Buckets    []float64 // upper bounds of the classic buckets, in seconds
	MostNative int       // native buckets, beyond which they become wider
	Exemplars  int       // of native buckets; 0: no exemplars at all
}

// Recorder counts durations. It is safe for concurrent use.
type Recorder interface {
	// Observe counts a duration, none below 0, with the id of a task as its exemplar where there is room for it. Empty: no task.
	Observe(d time.Duration, task string)
	// Read returns what was counted until now.
	Read() Histogram
}

// New makes a histogram. One that is nil makes those that count nothing.
type New func(Options) Recorder

// Make returns a histogram that nothing was counted in.
func (n New) Make(o Options) Recorder {
	if n == nil {
		return nothing{}
	}
	return n(o)
}

// nothing counts nothing, where no histograms are shown.
type nothing struct{}

func (nothing) Observe(time.Duration, string) {}

func (nothing) Read() Histogram { return nil }

// Histogram is what was counted until some moment. It never changes, and its buckets and exemplars are the implementation's.
type Histogram interface {
	Count() uint64
	Sum() float64 // in seconds
}
