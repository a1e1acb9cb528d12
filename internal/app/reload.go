// Another configuration, in place of the one in force.

package app

import (
	"context"
	"os"
	"time"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/internal/source/set"
)

// reload puts what is configured now in force. Everything new is made and checked before anything changes: after an error all
// is as it was. One reload at a time; ctx ends the wait for the one before, and not a reload that has begun.
func (e *exporter) reload(ctx context.Context) error {
	done, err := e.turnToReload(ctx)
	if err != nil {
		return err
	}
	defer done()
	g, lists, err := e.prepare(ctx)
	if err != nil {
		e.status.Store(&collector.ConfigStatus{SucceededAt: e.status.Load().SucceededAt})
		e.log.Error("The configuration can't be loaded, the one before stays in force", "err", err)
		return err
	}
	e.putInForce(context.WithoutCancel(ctx), g, lists)
	e.status.Store(&collector.ConfigStatus{Successful: true, SucceededAt: time.Now()})
	e.log.Info("Configuration loaded")
	e.logPlans()
	return nil
}

// turnToReload waits until nobody else puts anything in force, until done is called. Ctx ends the wait.
func (e *exporter) turnToReload(ctx context.Context) (done func(), err error) {
	select {
	case <-e.loaded: // the first read of the sources comes before a second one
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case e.reloading <- struct{}{}:
		return func() { <-e.reloading }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// prepare makes what is to be in force. Lists that are fetched for the first time are waited for, while all goes on as before;
// ctx ends that wait.
func (e *exporter) prepare(ctx context.Context) (*generation, *set.Prepared, error) {
	g, err := e.next()
	if err != nil {
		return nil, nil, err
	}
	lists, err := e.sources.Prepare(ctx, g.lists, g.limits())
	if err != nil {
		g.close(e.inForce.Load())
		return nil, nil, err
	}
	return g, lists, nil
}

// putInForce replaces the generation in force, and closes what only that one used.
func (e *exporter) putInForce(ctx context.Context, g *generation, lists *set.Prepared) {
	before := e.inForce.Load()
	if e.replicas != nil {
		e.replicas.keeper.Set(e.replicas.shares(g.config))
	}
	g.reconfigureBudgets(before)
	e.recallPaces(g)
	known := e.learnedBefore(ctx, g)
	e.tracker.Reconfigure(e.options(g), func() {
		e.goOn(known)
		e.sources.Guard(e.secrets(g.config))
		e.sources.Reconfigure(ctx, lists)
	})
	e.inForce.Store(g)
	before.close(g)
}

// reloadOn reloads whenever a signal comes, until ctx ends.
func (e *exporter) reloadOn(ctx context.Context, signals <-chan os.Signal) {
	for {
		select {
		case <-signals:
			_ = e.reload(ctx) // what went wrong was logged
		case <-ctx.Done():
			return
		}
	}
}
