// Requests that are about the account, and what requests say of it.

package dispatch

import (
	"context"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// beginsCredits begins a credit call if it comes before all tasks: when it is due, and as the trial for which it is best.
func (d *Dispatcher) beginsCredits(now time.Time, permit *budget.Permit) bool {
	if d.beginsKeyTrial(permit) {
		return true
	}
	if permit.IsTrial() || !d.beginsDueCredits(now) {
		return false
	}
	d.noteKeyTried()
	return true
}

// beginsDueCredits begins a credit call if one is due.
func (d *Dispatcher) beginsDueCredits(now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	due := d.credits.isDue(now)
	d.credits.asking = d.credits.asking || due
	return due
}

// beginsKeyTrial begins a credit call if the permit is a trial of the key, and reports whether it did.
func (d *Dispatcher) beginsKeyTrial(permit *budget.Permit) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.credits.interval == 0 || d.credits.asking || !permit.PrefersCredit() {
		return false
	}
	d.credits.asking = true
	return true
}

// askCredits makes a credit call that was begun.
func (d *Dispatcher) askCredits(ctx context.Context, permit *budget.Permit) {
	balance, err := permit.Credit(ctx)
	d.endCredits(balance, err)
	d.tasks.Settled()
	d.Wake()
}

func (d *Dispatcher) endCredits(balance float64, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notes.outcome(err)
	d.credits.end(balance, err, time.Now())
}

// noteKeyTried notes that a request is sent that shows whether the key is taken.
func (d *Dispatcher) noteKeyTried() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notes.key.untried = false
}

// Note takes what the outcome of a query about a tracked task says of the account: API, key and unknown states.
func (d *Dispatcher) Note(id string, answer kie.Answer, err error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notes.outcome(err, "task_id", id)
	d.notes.noteWord(answer)
}

// NoteUnlisted takes what the outcome of a query about a task that is not tracked says of the account: whether it moved the gate, the key,
// and unknown states. Whether the API works it does not say: that it fails on an id which anybody may have named is no outage.
func (d *Dispatcher) NoteUnlisted(answer kie.Answer, err error) {
	if kie.Cancelled(err) {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.notes.noteKey(err, false)
	d.notes.noteGate()
	d.notes.noteWord(answer)
}

// modelsDueAtLocked returns when a model is to be asked about, given when something else is due: never in its place, nor so shortly before
// that it would wait.
func (d *Dispatcher) modelsDueAtLocked(now, other time.Time, isOther bool) (time.Time, bool) {
	at, asks := d.models.dueAt()
	if !asks || d.budget.Closed() != kie.ClassOK {
		return time.Time{}, false
	}
	at = later(at, now)
	return at, !isOther || !other.Before(at.Add(d.budget.Delay()))
}

// beginsModel begins to ask about a model if one is due, and nothing else is, nor will be at once.
func (d *Dispatcher) beginsModel(now time.Time, permit *budget.Permit) (model string, ok bool) {
	if permit.IsTrial() {
		return "", false
	}
	other, isOther, _ := d.tasks.NextDue(now)
	d.mu.Lock()
	at, due := d.modelsDueAtLocked(now, other, isOther)
	due = due && !at.After(now)
	begins := due && len(d.models.queue) == 0
	d.mu.Unlock()
	if !due {
		return "", false
	}
	var tracked []string
	if begins {
		tracked = d.tasks.Models()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if begins {
		d.models.begin(tracked, now)
	}
	return d.models.take(now)
}

// askModel asks about a model that was begun.
func (d *Dispatcher) askModel(ctx context.Context, permit *budget.Permit, model string) {
	h, err := permit.ModelHealth(ctx, model)
	d.mu.Lock()
	if err != nil && !kie.Cancelled(err) {
		d.notes.log.Debug("A request failed", "model", model, "err", err)
	}
	d.models.end(model, h, err, time.Now())
	d.mu.Unlock()
	d.tasks.Settled()
	d.Wake()
}
