// What the tests of this package share: a tracker that stands still, tasks of every kind, scrapes and their readers.

package exposition

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/textparse"
	"go.uber.org/goleak"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/internal/webhook"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// still is a tracker that knows what it was told.
type still struct {
	snapshot atomic.Pointer[view.Snapshot]
	changes  atomic.Uint64
}

func (s *still) Snapshot() *view.Snapshot { return s.snapshot.Load() }
func (s *still) Shown() view.Shown        { return s.snapshot.Load().Shown }
func (s *still) Changes() uint64          { return s.changes.Load() }

func (s *still) show(shown view.Shown) {
	s.snapshot.Store(&view.Snapshot{
		At: time.Unix(1698765432, 0), Shown: shown,
		Models: []view.Model{{Group: "video", Model: "m", Tasks: map[kie.State]int{kie.StateSuccess: 3}, Finished: [2]uint64{2, 1}}},
		Groups: []view.Group{{Name: "video", Pending: 1}},
	})
	s.changes.Add(1)
}

// served is a handler, and promhttp as it serves the same.
type served struct {
	*still
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
	s := &served{still: &still{}, registry: prometheus.NewPedanticRegistry()}
	s.show(shown)
	c := newCollector(s.Snapshot)
	s.ours = New(Options{Tracker: s.still, Collector: c, Registry: s.registry, Log: log})
	all := prometheus.NewPedanticRegistry()
	all.MustRegister(c, collector.ForScrape(scraped))
	s.plain = promhttp.HandlerFor(prometheus.Gatherers{s.registry, all}, s.ours.options)
	return s
}

func newCollector(known func() *view.Snapshot) *collector.Collector {
	return collector.New(collector.Inputs{
		Known:     known,
		Sources:   func() []source.Stat { return []source.Stat{{Group: "video", Source: "inline", Tasks: 4}} },
		Callbacks: func() []webhook.Stat { return nil },
		Config:    func() collector.ConfigStatus { return collector.ConfigStatus{Successful: true} },
	})
}

// ServeHTTP implements http.Handler.
func (s *served) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.ours.Serve(w, r, scraped) }

// formats are what is accepted where we answer ourselves.
func formats() []string {
	return []string{
		string(expfmt.FmtText), string(expfmt.FmtOpenMetrics_1_0_0), "application/openmetrics-text", "",
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
	}
}

func request(tb testing.TB, accept, encoding, query string) *http.Request {
	tb.Helper()
	r := httptest.NewRequestWithContext(tb.Context(), http.MethodGet, "/metrics"+query, http.NoBody)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	if encoding != "" {
		r.Header.Set("Accept-Encoding", encoding)
	}
	return r
}

// get returns what h answers to a scrape.
func get(tb testing.TB, h http.Handler, accept, encoding string) *httptest.ResponseRecorder {
	tb.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, request(tb, accept, encoding, ""))
	if w.Code != http.StatusOK {
		tb.Fatalf("status %d: %s", w.Code, w.Body)
	}
	return w
}

// decoded returns the text of an answer. Nothing may come after its end.
func decoded(tb testing.TB, w *httptest.ResponseRecorder) []byte {
	tb.Helper()
	var from io.Reader = w.Body
	switch encoding := w.Header().Get("Content-Encoding"); encoding {
	case "":
	case "gzip":
		in := bytes.NewReader(w.Body.Bytes())
		one, err := gzip.NewReader(in)
		if err != nil {
			tb.Fatal(err)
		}
		one.Multistream(false)
		text, err := io.ReadAll(one)
		if err != nil || in.Len() > 0 {
			tb.Fatalf("%v, %d bytes left after the first member", err, in.Len())
		}
		return text
	case "zstd":
		d, err := zstd.NewReader(w.Body, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true))
		if err != nil {
			tb.Fatal(err)
		}
		defer d.Close()
		from = d
	default:
		tb.Fatalf("encoding %q", encoding)
	}
	text, err := io.ReadAll(from)
	if err != nil {
		tb.Fatal(err)
	}
	return text
}

// parsed returns everything in an answer as Prometheus reads it: samples by name and labels, types and helps by name.
func parsed(tb testing.TB, body []byte, contentType string) map[string]string {
	tb.Helper()
	parser, err := textparse.New(body, contentType, nil, textparse.ParserOptions{KeepClassicOnClassicAndNativeHistograms: true})
	if err != nil {
		tb.Fatal(err)
	}
	all := map[string]string{}
	put := func(key, value string) {
		if _, twice := all[key]; twice {
			tb.Errorf("%s comes twice", key)
		}
		all[key] = value
	}
	for {
		entry, err := parser.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		if err != nil {
			tb.Fatalf("%s: %v", contentType, err)
		}
		var ls labels.Labels
		switch entry { //nolint:exhaustive // comments and invalid entries do not come up
		case textparse.EntryHelp:
			name, help := parser.Help()
			put("HELP "+string(name), string(help))
		case textparse.EntryType:
			name, typ := parser.Type()
			put("TYPE "+string(name), string(typ))
		case textparse.EntrySeries:
			parser.Labels(&ls)
			_, _, value := parser.Series()
			put(ls.WithoutEmpty().String(), fmt.Sprint(value))
		case textparse.EntryHistogram:
			parser.Labels(&ls)
			_, _, h, _ := parser.Histogram()
			put(ls.WithoutEmpty().String(), fmt.Sprint(h))
		}
	}
}

// same fails the test unless both are the same.
func same(tb testing.TB, got, want map[string]string) {
	tb.Helper()
	for key, value := range want {
		if v, ok := got[key]; !ok {
			tb.Errorf("%s is missing", key)
		} else if v != value {
			tb.Errorf("%s is %s, want %s", key, v, value)
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			tb.Errorf("%s should not be there", key)
		}
	}
}

// nasty returns strings that are as odd as a label value may be.
func nasty() []string {
	return []string{
		"", " ", `"`, `\`, `\n`, "\n", "\\\n\"", "a\tb", "\uFFFD", "{a=\"b\"} 1", "# EOF", "# EOF\n", ",", "=", "}",
		"日本語/モデル", "e\u0301", "\u202Eabc", "🎬", "NaN", "+Inf", "__name__", "task_id", "kie_task_info",
		strings.Repeat("x", 128), strings.Repeat("é", 64), strings.Repeat("\\", 128), strings.Repeat("\"", 128),
	}
}

// random returns tasks of any kind, in blocks of any size.
func random(r *rand.Rand) view.Shown {
	words := nasty()
	word := func() string { return words[r.IntN(len(words))] }
	maybe := func(t kie.Time) kie.Time { return t * kie.Time(r.IntN(2)) }
	shown := view.Shown{LabelKeys: []string{"a", "b", "zone"}[:r.IntN(4)]}
	id := 0
	for range r.IntN(6) {
		var tasks []view.Task
		for range r.IntN(80) {
			id++
			tasks = append(tasks, view.Task{
				Task: kie.Task{
					ID: fmt.Sprint(word(), id), Model: word(), State: kie.States()[r.IntN(6)], Created: maybe(kie.Time(r.Int64())),
					Completed: maybe(1698765432000 + kie.Time(r.IntN(1e6))), FailCode: word(), Reason: kie.Reasons()[r.IntN(8)],
					Credits: r.NormFloat64() * 100, HasCredits: r.IntN(2) == 0,
				},
				Group: word(), Account: word(), Labels: map[string]string{"a": word(), "zone": word()},
				FailedAt: maybe(1698765432000), LastAnswer: maybe(1698765439001).Time(), QueryError: kie.Classes()[r.IntN(18)],
			})
		}
		shown.Blocks = append(shown.Blocks, view.NewBlock(tasks...))
	}
	return shown
}
