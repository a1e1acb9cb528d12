// What a collector shows, as scrapers get it: gathered, linted, encoded in every format, parsed back.

package collector_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/exemplar"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
)

// exposition is what scrapers get of some collectors.
type exposition struct {
	families    []*dto.MetricFamily
	text        []byte
	openMetrics []byte
	protobuf    []byte // as the parser of a server reads it, since its wire format is for nobody to read
}

// expose gathers what cs show, strictly checked, and fails the test unless each format is parsed back to the same samples.
func expose(tb testing.TB, cs ...prometheus.Collector) exposition {
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
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
	want := samplesOf(families)
	e := exposition{families: families}
	for _, format := range []struct {
		accept expfmt.Format
		put    func(body []byte, dump string)
	}{
		{expfmt.FmtText, func(body []byte, _ string) { e.text = body }},
		{expfmt.FmtOpenMetrics_1_0_0, func(body []byte, _ string) { e.openMetrics = body }},
		{expfmt.FmtProtoDelim, func(_ []byte, dump string) { e.protobuf = []byte(dump) }},
	} {
		body, contentType := scrape(tb, handler, format.accept)
		got, dump := parse(tb, body, contentType)
		sameSamples(tb, string(format.accept), got, want)
		format.put(body, dump)
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

// scrape returns the body and the content type of one scrape.
func scrape(tb testing.TB, handler http.Handler, accept expfmt.Format) (body []byte, contentType string) {
	tb.Helper()
	request := httptest.NewRequestWithContext(tb.Context(), http.MethodGet, "/metrics", http.NoBody)
	request.Header.Set("Accept", string(accept))
	response := httptest.NewRecorder()
	handler.ServeHTTP(response, request)
	if response.Code != http.StatusOK {
		tb.Fatalf("%s: status %d: %s", accept, response.Code, response.Body)
	}
	return response.Body.Bytes(), response.Header().Get("Content-Type")
}

// parse reads an answer to a scrape as a Prometheus server does. It returns the samples by name and labels, and everything
// in readable lines.
func parse(tb testing.TB, body []byte, contentType string) (samples map[string]float64, dump string) {
	tb.Helper()
	parser, err := textparse.New(body, contentType, nil, textparse.ParserOptions{
		KeepClassicOnClassicAndNativeHistograms: true,
	})
	if err != nil {
		tb.Fatal(err)
	}
	samples = map[string]float64{}
	var lines strings.Builder
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return samples, lines.String()
		}
		if err != nil {
			tb.Fatalf("%s: %v", contentType, err)
		}
		switch entry { //nolint:exhaustive // comments and invalid entries do not come up
		case textparse.EntryHelp:
			name, help := parser.Help()
			fmt.Fprintf(&lines, "# HELP %s %s\n", name, help)
		case textparse.EntryType:
			name, typ := parser.Type()
			fmt.Fprintf(&lines, "# TYPE %s %s\n", name, typ)
		case textparse.EntrySeries:
			var ls labels.Labels
			parser.Labels(&ls)
			_, _, value := parser.Series()
			key := ls.WithoutEmpty().String()
			if _, twice := samples[key]; twice {
				tb.Errorf("%s: %s comes twice", contentType, key)
			}
			samples[key] = value
			fmt.Fprintf(&lines, "%s %v%s\n", key, value, exemplars(parser))
		case textparse.EntryHistogram:
			var ls labels.Labels
			parser.Labels(&ls)
			_, _, h, _ := parser.Histogram()
			fmt.Fprintf(&lines, "%s %s%s\n", ls.WithoutEmpty(), h, exemplars(parser))
		}
	}
}

func exemplars(parser textparse.Parser) string {
	var all strings.Builder
	var e exemplar.Exemplar
	for parser.Exemplar(&e) {
		fmt.Fprintf(&all, " # %s %v %d", e.Labels, e.Value, e.Ts)
		e = exemplar.Exemplar{}
	}
	return all.String()
}

// samplesOf returns the samples that a scraper should get of families, by name and labels.
func samplesOf(families []*dto.MetricFamily) map[string]float64 {
	samples := map[string]float64{}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			put := func(suffix string, value float64, le ...string) {
				b := labels.NewBuilder(labels.FromStrings(append(le, model.MetricNameLabel, f.GetName()+suffix)...))
				for _, pair := range m.GetLabel() {
					b.Set(pair.GetName(), pair.GetValue())
				}
				samples[b.Labels().String()] = value
			}
			switch h := m.GetHistogram(); {
			case h != nil:
				put("_count", float64(h.GetSampleCount()))
				put("_sum", h.GetSampleSum())
				put("_bucket", float64(h.GetSampleCount()), "le", "+Inf")
				for _, bucket := range h.GetBucket() {
					put("_bucket", float64(bucket.GetCumulativeCount()), "le", labels.FormatOpenMetricsFloat(bucket.GetUpperBound()))
				}
			case m.GetCounter() != nil:
				put("", m.GetCounter().GetValue())
			default:
				put("", m.GetGauge().GetValue())
			}
		}
	}
	return samples
}

func sameSamples(tb testing.TB, what string, got, want map[string]float64) {
	tb.Helper()
	for key, value := range want {
		if v, ok := got[key]; !ok {
			tb.Errorf("%s: %s is missing", what, key)
		} else if v != value {
			tb.Errorf("%s: %s is %v, want %v", what, key, v, value)
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			tb.Errorf("%s: %s should not be there", what, key)
		}
	}
}
