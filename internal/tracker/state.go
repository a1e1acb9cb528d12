// What the tracker is made of, and what guards it.

package tracker

import (
	"log/slog"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/evict"
	"github.com/kie-exporter/kie_exporter/internal/histogram"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/probe"
	"github.com/kie-exporter/kie_exporter/internal/querylog"
	"github.com/kie-exporter/kie_exporter/internal/reader"
	"github.com/kie-exporter/kie_exporter/internal/records"
	"github.com/kie-exporter/kie_exporter/internal/results"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/tasks"
	"github.com/kie-exporter/kie_exporter/internal/unlisted"
)

// Options say what is tracked and how.
type Options struct {
	Accounts []AccountOptions
	Groups   []GroupOptions

	Replicas   bool            // others may have had tasks that come back: the store knows better what became of them
	Background bool            // ask also when nobody scrapes
	MaxWait    time.Duration   // how long a scrape waits for answers at the most
	Bounds     schedule.Bounds // between two queries of an unfinished task

	TaskSeries int           // tasks with series of their own
	Models     int           // distinct models, beyond which they are "other"
	HoldBack   time.Duration // how long the totals of a new label set show 0

	Store      records.Store
	Histograms histogram.New
	Log        *slog.Logger

	Queries *querylog.Log // of the queries about each task; nil: none is kept
}

// AccountOptions describe an account.
type AccountOptions struct {
	Name            string
	Budget          *budget.Account
	CreditsInterval time.Duration // 0: the balance is never asked for
	ModelsInterval  time.Duration // 0: how models fare is never asked for
	KeyOrigin       string        // where the key comes from, as the log says of one that is refused
	TryKey          bool          // with one request at the start, though nobody has scraped yet
	// Has reports whether a task of the account is this process's, and not another replica's. Nil: all are.
	Has func(id string) bool
}

// GroupOptions describe a group.
type GroupOptions struct {
	Name     string
	Account  string
	Endpoint kie.Endpoint // that its tasks are asked about at
	Labels   map[string]string
	Overdue  time.Duration // 0: learned
	Webhook  bool          // callbacks are expected: while they come, polling is a safety net
}

// Tracker knows the tasks. It is safe for concurrent use.
//
// Order of locks: reconfiguring, those of sources, the reader's surveying, mu, a dispatcher's, a budget's; docs/architecture.md has the whole. A method that needs mu held is called …Locked.
type Tracker struct {
	store   records.Store
	queries *querylog.Log
	log     *slog.Logger
	joined  chan struct{} // has a token when there may be an account without a dispatcher

	reconfiguring sync.Mutex // held by Reconfigure

	// The tracker's methods are these', too. They lock mu themselves.
	*reader.Reader   // Snapshot, All, Status, AwaitFresh, and Changed, which says that a snapshot would be another one now
	*results.Results // Finished tasks, in memory and on disk
	*probe.Prober    // Probe
	*evict.Evictor   // Evict, Over: what leaves memory to make room

	records *records.Keeper // of tasks, under mu

	// mu guards all that follows, with the entries of tasks, the groups and the accounts. It is never held during input or output.
	mu         sync.Mutex
	options    Options
	awakeUntil time.Time
	accounts   []*dispatchedAccount
	retiring   []*entry.Account // those that a reconfiguration under way does away with
	tasks      *tasks.Set
	early      unlisted.Early // callbacks about tasks that are not tracked yet
}

// dispatchedAccount is an account as its dispatcher sees it. The tracker's lock guards all of it.
type dispatchedAccount struct {
	*entry.Account
	tracker *Tracker
	has     func(id string) bool // AccountOptions.Has

	work  func()        // dispatches until stop is called; nil: nobody does so yet
	stop  func()        // nil like work
	ended chan struct{} // closed when work is done; nil like it
}

// update makes a change that snapshots show. Change is called with the lock held.
func (t *Tracker) update(change func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change()
	t.Changed()
}

// ownsLocked reports whether a task of the account is this process's. It is asked of ids that need not be in a list, of probes and
// callbacks, and of those that leave one. An account that there is not any more, nil, owns what it had.
func (a *dispatchedAccount) ownsLocked(id string) bool { return a == nil || a.has == nil || a.has(id) }

// accountLocked returns the account of that name; nil: there is none.
func (t *Tracker) accountLocked(name string) *dispatchedAccount {
	for _, a := range t.accounts {
		if a.Name == name {
			return a
		}
	}
	return nil
}

// stateLocked returns what readers are to know beside the tasks.
func (t *Tracker) stateLocked() reader.State {
	s := reader.State{Storage: t.store.Stats(), TaskSeries: t.options.TaskSeries, HoldBack: t.options.HoldBack}
	for _, a := range t.accounts {
		s.Accounts = append(s.Accounts, a.Account)
	}
	return s
}

// wakeAllLocked has every dispatcher look for something to do.
func (t *Tracker) wakeAllLocked() {
	for _, a := range t.accounts {
		a.Dispatcher.Wake()
	}
}

// onlyAccountLocked returns the name of the only account; empty: there are several.
func (t *Tracker) onlyAccountLocked() string {
	if len(t.accounts) == 1 {
		return t.accounts[0].Name
	}
	return ""
}
