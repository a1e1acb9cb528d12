package exposition

import (
	"context"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/test/kit/output"
	"github.com/kie-exporter/kie_exporter/test/kit/scrape"
)

// many returns tasks of which the series fill far more than what a connection holds.
func many() view.Shown {
	r := rand.New(rand.NewPCG(3, 0))
	word := func() string { return strconv.FormatUint(r.Uint64(), 36) }
	tasks := make([]view.Task, 1500)
	for i := range tasks {
		tasks[i] = view.Task{Task: kie.Task{ID: word(), Model: "m"}, Group: "g", Labels: map[string]string{"a": strings.Join([]string{word(), word(), word(), word(), word(), word(), word(), word()}, "")}}
	}
	return view.Shown{LabelKeys: []string{"a"}, Blocks: []*view.Block{view.NewBlock(tasks...)}}
}

// leavers are scrapes that differ in the way that they are answered.
func leavers() map[string]http.Header {
	accept := func(format expfmt.Format, encoding string) http.Header {
		return http.Header{"Accept": {string(format)}, "Accept-Encoding": {encoding}}
	}
	return map[string]http.Header{
		"/metrics text":                        accept(expfmt.FmtText, "identity"),
		"/metrics text, gzip":                  accept(expfmt.FmtText, "gzip"),
		"/metrics text, zstd":                  accept(expfmt.FmtText, "zstd"),
		"/metrics OpenMetrics":                 accept(expfmt.FmtOpenMetrics_1_0_0, "identity"),
		"/metrics OpenMetrics, gzip":           accept(expfmt.FmtOpenMetrics_1_0_0, "gzip"),
		"/metrics protobuf":                    accept(expfmt.FmtProtoDelim, "identity"),
		"/metrics protobuf, gzip":              accept(expfmt.FmtProtoDelim, "gzip"),
		"/metrics?name[]=kie_task_info filter": accept(expfmt.FmtText, "identity"),
		"/metrics?name[]=kie_task_info zstd":   accept(expfmt.FmtText, "zstd"),
	}
}

func TestAScraperThatGoesAwayIsOneDebugLineAndNoError(t *testing.T) {
	for name, header := range leavers() {
		t.Run(name, func(t *testing.T) {
			pipe := kiesim.NewPipe()
			leave(t, name, header, func(h http.Handler) (string, *http.Client, func()) {
				server := &http.Server{Handler: h, ReadHeaderTimeout: time.Minute}
				go func() { _ = server.Serve(pipe) }()
				return "http://test", &http.Client{Transport: &http.Transport{DialContext: pipe.DialContext}}, func() { _ = server.Close() }
			})
		})
	}
}

func TestAStreamThatIsResetIsOneDebugLineAndNoError(t *testing.T) {
	for name, header := range leavers() {
		t.Run(name, func(t *testing.T) {
			leave(t, name, header, func(h http.Handler) (string, *http.Client, func()) {
				server := httptest.NewUnstartedServer(h)
				server.EnableHTTP2 = true
				server.StartTLS()
				client := server.Client()
				client.Transport.(*http.Transport).HTTP2 = &http.HTTP2Config{MaxReceiveBufferPerStream: 64 << 10}
				return server.URL, client, server.Close
			})
		})
	}
}

// leave has a client read the beginning of an answer and go away. The answer must end, with one line for those who debug.
func leave(t *testing.T, scrape string, header http.Header, start func(http.Handler) (base string, client *http.Client, stop func())) {
	t.Helper()
	var log output.Text
	s := serveAndLog(t, many(), log.Logger(slog.LevelDebug))
	ended := make(chan struct{})
	base, client, stop := start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(ended)
		s.ServeHTTP(w, r)
	}))
	defer stop()
	ctx, goAway := context.WithCancel(t.Context())
	defer goAway()
	path, _, _ := strings.Cut(scrape, " ")
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+path, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = header
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.ReadFull(resp.Body, make([]byte, 100)); err != nil {
		t.Fatal(err)
	}
	goAway()
	<-ended
	if lines := log.Lines(""); len(lines) != 1 || !strings.Contains(lines[0], "level=DEBUG") {
		t.Errorf("%d lines in the log: %.600q", len(lines), lines)
	}
	for _, cause := range []string{"gathering", "encoding"} {
		var n dto.Metric
		if err := s.ours.errors.WithLabelValues(cause).Write(&n); err != nil || n.GetCounter().GetValue() != 0 {
			t.Errorf("%v errors of %s (%v)", n.GetCounter().GetValue(), cause, err)
		}
	}
	client.CloseIdleConnections()
}

func TestIdentityIsAcceptableUnlessItIsRefused(t *testing.T) {
	var log output.Text
	s := serveAndLog(t, few(), log.Logger(slog.LevelDebug))
	for accepts, want := range map[string]string{
		"":                              "",
		"gzip;q=0":                      "",
		"gzip;q=0, zstd;q=0":            "",
		"br, deflate":                   "",
		"gzip;q=0, identity":            "",
		"gzip;q=0.001":                  "gzip",
		"identity;q=0, *":               "gzip",
		"identity;q=0, *;q=0.5, gzip":   "gzip",
		"gzip;q=0, *":                   "",
		"gzip;q=0, identity;q=0, *":     "zstd",
		"identity;q=0.5, *;q=0":         "",
		"gzip, *;q=0":                   "gzip",
		"identity;q=0.1, gzip;q=0":      "",
		"*;q=0":                         "refused",
		"gzip;q=0, *;q=0":               "refused",
		"gzip;q=0, *;q=0.000":           "refused",
		"identity;q=0":                  "refused",
		"identity;q=0, gzip;q=0, *;q=0": "refused",
		"identity;q=0, br":              "refused",
	} {
		for _, path := range []string{"", "?name[]=kie_task_info"} {
			for _, format := range []expfmt.Format{expfmt.FmtText, expfmt.FmtOpenMetrics_1_0_0, expfmt.FmtProtoDelim} {
				w := httptest.NewRecorder()
				s.ServeHTTP(w, scrape.Request(t, string(format), accepts, path))
				got := w.Header().Get("Content-Encoding")
				if w.Code == http.StatusNotAcceptable {
					got = "refused"
				}
				if got != want {
					t.Errorf("%q, %s%s: %q, want %q", accepts, format, path, got, want)
				} else if want != "refused" {
					scrape.Text(t, w)
				}
			}
		}
	}
	if lines := log.Lines(""); len(lines) > 0 {
		t.Errorf("%d lines in the log: %.600q", len(lines), lines)
	}
}
