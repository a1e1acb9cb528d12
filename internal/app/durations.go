// What a replica learned goes on with whoever holds the account next: how long tasks take, and how many requests the API lets pass.

package app

import (
	"context"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/history"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/internal/shared"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

// durationsInterval is how often what was learned is kept: so much of it is learned anew after a kill.
const durationsInterval = time.Minute

// keepDurationsOn keeps what was learned every minute, until ctx ends.
func (e *exporter) keepDurationsOn(ctx context.Context) {
	tick := time.NewTicker(durationsInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		last := ""
		for _, sh := range e.replicas.keeper.Held() {
			if sh.Account != last {
				e.keepDurations(ctx, sh)
			}
			last = sh.Account
		}
	}
}

// keepDurations keeps what was learned of an account by the right to a share of it.
func (e *exporter) keepDurations(ctx context.Context, sh share.Share) {
	err := e.replicas.store.KeepDurations(ctx, shared.Part{Account: sh.Account, Part: sh.Part}, e.tracker.Durations(sh.Account))
	if err != nil {
		e.log.Debug("What was learned of how long tasks take can't be kept for now", "account", sh.Account, "err", err)
	}
}

// recallPaces has the budgets of accounts that were not in force begin with what their last holders found out of the API.
func (e *exporter) recallPaces(next *generation) {
	if e.replicas == nil {
		return
	}
	for _, a := range next.accounts {
		if e.inForce.Load().account(a.config.Name) == nil {
			a.budget.Recall(e.store.Knee(a.config.Name))
		}
	}
}

// learned is what the last holders of accounts have learned, or what records tell where they left nothing.
type learned struct {
	kept    map[string]map[string][]byte // by account
	records []*history.History
}

// learnedBefore reads what was learned of the accounts that a generation holds something of, and the one in force does not.
func (e *exporter) learnedBefore(ctx context.Context, next *generation) (l learned) {
	l.kept = make(map[string]map[string][]byte)
	if e.replicas == nil {
		return l
	}
	before := e.inForce.Load()
	for _, a := range next.accounts {
		name := a.config.Name
		if before.account(name) != nil {
			continue
		}
		kept, err := e.replicas.store.Durations(ctx, name)
		if err != nil {
			e.log.Warn("What was learned of how long tasks take can't be read", "account", name, "err", err)
		}
		if l.kept[name] = kept; len(kept) == 0 && err == nil {
			l.records = append(l.records, history.Of(0, func(yield func(account, id string, r store.Record) bool) error {
				return e.replicas.store.ScanAccount(ctx, name, yield)
			}))
		}
	}
	return l
}

// goOn goes on with what was learned before. It is called before tasks are listed.
func (e *exporter) goOn(l learned) {
	for account, kept := range l.kept {
		if unread := e.tracker.GoOn(account, kept); unread > 0 {
			e.log.Warn("Some of what was learned of how long tasks take can't be read, and is learned anew", "account", account, "unread", unread)
		}
	}
	for _, h := range l.records {
		e.tracker.LearnFrom(h)
	}
}
