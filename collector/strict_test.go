package collector_test

import (
	"bytes"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/test/kit/scrape"
	"github.com/kie-exporter/kie_exporter/test/kit/snapshots"
	"github.com/kie-exporter/kie_exporter/test/kit/strict"
)

// Every metric there is, with exemplars and with the times at which counters began.
func TestAStrictParserReadsEveryMetric(t *testing.T) {
	for name, k := range snapshots.Recorded() {
		t.Run(name, func(t *testing.T) {
			registry := prometheus.NewPedanticRegistry()
			registry.MustRegister(k.Collector(), version.NewCollector("kie_exporter"), collector.ForScrape(view.Scrape{}))
			body := scrape.Get(t, promhttp.HandlerFor(registry, promhttp.HandlerOpts{
				EnableOpenMetrics: true, EnableOpenMetricsTextCreatedSamples: true,
			}), string(expfmt.FmtOpenMetrics_1_0_0), "").Body.Bytes()
			for _, part := range []string{"_created{", " # {"} {
				if name == "rich" && !bytes.Contains(body, []byte(part)) {
					t.Errorf("there is no %q to be read", part)
				}
			}
			strict.OpenMetrics(t, body)
		})
	}
}
