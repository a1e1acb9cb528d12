// Handlers that panic.

package app

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"

	"github.com/prometheus/client_golang/prometheus"
)

// recovering counts and logs a panic of next, and has the server close the connection: the answer may have begun.
func recovering(next http.Handler, panics prometheus.Counter, log *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			reason := recover()
			if reason == nil {
				return
			}
			if err, ok := reason.(error); !ok || !errors.Is(err, http.ErrAbortHandler) {
				panics.Inc()
				log.Error("A request made its handler panic", "method", r.Method, "handler", r.Pattern,
					"panic", fmt.Sprintf("%.64v", reason), "stack", string(debug.Stack()))
			}
			panic(http.ErrAbortHandler) // which the server knows, and does not log
		}()
		next.ServeHTTP(w, r)
	})
}
