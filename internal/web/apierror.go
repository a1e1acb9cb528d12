// Errors of /api/v1: JSON in one form, whoever answers with them.

package web

import (
	"bytes"
	"net/http"
	"strings"
)

// mostHeld is how much of a text is kept that becomes the words of an error.
const mostHeld = 1 << 10

// JSONErrors has all errors below /api/v1 be JSON in the form that is documented, also those of others than our handlers: of the mux,
// about paths and methods that there are not, of what asks for a password, and of what guards browsers.
func JSONErrors(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/v1/") {
			next.ServeHTTP(w, r)
			return
		}
		e := &errorWriter{ResponseWriter: w}
		next.ServeHTTP(e, r) // which may panic, and then there is no answer
		if e.held != 0 {
			sendJSON(w, e.held, refusal{e.words()})
		}
	})
}

// errorWriter passes on what is answered, but for errors that are no JSON: their text is held.
type errorWriter struct {
	http.ResponseWriter
	held int // status of the error; 0: there is none, or it is JSON
	text bytes.Buffer
}

// WriteHeader implements http.ResponseWriter.
func (e *errorWriter) WriteHeader(status int) {
	h := e.Header()
	if again := status == http.StatusTooManyRequests || status == http.StatusServiceUnavailable; again && h.Get("Retry-After") == "" {
		h.Set("Retry-After", "1")
	}
	if status < http.StatusBadRequest || h.Get("Content-Type") == "application/json" {
		e.ResponseWriter.WriteHeader(status)
		return
	}
	if e.held == 0 {
		e.held = status
		h.Del("Content-Length") // of the text
	}
}

// Write implements http.ResponseWriter.
func (e *errorWriter) Write(p []byte) (int, error) {
	if e.held == 0 {
		return e.ResponseWriter.Write(p)
	}
	e.text.Write(p[:min(len(p), mostHeld-e.text.Len())])
	return len(p), nil
}

// Unwrap is for http.ResponseController.
func (e *errorWriter) Unwrap() http.ResponseWriter { return e.ResponseWriter }

// words says what is wrong: better than in general, where nothing but the status is told.
func (e *errorWriter) words() string {
	text := strings.TrimSpace(e.text.String())
	if text == "" {
		text = http.StatusText(e.held)
	}
	if text != http.StatusText(e.held) && text != "404 page not found" {
		return text
	}
	switch e.held {
	case http.StatusNotFound:
		return "there is no such path; /api/v1/openapi.yaml describes those that there are"
	case http.StatusMethodNotAllowed:
		return "the method must be one of " + e.Header().Get("Allow")
	case http.StatusUnauthorized:
		return "want a user and password of the web configuration"
	case http.StatusTooManyRequests:
		return "more requests than the web configuration allows (rate_limit)"
	default:
		return text
	}
}
