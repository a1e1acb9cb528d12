// Faults that a test injects.

package kiesim

import (
	"net/http"
	"slices"
	"time"
)

// Fault is what happens to a request. The first of Hang, Reset, Body, Code and Status that is set decides; with none of them
// the ordinary answer comes, after Delay and with Header.
type Fault struct {
	Delay  time.Duration // on top of the ordinary latency
	Hang   bool          // no answer, until the client goes
	Reset  bool          // the connection ends after the answer's first line, so that no HTTP client tries again by itself
	Status int           // HTTP status, 0 means 200; alone: an empty body
	Code   int           // an envelope with this code
	Msg    string        // and this text
	Body   string        // the body as it is, HTML or garbage too
	Header http.Header   // added to the answer, or replaced in it
}

// Match says which requests a fault is for. The zero value is all of them.
type Match struct {
	Endpoint Endpoint
	ID       string
	Times    int // how many requests, then the fault is gone; 0: any number
}

type injection struct {
	match Match
	fault Fault
	left  int
}

// Inject lets a fault happen to the requests that match, before key and rate limit are looked at. Of several faults the latest counts.
func (s *Server) Inject(m Match, f Fault) (remove func()) {
	in := &injection{match: m, fault: f, left: m.Times}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = append(s.faults, in)
	return func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.dropLocked(in)
	}
}

// dropLocked removes an injected fault.
func (s *Server) dropLocked(in *injection) {
	s.faults = slices.DeleteFunc(s.faults, func(x *injection) bool { return x == in })
}

// faultFor returns the fault that happens to a request.
func (s *Server) faultFor(n arrival) Fault {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, in := range slices.Backward(s.faults) {
		if !in.match.covers(n) {
			continue
		}
		if in.left--; in.left == 0 {
			s.dropLocked(in)
		}
		return in.fault
	}
	return s.mixedLocked(n)
}

// covers reports whether the request matches.
func (m Match) covers(n arrival) bool {
	return (m.Endpoint == "" || m.Endpoint == n.Endpoint) && (m.ID == "" || m.ID == n.ID)
}

// reply returns the answer that the fault gives instead of the ordinary one.
func (f Fault) reply() (rep reply, instead bool) {
	switch {
	case f.Reset:
		return reply{cut: true}, true
	case f.Body != "":
		rep = reply{body: []byte(f.Body), code: f.Code}
	case f.Code != 0:
		rep = refuse(f.Code, f.Msg)
	case f.Status == 0:
		return reply{}, false
	}
	rep.status = f.Status
	if rep.status == 0 {
		rep.status = http.StatusOK
	}
	if rep.code == 0 {
		rep.code = rep.status
	}
	rep.header = f.Header
	return rep, true
}

// cutOff ends the connection after the first bytes of an answer.
func cutOff(w http.ResponseWriter) {
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	// The client may be gone already; either way the connection is at its end.
	_, _ = conn.Write([]byte("HTTP/1.1 200 OK\r\n"))
	_ = conn.Close()
}
