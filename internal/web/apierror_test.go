package web_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/web"
)

func TestEveryErrorOfTheAPIIsJSONWhoeverAnswersIt(t *testing.T) {
	text := func(status int, words string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { http.Error(w, words, status) }
	}
	for name, tt := range map[string]struct {
		path    string
		handler http.HandlerFunc
		status  int
		body    string
		retry   string
	}{
		"text":               {"/api/v1/x", text(403, "Not here."), 403, `{"error":"Not here."}`, ""},
		"a path of the mux":  {"/api/v1/x", http.NotFound, 404, `{"error":"there is no such path; /api/v1/openapi.yaml describes those that there are"}`, ""},
		"no password":        {"/api/v1/x", text(401, "Unauthorized"), 401, `{"error":"want a user and password of the web configuration"}`, ""},
		"too many requests":  {"/api/v1/x", text(429, "Too Many Requests"), 429, `{"error":"more requests than the web configuration allows (rate_limit)"}`, "1"},
		"not now":            {"/api/v1/x", text(503, "Not now"), 503, `{"error":"Not now"}`, "1"},
		"a text without end": {"/api/v1/x", text(500, strings.Repeat("a", 1<<20)), 500, `{"error":"` + strings.Repeat("a", 1<<10) + `"}`, ""},
		"no text":            {"/api/v1/x", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) }, 500, `{"error":"Internal Server Error"}`, ""},
		"elsewhere":          {"/x", text(403, "Not here."), 403, "Not here.", ""},
		"what is no error":   {"/api/v1/x", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("well")) }, 200, "well", ""},
		"an error that is JSON": {"/api/v1/x", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			w.Header().Set("Retry-After", "7")
			w.WriteHeader(http.StatusServiceUnavailable)
			_, _ = w.Write([]byte(`{"error":"own"}`))
		}, 503, `{"error":"own"}`, "7"},
	} {
		t.Run(name, func(t *testing.T) {
			w := httptest.NewRecorder()
			web.JSONErrors(tt.handler).ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, tt.path, http.NoBody))
			if got := strings.TrimSpace(w.Body.String()); w.Code != tt.status || got != tt.body || w.Header().Get("Retry-After") != tt.retry {
				t.Errorf("%d %.100s, Retry-After %q; want %d %.100s, %q", w.Code, got, w.Header().Get("Retry-After"), tt.status, tt.body, tt.retry)
			}
		})
	}
}
