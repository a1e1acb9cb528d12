// The schedule of incidents that gives dashboards and alerts something to show.
//
// In each cycle of five minutes of simulated time (real time divided by Options.Speed) one model after the other has a burst
// of failures. In every fourth one the API refuses everybody for half a minute, by turns for rate limiting and for maintenance:
// seldom enough for a client to recover in between, even if it slows down for minutes. All along, every 25th task succeeds with
// an empty result, and Generate lists ids that do not exist.

package kiesim

import (
	"iter"
	"time"
)

const (
	cycle      = 5 * time.Minute
	burstFrom  = 30 * time.Second
	burstTo    = 150 * time.Second
	refuseFrom = 240 * time.Second
	refuseTo   = 270 * time.Second

	burstShare   = 0.5 // of all tasks created during a burst: those of the failing model
	burstFailing = 0.8 // of those: how many fail

	refuseEvery = 4  // cycles
	oddEvery    = 25 // tasks; lines of a list
)

// phase returns how many cycles have passed at a time, and how far the current one has come.
func (s *Server) phase(at time.Time) (cycles int, into time.Duration) {
	elapsed := time.Duration(float64(max(at.Sub(s.start), 0))*s.o.Speed) + s.o.IncidentsAhead
	return int(elapsed / cycle), elapsed % cycle
}

// burst returns the model that has a burst of failures at a time.
func (s *Server) burst(at time.Time) (Model, bool) {
	cycles, into := s.phase(at)
	if !s.o.Incidents || into < burstFrom || into >= burstTo {
		return Model{}, false
	}
	return s.o.Models[cycles%len(s.o.Models)], true
}

// failureRatio returns how many of the model's tasks that are created at a time fail.
func (s *Server) failureRatio(m Model, at time.Time) float64 {
	if failing, ok := s.burst(at); ok && failing.Name == m.Name {
		return burstFailing
	}
	return m.FailureRatio
}

// refusal returns the code with which everybody is refused at a time.
func (s *Server) refusal(at time.Time) (code int, refused bool) {
	cycles, into := s.phase(at)
	switch {
	case !s.o.Incidents || cycles%refuseEvery != 0 || into < refuseFrom || into >= refuseTo:
		return 0, false
	case cycles/refuseEvery%2 == 1:
		return codeMaintenance, true
	}
	return codeRateLimited, true
}

// emptyByIncident reports whether the task with number seq must succeed with an empty result.
func (s *Server) emptyByIncident(seq uint64) bool { return s.o.Incidents && seq%oddEvery == oddEvery/2 }

// Incident is one of the schedule.
type Incident struct {
	Kind     IncidentKind
	Model    string // of a burst
	From, To time.Time
}

// IncidentKind is what goes wrong in an incident.
type IncidentKind uint8

// The kinds of incidents.
const (
	Burst       IncidentKind = iota // most tasks of a model that are created meanwhile fail
	RateLimit                       // the API refuses everybody as too fast
	Maintenance                     // the API refuses everybody for maintenance
)

// Incidents yields the incidents that begin at a time or later, in their order, without end; none where there is no schedule.
func (s *Server) Incidents(from time.Time) iter.Seq[Incident] {
	return func(yield func(Incident) bool) {
		if !s.o.Incidents {
			return
		}
		for n, _ := s.phase(from); ; n++ {
			burst := Incident{Kind: Burst, Model: s.o.Models[n%len(s.o.Models)].Name, From: s.when(n, burstFrom), To: s.when(n, burstTo)}
			if !burst.From.Before(from) && !yield(burst) {
				return
			}
			refused := Incident{Kind: RateLimit, From: s.when(n, refuseFrom), To: s.when(n, refuseTo)}
			if n/refuseEvery%2 == 1 {
				refused.Kind = Maintenance
			}
			if n%refuseEvery == 0 && !refused.From.Before(from) && !yield(refused) {
				return
			}
		}
	}
}

// when returns the moment at which a cycle has come so far.
func (s *Server) when(cycles int, into time.Duration) time.Time {
	simulated := time.Duration(cycles)*cycle + into - s.o.IncidentsAhead
	return s.start.Add(time.Duration(float64(simulated) / s.o.Speed))
}
