// Package kiesim is a simulated kie.ai API, served over real HTTP. Tests, benchmarks and the demo ask it instead of the real one.
//
// A task's whole life is settled when it is created. What an answer says follows from the time alone, so no timers run
// and the order of requests changes nothing.
package kiesim

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Options say how the simulated API behaves. The zero value is quick, patient, accepts any key and knows the default models.
type Options struct {
	Seed    uint64   // same seed, same lives in the same order of creation
	Speed   float64  // how much faster than in reality tasks live; 0 means 1
	Keys    []string // accepted API keys; none: every key that is not empty
	Credits float64  // the balance at the start
	TopUp   float64  // added whenever the balance falls below a tenth of it; 0: never

	RequestsPerSecond float64       // of one key, over a sliding window; beyond it code 429; 0: no limit
	Latency           time.Duration // delay of every answer
	RealisticLatency  bool          // on top of Latency: 0.32 s in the middle, 0.7 s at the 99th percentile, whatever Speed is
	Grace             time.Duration // for how long a task is unknown after its creation, whatever Speed is
	ClockOffset       time.Duration // how far the API's clock, in times and Date header, is ahead of the local one

	Models         []Model       // nil: DefaultModels
	Incidents      bool          // things go wrong on a schedule, see incident.go
	IncidentsAhead time.Duration // simulated time by which the schedule has gone on at the start
	Record         bool          // keep every request for Requests
}

// Server is the simulated API. It is an http.Handler, safe for concurrent use, and starts no goroutines but for
// the callbacks that Generate waits for.
type Server struct {
	o        Options
	start    time.Time
	failures []Failure
	shapes   map[Endpoint]shape

	mu       sync.Mutex // guards what follows
	keys     map[string]bool
	credits  float64
	tasks    map[string]entry
	created  uint64                 // tasks created so far: the next one's sequence number
	bogus    uint64                 // ids listed so far that do not exist
	admitted map[string][]time.Time // the latest requests of each key that the rate limit let pass
	healthAt time.Time              // when it last told how a model fares
	faults   []*injection
	mixture  Mixture
	log      requestLog
}

// entry is a task as it is kept: the draw of a created task is repeated when needed, a scripted one is stored.
type entry struct {
	seq      uint64
	created  time.Time
	endpoint Endpoint
	scripted *Task
}

// New returns a simulated API whose schedule of incidents starts now.
func New(o Options) *Server {
	if o.Speed <= 0 {
		o.Speed = 1
	}
	if o.Models == nil {
		o.Models = DefaultModels()
	}
	s := &Server{
		o: o, start: time.Now(), failures: Failures(), shapes: shapes(), credits: o.Credits,
		tasks: map[string]entry{}, admitted: map[string][]time.Time{}, log: newRequestLog(),
	}
	s.SetKeys(o.Keys...)
	return s
}

// ServeHTTP answers GET /api/v1/jobs/recordInfo?taskId=…, likewise for the other endpoints, GET /api/v1/chat/credit, and
// GET /api/v1/models/…/success-rate.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	n := s.arrive(r)
	rep := s.reply(r, n)
	// The request is counted before its answer is sent, so that whoever has the answer finds it counted.
	s.leave(n, rep.code)
	if rep.cut {
		cutOff(w)
		return
	}
	s.write(w, n.number, rep)
}

// Create makes a new task with a random life and charges its credits at once: those of a failure are, mostly, never taken.
func (s *Server) Create() (id, model string) { return s.CreateAt(RecordInfo) }

// CreateAt makes a new task as Create does, of which an endpoint tells.
func (s *Server) CreateAt(endpoint Endpoint) (id, model string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := entry{seq: s.created, created: time.Now(), endpoint: endpoint}
	s.created++
	t := s.draw(e)
	s.tasks[t.ID] = e
	s.chargeLocked(t.Credits)
	return t.ID, t.Model
}

// Put adds a scripted task, or replaces one. It costs nothing of the balance.
func (s *Server) Put(t Task) {
	if t.Created.IsZero() {
		t.Created = time.Now()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tasks[t.ID] = entry{created: t.Created, scripted: &t}
}

// Remove makes a task unknown.
func (s *Server) Remove(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.tasks, id)
}

// SetKeys replaces the accepted keys; none: every key that is not empty is accepted.
func (s *Server) SetKeys(keys ...string) {
	accepted := make(map[string]bool, len(keys))
	for _, k := range keys {
		accepted[k] = true
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = accepted
}

// SetCredits sets the balance.
func (s *Server) SetCredits(credits float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.credits = credits
}

// chargeLocked takes credits off the balance, which never gets below 0.
func (s *Server) chargeLocked(credits float64) {
	s.credits = max(0, s.credits-credits)
	if s.credits < s.o.TopUp/10 {
		s.credits += s.o.TopUp
	}
}

// balance returns the credits left.
func (s *Server) balance() float64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.credits
}

// task finds a task by its id.
func (s *Server) task(id string) (Task, bool) {
	s.mu.Lock()
	e, ok := s.tasks[id]
	s.mu.Unlock()
	switch {
	case !ok:
		return Task{}, false
	case e.scripted != nil:
		return *e.scripted, true
	}
	return s.draw(e), true
}

// SetRequestsPerSecond puts another rate limit in force.
func (s *Server) SetRequestsPerSecond(limit float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.o.RequestsPerSecond = limit
}

// admit applies the rate limit to a request of key that comes now. A refused request does not count.
func (s *Server) admit(key string, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.o.RequestsPerSecond <= 0 {
		return true
	}
	// A limit that is not whole gets a window in which it is.
	limit := math.Ceil(s.o.RequestsPerSecond)
	window := time.Duration(limit / s.o.RequestsPerSecond * float64(time.Second))
	recent := s.admitted[key]
	for len(recent) > 0 && now.Sub(recent[0]) >= window {
		recent = recent[1:]
	}
	ok := len(recent) < int(limit)
	if ok {
		recent = append(recent, now)
	}
	s.admitted[key] = recent
	return ok
}

// clock tells the API's time.
func (s *Server) clock() time.Time { return time.Now().Add(s.o.ClockOffset) }

// stream names a series of random draws, each independent of the others.
type stream uint64

const (
	streamLives stream = iota
	streamRequests
	streamArrivals
	streamBogus
	streamFaults
)

// rand returns the random numbers of the nth draw in a stream: the same ones whenever they are asked for.
func (s *Server) rand(of stream, n uint64) *rand.Rand {
	const golden = 0x9e3779b97f4a7c15                                // spreads neighbouring draws over the generator's states
	return rand.New(rand.NewPCG(s.o.Seed, (n<<3|uint64(of))*golden)) //nolint:gosec // lives must be repeatable, not secret
}

// newID draws an id as the API forms them: 32 hexadecimal digits.
func newID(r *rand.Rand) string { return fmt.Sprintf("%016x%016x", r.Uint64(), r.Uint64()) }
