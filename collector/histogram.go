// Histograms as client_golang keeps them, for those who observe durations without knowing it.

package collector

import (
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/kie-exporter/kie_exporter/internal/histogram"
)

const (
	// nativeGrowth is what the width of native buckets grows by at the most, which 2^(1/8) is the next step below.
	nativeGrowth = 1.1
	// nativeReset is the least time between two moments at which a histogram that has got too many native buckets begins anew.
	nativeReset = time.Hour
	// taskLabel is the label of exemplars.
	taskLabel = "task_id"
)

// recorder is a histogram.Recorder over one of client_golang's.
type recorder struct {
	live      prometheus.Histogram
	exemplars bool
}

// NewHistogram is a histogram.New.
func NewHistogram(o histogram.Options) histogram.Recorder {
	return &recorder{exemplars: o.Exemplars > 0, live: prometheus.NewHistogram(prometheus.HistogramOpts{
		Buckets:                         o.Buckets,
		NativeHistogramBucketFactor:     nativeGrowth,
		NativeHistogramMaxBucketNumber:  uint32(o.MostNative), //nolint:gosec // a hundred or so
		NativeHistogramMinResetDuration: nativeReset,
		NativeHistogramMaxExemplars:     o.Exemplars,
	})}
}

// Observe implements histogram.Recorder.
func (r *recorder) Observe(d time.Duration, task string) {
	seconds := max(0, d).Seconds()
	if !r.exemplars || task == "" || len(taskLabel)+utf8.RuneCountInString(task) > prometheus.ExemplarMaxRunes {
		r.live.Observe(seconds)
		return
	}
	r.live.(prometheus.ExemplarObserver).ObserveWithExemplar(seconds, prometheus.Labels{taskLabel: task})
}

// Read implements histogram.Recorder.
func (r *recorder) Read() *histogram.Histogram {
	var m dto.Metric
	if err := r.live.Write(&m); err != nil {
		panic(err) // a histogram of client_golang has no way to fail
	}
	from := m.GetHistogram()
	h := &histogram.Histogram{
		Count: from.GetSampleCount(), Sum: from.GetSampleSum(), Created: from.GetCreatedTimestamp().AsTime(),
		Schema: from.GetSchema(), ZeroThreshold: from.GetZeroThreshold(), ZeroCount: from.GetZeroCount(),
		Deltas: from.GetPositiveDelta(),
	}
	for _, b := range from.GetBucket() {
		bucket := histogram.Bucket{UpperBound: b.GetUpperBound(), Cumulative: b.GetCumulativeCount()}
		if b.GetExemplar() != nil {
			bucket.Exemplar = new(readExemplar(b.GetExemplar()))
		}
		h.Buckets = append(h.Buckets, bucket)
	}
	for _, s := range from.GetPositiveSpan() {
		h.Spans = append(h.Spans, histogram.Span{Offset: s.GetOffset(), Length: s.GetLength()})
	}
	for _, e := range from.GetExemplars() {
		h.Exemplars = append(h.Exemplars, readExemplar(e))
	}
	return h
}

func readExemplar(e *dto.Exemplar) histogram.Exemplar {
	read := histogram.Exemplar{Value: e.GetValue(), At: e.GetTimestamp().AsTime()}
	for _, l := range e.GetLabel() {
		read.Task = l.GetValue() // there is one
	}
	return read
}

// shown returns a histogram as a registry takes it.
func shown(from *histogram.Histogram) *dto.Histogram {
	h := &dto.Histogram{
		SampleCount: &from.Count, SampleSum: &from.Sum, CreatedTimestamp: timestamppb.New(from.Created),
		Schema: &from.Schema, ZeroThreshold: &from.ZeroThreshold, ZeroCount: &from.ZeroCount, PositiveDelta: from.Deltas,
	}
	buckets := make([]dto.Bucket, len(from.Buckets))
	h.Bucket = make([]*dto.Bucket, len(buckets))
	for i := range from.Buckets {
		b := &from.Buckets[i]
		h.Bucket[i] = &buckets[i]
		h.Bucket[i].CumulativeCount, h.Bucket[i].UpperBound = &b.Cumulative, &b.UpperBound
		if b.Exemplar != nil {
			h.Bucket[i].Exemplar = shownExemplar(b.Exemplar)
		}
	}
	spans := make([]dto.BucketSpan, len(from.Spans))
	for i := range from.Spans {
		spans[i].Offset, spans[i].Length = &from.Spans[i].Offset, &from.Spans[i].Length
		h.PositiveSpan = append(h.PositiveSpan, &spans[i])
	}
	for i := range from.Exemplars {
		h.Exemplars = append(h.Exemplars, shownExemplar(&from.Exemplars[i]))
	}
	return h
}

func shownExemplar(e *histogram.Exemplar) *dto.Exemplar {
	return &dto.Exemplar{
		Label: []*dto.LabelPair{{Name: new(taskLabel), Value: &e.Task}}, Value: &e.Value, Timestamp: timestamppb.New(e.At),
	}
}
