package collector

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"google.golang.org/protobuf/proto"

	"github.com/kie-exporter/kie_exporter/internal/histogram"
)

// What goes through plain data on its way from client_golang to a registry is what client_golang would have told itself: spans,
// deltas, exemplars of both kinds of buckets, and those of a histogram that has as many native buckets as it may.
func TestAHistogramIsShownAsItWasWritten(t *testing.T) {
	for name, o := range map[string]histogram.Options{
		"plain":          {Buckets: []float64{1, 10, 60}, MostNative: 100},
		"with exemplars": {Buckets: []float64{1, 10, 60}, MostNative: 100, Exemplars: 10},
		"crowded":        {Buckets: []float64{.5, 600}, MostNative: 8, Exemplars: 3},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewHistogram(o).(*recorder)
			random := rand.New(rand.NewPCG(1, 2))
			for range 500 {
				var m dto.Metric
				if err := r.live.Write(&m); err != nil {
					t.Fatal(err)
				}
				if want, got := m.GetHistogram(), shown(r.Read()); !proto.Equal(got, want) {
					t.Fatalf("got  %v\nwant %v", got, want)
				}
				took := time.Duration(random.ExpFloat64() * float64(time.Minute))
				r.Observe(took*time.Duration(random.IntN(5)), strings.Repeat("x", random.IntN(130)))
			}
			if h := r.Read(); h.Count != 500 || (len(h.Exemplars) > 0) != (o.Exemplars > 0) || len(h.Deltas) == 0 {
				t.Errorf("%d samples, %d exemplars, %d native buckets", h.Count, len(h.Exemplars), len(h.Deltas))
			}
		})
	}
}

func TestADurationBelowZeroCountsAsZero(t *testing.T) {
	r := NewHistogram(histogram.Options{Buckets: []float64{1}, MostNative: 100})
	r.Observe(-time.Second, "")
	if h := r.Read(); h.Count != 1 || h.Sum != 0 || h.ZeroCount != 1 {
		t.Errorf("%d samples, sum %g, %d zero", h.Count, h.Sum, h.ZeroCount)
	}
}
