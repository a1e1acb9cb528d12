// What the tests of this package share: a handler of a tracker that stands still, and promhttp beside it.

package exposition

import (
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/goleak"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/internal/taskseries"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/test/kit/snapshots"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// served is a handler, and promhttp as it serves the same.
type served struct {
	*snapshots.Still
	choice   taskseries.Choice
	registry *prometheus.Registry
	ours     *Handler
	plain    http.Handler
}

var scraped = view.Scrape{Waited: 1250 * time.Millisecond}

func serve(tb testing.TB, shown view.Shown) *served {
	tb.Helper()
	return serveAndLog(tb, shown, slog.New(slog.DiscardHandler))
}

func serveAndLog(tb testing.TB, shown view.Shown, log *slog.Logger) *served {
	tb.Helper()
	s := &served{Still: &snapshots.Still{}, registry: prometheus.NewPedanticRegistry()}
	s.Show(shown)
	c := snapshots.ChosenOf(s.Snapshot, func() taskseries.Choice { return s.choice })
	s.ours = New(Options{Tracker: s.Still, Collector: c, Registry: s.registry, Log: log})
	all := prometheus.NewPedanticRegistry()
	all.MustRegister(c, collector.ForScrape(scraped))
	s.plain = promhttp.HandlerFor(prometheus.Gatherers{s.registry, all}, s.ours.options)
	return s
}

// ServeHTTP implements http.Handler.
func (s *served) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.ours.Serve(w, r, scraped) }

// sameLines fails the test unless both answers have the same lines, in any order, and none twice.
func sameLines(tb testing.TB, got, want []byte) {
	tb.Helper()
	g, w := linesOf(got), linesOf(want)
	if twice := len(g) - len(slices.Compact(slices.Clone(g))); twice > 0 {
		tb.Errorf("%d lines come twice", twice)
	}
	if len(g) != len(w) {
		tb.Errorf("%d lines, want %d", len(g), len(w))
	}
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			tb.Fatalf("got\n%swant\n%s", g[i], w[i])
		}
	}
}

// sameSamples is sameLines, but numbers may be written in different ways.
func sameSamples(tb testing.TB, got, want []byte) {
	tb.Helper()
	sameLines(tb, numbered(got), numbered(want))
}

// numbered writes the number at the end of each line in one way.
func numbered(text []byte) []byte {
	var out []byte
	for line := range strings.Lines(string(text)) {
		end := strings.LastIndexByte(line, ' ') + 1
		if n, err := strconv.ParseFloat(strings.TrimSuffix(line[end:], "\n"), 64); err == nil {
			line = line[:end] + strconv.FormatFloat(n, 'g', -1, 64) + "\n"
		}
		out = append(out, line...)
	}
	return out
}

func linesOf(text []byte) []string { return slices.Sorted(strings.Lines(string(text))) }

// valueOf returns the value of a series in text.
func valueOf(text []byte, series string) string {
	_, rest, _ := strings.Cut("\n"+string(text), "\n"+series+" ")
	value, _, _ := strings.Cut(rest, "\n")
	return value
}
