// A configuration at work.

package app

import (
	"context"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/common/version"

	"github.com/kie-exporter/kie_exporter/config"
	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
)

// exporter is what a configuration makes: clients with budgets, the tracker that spends them, the sources that feed it.
type exporter struct {
	clients []*kie.Client
	tracker *tracker.Tracker
	store   *store.Store // nil: memory only
	config  *config.Config
	sources *source.Set
	log     *slog.Logger
	built   time.Time
	ready   chan struct{} // closed when every source was read once
}

func newExporter(cfg *config.Config, kept *store.Store, holdBack time.Duration, log *slog.Logger) (*exporter, error) {
	e := &exporter{store: kept, config: cfg, log: log, built: time.Now(), ready: make(chan struct{})}
	accounts, err := e.accounts(cfg.Accounts, log)
	if err != nil {
		e.close()
		return nil, err
	}
	groups, lists := groups(cfg.Groups)
	e.tracker = tracker.New(tracker.Options{
		Accounts:   accounts,
		Groups:     groups,
		Background: cfg.Polling.Background,
		MaxWait:    cfg.Polling.MaxWait,
		Bounds:     schedule.Bounds{Min: cfg.Polling.MinInterval, Max: cfg.Polling.MaxInterval},
		TaskSeries: cfg.Limits.TaskSeries,
		Models:     cfg.Limits.Models,
		HoldBack:   holdBack,
		Store:      kept,
		Log:        log,
	})
	e.sources, err = source.New(lists, cfg.Limits.Tasks, e.tracker, log)
	if err != nil {
		e.close()
		return nil, err
	}
	return e, nil
}

func (e *exporter) accounts(accounts []config.Account, log *slog.Logger) ([]tracker.AccountOptions, error) {
	var all []tracker.AccountOptions
	for _, a := range accounts {
		key := keyOf(a, log)
		client, err := kie.NewClient(kie.Options{
			BaseURL:        a.BaseURL,
			Key:            key,
			HTTPClient:     a.HTTPClient,
			Timeout:        a.Timeout,
			MaxConnections: a.MaxConcurrent,
			UserAgent:      "kie_exporter/" + version.Version,
		})
		if err != nil {
			return nil, fmt.Errorf("account %s: %w", a.Name, err)
		}
		e.clients = append(e.clients, client)
		all = append(all, tracker.AccountOptions{
			Name: a.Name,
			Budget: budget.New(budget.Options{
				Client: client, Key: key, Rate: a.RequestsPerSecond, Concurrent: a.MaxConcurrent,
			}),
			CreditsInterval: a.CreditsInterval,
		})
	}
	return all, nil
}

// keyOf returns the account's key whenever it is called, and logs when its file can't be read any more, and when it can again.
func keyOf(a config.Account, log *slog.Logger) func() string {
	var failing atomic.Bool
	return func() string {
		err := a.Key.Err()
		switch was := failing.Swap(err != nil); {
		case err != nil && !was:
			log.Warn("The API key can't be read again, the last one stays in force", "account", a.Name, "err", err)
		case err == nil && was:
			log.Info("The API key can be read again", "account", a.Name)
		}
		return a.Key.Value()
	}
}

// groups returns what tracker and sources need to know of each group.
func groups(configured []config.Group) (tracked []tracker.GroupOptions, lists []source.Group) {
	for _, g := range configured {
		tracked = append(tracked, tracker.GroupOptions{
			Name: g.Name, Account: g.Account, Labels: g.Labels, Overdue: g.Overdue,
		})
		list := source.Group{Name: g.Name, Inline: g.Tasks, Labels: g.Labels}
		for _, f := range g.Files {
			list.Files = append(list.Files, source.Pattern{Written: f.Written, Path: f.Path})
		}
		lists = append(lists, list)
	}
	return tracked, lists
}

// run reads the sources and asks about the tasks until ctx ends and nothing is under way any more. What was learned to the
// last is kept.
func (e *exporter) run(ctx context.Context) {
	keeping, stopKeeping := context.WithCancel(context.WithoutCancel(ctx))
	var keeper sync.WaitGroup
	keeper.Go(func() { e.store.Run(keeping, e.tracker) })
	defer keeper.Wait()
	defer stopKeeping()

	var parts sync.WaitGroup
	parts.Go(func() { e.tracker.Run(ctx) })
	parts.Go(func() {
		e.tracker.Relearn()
		_ = e.sources.Load(ctx) // what can't be read was logged, and is tried again by Run
		close(e.ready)
		for account, plan := range e.plans() {
			e.log.Info("Tasks listed", "account", account, "plan", plan)
		}
		e.sources.Run(ctx)
	})
	parts.Wait()
}

// plans yields what there is to ask for each account.
func (e *exporter) plans() iter.Seq2[string, string] {
	return func(yield func(account, plan string) bool) {
		for _, a := range e.config.Accounts {
			tasks, unfinished := e.tracker.Count(a.Name)
			if !yield(a.Name, plan(a, tasks, unfinished)) {
				return
			}
		}
	}
}

// close releases the connections. It may be called more than once.
func (e *exporter) close() {
	for _, c := range e.clients {
		c.Close()
	}
}
