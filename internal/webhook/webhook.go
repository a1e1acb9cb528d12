// Package webhook receives the API's callbacks. A callback is signed for a task's id and a time, and its body is not signed:
// so it is a hint to ask about that task, and never tells anything itself.
package webhook

import (
	"cmp"
	"context"
	"io"
	"net/http"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

const (
	// atATime is how many callbacks are checked and heeded at a time. Those that still arrive do not count, so that slow senders
	// keep nobody out; how many of them there may be is for the listener to limit.
	atATime = 32
	// maxBody bounds what is read of a callback; the API sends about 2 KiB.
	maxBody = 64 << 10
	// readTimeout is how long a callback's body may take to arrive.
	readTimeout = 2 * time.Second
	// window is how far a callback's time may be from ours, either way.
	window = 5 * time.Minute
)

// Result is what became of a callback.
type Result uint8

// The results. Only the first one and Registered have a task asked.
const (
	Accepted    Result = iota // about a task that is tracked and unfinished
	Finished                  // about a task that is known to be finished, or was given up
	Unknown                   // about a task that is not tracked
	Unsigned                  // no signature, or not one of the account's keys
	Stale                     // dated too long ago, or ahead
	Malformed                 // does not name one task
	Overloaded                // there were too many at a time
	Registered                // about a task that was not tracked, and is from now on
	Refused                   // about one that was to be tracked, and could not be
	Progress                  // about a task that has a part of its result, and goes on
	Elsewhere                 // about a task that is another shard's
	Forwarded                 // about a task of another replica, which is told
	Unforwarded               // about a task of another replica, which can't be told now
	results
)

// Results returns every result.
func Results() []Result {
	return []Result{Accepted, Finished, Unknown, Unsigned, Stale, Malformed, Overloaded, Registered, Refused, Progress, Elsewhere, Forwarded, Unforwarded}
}

// String returns the label value of the result.
func (r Result) String() string {
	return [results]string{
		"accepted", "finished", "unknown", "unsigned", "stale", "malformed", "overloaded", "registered", "refused", "progress", "elsewhere", "forwarded",
		"unforwarded",
	}[r]
}

// status returns the HTTP status that tells the result. Who sends callbacks is not told which tasks there are.
func (r Result) status() int {
	switch r {
	case Unsigned, Stale:
		return http.StatusUnauthorized
	case Malformed:
		return http.StatusBadRequest
	case Overloaded, Refused, Unforwarded:
		return http.StatusServiceUnavailable // so that it is sent again
	case Elsewhere:
		return http.StatusMisdirectedRequest
	default:
		return http.StatusAccepted
	}
}

// Options say whose callbacks are received, and what is done with them.
type Options struct {
	// Keys returns the keys of an account that are in force; ok is false if there is no such account.
	Keys func(account string) (keys []string, ok bool)
	// Hint takes the hint that a task of an account has finished, and reports whether it is tracked, and still asked.
	Hint func(account, id string) (tracked, asked bool)
	// Register has a task that is not tracked be so from now on, if callbacks may do that: the result is Registered, Refused, or Unknown if
	// they may not. Nil: they may not.
	Register func(account, id string) Result
	// Elsewhere says whose a task of an account is that is another shard's; empty: it is not. Nil: none is.
	Elsewhere func(account, id string) string
	// Forward hands the hint to the replica that has a task, if another one does: the result is Forwarded or Unforwarded. Nil: none does.
	Forward func(ctx context.Context, account, id string) (result Result, elsewhere bool)
}

// Receiver receives callbacks and counts what becomes of them. It keeps nothing else, so a callback that comes again has no
// effect but the hint, which has a task asked no more often than it may be.
type Receiver struct {
	options Options
	slots   chan struct{}

	mu     sync.Mutex         // guards what follows
	counts map[string]*Counts // by account
}

// Counts are the callbacks of an account by what became of them.
type Counts [results]uint64

// Stat is what became of the callbacks of an account so far.
type Stat struct {
	Account string
	Counts  Counts
}

// New returns a receiver.
func New(o Options) *Receiver {
	if o.Elsewhere == nil {
		o.Elsewhere = func(string, string) string { return "" }
	}
	if o.Forward == nil {
		o.Forward = func(context.Context, string, string) (Result, bool) { return 0, false }
	}
	return &Receiver{options: o, slots: make(chan struct{}, atATime), counts: make(map[string]*Counts)}
}

// Register has callbacks received at /webhook/{account}, also with a slash at the end.
func (r *Receiver) Register(mux *http.ServeMux) {
	mux.Handle("POST /webhook/{account}", r)
	mux.Handle("POST /webhook/{account}/{$}", r)
}

// ServeHTTP implements http.Handler.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	account := req.PathValue("account")
	keys, ok := r.options.Keys(account)
	if !ok {
		http.NotFound(w, req)
		return
	}
	result, why := r.receive(w, req, account, keys)
	r.count(account, result)
	http.Error(w, cmp.Or(why, http.StatusText(result.status())), result.status())
}

// receive gives the hint if the callback is what it says. What costs least is looked at first, and a place is taken only once
// the whole callback is here. Why is what is said of that, if it is more than in general.
func (r *Receiver) receive(w http.ResponseWriter, req *http.Request, account string, keys []string) (result Result, why string) {
	s, result := readSignature(req.Header, time.Now())
	if result != Accepted {
		return result, ""
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(readTimeout)) // a recorder in a test has none
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBody))
	if err != nil {
		return Malformed, ""
	}
	select {
	case r.slots <- struct{}{}:
		defer func() { <-r.slots }()
		return r.verify(req.Context(), s, account, keys, body)
	default:
		return Overloaded, ""
	}
}

// verify gives the hint if one of the keys signed the callback.
func (r *Receiver) verify(ctx context.Context, s signature, account string, keys []string, body []byte) (result Result, why string) {
	id, progress, ok := taskID(body)
	if !ok || !kie.ValidID(id) {
		return Malformed, ""
	}
	if !s.isBy(keys, id) {
		return Unsigned, ""
	}
	if progress { // as nobody signs that, it can only spare a query
		return Progress, ""
	}
	if why := r.options.Elsewhere(account, id); why != "" {
		return Elsewhere, why
	}
	if result, elsewhere := r.options.Forward(ctx, account, id); elsewhere {
		return result, ""
	}
	return r.Hint(account, id), ""
}

// Hint gives the hint that a task has finished of which a callback came, here or to another replica.
func (r *Receiver) Hint(account, id string) Result {
	switch tracked, asked := r.options.Hint(account, id); {
	case asked:
		return Accepted
	case tracked:
		return Finished
	case r.options.Register != nil:
		return r.options.Register(account, id)
	default:
		return Unknown
	}
}

// count counts callbacks of accounts that there are, so the map is bounded.
func (r *Receiver) count(account string, result Result) {
	r.mu.Lock()
	defer r.mu.Unlock()
	counts, ok := r.counts[account]
	if !ok {
		counts = &Counts{}
		r.counts[account] = counts
	}
	counts[result]++
}

// Stat returns what became of an account's callbacks so far.
func (r *Receiver) Stat(account string) Stat {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := Stat{Account: account}
	if counts, ok := r.counts[account]; ok {
		s.Counts = *counts
	}
	return s
}
