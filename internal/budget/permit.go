// One request that may be sent.

package budget

import (
	"context"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// Permit is the right to send one request.
type Permit struct {
	account *Account
	client  *kie.Client
	key     string // in force when the permit was given
	moves   uint64 // of the gate until then
	trial   trial

	probe    bool
	unlisted bool // the probe is about a task that is not tracked
	unproven bool // the request is about a task about which the API has never answered
}

// Unproven says, before the request is sent, that it is about a task about which the API has never answered. That it fails says
// little then.
func (p *Permit) Unproven() { p.unproven = true }

// Worth says, before the request is sent, what it is worth, in seconds of delay: more than the configured rate is for requests that are
// worth something.
func (p *Permit) Worth(seconds float64) { p.account.pace.Worth(seconds) }

// IsTrial reports whether the request is to find out if a closed gate can open.
func (p *Permit) IsTrial() bool { return p.trial != trialNone }

// PrefersCredit reports whether the request is to be the credit call: it tries out a key without touching a task.
func (p *Permit) PrefersCredit() bool { return p.trial == trialCredit }

// Avoids reports whether a trial should be about another task, if there is one: this one has closed the gate, or failed to
// open it.
func (p *Permit) Avoids(id string) bool {
	p.account.mu.Lock()
	defer p.account.mu.Unlock()
	return p.account.gate.closedBy(id)
}

// Record spends the permit on a query of an endpoint.
func (p *Permit) Record(ctx context.Context, e kie.Endpoint, id string) (kie.Answer, error) {
	return spend(p, e, id, func() (kie.Answer, error) { return p.client.Record(ctx, e, id) })
}

// Credit spends the permit on a credit call.
func (p *Permit) Credit(ctx context.Context) (float64, error) {
	return spend(p, kie.Credit, "", func() (float64, error) { return p.client.Credit(ctx) })
}

// ModelHealth spends the permit on the question how a model fares. What becomes of it is counted, and says nothing of whether tasks can be
// asked about: the API has a limit and faults of its own for that.
func (p *Permit) ModelHealth(ctx context.Context, model string) (kie.Health, error) {
	a := p.account
	defer a.free(p)
	a.stats.inFlight.Add(1)
	start := time.Now()
	h, err := sendWith(a, func() (kie.Health, error) { return p.client.ModelHealth(ctx, model) })
	a.stats.inFlight.Add(-1)
	if !kie.Cancelled(err) {
		a.stats.count(kie.ModelHealth, time.Since(start), err)
	}
	return h, err
}

// Release gives the permit back unspent. Its share of the rate is lost, so that no burst can come of it.
func (p *Permit) Release() {
	a := p.account
	a.mu.Lock()
	if p.trial != trialNone && p.moves == a.gate.moves {
		a.gate.abandonTrial()
		a.wakeLocked()
	}
	a.mu.Unlock()
	a.free(p)
}

// spend sends the request, counts it and settles the gate before the slot is free again.
func spend[T any](p *Permit, endpoint kie.Endpoint, subject string, send func() (T, error)) (T, error) {
	a := p.account
	defer a.free(p)
	a.stats.inFlight.Add(1)
	start := time.Now()
	value, err := sendWith(a, send)
	a.stats.inFlight.Add(-1)
	if !kie.Cancelled(err) {
		a.stats.observe(endpoint, time.Since(start), err)
	}
	a.settle(p, subject, err)
	return value, err
}

// sendWith sends a request if this process may, still.
func sendWith[T any](a *Account, send func() (T, error)) (value T, err error) {
	if !a.hasRight() {
		return value, ErrNoRight
	}
	return send()
}
