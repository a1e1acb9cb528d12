// What became of an account's requests.

package budget

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/histogram"
	"github.com/kie-exporter/kie_exporter/internal/kie"
)

const (
	endpoints = int(kie.EndpointCount)
	classes   = int(kie.ClassOther) + 1
)

// Stats is a copy of what is known of an account's requests.
type Stats struct {
	Requests [endpoints][classes]uint64     // answered or failed, by kie.Endpoint and kie.Class
	Duration [endpoints]histogram.Histogram // of the same, in seconds; nil of those not in use
	used     [endpoints]bool
	InFlight int
	Asked    bool // at least one request has ended
	Up       bool // the last one got an envelope that shows the API in working order and the key accepted
	Pace     float64
	// PaceConfigured is the most requests a second that are ever allowed, PaceLearned how many of them the API was found to let pass; 0:
	// that is not known.
	PaceConfigured, PaceLearned float64

	Closed kie.Class // that closed the gate; ok: open
	// ClosedSince and ClosedUntil say when a gate that is closed closed, and when it is tried next whether it may open.
	ClosedSince, ClosedUntil time.Time
}

// stats are atomic and need no lock. A copy is not of one instant: its counters may be a request apart.
type stats struct {
	used     [endpoints]atomic.Bool // they are asked, or a task is to be asked about there
	requests [endpoints][classes]atomic.Uint64
	duration [endpoints]histogram.Recorder
	inFlight atomic.Int64
	health   atomic.Int32
}

const (
	healthUnknown = iota
	healthDown
	healthUp
)

func (s *stats) init(histograms histogram.New) {
	for i := range s.duration {
		s.duration[i] = histograms.Make(histogram.Options{
			Buckets: []float64{.05, .1, .2, .3, .5, .7, 1, 2, 5, 10, 30}, MostNative: 100,
		})
	}
	s.used[kie.Jobs].Store(true)
	s.used[kie.Credit].Store(true)
}

// count counts a request that has ended.
func (s *stats) count(endpoint kie.Endpoint, took time.Duration, err error) {
	s.used[endpoint].Store(true)
	s.requests[endpoint][kie.ClassOf(err)].Add(1)
	s.duration[endpoint].Observe(took, "")
}

// observe counts a request that has ended, and takes what it says of the API.
func (s *stats) observe(endpoint kie.Endpoint, took time.Duration, err error) {
	s.count(endpoint, took, err)
	if works(err) {
		s.health.Store(healthUp)
	} else {
		s.health.Store(healthDown)
	}
}

// works reports whether an outcome shows an API in working order that accepts the key: an envelope came back and its code
// is none of those that refuse every request.
func works(err error) bool {
	if err == nil {
		return true
	}
	e, ok := errors.AsType[*kie.Error](err)
	if !ok || e.Code == 0 {
		return false
	}
	switch e.Class {
	case kie.ClassAuth, kie.ClassKeyLimit, kie.ClassMaintenance, kie.ClassDisabled, kie.ClassServer:
		return false
	default: // an answer to what was asked
		return true
	}
}

// Up reports whether the last request found the API in working order and the key accepted, or there was none yet.
func (a *Account) Up() bool { return a.stats.health.Load() != healthDown }

// Use has the requests of an endpoint shown, though there were none yet. Those of jobs and of the balance are in any case.
func (a *Account) Use(e kie.Endpoint) { a.stats.used[e].Store(true) }

// Uses reports whether an endpoint is in use.
func (s *Stats) Uses(e kie.Endpoint) bool {
	return s.used[e] || e == kie.Jobs || e == kie.Credit
}

// Stats returns a copy of what is known now.
func (a *Account) Stats() Stats {
	health := a.stats.health.Load()
	s := Stats{InFlight: int(a.stats.inFlight.Load()), Asked: health != healthUnknown, Up: health == healthUp}
	for e := range endpoints {
		if !a.stats.used[e].Load() {
			continue
		}
		s.used[e] = true
		for c := range classes {
			s.Requests[e][c] = a.stats.requests[e][c].Load()
		}
		s.Duration[e] = a.stats.duration[e].Read()
	}
	s.Pace, s.PaceLearned = a.pace.Allowed(), a.pace.Knee()
	a.mu.Lock()
	defer a.mu.Unlock()
	o := a.options.paceOptions()
	s.PaceConfigured, s.PaceLearned = max(o.Rate, o.Most), s.PaceLearned*o.Share()
	s.Closed = a.gate.reason
	if s.Closed != kie.ClassOK {
		s.ClosedSince, s.ClosedUntil = a.gate.since, a.gate.until
	}
	return s
}
