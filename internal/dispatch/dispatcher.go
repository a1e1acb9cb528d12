// Package dispatch spends an account's budget: each permit goes to the request that is worth most when it is given. It knows no task:
// Tasks, which its user implements, says which one to ask about.
package dispatch

import (
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
	// Models returns the models that are tracked, those with most tasks first.
	Models() []string
	// Settled is called when a request that was about no task has ended: the gate may have moved.
	Settled()
}

// Query is a question about a task.
type Query struct {
	Endpoint kie.Endpoint // that is asked
	ID       string
	Unproven bool                    // the API has never answered about the task
	Worth    float64                 // seconds of delay that it is expected to save
	Learn    func(kie.Answer, error) // is called once with what became of it
}

// Options say how an account is asked.
type Options struct {
	Name            string
	Budget          *budget.Account
	CreditsInterval time.Duration // 0: the balance is never asked for
	ModelsInterval  time.Duration // 0: how models fare is never asked for
	KeyOrigin       string        // where the key comes from, as the log says of one that is refused
	TryKey          bool          // with one request at the start, though nobody has scraped yet
	Log             *slog.Logger
}

// Dispatcher spends an account's budget.
type Dispatcher struct {
	budget *budget.Account
	tasks  Tasks
	wake   chan struct{} // has a token when there may be something new to do

	// mu guards what follows. It is taken after the tasks' lock, before the budget's, and not held while tasks are asked for.
	mu      sync.Mutex
	credits credits
	models  models
	notes   notes
}

// New returns the dispatcher of an account's tasks.
func New(o Options, tasks Tasks) *Dispatcher {
	d := &Dispatcher{
		budget:  o.Budget,
		tasks:   tasks,
		wake:    make(chan struct{}, 1),
		credits: credits{interval: o.CreditsInterval},
		notes:   notes{name: o.Name, budget: o.Budget, log: o.Log, key: key{origin: o.KeyOrigin, untried: o.TryKey}},
	}
	d.setModelsIntervalLocked(o.ModelsInterval)
	return d
}

// setModelsIntervalLocked has models asked about at an interval.
func (d *Dispatcher) setModelsIntervalLocked(interval time.Duration) {
	d.models.setInterval(interval)
	if interval > 0 {
		d.budget.Use(kie.ModelHealth)
	}
}

// Configure puts other options in force. Name and Budget stay what they are.
func (d *Dispatcher) Configure(o Options) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.credits.setInterval(o.CreditsInterval, time.Now())
	d.setModelsIntervalLocked(o.ModelsInterval)
	d.notes.key.origin = o.KeyOrigin
}

// Wake makes the dispatcher look for something to do.
func (d *Dispatcher) Wake() {
	select {
	case d.wake <- struct{}{}:
	default: // it will look anyway
	}
}

// View returns what readers see of the account, of which so many tasks are due.
func (d *Dispatcher) View(now time.Time, due int) view.Account {
	s := view.Account{Name: d.notes.name, Due: due, Requests: d.budget.Stats()}
	d.mu.Lock()
	defer d.mu.Unlock()
	s.CreditsUsed, s.AsksCredits, s.UnknownStates = d.credits.used, d.credits.interval > 0, d.notes.unknownWords.count
	s.Balance, s.HasBalance = d.credits.known(now)
	s.UsedPerHour, s.HasUse = d.credits.spending.PerHour()
	s.Models = d.models.view(now)
	return s
}
