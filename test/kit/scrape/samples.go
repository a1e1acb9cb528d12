// Samples, by name and labels.

package scrape

import (
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
)

// Gather gathers what collectors show, which must be consistent and keep to Prometheus' conventions. The registry shows the same.
func Gather(tb testing.TB, cs ...prometheus.Collector) (*prometheus.Registry, []*dto.MetricFamily) {
	tb.Helper()
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(cs...)
	families, err := registry.Gather()
	if err != nil {
		tb.Fatal(err)
	}
	problems, err := promlint.NewWithMetricFamilies(families).Lint()
	if err != nil {
		tb.Fatal(err)
	}
	for _, p := range problems {
		tb.Errorf("lint: %s: %s", p.Metric, p.Text)
	}
	return registry, families
}

// Samples returns the samples that a scraper should get of families, by name and labels as Prometheus writes them.
func Samples(families []*dto.MetricFamily) map[string]float64 {
	samples := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			put := func(suffix string, value float64, le string) {
				labels := map[string]string{"__name__": f.GetName() + suffix, "le": le}
				for _, pair := range m.GetLabel() {
					labels[pair.GetName()] = pair.GetValue()
				}
				samples[written(labels)] = value
			}
			switch h := m.GetHistogram(); {
			case h != nil:
				put("_count", float64(h.GetSampleCount()), "")
				put("_sum", h.GetSampleSum(), "")
				put("_bucket", float64(h.GetSampleCount()), "+Inf")
				for _, bucket := range h.GetBucket() {
					put("_bucket", float64(bucket.GetCumulativeCount()), bound(bucket.GetUpperBound()))
				}
			case m.GetCounter() != nil:
				put("", m.GetCounter().GetValue(), "")
			default:
				put("", m.GetGauge().GetValue(), "")
			}
		}
	}
	return samples
}

// written returns labels as Prometheus writes them: in order, without empty ones.
func written(labels map[string]string) string {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		if value := labels[name]; value != "" {
			pairs = append(pairs, name+"="+strconv.Quote(value))
		}
	}
	return "{" + strings.Join(pairs, ", ") + "}"
}

// bound returns the upper bound of a bucket as OpenMetrics writes it.
func bound(f float64) string {
	text := strconv.FormatFloat(f, 'g', -1, 64)
	if math.IsInf(f, 0) || strings.ContainsAny(text, "e.") {
		return text
	}
	return text + ".0"
}
