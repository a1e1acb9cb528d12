// The configuration in force, and the profiles of the process.

package web

import (
	"net/http"
	"net/http/pprof" // it registers with the default mux too, which is not served
)

// Config shows the configuration that yaml returns, which is to hold no secret.
func Config(yaml func() ([]byte, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		text, err := yaml()
		if err != nil {
			writeText(w, http.StatusInternalServerError, "The configuration can't be shown.")
			return
		}
		w.Header().Set("Content-Type", "text/plain; charset=utf-8")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(text) // the client may be gone
	})
}

// Profiles adds the profiles of the process to a mux, below /debug/pprof/.
func Profiles(mux *http.ServeMux) {
	mux.HandleFunc("GET /debug/pprof/", pprof.Index)
	mux.HandleFunc("GET /debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
}
