package exposition

import (
	"bytes"
	"cmp"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/test/kit/scrape"
)

// accepts and encodings are headers as clients send them, and as they should not.
func accepts() []string {
	return []string{
		"", "*/*", "text/plain", "text/*", "text/html", "text/plain;version=0.0.4;q=0.5,*/*;q=0.1", "application/openmetrics-text",
		"application/openmetrics-text;version=1.0.0;q=0.8,application/openmetrics-text;version=0.0.1;q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8", "text/plain;version=1.0.0;escaping=allow-utf-8",
		"text/plain;version=0.0.4;escaping=dots", "application/openmetrics-text;version=2.0.0", "application/openmetrics-text; version=1.0.0; escaping=values",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=delimited",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=text",
		"application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;encoding=compact-text;q=0.3,text/plain;q=0.9",
		";;;", "text/plain;q=nonsense", "application/openmetrics-text;q=0, text/plain",
	}
}

func encodings() []string {
	return []string{
		"", "gzip", "zstd", "identity", "gzip, zstd", "zstd, gzip", "gzip;q=0.1, zstd;q=0.5", "*", "*;q=0", "gzip;q=0", "identity;q=0",
		"gzip;q=1.0, identity; q=0.5, *;q=0", "identity;q=0, gzip;q=0.00", "deflate, br", "br, gzip", "GZIP", "gzip;level=9", "gzip; q=2",
		"gzip;q=.5", ",gzip", "gzip,", "gzip ; q=0.5", " gzip", "gzip;q=0.99999999999999999999999999", "x-gzip", "gzip/1", "gzip\tq", "é, gzip",
		"gzip;q=1,zstd;q=1,identity;q=1", "zstd;q=0.9,*;q=0.8", "gzip;q=0,zstd;q=0",
	}
}

// isPlain reports whether what a client accepts has neither refusals nor what stands for any encoding, which promhttp reads in a
// way of its own.
func isPlain(r *http.Request) bool {
	return !slices.ContainsFunc(parseAccept(r.Header["Accept-Encoding"]), func(a accepted) bool { return a.value == "*" || a.quality == 0 })
}

// answersAlike fails the test unless the answer of ours is that of promhttp but for the order of lines.
func answersAlike(t *testing.T, s *served, r *http.Request) {
	t.Helper()
	got, want := httptest.NewRecorder(), httptest.NewRecorder()
	s.ServeHTTP(got, r)
	s.plain.ServeHTTP(want, r)
	if got.Code != want.Code {
		t.Errorf("status %d, want %d", got.Code, want.Code)
	}
	for _, name := range []string{"Content-Type", "Content-Encoding", "Vary"} {
		if g, w := got.Header()[name], want.Header()[name]; len(g) != len(w) || len(g) > 0 && g[0] != w[0] || len(g) > 1 && g[1] != w[1] {
			t.Errorf("%s: %q, want %q", name, g, w)
		}
	}
	if t.Failed() {
		t.Fatalf("%v", r.Header)
	}
	if g, w := scrape.Text(t, got), scrape.Text(t, want); len(bytes.Split(g, []byte("\n"))) != len(bytes.Split(w, []byte("\n"))) {
		t.Fatalf("%v: another number of lines", r.Header)
	}
}

func TestAnswersAreNegotiatedAsPromhttpDoes(t *testing.T) {
	s := serve(t, few())
	for _, accept := range accepts() {
		for _, query := range []string{"", "?name[]=kie_task_info&name[]=kie_exporter_store_up", "?name[]=none", "?debug=1", "?%zz"} {
			answersAlike(t, s, scrape.Request(t, accept, "gzip", query))
			answersAlike(t, s, scrape.Request(t, accept, "", query))
		}
	}
	for _, encoding := range encodings() {
		for _, accept := range accepts()[:8] {
			if r := scrape.Request(t, accept, encoding, ""); isPlain(r) {
				answersAlike(t, s, r)
			}
		}
	}
}

// few returns a single task.
func few() view.Shown {
	return view.Shown{Blocks: []*view.Block{view.NewBlock(view.Task{Task: kie.Task{ID: "a"}, Group: "g"})}}
}

// FuzzAnswersAreNegotiatedAsPromhttpDoes: whatever a client says that it accepts, status, type, encoding and the number of lines
// are those that promhttp answers with. Where something is refused, it never gets that.
func FuzzAnswersAreNegotiatedAsPromhttpDoes(f *testing.F) {
	s := serve(f, few())
	for i, accept := range accepts() {
		f.Add(accept, encodings()[i], encodings()[i+1])
	}
	f.Fuzz(func(t *testing.T, accept, first, second string) {
		r := scrape.Request(t, accept, first, "")
		r.Header.Add("Accept-Encoding", second)
		if isPlain(r) {
			answersAlike(t, s, r)
			return
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code == http.StatusNotAcceptable {
			return
		}
		encoding := cmp.Or(w.Header().Get("Content-Encoding"), "identity")
		if quality, listed := qualityOf(encoding, parseAccept(r.Header["Accept-Encoding"])); listed && quality == 0 || !listed && encoding != "identity" {
			t.Fatalf("%q is answered with %s", r.Header["Accept-Encoding"], encoding)
		}
		scrape.Text(t, w)
	})
}
