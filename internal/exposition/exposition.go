package exposition

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	_ "github.com/prometheus/client_golang/prometheus/promhttp/zstd" // has promhttp offer zstd
	"github.com/prometheus/common/expfmt"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

const (
	// interval is the least time between two renderings without a scrape.
	interval = time.Second
	// idle is how long after the last scrape that wanted it a form is kept, and kept current.
	idle = 10 * time.Minute
)

// Tracker is where a Handler learns of tasks.
type Tracker interface {
	Snapshot() *view.Snapshot
	Shown() view.Shown
	Changes() uint64
}

// Options say what a Handler serves.
type Options struct {
	Tracker   Tracker
	Collector *collector.Collector // of what the tracker knows; in no registry
	Registry  *prometheus.Registry // everything else, and errors of the handler
	Log       *slog.Logger
}

// Handler answers scrapes. It is safe for concurrent use.
type Handler struct {
	tracker   Tracker
	collector *collector.Collector
	registry  *prometheus.Registry
	options   promhttp.HandlerOpts
	errors    *prometheus.CounterVec // promhttp's own
	log       *slog.Logger
	changes   atomic.Uint64 // of the tracker when it was last rendered without a scrape
	deflated  form          // also read for answers without compression
	zstd      form
	encodings map[promhttp.Compression]*encoding
}

// encoding is how answers are written in one.
type encoding struct {
	form     *form
	bodies   sync.Pool
	handlers sync.Pool // of promhttp
}

// New returns a handler. Run keeps current what it keeps.
func New(o Options) *Handler {
	h := &Handler{
		tracker: o.Tracker, collector: o.Collector, registry: o.Registry, log: o.Log,
		options: promhttp.HandlerOpts{
			ErrorLog:          slog.NewLogLogger(o.Log.Handler(), slog.LevelError),
			ErrorHandling:     promhttp.ContinueOnError,
			EnableOpenMetrics: true,
			Registry:          o.Registry,
		},
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "promhttp_metric_handler_errors_total",
			Help: "Total number of internal errors encountered by the promhttp metric handler.",
		}, []string{"cause"}),
		deflated: form{packer: newDeflater},
		zstd:     form{packer: newFramer},
	}
	h.encodings = map[promhttp.Compression]*encoding{
		promhttp.Identity: {form: &h.deflated, bodies: sync.Pool{New: newPlainBody}},
		promhttp.Gzip:     {form: &h.deflated, bodies: sync.Pool{New: newGzipBody}},
		promhttp.Zstd:     {form: &h.zstd, bodies: sync.Pool{New: newZstdBody}},
	}
	for name, e := range h.encodings {
		e.handlers.New = func() any { return h.newGathering(name) }
	}
	h.errors.WithLabelValues("gathering")
	h.errors.WithLabelValues("encoding")
	o.Registry.MustRegister(h.errors)
	return h
}

// Run renders what changes soon after it changed, as long as somebody scrapes, until ctx ends.
func (h *Handler) Run(ctx context.Context) {
	timer := time.NewTimer(interval)
	defer timer.Stop()
	for {
		select {
		case <-timer.C:
		case <-ctx.Done():
			return
		}
		start := time.Now()
		h.Refresh()
		timer.Reset(max(interval, 10*time.Since(start))) // at most a tenth of a core
	}
}

// Refresh renders what has changed, for those that scraped lately.
func (h *Handler) Refresh() {
	var wanted []*form
	for _, f := range []*form{&h.deflated, &h.zstd} {
		if f.isWanted() {
			wanted = append(wanted, f)
		}
	}
	changes := h.tracker.Changes()
	if len(wanted) == 0 || h.changes.Swap(changes) == changes {
		return
	}
	shown := h.tracker.Shown()
	for _, f := range wanted {
		f.render(shown, h.collector.Series())
	}
}

// Serve answers a scrape that went as scrape says. The answer shows the tracker's state of one moment.
func (h *Handler) Serve(w http.ResponseWriter, r *http.Request, scrape view.Scrape) {
	h.send(w, r, func(w http.ResponseWriter, encoding promhttp.Compression) { h.answer(w, r, scrape, encoding) })
}

func (h *Handler) answer(w http.ResponseWriter, r *http.Request, scrape view.Scrape, encoding promhttp.Compression) {
	known := h.tracker.Snapshot()
	registry := prometheus.NewRegistry()
	registry.MustRegister(collector.ForScrape(scrape))
	from := merged{h.registry, registry}
	if !isFast(r) {
		registry.MustRegister(h.collector.At(known))
		h.plain(w, r, from, encoding)
		return
	}
	registry.MustRegister(h.collector.AggregatesAt(known))
	e := h.encodings[encoding]
	a := &answer{ResponseWriter: w, encoding: encoding, body: e.bodies.Get().(body)}
	a.body.reset(w)
	a.fixed, a.blocks = e.form.renderFor(known.Shown, h.collector.Series())
	h.plain(a, r, from, promhttp.Identity)
	if a.isWhole() {
		if err := a.finish(); err != nil {
			h.options.ErrorLog.Println("error encoding and sending metric family:", err)
			h.errors.WithLabelValues("encoding").Inc()
		}
	}
	a.body.reset(nil)
	e.bodies.Put(a.body)
}

// isFast reports whether kept bytes are part of the answer to a request. Our names and those of our labels are the same in every
// escaping scheme, so that any will do.
func isFast(r *http.Request) bool {
	if len(r.URL.Query()["name[]"]) > 0 {
		return false
	}
	format := expfmt.NegotiateAccept(r.Header, expfmt.DefaultOpenMetricsAcceptedFormats()...).FormatType()
	return format == expfmt.TypeOpenMetrics || format == expfmt.TypeTextPlain
}

// answer takes what promhttp makes of the registries, and goes on with the series of tasks.
type answer struct {
	http.ResponseWriter
	encoding promhttp.Compression
	body     body
	fixed    *rendering
	blocks   []*rendering
	began    bool
	failed   bool // it is an error page
	ends     bool // with a line that says so
	err      error
}

// body is the body of an answer: text first, then parts that are ready, then close. It is used again after a reset.
type body interface {
	reset(w io.Writer)
	Write(text []byte) (int, error)
	add(r *rendering, part int) error
	close() error
}

// eof is the last line of OpenMetrics, which promhttp writes by itself.
const eof = "# EOF\n"

// WriteHeader implements http.ResponseWriter.
func (a *answer) WriteHeader(status int) {
	a.failed = status != http.StatusOK
	a.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (a *answer) Write(p []byte) (int, error) {
	if a.failed {
		return a.ResponseWriter.Write(p)
	}
	if bytes.Equal(p, []byte(eof)) {
		a.ends = true
		return len(p), nil
	}
	a.begin()
	n, err := a.body.Write(p)
	a.err = err
	return n, err
}

func (a *answer) begin() {
	if !a.began && a.encoding != promhttp.Identity {
		a.Header().Set("Content-Encoding", string(a.encoding))
	}
	a.began = true
}

// isWhole reports whether everything was written so far, and is no error page.
func (a *answer) isWhole() bool { return !a.failed && a.err == nil }

// finish writes the series of tasks, family by family, and the end.
func (a *answer) finish() error {
	a.begin()
	for family := range a.fixed.parts[1:] {
		headed := false
		for _, b := range a.blocks {
			if b.parts[family].text == 0 {
				continue
			}
			if !headed {
				headed = true
				if err := a.body.add(a.fixed, family); err != nil {
					return err
				}
			}
			if err := a.body.add(b, family); err != nil {
				return err
			}
		}
	}
	if a.ends {
		if err := a.body.add(a.fixed, len(a.fixed.parts)-1); err != nil {
			return err
		}
	}
	return a.body.close()
}
