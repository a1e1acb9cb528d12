// Package exposition_test has Prometheus' own parser read whole answers to scrapes.
package exposition_test

import (
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/internal/exposition"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/test/kit/scrape"
	"github.com/kie-exporter/kie_exporter/test/kit/snapshots"
	"github.com/kie-exporter/kie_exporter/test/served/parse"
)

// bothWays returns a handler of ours, and promhttp as it serves the same.
func bothWays(shown view.Shown) (ours, plain http.Handler) {
	var still snapshots.Still
	still.Show(shown)
	c := snapshots.CollectorOf(still.Snapshot)
	waited := view.Scrape{Waited: 1250 * time.Millisecond}
	registry := prometheus.NewPedanticRegistry()
	h := exposition.New(exposition.Options{Tracker: &still, Collector: c, Registry: registry, Log: slog.New(slog.DiscardHandler)})
	all := prometheus.NewPedanticRegistry()
	all.MustRegister(c, collector.ForScrape(waited))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { h.Serve(w, r, waited) }),
		promhttp.HandlerFor(prometheus.Gatherers{registry, all}, promhttp.HandlerOpts{EnableOpenMetrics: true, Registry: registry})
}

// parsed returns everything in an answer as Prometheus reads it: samples by name and labels, types and helps by name.
func parsed(t *testing.T, w *httptest.ResponseRecorder) map[parse.Line]string {
	t.Helper()
	all, err := parse.Read(scrape.Text(t, w), w.Header().Get("Content-Type"))
	if err != nil {
		t.Fatal(err)
	}
	return parse.Lines(all)
}

func TestBothWaysShowTheSame(t *testing.T) {
	for seed := range uint64(4) {
		ours, plain := bothWays(snapshots.Tasks(rand.New(rand.NewPCG(seed, 0))))
		for _, accept := range scrape.Formats() {
			want := scrape.Get(t, plain, accept, "")
			samples := parsed(t, want)
			for _, encoding := range []string{"", "gzip", "zstd"} {
				got := scrape.Get(t, ours, accept, encoding)
				if e := got.Header().Get("Content-Encoding"); e != encoding {
					t.Fatalf("encoding %q, want %q", e, encoding)
				}
				same(t, parsed(t, got), samples)
				if t.Failed() {
					t.Fatalf("seed %d, accept %q, encoding %q", seed, accept, encoding)
				}
			}
		}
	}
}

// same fails the test unless both are the same.
func same(tb testing.TB, got, want map[parse.Line]string) {
	tb.Helper()
	for line, value := range want {
		if v, ok := got[line]; !ok {
			tb.Errorf("%v is missing", line)
		} else if v != value {
			tb.Errorf("%v is %s, want %s", line, v, value)
		}
	}
	for line := range got {
		if _, ok := want[line]; !ok {
			tb.Errorf("%v should not be there", line)
		}
	}
}
