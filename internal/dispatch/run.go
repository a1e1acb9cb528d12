// The loop that spends the budget.

package dispatch

import (
	"context"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
)

// Run asks until ctx ends and every request under way has ended.
func (d *Dispatcher) Run(ctx context.Context) {
	var requests sync.WaitGroup
	defer requests.Wait()
	for d.awaitWork(ctx) {
		permit, err := d.budget.Acquire(ctx)
		if err != nil {
			return
		}
		send := d.choose(permit)
		if send == nil {
			permit.Release()
			continue
		}
		requests.Go(func() { send(ctx) })
	}
}

// awaitWork waits until something is due; false: ctx has ended.
func (d *Dispatcher) awaitWork(ctx context.Context) bool {
	for ctx.Err() == nil {
		wait, timed := d.untilAny(time.Now())
		if timed && wait <= 0 {
			return true
		}
		var timer <-chan time.Time
		if timed {
			timer = time.After(wait)
		}
		select {
		case <-d.wake:
		case <-timer:
		case <-ctx.Done():
		}
	}
	return false
}

// untilAny returns how long it is until something is due, models among it; false if nothing will be before somebody wakes the dispatcher.
func (d *Dispatcher) untilAny(now time.Time) (time.Duration, bool) {
	at, ok, awake := d.tasks.NextDue(now)
	d.mu.Lock()
	defer d.mu.Unlock()
	wait, timed := d.untilWorkLocked(now, at, ok, awake)
	if !awake {
		return wait, timed
	}
	if at, due := d.modelsDueAtLocked(now, now.Add(wait), timed); due && (!timed || at.Sub(now) < wait) {
		return at.Sub(now), true
	}
	return wait, timed
}

// untilWork returns how long it is until a task or the balance is due; false if neither will be before somebody wakes the dispatcher.
func (d *Dispatcher) untilWork(now time.Time) (time.Duration, bool) {
	at, ok, awake := d.tasks.NextDue(now)
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.untilWorkLocked(now, at, ok, awake)
}

// untilWorkLocked does what untilWork does, when the next task is due then.
func (d *Dispatcher) untilWorkLocked(now, at time.Time, ok, awake bool) (time.Duration, bool) {
	if !awake && !d.notes.key.untried {
		return 0, false
	}
	if due, asks := d.credits.dueAt(); asks && (!ok || due.Before(at)) {
		at, ok = due, true
	}
	return at.Sub(now), ok
}

// isDue reports whether there is something to ask now.
func (d *Dispatcher) isDue() bool {
	wait, timed := d.untilWork(time.Now())
	return timed && wait <= 0
}

// choose returns the request that is worth most now; nil if nothing is due any more.
func (d *Dispatcher) choose(permit *budget.Permit) func(context.Context) {
	now := time.Now()
	askCredits := func(ctx context.Context) { d.askCredits(ctx, permit) }
	if d.beginsCredits(now, permit) {
		return askCredits
	}
	q, ok := d.tasks.Take(now, permit)
	if !ok {
		if d.beginsDueCredits(now) {
			return askCredits
		}
		model, ok := d.beginsModel(now, permit)
		if !ok {
			return nil
		}
		return func(ctx context.Context) { d.askModel(ctx, permit, model) }
	}
	d.noteKeyTried()
	permit.Worth(q.Worth)
	if q.Unproven {
		permit.Unproven()
	}
	return func(ctx context.Context) {
		answer, err := permit.Record(ctx, q.Endpoint, q.ID)
		d.Note(q.ID, answer, err)
		q.Learn(answer, err)
	}
}

// AcquireProbe waits for a permit to ask about a task out of turn. A trial that is better made with the credit call is, before that.
func (d *Dispatcher) AcquireProbe(ctx context.Context, id string, unlisted bool) (*budget.Permit, error) {
	for {
		permit, err := d.budget.AcquireProbe(ctx, budget.Probe{ID: id, Unlisted: unlisted, Due: d.isDue})
		if err != nil {
			return nil, err
		}
		if !d.beginsKeyTrial(permit) {
			return permit, nil
		}
		d.askCredits(ctx, permit)
	}
}
