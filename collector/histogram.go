// Histograms as client_golang keeps them, for those who observe durations without knowing it.

package collector

import (
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

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
func (r *recorder) Read() histogram.Histogram {
	var m dto.Metric
	if err := r.live.Write(&m); err != nil {
		panic(err) // a histogram of client_golang has no way to fail
	}
	return Counted{m.GetHistogram()}
}

// Counted is a histogram.Histogram as registries take it. Scrapes share it, so nobody writes to it.
type Counted struct{ DTO *dto.Histogram }

// Count implements histogram.Histogram.
func (c Counted) Count() uint64 { return c.DTO.GetSampleCount() }

// Sum implements histogram.Histogram.
func (c Counted) Sum() float64 { return c.DTO.GetSampleSum() }
