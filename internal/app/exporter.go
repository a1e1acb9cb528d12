// A configuration at work.

package app

import (
	"context"
	"iter"
	"log/slog"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/config"
	"github.com/kie-exporter/kie_exporter/internal/exposition"
	"github.com/kie-exporter/kie_exporter/internal/history"
	"github.com/kie-exporter/kie_exporter/internal/push"
	"github.com/kie-exporter/kie_exporter/internal/querylog"
	"github.com/kie-exporter/kie_exporter/internal/records"
	"github.com/kie-exporter/kie_exporter/internal/source/pushed"
	"github.com/kie-exporter/kie_exporter/internal/source/secrets"
	"github.com/kie-exporter/kie_exporter/internal/source/set"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
	"github.com/kie-exporter/kie_exporter/internal/web"
	"github.com/kie-exporter/kie_exporter/internal/webhook"
)

// exporter is what a configuration makes: clients with budgets, the tracker that spends them, the sources that feed it.
type exporter struct {
	load       func() (*config.Config, error)
	sharing    sharing
	replicas   *replicas // nil: there are none
	store      recordStore
	holdBack   time.Duration
	tracker    *tracker.Tracker
	sources    *set.Set
	webhook    *webhook.Receiver
	pushes     *push.Receiver
	pages      atomic.Pointer[web.Tasks] // which answer other replicas, too; nil: they are not served yet
	exposition *exposition.Handler
	queries    *querylog.Log
	panics     prometheus.Counter // of handlers
	heap       *pacer
	log        *slog.Logger
	began      time.Time
	history    *history.History // what the storage tells of before; nil: not any more
	failed     chan error       // that the program can't go on
	read       chan struct{}    // closed when every source was tried once that is asked of no server
	loaded     chan struct{}    // closed when every source was tried once
	settled    atomic.Bool      // every source was really read once, or has failed for long enough

	reloading chan struct{} // has a token while a reload is under way
	inForce   atomic.Pointer[generation]
	status    atomic.Pointer[collector.ConfigStatus]

	secretFiles []string // that the command line names
}

// recordStore keeps what outlives the process while Run runs.
type recordStore interface {
	records.Store
	pushed.Store
	// Knee returns how many requests a second of an account the API was found to let pass before; 0: that is not known.
	Knee(account string) float64
	// KeepKnees has kept what a function returns for each account, from now on. It is called before Run.
	KeepKnees(of func() map[string]float64)
	Run(ctx context.Context, t store.Tasks)
	Close()
}

// newExporter makes an exporter of the configuration that load returns, now and at each reload. The store is opened once
// everything else is known to be right.
func newExporter(
	load func() (*config.Config, error), own sharing, open func(*history.History) (recordStore, error), holdBack time.Duration, log *slog.Logger,
) (*exporter, error) {
	e := &exporter{
		panics: collector.NewPanics(), queries: querylog.New(),
		store: store.Memory{},
		load:  load, sharing: own, holdBack: holdBack, log: log, began: time.Now(), read: make(chan struct{}), loaded: make(chan struct{}), failed: make(chan error, 1), reloading: make(chan struct{}, 1),
	}
	cfg, err := e.load()
	if err != nil {
		return nil, err
	}
	g, err := newGeneration(cfg, e.sharing, nil, e.log)
	if err != nil {
		return nil, err
	}
	e.inForce.Store(g)
	e.history = history.New()
	kept, err := open(e.history)
	if err != nil {
		e.close()
		return nil, err
	}
	e.store = kept
	for _, a := range g.accounts {
		a.budget.Recall(kept.Knee(a.config.Name))
	}
	kept.KeepKnees(e.knees)
	if g, err = e.join(g); err != nil {
		e.close()
		return nil, err
	}
	e.tracker = tracker.New(e.options(g))
	e.webhook = webhook.New(webhook.Options{
		Keys: e.webhookKeys, Hint: e.tracker.Callback, Register: e.register,
		Elsewhere: func(_, id string) string { return e.elsewhere(id) }, Forward: e.forward,
	})
	e.sources, err = set.New(g.lists, g.limits(), e.tracker, log)
	if err != nil {
		e.close()
		return nil, err
	}
	e.sources.Pushes(pushed.Beyond{Store: e.store, Ended: e.tracker.Ended})
	e.pushes = newPushes(e)
	e.status.Store(&collector.ConfigStatus{Successful: true, SucceededAt: time.Now()})
	e.exposition = newExposition(e)
	return e, nil
}

// knees returns how many requests a second the API was found to let pass, by account; 0: that is not known.
func (e *exporter) knees() map[string]float64 {
	knees := make(map[string]float64)
	for _, a := range e.inForce.Load().accounts {
		knees[a.config.Name] = a.budget.Knee()
	}
	return knees
}

// next makes a generation of what is configured now. A check, the start and each reload come through here.
func (e *exporter) next() (*generation, error) {
	cfg, err := e.load()
	if err != nil {
		return nil, err
	}
	if err := e.replicas.check(cfg); err != nil {
		return nil, err
	}
	return newGeneration(cfg, e.sharing, e.inForce.Load(), e.log)
}

func (e *exporter) options(g *generation) tracker.Options {
	o := g.options()
	o.Replicas = e.replicas != nil
	o.HoldBack, o.Store, o.Log, o.Histograms, o.Queries = e.holdBack, e.store, e.log, collector.NewHistogram, e.queries
	return o
}

// guardSecrets has secrets kept out of the lists: those of the configuration, and files that the command line names.
func (e *exporter) guardSecrets(files []string) {
	e.secretFiles = files
	e.sources.Guard(e.secrets(e.config()))
}

// secrets returns what is secret in a configuration and beside it.
func (e *exporter) secrets(cfg *config.Config) secrets.Config {
	return secrets.Config{Files: slices.Concat(cfg.SecretFiles(), e.secretFiles), Values: cfg.Secrets}
}

// config returns the configuration in force.
func (e *exporter) config() *config.Config { return e.inForce.Load().config }

// webhookKeys returns the keys that sign the callbacks of an account; ok is false if there is no such account.
func (e *exporter) webhookKeys(account string) (keys []string, ok bool) {
	a := e.inForce.Load().account(account)
	if a == nil && e.isElsewhere(account) {
		return e.keysElsewhere(account), true
	}
	if a == nil {
		return nil, false
	}
	for _, key := range a.hooks {
		keys = append(keys, key())
	}
	return keys, true
}

// elsewhere says whose a task is that is another shard's; empty: it is this one's.
func (e *exporter) elsewhere(id string) string {
	if other, is := e.sharing.Static().Other(id); is {
		return "the task is one of " + other.String()
	}
	return ""
}

// shown tells how the exporter stands; receiving: there is an address for callbacks.
func (e *exporter) shown(receiving bool) web.Status {
	return web.Status{
		Status: e.tracker.Status(), Sources: e.sources.Stats(), Callbacks: e.callbacks(),
		Receiving: receiving, ReloadFailed: !e.status.Load().Successful, Shard: e.sharing.Static(),
	}
}

// callbacks returns what became of the callbacks of each account that may have some.
func (e *exporter) callbacks() (all []webhook.Stat) {
	for _, a := range e.config().Accounts {
		if len(a.WebhookKeys) > 0 {
			all = append(all, e.webhook.Stat(a.Name))
		}
	}
	return all
}

// listed is the tasks whose records are kept: those that are tracked, and those that have left memory and may be listed still.
type listed struct {
	*tracker.Tracker
	sources *set.Set
	e       *exporter
}

// Listed implements store.Tasks.
func (l listed) Listed(account, id string) bool {
	return l.Tracker.Listed(account, id) || l.sources.IsPast(account, id)
}

// TakesPushes implements store.Tasks.
func (l listed) TakesPushes(group string) bool {
	return slices.ContainsFunc(l.e.config().Groups, func(g config.Group) bool { return g.Name == group && g.Push != nil })
}

// run reads the sources and asks about the tasks until ctx ends and nothing is under way any more. What was learned to the
// last is kept.
func (e *exporter) run(ctx context.Context) {
	if e.replicas != nil {
		holding, letGo := context.WithCancel(context.WithoutCancel(ctx))
		var held sync.WaitGroup
		held.Go(func() {
			if err := e.replicas.keeper.Run(holding); err != nil {
				e.fail(err)
			}
		})
		defer held.Wait()
		defer letGo()
	}
	keeping, stopKeeping := context.WithCancel(context.WithoutCancel(ctx))
	var kept sync.WaitGroup
	kept.Go(func() { e.store.Run(keeping, listed{e.tracker, e.sources, e}) })
	defer kept.Wait()
	defer stopKeeping()

	var parts sync.WaitGroup
	parts.Go(func() { e.tracker.Run(ctx) })
	parts.Go(func() { e.exposition.Run(ctx) })
	if e.sharing.Changed() != nil {
		parts.Go(func() { e.adoptOn(ctx) })
	}
	if e.replicas != nil {
		parts.Go(func() { e.replicas.mailbox.Run(ctx) })
		parts.Go(func() { e.keepDurationsOn(ctx) })
		parts.Go(func() { e.takeNotesOn(ctx) })
		parts.Go(func() { <-ctx.Done(); e.replicas.store.StopWaiting() })
	}
	parts.Go(func() {
		if _, shown := e.store.(*store.Store); !shown {
			e.history = history.Of(e.store.Stats().Tasks, e.store.Scan)
		}
		e.tracker.Relearn(e.history)
		e.history = nil                                                                         // what is needed of it is with the tracker
		e.heap.expect(uint64(min(e.store.Stats().Tasks, e.config().Limits.Tasks)) * bytesATask) //nolint:gosec // a count
		_ = e.sources.LoadThen(ctx, func() {
			e.tracker.Discard() // a snapshot made meanwhile is of some tasks only
			close(e.read)
		}) // what can't be read was logged, and is tried again by Run
		close(e.loaded)
		e.heap.expect(0)
		// What reading took is let go at once: how far the heap may grow goes by what the last collection found in use.
		runtime.GC()
		e.logPlans()
		e.sources.Run(ctx)
	})
	parts.Wait()
}

// fail has the program end with an error.
func (e *exporter) fail(err error) {
	select {
	case e.failed <- err:
	default:
	}
}

// ready reports whether what is served is all there is to say: every source was really read once, or has failed for so long that
// nobody should wait for it. Once true it stays true: neither a source that fails later nor a new one takes it back.
func (e *exporter) ready() bool {
	select {
	case <-e.loaded:
	default:
		return false
	}
	if !e.settled.Load() && e.sources.Settled() {
		e.settled.Store(true)
	}
	return e.settled.Load()
}

// unreadFor is how long after the start it may be left open which tasks there are, as it is with readiness.
const unreadFor = time.Minute

// isUnread reports whether some of the sources that are asked of no server were not read yet, so that nobody can say what all tasks come to.
func (e *exporter) isUnread() bool {
	select {
	case <-e.read:
		return false
	default:
		return time.Since(e.began) < unreadFor
	}
}

func (e *exporter) logPlans() {
	for account, plan := range e.plans() {
		e.log.Info("Tasks listed", "account", account, "plan", plan)
	}
}

// plans yields what there is to ask for each account.
func (e *exporter) plans() iter.Seq2[string, string] {
	return func(yield func(account, plan string) bool) {
		for _, of := range e.inForce.Load().accounts {
			a := of.config
			tasks, unfinished := e.tracker.Count(a.Name)
			if !yield(a.Name, describePlan(a, e.sharing.Static(), tasks, unfinished)) {
				return
			}
		}
	}
}

// close releases the connections and the storage.
func (e *exporter) close() {
	if e.sources != nil {
		e.sources.Close()
	}
	e.inForce.Load().close(nil)
	e.store.Close()
	if e.replicas != nil {
		_ = e.replicas.client.Close()
	}
}
