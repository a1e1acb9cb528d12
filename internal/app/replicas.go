// Several replicas over Redis: what this one holds, and what follows when that changes.

package app

import (
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync/atomic"
	"time"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/version"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/config"
	"github.com/kie-exporter/kie_exporter/internal/apikey"
	"github.com/kie-exporter/kie_exporter/internal/cluster"
	"github.com/kie-exporter/kie_exporter/internal/mailbox"
	"github.com/kie-exporter/kie_exporter/internal/redis"
	settings "github.com/kie-exporter/kie_exporter/internal/replicas"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/internal/shared"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/internal/withheld"
)

// replicas is this replica's place among the others.
type replicas struct {
	client  *redis.Client
	keeper  *cluster.Keeper
	store   *shared.Store
	mailbox *mailbox.Mailbox
	notes   *notes
	pushed  atomic.Pointer[map[string]string] // the accounts of the groups that take pushes
	redis   settings.Redis                    // as it was at the start
	cluster settings.Cluster
	parts   map[string]int // of each account there was
	scraped atomic.Int64   // of which moment at the least the metrics were last served, in ms
	resting func(account string) bool
	keep    func(ctx context.Context, sh share.Share) // what was learned of a share, before it is released
}

// newReplicas joins the replicas that a configuration names; nil: it names none. Local is what the process keeps by itself.
func newReplicas(cfg *config.Config, local recordStore, log *slog.Logger) (*replicas, error) {
	c := cfg.Redis()
	if c == nil {
		return nil, nil //nolint:nilnil // there is none
	}
	options := redis.Options{
		Addresses: c.Addresses, SentinelMaster: c.SentinelMaster, Cluster: c.Cluster, Username: c.Username, DB: c.DB, Timeout: c.Timeout,
		Log: log, Histograms: collector.NewHistogram, Operations: collector.RedisOperations(), Password: passwordOf(c.Password, log), SentinelPassword: passwordOf(c.SentinelPassword, log),
	}
	if c.TLS {
		options.TLS = func() (*tls.Config, error) { return commoncfg.NewTLSConfig(&c.TLSConfig) }
	}
	client, err := redis.New(options)
	if err != nil {
		return nil, fmt.Errorf("storage.redis: %w", err)
	}
	r := &replicas{client: client, redis: *c, cluster: *cfg.Cluster, parts: make(map[string]int), notes: newNotes()}
	shares, digest := r.shares(cfg)
	r.keeper = cluster.New(cluster.Options{
		Client: client, Cluster: r.cluster.Name, Replica: r.cluster.Replica, Version: version.Version, Lease: r.cluster.Lease,
		Seal: func(ctx context.Context, sh share.Share, mark string, epoch uint64) error {
			return r.store.Seal(ctx, partOf(sh), mark, epoch)
		},
		Flush: func(ctx context.Context, sh share.Share) {
			r.keep(ctx, sh)
			r.store.Flush(ctx, partOf(sh))
		},
		Resting: func(account string) bool { return r.resting(account) },
		Scraped: func() time.Time { return time.UnixMilli(r.scraped.Load()) },
		Log:     log,
	}, shares, digest)
	r.store = shared.New(shared.Options{Client: client, Cluster: r.cluster.Name, Rights: holdings{r.keeper}, Copy: local, AccountOf: r.accountOf, Log: log})
	return r, nil
}

func passwordOf(k *apikey.Key, log *slog.Logger) func() string {
	if k == nil {
		return nil
	}
	return inForce(k, "redis", log)
}

// shares returns all shares of a configuration and a digest of what replicas must agree on. An account keeps the parts that it had first.
func (r *replicas) shares(cfg *config.Config) (all []share.Share, digest string) {
	pushed := accountsOf(cfg)
	r.pushed.Store(&pushed)
	h := sha256.New()
	for _, a := range cfg.Accounts {
		if r.parts[a.Name] == 0 {
			r.parts[a.Name] = a.Parts
		}
		_, _ = fmt.Fprintf(h, "account %s %d\n", a.Name, r.parts[a.Name])
		for part := range r.parts[a.Name] {
			all = append(all, share.Share{Account: a.Name, Part: part, Parts: r.parts[a.Name]})
		}
	}
	for _, g := range cfg.Groups {
		_, _ = fmt.Fprintf(h, "group %s of %s\n", g.Name, g.Account)
	}
	return all, hex.EncodeToString(h.Sum(nil))[:16]
}

// check returns an error if a configuration changes what takes a restart.
func (r *replicas) check(cfg *config.Config) error {
	if r == nil {
		if cfg.Redis() != nil {
			return errors.New("storage.redis: a change takes a restart")
		}
		return nil
	}
	if cfg.Redis() == nil || !cfg.Redis().Equal(r.redis) {
		return errors.New("storage.redis: a change takes a restart")
	}
	if *cfg.Cluster != r.cluster {
		return errors.New("cluster: a change takes a restart")
	}
	for _, a := range cfg.Accounts {
		if n := r.parts[a.Name]; n != 0 && n != a.Parts {
			return fmt.Errorf("account %s: parts: a change takes a restart", a.Name)
		}
	}
	return nil
}

// stats returns how the replicas stand; nil: there are none.
func (r *replicas) stats() *collector.Replicas {
	if r == nil {
		return nil
	}
	k, c := r.keeper.Stats(), r.client.Stats()
	st := &collector.Replicas{
		Shares: k.Shares, Held: k.Held, Changes: make(map[collector.ShareChange]uint64, len(k.Changes)), Lease: k.Remaining,
		Answered: k.Answered, Unheld: len(k.Unheld), Same: k.Alike + 1, Other: k.Others, Offset: k.Offset,
		Up: c.Up, Calls: make(map[collector.RedisCall]uint64, len(c.Calls)), Durations: c.Durations, Refused: r.store.Refused(),
	}
	for change, n := range k.Changes {
		st.Changes[collector.ShareChange{Account: change.Account, Change: change.Kind}] = n
	}
	for call, n := range c.Calls {
		st.Calls[collector.RedisCall{Operation: call.Operation, Result: string(call.Result)}] = n
	}
	return st
}

// holdings says what a replica holds, as the store asks.
type holdings struct{ keeper *cluster.Keeper }

// Held implements shared.Rights.
func (h holdings) Held() (held []shared.Part) {
	for _, sh := range h.keeper.Held() {
		held = append(held, partOf(sh))
	}
	return held
}

// Of implements shared.Rights.
func (h holdings) Of(account, id string) int { return share.Of(id, h.keeper.Parts(account)) }

// Mark implements shared.Rights.
func (h holdings) Mark(p shared.Part) string {
	return h.keeper.Mark(share.Share{Account: p.Account, Part: p.Part, Parts: h.keeper.Parts(p.Account)})
}

// Static implements sharing.
func (*replicas) Static() share.Shard { return share.Shard{} }

// Held implements sharing.
func (r *replicas) Held(account string) share.Set { return r.keeper.Shares()[account] }

// Right implements sharing.
func (r *replicas) Right(account string) func() bool {
	return func() bool { return r.keeper.May(account) }
}

// Changed implements sharing.
func (r *replicas) Changed() <-chan struct{} { return r.keeper.Changed() }

// withheld returns of which accounts something is not to be shown yet, as another replica's series of it may be seen still.
func (r *replicas) withheld(accounts []servedAccount) map[string]*withheld.Account {
	all := make(map[string]*withheld.Account)
	for _, a := range accounts {
		not := r.keeper.Withheld(a.config.Name)
		if n, _ := not.Fraction(); n > 0 {
			all[a.config.Name] = &withheld.Account{Parts: not, Whole: !slices.ContainsFunc(a.held.Held(), func(part int) bool { return !not.HasPart(part) })}
		}
	}
	return all
}

// snapshot returns what is to be shown now.
func (e *exporter) snapshot() *view.Snapshot {
	unread := e.isUnread() // asked before: what was read since may be in no snapshot of before
	known := e.tracker.Snapshot()
	if e.replicas != nil {
		g := e.inForce.Load()
		if not := e.replicas.withheld(g.accounts); len(not) > 0 {
			known = withheld.From(known, not, g.accountOf, e.tracker.All())
		}
	}
	if unread {
		return withheld.Unread(known)
	}
	return known
}

// isResting reports whether no query about an account is under way.
func (e *exporter) isResting(account string) bool {
	a := e.inForce.Load().account(account)
	return a == nil || a.budget.Stats().InFlight == 0
}

// shownTracker is the tracker as scrapes see it.
type shownTracker struct {
	*tracker.Tracker
	e *exporter
}

// Snapshot implements exposition.Tracker.
func (s shownTracker) Snapshot() *view.Snapshot { return s.e.snapshot() }

// join joins the replicas that the configuration names, if it does. Nothing is held until one of them says so.
func (e *exporter) join(g *generation) (*generation, error) {
	r, err := newReplicas(g.config, e.store, e.log)
	if r == nil || err != nil {
		return g, err
	}
	r.resting = e.isResting
	r.keep = func(ctx context.Context, sh share.Share) {
		e.tracker.KeepAnswers()
		e.keepDurations(ctx, sh)
	}
	e.replicas, e.store, e.sharing = r, r.store, r
	r.store.KeepKnees(e.knees)
	r.mailbox = e.newMailbox()
	next, err := newGeneration(g.config, r, g, e.log)
	if err != nil {
		return nil, err
	}
	e.inForce.Store(next)
	g.close(next)
	return next, nil
}

// keysElsewhere returns the keys that sign the callbacks of an account that another replica has.
func (e *exporter) keysElsewhere(account string) (keys []string) {
	for _, a := range e.config().Accounts {
		for _, k := range a.WebhookKeys {
			if a.Name == account {
				keys = append(keys, k.Value())
			}
		}
	}
	return keys
}

// isElsewhere reports whether an account is configured, but nothing of it held by this replica.
func (e *exporter) isElsewhere(account string) bool {
	configured := slices.ContainsFunc(e.config().Accounts, func(a config.Account) bool { return a.Name == account })
	return e.replicas != nil && configured && e.inForce.Load().account(account) == nil
}
