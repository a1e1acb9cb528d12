// The API: simulated, misbehaving at random, and watching what it is asked.

package soak_test

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

// The budget of each account, and how far requests may be held up on their way, so that they arrive closer together.
const (
	accountRate       = 20 // per second; the most that any configuration says
	accountConcurrent = 8
	heldUp            = time.Second
)

// clientTimeout is the accounts' setting. Faults delay an answer by far less, or forever.
const clientTimeout = 3 * time.Second

// api is the simulated API. It is safe for concurrent use.
type api struct {
	*kiesim.Server
	url      string
	verdict  *verdict
	accounts map[string]string // by key

	connections atomic.Int64 // that are open

	mu          sync.Mutex
	life        int // number of the exporter's process that asks
	told        map[string]telling
	settled     map[string]bool // known for good: finished on disk when a process ended
	unconfirmed map[string]telling
	// What was asked before droppedAt of tasks dropped then is of no more use to the process, even if it is answered later.
	droppedAt time.Time
	dropped   func(id string) bool
	arrivals  map[string][]time.Time // latest of each account, by the process that asks now
	asked     int
	peak      int // requests of an account in a second
	repeated  int // asked again legitimately: the answer had been lost
}

// telling is a whole answer that a task has finished, given to a process.
type telling struct {
	life int
	at   time.Time
}

func startAPI(t *testing.T, seed uint64, v *verdict) *api {
	t.Helper()
	a := &api{
		Server:      kiesim.New(kiesim.Options{Seed: seed, Latency: 2 * time.Millisecond, Credits: 1e6, TopUp: 1e6}),
		verdict:     v,
		accounts:    map[string]string{},
		told:        map[string]telling{},
		settled:     map[string]bool{},
		unconfirmed: map[string]telling{},
	}
	server := httptest.NewUnstartedServer(a)
	server.Config.ConnState = a.count
	server.Start()
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

// count counts a connection when it comes and when it goes.
func (a *api) count(_ net.Conn, state http.ConnState) {
	switch state {
	case http.StateNew:
		a.connections.Add(1)
	case http.StateClosed, http.StateHijacked: // to be cut off
		a.connections.Add(-1)
	case http.StateActive, http.StateIdle:
	}
}

// ServeHTTP implements http.Handler.
func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	account, ok := a.accounts[strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")]
	a.verdict.check(withinBudget, ok, "a request with an unknown key")
	id := r.URL.Query().Get("taskId")
	came := time.Now()
	life := a.arrive(account, id)
	copied := &copier{ResponseWriter: w}
	a.Server.ServeHTTP(copied, r)
	// Nothing has left yet: an answer this short is sent when the handler returns.
	if r.Context().Err() == nil && copied.tellsEnd(id) {
		a.mu.Lock()
		defer a.mu.Unlock()
		if came.After(a.droppedAt) || !a.dropped(id) {
			a.told[id] = telling{life, time.Now()}
		}
	}
}

// arrive looks at a request when it comes.
func (a *api) arrive(account, id string) (life int) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked++
	a.weigh(account, now)
	if id == "" {
		return a.life
	}
	before, told := a.told[id]
	a.verdict.check(askedNoMore, !a.settled[id], "%s was finished on disk, and is asked", id)
	switch {
	case told && before.life == a.life:
		a.unconfirmed[id] = before // unless the process says that the answer did not reach it
	case told:
		a.repeated++
		delete(a.told, id)
	}
	return a.life
}

// weigh holds the latest requests of an account to its budget. The lock is held.
func (a *api) weigh(account string, now time.Time) {
	a.arrivals[account] = append(a.arrivals[account], now)
	for _, window := range []time.Duration{10 * time.Second, time.Second} {
		recent := a.arrivals[account]
		for now.Sub(recent[0]) > window {
			recent = recent[1:]
		}
		if window > time.Second {
			a.arrivals[account] = recent
		} else {
			a.peak = max(a.peak, len(recent))
		}
		most := accountConcurrent + int(accountRate*(window+heldUp).Seconds())
		a.verdict.check(withinBudget, len(recent) <= most, "account %s sent %d requests in %v, not %d", account, len(recent), window, most)
	}
}

// begin notes that another process asks from now on.
func (a *api) begin(life int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.life, a.arrivals = life, map[string][]time.Time{}
}

// end notes what was on disk when a process ended, and judges the queries it repeated. failed are the tasks of which it said
// that a query failed.
func (a *api) end(finished map[string]bool, failed map[string]bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for id := range a.unconfirmed {
		a.verdict.check(askedNoMore, failed[id], "%s is asked again by the process that was told its end", id)
		if failed[id] {
			a.repeated++
		}
	}
	clear(a.unconfirmed)
	for id := range finished {
		a.settled[id] = true
	}
}

// forget takes back what was told of some tasks since a moment: they were dropped while their answers were on the way.
func (a *api) forget(since time.Time, dropped func(id string) bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.droppedAt, a.dropped = time.Now(), dropped
	for id, told := range a.told {
		if told.at.After(since) && dropped(id) {
			delete(a.told, id)
		}
	}
}

// endedIn returns the process that was last told of a task's end.
func (a *api) endedIn(id string) (life int, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	told, ok := a.told[id]
	return told.life, ok
}

func (a *api) counts() (asked, repeated, peak int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.asked, a.repeated, a.peak
}

// copier keeps a copy of an answer.
type copier struct {
	http.ResponseWriter
	body bytes.Buffer
}

func (c *copier) Write(b []byte) (int, error) {
	c.body.Write(b)
	return c.ResponseWriter.Write(b)
}

// Unwrap lets the simulation cut the connection.
func (c *copier) Unwrap() http.ResponseWriter { return c.ResponseWriter }

// isAbout reports whether the answer is one about a task.
func (c *copier) isAbout(id string) bool {
	about, _ := c.tells()
	return id != "" && about == id
}

// tellsEnd reports whether the answer is one that tells that a task has finished.
func (c *copier) tellsEnd(id string) bool {
	_, state := c.tells()
	return c.isAbout(id) && (state == "success" || state == "fail")
}

// tells returns what an answer is about and the state it tells; nothing if it is none.
func (c *copier) tells() (id, state string) {
	var e struct {
		Code int `json:"code"`
		Data struct {
			TaskID string `json:"taskId"`
			State  string `json:"state"`
		} `json:"data"`
	}
	if json.Unmarshal(c.body.Bytes(), &e) != nil || e.Code != http.StatusOK {
		return "", ""
	}
	return e.Data.TaskID, e.Data.State
}

// misbehave lets a share of all requests go wrong.
func (a *api) misbehave(share float64) {
	fault := func(name string, weight float64, f kiesim.Fault) kiesim.Ingredient {
		return kiesim.Ingredient{Name: name, Weight: weight, Fault: f}
	}
	other := `{"code":200,"msg":"success","data":{"taskId":"another","model":"m","state":"success","createTime":1,"completeTime":2}}`
	a.Mix(kiesim.Mixture{Share: share, Faults: []kiesim.Ingredient{
		fault("slow answer", 12, kiesim.Fault{Delay: 500 * time.Millisecond}),
		fault("no answer", 1, kiesim.Fault{Hang: true}),
		fault("connection reset", 4, kiesim.Fault{Reset: true}),
		fault("code 500", 3, kiesim.Fault{Code: 500, Msg: "Server exception, please try again later"}),
		fault("status 502, HTML", 2, kiesim.Fault{Status: 502, Body: "<html>" + kiesim.Canary}),
		fault("status 501", 1, kiesim.Fault{Status: 501}),
		fault("code 422, no record", 1, kiesim.Fault{Code: 422, Msg: "recordInfo is null"}),
		fault("code 409", 1, kiesim.Fault{Code: 409, Msg: kiesim.Canary}),
		fault("garbage", 2, kiesim.Fault{Body: "\x00\xff{" + kiesim.Canary}),
		fault("half an answer", 2, kiesim.Fault{Body: other[:60]}),
		fault("empty answer", 1, kiesim.Fault{Status: http.StatusOK}),
		fault("another task's answer", 2, kiesim.Fault{Body: other}),
	}})
}

// behave ends all misbehaviour.
func (a *api) behave() { a.Mix(kiesim.Mixture{}) }

// incident is a time in which every request meets the same fault.
type incident struct {
	name   string
	fault  kiesim.Fault
	atMost time.Duration
	rare   bool // it closes the accounts for a minute, so it is for long soaks only
}

func incidents() []incident {
	return []incident{
		{name: "rate limit", fault: kiesim.Fault{Code: 429, Msg: "slow down", Header: http.Header{"Retry-After": {"1"}}}, atMost: time.Second},
		{name: "server down", fault: kiesim.Fault{Status: 503}, atMost: 3 * time.Second},
		{name: "all reset", fault: kiesim.Fault{Reset: true}, atMost: 3 * time.Second},
		{name: "all silent", fault: kiesim.Fault{Hang: true}, atMost: 5 * time.Second},
		{name: "maintenance", fault: kiesim.Fault{Code: 455}, atMost: 2 * time.Second, rare: true},
		{name: "key refused", fault: kiesim.Fault{Code: 401}, atMost: 2 * time.Second, rare: true},
	}
}

// pickIncident draws one.
func pickIncident(r *rand.Rand, long bool) incident {
	for {
		if i := incidents()[r.IntN(len(incidents()))]; !i.rare || long && r.IntN(4) == 0 {
			return i
		}
	}
}

// isSettled reports whether a task was finished on disk when a process ended.
func (a *api) isSettled(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.settled[id]
}

// process returns the number of the process that asks.
func (a *api) process() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.life
}
