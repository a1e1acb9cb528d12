// Clients that go away.

package exposition

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// client is where an answer goes. Once that fails it takes everything and sends nothing: that somebody went away is no error
// of whoever writes, who would tell of it once for each metric that is left.
type client struct {
	http.ResponseWriter
	err error
}

// Write implements http.ResponseWriter.
func (c *client) Write(p []byte) (int, error) {
	if c.err == nil {
		_, c.err = c.ResponseWriter.Write(p)
	}
	return len(p), nil
}

// Unwrap is for http.ResponseController.
func (c *client) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// ServeAll answers with what there is to gather, in the encoding that suits the client best.
func (h *Handler) ServeAll(w http.ResponseWriter, r *http.Request, from prometheus.Gatherer) {
	h.send(w, r, func(w http.ResponseWriter, encoding promhttp.Compression) { h.plain(w, r, from, encoding) })
}

// send has answer write to a client in an encoding, and tells those who debug if the client went away.
func (h *Handler) send(w http.ResponseWriter, r *http.Request, answer func(http.ResponseWriter, promhttp.Compression)) {
	encoding, ok := negotiateEncoding(r.Header)
	if !ok {
		w.Header().Set("Vary", "Accept-Encoding")
		http.Error(w, "Accept-Encoding refuses all that there is: identity, gzip and zstd.", http.StatusNotAcceptable)
		return
	}
	to := &client{ResponseWriter: w}
	if r.ProtoMajor > 1 { // before that, who only has no more to ask looks like somebody who went away
		to.err = r.Context().Err()
	}
	if to.err == nil {
		answer(to, encoding)
	}
	if to.err != nil {
		h.log.Debug("A client went away before it had its answer", "client", r.RemoteAddr, "err", to.err)
	}
}

// plain answers by promhttp, in an encoding.
func (h *Handler) plain(w http.ResponseWriter, r *http.Request, from prometheus.Gatherer, encoding promhttp.Compression) {
	handlers := &h.encodings[encoding].handlers
	g := handlers.Get().(*gathering)
	g.from = from
	g.handler.ServeHTTP(w, accepting(r, encoding))
	g.from = nil
	handlers.Put(g)
}

// accepting returns the request as if it accepted one encoding alone.
func accepting(r *http.Request, encoding promhttp.Compression) *http.Request {
	one := *r
	one.Header = r.Header.Clone()
	one.Header.Set("Accept-Encoding", string(encoding))
	return &one
}
