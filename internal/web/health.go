// Package web serves what is not metrics: the page of tasks, health, readiness, the landing page.
package web

import (
	"fmt"
	"net/http"
)

// Healthy answers as long as the process can answer.
func Healthy() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "Healthy.") })
}

// Ready answers 200 while ready says so, 503 otherwise.
func Ready(ready func() bool) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		if ready() {
			writeText(w, http.StatusOK, "Ready.")
		} else {
			writeText(w, http.StatusServiceUnavailable, "Not ready: a source of task ids was not read yet, and has not failed for a minute either.")
		}
	})
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text) // the client may be gone
}
