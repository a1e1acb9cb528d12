// Package scrape scrapes handlers in tests, and reads what they answer.
package scrape

import (
	"bytes"
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/klauspost/compress/zstd"
	"github.com/prometheus/common/expfmt"
)

// Formats are what scrapers accept that get text, by old and new names.
func Formats() []string {
	return []string{
		string(expfmt.FmtText), string(expfmt.FmtOpenMetrics_1_0_0), "application/openmetrics-text", "",
		"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
	}
}

// Request returns a scrape by a client that accepts a format and an encoding; the query begins with a question mark.
func Request(tb testing.TB, accept, encoding, query string) *http.Request {
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

// Get returns what h answers to a scrape, which must succeed.
func Get(tb testing.TB, h http.Handler, accept, encoding string) *httptest.ResponseRecorder {
	tb.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, Request(tb, accept, encoding, ""))
	if w.Code != http.StatusOK {
		tb.Fatalf("accept %q: status %d: %s", accept, w.Code, w.Body)
	}
	return w
}

// Text returns the text of an answer. Nothing may come after its end.
func Text(tb testing.TB, w *httptest.ResponseRecorder) []byte {
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
