// Which shares of the accounts this process has, and what becomes of it when that changes.

package app

import (
	"context"
	"slices"

	"github.com/kie-exporter/kie_exporter/internal/share"
)

// sharing says which shares of the accounts are this process's. It is safe for concurrent use.
type sharing interface {
	// Static returns which of several processes this is that divide the accounts for good; the zero one: none of such.
	Static() share.Shard
	// Held returns what is held of an account now.
	Held(account string) share.Set
	// Right returns what reports whether an account may be asked for now; nil: it always may.
	Right(account string) func() bool
	// Changed returns where something comes from when other shares are held; nil: that never happens.
	Changed() <-chan struct{}
}

// fixed is shares that never change.
type fixed struct{ share.Shard }

// Static implements sharing.
func (f fixed) Static() share.Shard { return f.Shard }

// Right implements sharing.
func (fixed) Right(string) func() bool { return nil }

// Changed implements sharing.
func (fixed) Changed() <-chan struct{} { return nil }

// adopt puts in force what is held now, as the configuration in force has it: no file of settings is read. It waits for the first read of the
// sources and for a reload under way; ctx ends that wait.
func (e *exporter) adopt(ctx context.Context) error {
	done, err := e.turnToReload(ctx)
	if err != nil {
		return err
	}
	defer done()
	before := e.inForce.Load()
	g, err := newGeneration(before.config, e.sharing, before, e.log)
	if err != nil {
		return err
	}
	lists, err := e.sources.Prepare(ctx, g.lists, g.limits())
	if err != nil {
		g.close(before)
		return err
	}
	e.putInForce(context.WithoutCancel(ctx), g, lists)
	if e.replicas != nil {
		e.replicas.notes.arrive()
	}
	return nil
}

// adoptOn adopts whenever other shares are held, until ctx ends.
func (e *exporter) adoptOn(ctx context.Context) {
	for {
		select {
		case <-e.sharing.Changed():
			if err := e.adopt(ctx); err != nil && ctx.Err() == nil {
				e.log.Error("Other shares of the accounts are held, and can't be put in force", "err", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// showsOwnOnly sees to it that what is shown is this process's: what was lost is let go first. False: that takes longer than ctx lasts.
func (e *exporter) showsOwnOnly(ctx context.Context) bool {
	if e.ownsAllShown() {
		return true
	}
	return e.adopt(ctx) == nil && e.ownsAllShown()
}

// ownsAllShown reports whether all shares in force are held.
func (e *exporter) ownsAllShown() bool {
	return !slices.ContainsFunc(e.inForce.Load().accounts, func(a servedAccount) bool {
		now := e.sharing.Held(a.config.Name)
		return !a.held.Equal(now) && slices.ContainsFunc(a.held.Held(), func(part int) bool { return !now.HasPart(part) })
	})
}
