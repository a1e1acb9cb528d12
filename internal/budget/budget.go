// Package budget holds an account's requests to what the account may spend: so many a second, so many at a time, and none
// while its gate is closed. It wraps the API's client and counts what becomes of each request.
package budget

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"

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
}

// Account is the budget of one account. It is safe for concurrent use.
type Account struct {
	client *kie.Client
	key    func() string
	slots  chan struct{}
	stats  stats

	mu      sync.Mutex
	limiter *rate.Limiter
	pace    pace
	gate    gate
	changed chan struct{} // closed and replaced when the gate moves
}

// New returns a full budget with an open gate.
func New(o Options) *Account {
	a := &Account{
		client:  o.Client,
		key:     o.Key,
		slots:   make(chan struct{}, o.Concurrent),
		limiter: rate.NewLimiter(rate.Limit(o.Rate), o.Concurrent),
		pace:    pace{full: o.Rate, base: o.Rate},
		changed: make(chan struct{}),
	}
	a.stats.init()
	return a
}

// Acquire waits until one request may be sent. The caller must spend the permit or release it.
func (a *Account) Acquire(ctx context.Context) (*Permit, error) {
	select {
	case a.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	for {
		permit, wait, changed := a.try(time.Now())
		if permit != nil {
			return permit, nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-changed:
			timer.Stop()
		case <-ctx.Done():
			timer.Stop()
			<-a.slots
			return nil, ctx.Err()
		}
	}
}

// try returns a permit, or how long to wait before the next try unless the gate moves before.
func (a *Account) try(now time.Time) (permit *Permit, wait time.Duration, changed <-chan struct{}) {
	key := a.key()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.gate.curedBy(key) {
		a.gate.open()
		a.moved()
	}
	if wait := a.gate.wait(now); wait > 0 {
		return nil, min(wait, keyPoll), a.changed
	}
	a.limiter.SetLimitAt(now, rate.Limit(a.pace.allowed(now)))
	// The token is taken only when it is there: one taken ahead and held while the gate closes would add to the next burst.
	if !a.limiter.AllowN(now, 1) {
		missing := 1 - a.limiter.TokensAt(now)
		return nil, max(time.Duration(missing/float64(a.limiter.Limit())*float64(time.Second)), time.Microsecond), a.changed
	}
	return &Permit{account: a, key: key, moves: a.gate.moves, trial: a.gate.beginTrial()}, 0, nil
}

// Closed tells the class of outcome that closed the gate; ok if it is open.
func (a *Account) Closed() kie.Class {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.gate.reason
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
