// Counts of requests, with which tests check budgets.

package kiesim

import (
	"maps"
	"net/http"
	"slices"
	"time"
)

// Request is a request that was made.
type Request struct {
	At       time.Time // when it came, by the local clock
	Endpoint Endpoint
	ID       string // the task, or the model, that is asked about
	Code     int    // of the envelope; without one the HTTP status; 0: not answered, or not yet
}

// Stats are totals since the start.
type Stats struct {
	Requests    map[Endpoint]int
	Codes       map[int]int    // requests that are done, by Request.Code
	MaxInFlight int            // most requests at any one time
	Mixed       map[string]int // faults of mixtures that happened, by name
}

type requestLog struct {
	Stats
	arrivals uint64
	inFlight int
	queries  map[string]int
	requests []Request
}

func newRequestLog() requestLog {
	return requestLog{
		Stats:   Stats{Requests: map[Endpoint]int{}, Codes: map[int]int{}, Mixed: map[string]int{}},
		queries: map[string]int{},
	}
}

// Stats returns the totals.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.log.Stats
	st.Requests, st.Codes, st.Mixed = maps.Clone(st.Requests), maps.Clone(st.Codes), maps.Clone(st.Mixed)
	return st
}

// Queries returns how often a task was asked about, whatever the answer.
func (s *Server) Queries(id string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.log.queries[id]
}

// Requests returns every request in the order in which they came, if Options.Record is set.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.log.requests)
}

// arrival is a request on its way.
type arrival struct {
	Request
	number uint64 // how many came before
}

// arrive notes a request that has come.
func (s *Server) arrive(r *http.Request) arrival {
	n := arrival{Request: Request{At: time.Now()}}
	var tasks bool
	if n.Endpoint, tasks = s.endpointAt(r.URL.Path); tasks {
		n.ID = r.URL.Query().Get("taskId")
	} else if model, ok := modelAt(r.URL.Path); ok {
		n.Endpoint, n.ID = ModelHealth, model
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n.number = s.log.arrivals
	s.log.arrivals++
	s.log.Requests[n.Endpoint]++
	if tasks {
		s.log.queries[n.ID]++
	}
	if s.o.Record {
		s.log.requests = append(s.log.requests, n.Request)
	}
	s.log.inFlight++
	s.log.MaxInFlight = max(s.log.MaxInFlight, s.log.inFlight)
	return n
}

// leave notes that a request is done.
func (s *Server) leave(n arrival, code int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log.inFlight--
	s.log.Codes[code]++
	if s.o.Record {
		s.log.requests[n.number].Code = code
	}
}
