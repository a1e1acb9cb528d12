// What a collector shows, as scrapers get it: gathered, linted, encoded, parsed back. test/served has Prometheus' own parser read it.

package collector_test

import (
	"bytes"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/kie-exporter/kie_exporter/test/kit/scrape"
)

// exposition is what scrapers get of some collectors.
type exposition struct {
	families    []*dto.MetricFamily
	text        []byte
	openMetrics []byte
}

// expose gathers what cs show, strictly checked, and fails the test unless the text is parsed back to as many metrics.
func expose(tb testing.TB, cs ...prometheus.Collector) exposition {
	tb.Helper()
	registry, families := scrape.Gather(tb, cs...)
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
	e := exposition{
		families:    families,
		text:        scrape.Get(tb, handler, string(expfmt.FmtText), "").Body.Bytes(),
		openMetrics: scrape.Get(tb, handler, string(expfmt.FmtOpenMetrics_1_0_0), "").Body.Bytes(),
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	parsed, err := parser.TextToMetricFamilies(bytes.NewReader(e.text))
	if err != nil {
		tb.Errorf("text: %v", err)
	}
	if len(parsed) != len(families) {
		tb.Errorf("text: %d metrics parsed back, want %d", len(parsed), len(families))
	}
	return e
}
