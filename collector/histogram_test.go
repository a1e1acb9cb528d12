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

// What was read is shown by scrapes that go on meanwhile: spans, deltas, exemplars of both kinds of buckets, and those of a histogram
// that has as many native buckets as it may.
func TestWhatWasReadOfAHistogramStaysAsItWas(t *testing.T) {
	for name, o := range map[string]histogram.Options{
		"plain":          {Buckets: []float64{1, 10, 60}, MostNative: 100},
		"with exemplars": {Buckets: []float64{1, 10, 60}, MostNative: 100, Exemplars: 10},
		"crowded":        {Buckets: []float64{.5, 600}, MostNative: 8, Exemplars: 3},
	} {
		t.Run(name, func(t *testing.T) {
			r := NewHistogram(o)
			random := rand.New(rand.NewPCG(1, 2))
			var read, copies []*dto.Histogram
			for range 500 {
				took := time.Duration(random.ExpFloat64() * float64(time.Minute))
				r.Observe(took*time.Duration(random.IntN(5)), strings.Repeat("x", random.IntN(130)))
				h := r.Read().(Counted).DTO
				read, copies = append(read, h), append(copies, proto.Clone(h).(*dto.Histogram))
			}
			for i := range read {
				if !proto.Equal(read[i], copies[i]) || read[i].GetSampleCount() != uint64(i+1) {
					t.Fatalf("after %d durations there was\n%v\nand is\n%v", i+1, copies[i], read[i])
				}
			}
			last := read[len(read)-1]
			if (len(last.GetExemplars()) > 0) != (o.Exemplars > 0) || len(last.GetPositiveDelta()) == 0 {
				t.Errorf("%d exemplars, %d native buckets", len(last.GetExemplars()), len(last.GetPositiveDelta()))
			}
		})
	}
}

func TestADurationBelowZeroCountsAsZero(t *testing.T) {
	r := NewHistogram(histogram.Options{Buckets: []float64{1}, MostNative: 100})
	r.Observe(-time.Second, "")
	if h := r.Read(); h.Count() != 1 || h.Sum() != 0 || h.(Counted).DTO.GetZeroCount() != 1 {
		t.Errorf("%d samples, sum %g, %d zero", h.Count(), h.Sum(), h.(Counted).DTO.GetZeroCount())
	}
}
