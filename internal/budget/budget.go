// Package budget holds an account's requests to what the account may spend: so many a second, so many at a time, and none
// while its gate is closed. It wraps the API's client and counts what becomes of each request.
package budget

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/histogram"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/pace"
)

// longestPoll is after how long whoever waits looks again at the latest: for another key, a free slot, the right to ask, or the end of a trial.
const longestPoll = 5 * time.Second

// Options say what an account may spend.
type Options struct {
	Client     *kie.Client
	Key        func() string // the key in force; a changed one opens a gate that was closed because of the key
	Rate       float64       // requests a second
	Most       float64       // requests a second up to which it is learned how many the API lets pass; Rate or less: it is not
	Concurrent int           // requests at a time, and the burst: a window of W seconds sees at most Concurrent + max(Rate, Most)·W
	Part       float64       // which part of the account Rate, Most and Concurrent are; 0: the whole
	Histograms histogram.New // of how long requests take; New alone heeds it
	Pace       Pace          // nil: Rate and Concurrent are this process's alone; New alone heeds it
	// Right reports whether this process may ask now, which another may have taken over from it; nil: it always may. It is asked with the
	// lock held, before a permit is given and again right before a request is sent.
	Right func() bool
	// Empty has the budget begin without a burst, for who spent it until now may have spent all. New alone heeds it.
	Empty bool
}

func (o Options) paceOptions() pace.Options {
	return pace.Options{Rate: o.Rate, Most: o.Most, Burst: o.Concurrent, Part: o.Part}
}

// ErrClosed says that an account is not asked for now.
var ErrClosed = errors.New("the account is closed for now")

// ErrNoRight says that the account may not be asked by this process. It tells nothing about the API.
var ErrNoRight = errors.New("the account is another process's")

// Account is the budget of one account. It is safe for concurrent use.
//
// Order of locks: turn, mu. The pace is asked with the turn held and mu not held, so that readers of the account, and requests that
// end, never wait for the pace.
type Account struct {
	stats stats
	pace  Pace
	turn  chan struct{} // has a token while somebody finds out whether a request may be sent

	mu      sync.Mutex // guards what follows
	options Options
	busy    int // permits neither spent nor released; grows only with the turn held
	probes  probes
	gate    gate
	changed chan struct{} // closed and replaced when a waiting acquire is to try again
}

// New returns a full budget with an open gate.
func New(o Options) *Account {
	a := &Account{
		options: o,
		pace:    o.Pace,
		turn:    make(chan struct{}, 1),
		probes:  probes{turn: 1},
		changed: make(chan struct{}),
	}
	if a.pace == nil {
		a.pace = newLocal(o.paceOptions(), o.Empty)
	}
	a.stats.init(o.Histograms)
	return a
}

// Reconfigure puts other options in force, but for the pace, which is told of them. What was spent and counted stays so, and the gate
// stays as it is: no change of options makes room for a burst. Requests under way end as they began.
func (a *Account) Reconfigure(o Options) {
	a.pace.Reconfigure(o.paceOptions())
	a.mu.Lock()
	defer a.mu.Unlock()
	a.options = o
	a.wakeLocked()
}

// Acquire waits until one request may be sent. The caller must spend the permit or release it.
func (a *Account) Acquire(ctx context.Context) (*Permit, error) { return a.acquire(ctx, nil) }

// AcquireProbe is Acquire for a query about one task, out of turn. It does not wait for a closed gate to open: unless a trial is due
// that may be about that task, the error is ErrClosed. Without the right to ask it is ErrNoRight.
func (a *Account) AcquireProbe(ctx context.Context, p Probe) (*Permit, error) {
	return a.acquire(ctx, &p)
}

// acquire waits for a permit; for a probe it does not wait until the gate opens.
func (a *Account) acquire(ctx context.Context, p *Probe) (*Permit, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		permit, wait, changed := a.try(ctx, p)
		if permit != nil {
			return permit, nil
		}
		switch {
		case p != nil && !a.hasRight():
			return nil, ErrNoRight
		case p != nil && a.Closed() != kie.ClassOK:
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
func (a *Account) try(ctx context.Context, p *Probe) (permit *Permit, wait time.Duration, changed <-chan struct{}) {
	key := a.keyFunc()()               // may read a file, so the lock is not held
	w := purpose{p, key, p.contends()} // calls Probe.Due, which takes other locks, so the lock is not held
	select {
	case a.turn <- struct{}{}:
		defer func() { <-a.turn }()
	case <-ctx.Done():
		return nil, 0, nil
	}
	// A right is taken from the pace only if it can be used now: one held while the gate closes would add to the next burst.
	if wait, changed = a.blocked(w); wait > 0 {
		return nil, wait, changed
	}
	if wait = a.pace.Take(ctx); wait > 0 {
		return nil, wait, changed
	}
	return a.grant(w)
}

// purpose is what a permit is wanted for.
type purpose struct {
	probe     *Probe // nil: the dispatcher picks the request
	key       string // in force
	contended bool   // tracked tasks are due, too
}

// blocked returns for how long there is no permit for a purpose, whatever the pace says, unless something changes before.
func (a *Account) blocked(w purpose) (wait time.Duration, changed <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.blockedLocked(w), a.changed
}

// blockedLocked does what blocked does, and opens a gate that another key opens.
func (a *Account) blockedLocked(w purpose) time.Duration {
	if a.gate.opensWith(w.key) {
		a.gate.open()
		a.wakeLocked()
	}
	p := w.probe
	if !a.hasRightLocked() {
		return longestPoll
	}
	if a.busy >= a.options.Concurrent {
		return longestPoll
	}
	if wait := a.gate.wait(time.Now(), p.id()); wait > 0 {
		return min(wait, longestPoll)
	}
	if a.gate.reason != kie.ClassOK && p != nil && p.Unlisted && w.contended {
		return longestPoll // the trial is for a task that is due
	}
	if p != nil && !a.probes.mayGo(a.options.Concurrent, w.contended) {
		return probePoll
	}
	return 0
}

// grant returns a permit for which the pace has given the right. If the gate has closed meanwhile, there is none, and the right is lost.
func (a *Account) grant(w purpose) (permit *Permit, wait time.Duration, changed <-chan struct{}) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if wait := a.blockedLocked(w); wait > 0 {
		return nil, wait, a.changed
	}
	p := w.probe
	a.busy++
	a.probes.granted(p, w.contended)
	return &Permit{
		account: a, client: a.options.Client, key: w.key, moves: a.gate.moves, trial: a.gate.beginTrial(),
		probe: p != nil, unlisted: p != nil && p.Unlisted,
	}, 0, nil
}

// Recall begins with what Knee told in an earlier life, unless something is known.
func (a *Account) Recall(knee float64) { a.pace.Recall(knee) }

// Knee returns how many requests a second of the whole account the API was found to let pass at most; 0: that is not known.
func (a *Account) Knee() float64 { return a.pace.Knee() }

// hasRight reports whether this process may ask.
func (a *Account) hasRight() bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.hasRightLocked()
}

func (a *Account) hasRightLocked() bool { return a.options.Right == nil || a.options.Right() }

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

// Delay returns for how long a request that is sent now may hold up the next one at the most, as far as its answer comes within a second.
func (a *Account) Delay() time.Duration {
	delay := time.Duration(float64(time.Second) / max(a.pace.Allowed(), 1e-3))
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.busy+1 >= a.options.Concurrent {
		delay = max(delay, time.Second)
	}
	return delay
}

// free ends a permit: another request may be under way in its place.
func (a *Account) free(p *Permit) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.busy--
	if p.probe {
		a.probes.inFlight--
	}
	a.wakeLocked()
}

// wakeLocked has every waiting acquire try again.
func (a *Account) wakeLocked() {
	close(a.changed)
	a.changed = make(chan struct{})
}

// settle tells gate and pace what became of a request.
func (a *Account) settle(p *Permit, subject string, err error) {
	if a.settleGate(p, subject, err) {
		a.pace.Slow()
	}
}

// settleGate tells the gate, and reports whether the API refused the request as too fast.
func (a *Account) settleGate(p *Permit, subject string, err error) (tooFast bool) {
	now := time.Now()
	a.mu.Lock()
	defer a.mu.Unlock()
	before := a.gate.moves
	a.gate.settle(outcomeOf(p, subject, err), now)
	if a.gate.moves == before {
		return false
	}
	a.wakeLocked()
	return a.gate.reason == kie.ClassRateLimited && kie.ClassOf(err) == kie.ClassRateLimited
}
