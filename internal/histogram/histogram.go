// Package histogram is the interface between what observes durations (Recorder) and what shows them (Histogram). It counts nothing
// itself: native buckets, their limits and exemplars are kept by the implementation that is passed in as New.
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
	Read() *Histogram
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

func (nothing) Read() *Histogram { return nil }

// Histogram is what was counted until some moment, in seconds. It is never written to.
type Histogram struct {
	Count   uint64
	Sum     float64
	Created time.Time
	Buckets []Bucket // classic ones, by upper bound; the last, without a bound, only if it has an exemplar

	Schema        int32 // native buckets grow by 2^(2^-Schema)
	ZeroThreshold float64
	ZeroCount     uint64
	Spans         []Span     // native buckets in a row
	Deltas        []int64    // from each native bucket's count to the next one's
	Exemplars     []Exemplar // of native buckets, by value
}

// Bucket is a classic bucket.
type Bucket struct {
	UpperBound float64
	Cumulative uint64    // what was up to the bound
	Exemplar   *Exemplar // nil: none
}

// Span is some native buckets in a row.
type Span struct {
	Offset int32 // from the end of the span before
	Length uint32
}

// Exemplar is one of the durations that were counted, and whose it was.
type Exemplar struct {
	Task  string
	Value float64
	At    time.Time
}
