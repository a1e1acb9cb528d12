// The metrics endpoint: how long a scrape, or a probe, may wait, and how many may at a time.

package app

import (
	"context"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	versioncollector "github.com/prometheus/client_golang/prometheus/collectors/version"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/internal/exposition"
	"github.com/kie-exporter/kie_exporter/internal/taskseries"
)

// writeTimeout is how long a client may take at least to read an answer.
const writeTimeout = 15 * time.Second

// timeoutHeader holds the seconds after which Prometheus gives up a scrape.
const timeoutHeader = "X-Prometheus-Scrape-Timeout-Seconds"

// readWithin is how long a scrape waits for the first read of files and storage. With few tasks that takes less; with a million the next scrape
// shows them.
const readWithin = 750 * time.Millisecond

// patience is how long a scrape that has its answers waits for a slot at the least.
const patience = 3 * stalled

// metrics serves scrapes and probes.
type metrics struct {
	exporter *exporter
	offset   time.Duration
	scrapes  *slots
	probes   *slots // of their own, so that probes that wait take no scrape's place
}

func newMetrics(e *exporter, offset time.Duration, most int) *metrics {
	return &metrics{exporter: e, offset: offset, scrapes: newSlots(most), probes: newSlots(most)}
}

// newExposition returns what answers the scrapes of an exporter.
func newExposition(e *exporter) *exposition.Handler {
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(
		versioncollector.NewCollector("kie_exporter"),
		goCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		e.panics,
	)
	return exposition.New(exposition.Options{
		Tracker: shownTracker{e.tracker, e},
		Collector: collector.New(collector.Inputs{
			Known:     e.snapshot,
			Sources:   e.sources.Stats,
			Callbacks: e.callbacks,
			Pushes:    e.pushStats,
			Config:    func() collector.ConfigStatus { return *e.status.Load() },
			Series:    func() taskseries.Choice { return e.config().Series.Choice() },
			Shard:     e.sharing.Static(),
			Replicas:  func() *collector.Replicas { return e.replicas.stats() },
			Mailbox:   e.mail,
		}),
		Registry: registry,
		Log:      e.log,
	})
}

// goCollector returns a collector of the Go runtime, as runtime/metrics tells of it. The older go_memstats_ metrics are left
// out: go_memstats_alloc_bytes and its _total are one family in OpenMetrics, which may not come twice.
func goCollector() prometheus.Collector {
	return collectors.NewGoCollector(
		collectors.WithGoCollectorMemStatsMetricsDisabled(),
		collectors.WithGoCollectorRuntimeMetrics(collectors.GoRuntimeMetricsRule{
			Matcher: regexp.MustCompile(`^/memory/classes/(heap/.*|total):bytes$`),
		}),
	)
}

// scrape waits for the answers that are due and serves what is known then. Any number may wait, for it is the same answers that
// they wait for.
func (m *metrics) scrape(w http.ResponseWriter, r *http.Request) {
	if m.exporter.replicas != nil {
		began := time.Now().Add(-time.Second) // what is shown may be that old
		defer func() { m.exporter.replicas.scraped.Store(began.UnixMilli()) }()
	}
	most := m.exporter.config().Polling.MaxWait + time.Second // for a snapshot that shows what was waited for
	ctx, cancel := m.deadline(r.Context(), r.Header, most)
	defer cancel()
	scrape := m.exporter.tracker.Wait(m.awaitLists(ctx))
	deadline, _ := ctx.Deadline()
	ctx, stop := context.WithTimeout(r.Context(), max(patience, time.Until(deadline)))
	defer stop()
	if !m.exporter.showsOwnOnly(ctx) {
		http.Error(w, "What this process shows has become another's, and is being let go.", http.StatusServiceUnavailable)
		return
	}
	served := m.scrapes.serve(ctx, w, func(w http.ResponseWriter) {
		limitReading(w, r)
		m.exporter.exposition.Serve(w, r, scrape)
	})
	if !served {
		refuse(w)
	}
}

// refuse tells a client that there was no slot for it.
func refuse(w http.ResponseWriter) {
	http.Error(w, "Too many requests at a time; the limit is --web.max-requests.", http.StatusServiceUnavailable)
}

// limitReading sees to it that a client reads its answer within the time after which it would give up by itself, if it says so and
// that is longer than the usual. That the limit can't be set is no reason not to answer.
func limitReading(w http.ResponseWriter, r *http.Request) {
	limit := writeTimeout
	if timeout, ok := scrapeTimeout(r.Header.Get(timeoutHeader)); ok {
		limit = max(limit, timeout)
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(limit))
}

// awaitLists keeps a scrape that comes at the start from finding no tasks. It returns the context in which answers are waited for: one that has
// ended, if what was read is not all yet.
func (m *metrics) awaitLists(ctx context.Context) context.Context {
	first, cancel := context.WithTimeout(ctx, readWithin)
	defer cancel()
	select {
	case <-m.exporter.read:
	case <-first.Done():
		if m.exporter.isUnread() {
			return first
		}
	}
	select {
	case <-m.exporter.loaded:
	case <-ctx.Done():
	}
	return ctx
}

// deadline returns the context of a request that may wait: it ends before Prometheus gives up. Most is for how long at all.
func (m *metrics) deadline(ctx context.Context, h http.Header, most time.Duration) (context.Context, context.CancelFunc) {
	if timeout, ok := scrapeTimeout(h.Get(timeoutHeader)); ok {
		most = min(most, timeout-m.offset)
	}
	return context.WithTimeout(ctx, most)
}

// scrapeTimeout reads the header of Prometheus. One that is malformed or makes no sense is as if absent.
func scrapeTimeout(header string) (time.Duration, bool) {
	seconds, err := strconv.ParseFloat(header, 64)
	if err != nil || !(seconds > 0 && seconds <= time.Hour.Seconds()) { // the negation catches NaN
		return 0, false
	}
	return time.Duration(seconds * float64(time.Second)), true
}
