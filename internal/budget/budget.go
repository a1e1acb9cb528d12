// Package budget holds an account's requests to what the account may spend: so many a second, so many at a time, and none
// while its gate is closed. It wraps the API's client and counts what becomes of each request.
package budget

import (
	"context"
	"errors"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/kie-exporter/kie_exporter/internal/histogram"
	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// keyPoll is how often a key is looked at while the gate is closed for a reason that another key would cure.
const keyPoll = 5 * time.Second

// Options say what an account may spend.
type Options struct {
	Client     *kie.Client
	Key        func() string // the key in force; a changed one opens a gate that was closed because of the key
	Rate       float64       // requests a second
	Concurrent int           // requests at a time, and the burst: a window of W seconds sees at most Concurrent + Rate·W
	Histograms histogram.New // of how long requests take; New alone heeds it
}

// ErrClosed says that an account is not asked for now.
var ErrClosed = errors.New("the account is closed for now")

// Account is the budget of one account. It is safe for concurrent use.
type Account struct {
	stats stats

	mu      sync.Mutex
	options Options
	busy    int // requests that may be under way
	probes  probes
	limiter *rate.Limiter
	pace    pace
	gate    gate
	changed chan struct{} // closed and replaced when there may be a permit for who waits, or no hope of one
}

// New returns a full budget with an open gate.
func New(o Options) *Account {
	a := &Account{
		options: o,
		limiter: rate.NewLimiter(rate.Limit(o.Rate), o.Concurrent),
		pace:    pace{full: o.Rate, base: o.Rate},
		probes:  probes{turn: 1},
		changed: make(chan struct{}),
	}
	a.stats.init(o.Histograms)
	return a
}

// Reconfigure puts other options in force. What was spent and counted stays so, and the gate stays as it is: no change of
// options makes room for a burst. Requests under way end as they began.
func (a *Account) Reconfigure(o Options) {
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now()
	a.options = o
	a.pace.scale(o.Rate, now)
	a.limiter.SetLimitAt(now, rate.Limit(a.pace.allowed(now)))
	a.limiter.SetBurstAt(now, o.Concurrent)
	a.moved()
}

// Acquire waits until one request may be sent. The caller must spend the permit or release it.
func (a *Account) Acquire(ctx context.Context) (*Permit, error) { return a.acquire(ctx, nil) }

// AcquireProbe is Acquire for who wants to ask about one task and can't wait for a gate to open: while it is closed, and no
// trial is due that may be about that task, the error is ErrClosed.
func (a *Account) AcquireProbe(ctx context.Context, p Probe) (*Permit, error) {
	return a.acquire(ctx, &p)
}

// acquire waits for a permit; for a probe it does not wait until the gate opens.
func (a *Account) acquire(ctx context.Context, p *Probe) (*Permit, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		permit, wait, changed := a.try(p)
		if permit != nil {
			return permit, nil
		}
		if p != nil && a.Closed() != kie.ClassOK {
			return nil, ErrClosed
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-changed:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			return nil, ctx.Err()
		}
	}
}

// try returns a permit, or how long to wait before the next try unless something changes before.
func (a *Account) try(p *Probe) (permit *Permit, wait time.Duration, changed <-chan struct{}) {
	key := a.keyFunc()()      // may read a file, so the lock is not held
	contended := p.contends() // takes the lock of who knows
	a.mu.Lock()
	defer a.mu.Unlock()
	now := time.Now() // under the lock: to a limiter whose time goes back, the same time comes twice
	if a.gate.curedBy(key) {
		a.gate.open()
		a.moved()
	}
	if a.busy >= a.options.Concurrent {
		return nil, keyPoll, a.changed
	}
	if wait := a.gate.wait(now, p.id()); wait > 0 {
		return nil, min(wait, keyPoll), a.changed
	}
	if a.gate.reason != kie.ClassOK && p != nil && p.Stranger && contended {
		return nil, keyPoll, a.changed // the trial is for a task that is due
	}
	if p != nil && !a.probes.mayGo(a.options.Concurrent, contended) {
		return nil, probePoll, a.changed
	}
	a.limiter.SetLimitAt(now, rate.Limit(a.pace.allowed(now)))
	// The token is taken only when it is there: one taken ahead and held while the gate closes would add to the next burst.
	if !a.limiter.AllowN(now, 1) {
		missing := 1 - a.limiter.TokensAt(now)
		return nil, max(time.Duration(missing/float64(a.limiter.Limit())*float64(time.Second)), time.Microsecond), a.changed
	}
	a.busy++
	a.probes.given(p, contended)
	return &Permit{
		account: a, client: a.options.Client, key: key, moves: a.gate.moves, trial: a.gate.beginTrial(),
		probe: p != nil, stranger: p != nil && p.Stranger,
	}, 0, nil
}

func (a *Account) keyFunc() func() string {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.options.Key
}

// Closed tells the class of outcome that closed the gate; ok if it is open.
func (a *Account) Closed() kie.Class {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.gate.reason
}

// leave makes room for another request.
func (a *Account) leave(p *Permit) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.busy--
	if p.probe {
		a.probes.inFlight--
	}
	a.moved()
}

func (a *Account) moved() {
	close(a.changed)
	a.changed = make(chan struct{})
}

// settle tells gate and pace what became of a request.
func (a *Account) settle(p *Permit, subject string, err error) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.gate.moves
	a.gate.settle(outcomeOf(p, subject, err), now)
	if a.gate.moves == before {
		return
	}
	if a.gate.reason == kie.ClassRateLimited && kie.ClassOf(err) == kie.ClassRateLimited {
		a.pace.halve(now)
	}
	a.moved()
}
