// A task's life: scripted, or drawn at random.

package kiesim

import (
	"math"
	"math/rand/v2"
	"strings"
	"time"
)

// Task is a task with its whole life.
type Task struct {
	ID, Model string
	Endpoint  Endpoint      // that tells of it; empty: that of jobs, at both of its paths
	Created   time.Time     // by the local clock; zero: now; a time to come: unknown until then
	Duration  time.Duration // until it is finished, divided by Options.Speed; 0: finished at once; negative: never finished

	// InFlight is the state until then, "generating" if empty. Several words, with spaces between, take equal turns.
	InFlight string

	Fail        *Failure // nil: it succeeds
	EmptyResult bool     // it succeeds without a result
	Results     int      // result URLs; 0: one
	Credits     float64  // consumed in the end; in flight the answer says more
	Quirks      Quirk

	Data map[string]any // keys of the answer's data to add or replace; nil values are null
	Raw  string         // the whole body, instead of all the above
}

// Quirk is a set of peculiarities that some answers have.
type Quirk uint8

// The peculiarities.
const (
	QuirkNullCode     Quirk = 1 << iota // failCode and failMsg of a task that did not fail are null, not ""
	QuirkUpdateTime                     // there is an updateTime
	QuirkPlainResult                    // resultJson is an object, not a string of JSON
	QuirkResultObject                   // the result is a resultObject, not resultUrls
	QuirkEmptyList                      // an empty result is an empty list of URLs, not ""
	QuirkNoCredits                      // creditsConsumed is null
)

// has reports whether q contains all of x.
func (q Quirk) has(x Quirk) bool { return q&x == x }

// draw returns the life of the created task with number seq. Each draw is made whatever came of those before, so that an
// incident changes a task's end but not its id.
func (s *Server) draw(e entry) Task {
	seq, created := e.seq, e.created
	r := s.rand(streamLives, seq)
	t := Task{ID: newID(r), Created: created, Endpoint: e.endpoint}
	m := s.pickModel(r, created)
	if models := s.shapes[e.endpoint].models; len(models) > 0 {
		m = models[pick(r, len(models), func(i int) float64 { return models[i].Weight })]
	}
	failing, empty := r.Float64() < s.failureRatio(m, created), r.Float64() < m.EmptyRatio
	z := min(max(r.NormFloat64(), -2), 2)
	results, failure, early, refunded := r.IntN(max(m.Results, 1)), s.pickFailure(r), r.Float64(), r.Float64() < 0.9

	t.Model, t.InFlight, t.Credits, t.Quirks = m.Name, m.InFlight, m.Credits, m.Quirks|randomQuirks(r)
	t.Duration = time.Duration(float64(m.Median) * math.Exp(m.Sigma*z)).Truncate(time.Millisecond)
	t.Results = 1 + results
	t.EmptyResult = empty || s.emptyByIncident(seq)
	if failing && !s.emptyByIncident(seq) {
		t.Fail = &failure
		t.Duration = time.Duration((0.3 + 0.7*early) * float64(t.Duration))
		if refunded {
			t.Credits = 0
		}
	}
	return t
}

// pickModel draws a model by weight; while a model has a burst of failures, its users keep trying.
func (s *Server) pickModel(r *rand.Rand, at time.Time) Model {
	models := s.o.Models
	again, i := r.Float64() < burstShare, pick(r, len(models), func(i int) float64 { return models[i].Weight })
	if m, ok := s.burst(at); ok && again {
		return m
	}
	return models[i]
}

// pickFailure draws a failure by weight.
func (s *Server) pickFailure(r *rand.Rand) Failure {
	return s.failures[pick(r, len(s.failures), func(i int) float64 { return s.failures[i].Weight })]
}

// pick draws one of n by weight.
func pick(r *rand.Rand, n int, weight func(i int) float64) int {
	var sum float64
	for i := range n {
		sum += weight(i)
	}
	at := r.Float64() * sum
	for i := range n {
		if at -= weight(i); at < 0 {
			return i
		}
	}
	return n - 1
}

// randomQuirks draws the peculiarities that any model's answers may have.
func randomQuirks(r *rand.Rand) Quirk {
	var q Quirk
	if r.IntN(2) == 0 {
		q |= QuirkNullCode
	}
	if r.IntN(10) == 0 {
		q |= QuirkUpdateTime
	}
	if r.IntN(2) == 0 {
		q |= QuirkEmptyList
	}
	return q
}

// state returns the word for where the task is after it has lived for age, if its life takes lifetime.
func (t Task) state(age, lifetime time.Duration) string {
	words := strings.Fields(t.InFlight)
	switch {
	case lifetime >= 0 && age >= lifetime && t.Fail != nil:
		return stateFail
	case lifetime >= 0 && age >= lifetime:
		return stateSuccess
	case len(words) == 0:
		return "generating"
	case lifetime < 0:
		return words[len(words)-1]
	}
	return words[min(int(age.Seconds()/lifetime.Seconds()*float64(len(words))), len(words)-1)]
}

const (
	stateSuccess = "success"
	stateFail    = "fail"
)
