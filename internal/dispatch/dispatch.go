// Package dispatch spends an account's budget: each free slot goes to the request that is worth most then. It knows no task; whoever has
// them says which is to be asked.
package dispatch

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// Tasks are the tasks of an account. Their methods are called with no lock held.
type Tasks interface {
	// NextDue returns when the first task is due, and false if there is none. As long as awake is false, none is to be asked.
	NextDue(now time.Time) (at time.Time, ok, awake bool)
	// Take takes the task that is most worth asking now; false: none is due.
	Take(now time.Time, permit *budget.Permit) (Query, bool)
	// Settled is called when a request that was about no task has ended: the gate may have moved.
	Settled()
}

// Query is a question about a task.
type Query struct {
	Endpoint kie.Endpoint // that is asked
	ID       string
	Unproven bool                    // the API has never answered about the task
	Learn    func(kie.Answer, error) // is called once with what became of it
}

// Options say how an account is asked.
type Options struct {
	Name            string
	Budget          *budget.Account
	CreditsInterval time.Duration // 0: the balance is never asked for
	KeyOrigin       string        // where the key comes from, as the log says of one that is refused
	TryKey          bool          // with one request at the start, though nobody has scraped yet
	Log             *slog.Logger
}

// Dispatcher spends an account's budget.
type Dispatcher struct {
	name   string
	budget *budget.Account
	tasks  Tasks
	log    *slog.Logger
	wake   chan struct{} // has a token when there may be something new to do

	// mu guards what follows. It is taken after the tasks' lock, and before the budget's.
	mu      sync.Mutex
	credits credits
	key     key
	health  health
	words   words
}

// New returns the dispatcher of an account's tasks.
func New(o Options, tasks Tasks) *Dispatcher {
	return &Dispatcher{
		name:    o.Name,
		budget:  o.Budget,
		tasks:   tasks,
		log:     o.Log,
		wake:    make(chan struct{}, 1),
		credits: credits{interval: o.CreditsInterval},
		key:     key{origin: o.KeyOrigin, untried: o.TryKey},
	}
}

// Configure puts other options in force. Name and Budget stay what they are.
func (d *Dispatcher) Configure(o Options) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.credits.every(o.CreditsInterval, time.Now())
	d.key.origin = o.KeyOrigin
}

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
		wait, timed := d.untilWork(time.Now())
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

// untilWork returns how long it is until something is due; false if nothing will be before somebody wakes the dispatcher.
func (d *Dispatcher) untilWork(now time.Time) (time.Duration, bool) {
	at, ok, awake := d.tasks.NextDue(now)
	d.mu.Lock()
	defer d.mu.Unlock()
	if !awake && !d.key.untried {
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

// Wake makes the dispatcher look for something to do.
func (d *Dispatcher) Wake() {
	select {
	case d.wake <- struct{}{}:
	default: // it will look anyway
	}
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
		if !d.beginsDueCredits(now) {
			return nil
		}
		return askCredits
	}
	d.keyTried()
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
func (d *Dispatcher) AcquireProbe(ctx context.Context, id string, stranger bool) (*budget.Permit, error) {
	for {
		permit, err := d.budget.AcquireProbe(ctx, budget.Probe{ID: id, Stranger: stranger, Due: d.isDue})
		if err != nil {
			return nil, err
		}
		if !d.triesKey(permit) {
			return permit, nil
		}
		d.askCredits(ctx, permit)
	}
}

// View returns what readers see of the account, of which so many tasks are due.
func (d *Dispatcher) View(now time.Time, due int) view.Account {
	s := view.Account{Name: d.name, Due: due, Requests: d.budget.Stats()}
	d.mu.Lock()
	defer d.mu.Unlock()
	s.CreditsUsed, s.AsksCredits, s.UnknownStates = d.credits.used, d.credits.interval > 0, d.words.count
	s.Balance, s.HasBalance = d.credits.known(now)
	s.UsedPerHour, s.HasUse = d.credits.spending.PerHour()
	return s
}
