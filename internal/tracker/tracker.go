// Package tracker knows the tasks: which there are, what was learned of them, which is to be asked next. Sources tell it the
// ids, a dispatcher for each account spends that account's budget on queries, and readers take snapshots. It has the lock; what
// it locks is in packages of their own.
package tracker

import (
	"context"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/evict"
	"github.com/kie-exporter/kie_exporter/internal/history"
	"github.com/kie-exporter/kie_exporter/internal/probe"
	"github.com/kie-exporter/kie_exporter/internal/reader"
	"github.com/kie-exporter/kie_exporter/internal/records"
	"github.com/kie-exporter/kie_exporter/internal/results"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/tasks"
)

// New returns a tracker of no tasks.
func New(o Options) *Tracker {
	t := &Tracker{
		store:   o.Store,
		queries: o.Queries,
		log:     o.Log,
		joined:  make(chan struct{}, 1),
		tasks:   tasks.NewSet(o.Models, o.Histograms),
	}
	t.records = records.New(&t.mu, t.tasks, o.Store, t.onlyAccountLocked)
	t.Reader = reader.New(&t.mu, t.tasks, t.stateLocked)
	t.Results = results.New(&t.mu, t.tasks, t.Reader, o.Store, t.records.Owner)
	t.Prober = probe.New(&t.mu, t.tasks, probeTracker{t})
	t.Evictor = evict.New(&t.mu, t.tasks, o.Store, t.records.OwnLocked, t.Changed)
	t.Reconfigure(o, func() {})
	return t
}

// Run asks until ctx ends and every query under way has ended. Then all that was learned was put into the store.
func (t *Tracker) Run(ctx context.Context) {
	defer t.KeepAnswers()
	var dispatchers sync.WaitGroup
	defer dispatchers.Wait()
	for {
		for _, a := range t.idle(ctx) {
			dispatchers.Go(a.work)
		}
		select {
		case <-t.joined:
		case <-ctx.Done():
			return
		}
	}
}

// KeepAnswers puts the last answers about unfinished tasks into the store that are not there.
func (t *Tracker) KeepAnswers() { t.records.KeepAnswers() }

// Durations returns what was learned of the durations of an account's tasks, GoOn has another process go on with it; see records.Keeper.
func (t *Tracker) Durations(account string) map[string][]byte { return t.records.Durations(account) }

// GoOn is to be called before tasks of the account are listed.
func (t *Tracker) GoOn(account string, kept map[string][]byte) (unread int) {
	return t.records.GoOn(account, kept)
}

// LearnFrom learns from records of an account, of which nothing else is known, how long tasks take. It is to be called before they are listed.
func (t *Tracker) LearnFrom(h *history.History) { t.records.Relearn(h) }

// idle returns the accounts that have no dispatcher yet, and are to have one until ctx ends or they are retired.
func (t *Tracker) idle(ctx context.Context) []*dispatchedAccount {
	t.mu.Lock()
	defer t.mu.Unlock()
	var idle []*dispatchedAccount
	for _, a := range t.accounts {
		if a.ended != nil {
			continue
		}
		working, stop := context.WithCancel(ctx)
		ended := make(chan struct{})
		a.stop, a.ended = stop, ended
		a.work = func() {
			defer close(ended)
			defer stop()
			a.Dispatcher.Run(working)
		}
		idle = append(idle, a)
	}
	return idle
}

// Owner implements store.Tasks.
func (t *Tracker) Owner(r store.Record) (account string, ok bool) { return t.records.Owner(r) }

// Relearn learns from records of an earlier process how long tasks take, and which are over. It is to be called before tasks are listed.
func (t *Tracker) Relearn(h *history.History) {
	t.records.Relearn(h)
	t.Remember(h.Ends())
}

// Ended returns when tasks of an account were found finished, or given up; see records.Keeper.
func (t *Tracker) Ended(account string, ids []string) []time.Time {
	return t.records.Ended(account, ids)
}
