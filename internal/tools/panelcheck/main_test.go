package main

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const dashboard = `{"uid": "d", "panels": [
	{"type": "row", "title": "r"},
	{"type": "stat", "title": "p", "targets": [{"refId": "A", "expr": "a{job=~\"$job\"}"}, {"refId": "B", "expr": "b"}]}
]}`

const (
	nothing = `{"data": {"result": []}}`
	sample  = `{"data": {"result": [{"value": [1, "0"]}]}}`
)

// prometheus answers each query with its answers one after the other, and then with the last again.
func prometheus(t *testing.T, answers map[string][]string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		query := r.FormValue("query")
		left := answers[query]
		if len(left) == 0 {
			http.Error(w, `{"error": "unexpected query"}`, http.StatusBadRequest)
			return
		}
		if left[0] == "" {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
		fmt.Fprint(w, left[0])
		if len(left) > 1 {
			answers[query] = left[1:]
		}
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestEveryQueryMustReturnData(t *testing.T) {
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "d.json"), []byte(dashboard), 0o600); err != nil {
		t.Fatal(err)
	}
	const a = `a{job=~"x"}`
	tests := []struct {
		name    string
		answers map[string][]string
		fault   string
		without string
	}{
		{"at once, zero too", map[string][]string{a: {sample}, "b": {sample}}, "", ""},
		{"in the end", map[string][]string{a: {sample}, "b": {"", nothing, sample}}, "", ""},
		{"a native histogram", map[string][]string{a: {`{"data": {"result": [{"histogram": [1, {}]}]}}`}, "b": {sample}}, "", ""},
		{"never", map[string][]string{a: {sample}, "b": {nothing}}, "1 of 2 queries", ""},
		{"NaN only", map[string][]string{a: {`{"data": {"result": [{"value": [1, "NaN"]}]}}`}, "b": {sample}}, "1 of 2 queries", ""},
		{"a query that is refused", map[string][]string{a: {`{"error": "parse error"}`}}, "parse error", ""},
		{"one is not asked", map[string][]string{a: {sample}}, "", "^b$"},
		{"a wrong expression", nil, "missing closing", "("},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			var out strings.Builder
			err := run(ctx, prometheus(t, tt.answers), folder, []string{"x"}, tt.without, &out)
			if tt.fault == "" && err != nil {
				t.Errorf("run() = %v, output:\n%s", err, &out)
			}
			if tt.fault != "" && (err == nil || !strings.Contains(err.Error(), tt.fault)) {
				t.Errorf("run() = %v, want an error with %q", err, tt.fault)
			}
		})
	}
}
