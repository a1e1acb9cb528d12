// Package web serves what is not metrics: the page of tasks, health, readiness, the landing page.
package web

import (
	"fmt"
	"net/http"
)

// Healthy answers as long as the process can answer.
func Healthy() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { say(w, http.StatusOK, "Healthy.") })
}

// Ready answers 200 once ready is closed, 503 before.
func Ready(ready <-chan struct{}) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		select {
		case <-ready:
			say(w, http.StatusOK, "Ready.")
		default:
			say(w, http.StatusServiceUnavailable, "The storage and every source of task ids are not read yet.")
		}
	})
}

func say(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text) // the client may be gone
}
