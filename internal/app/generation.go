// A configuration, and what is made of it before it is in force.

package app

import (
	"fmt"
	"log/slog"
	"sync/atomic"

	"github.com/prometheus/common/version"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/config"
	"github.com/kie-exporter/kie_exporter/internal/apikey"
	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/files"
	"github.com/kie-exporter/kie_exporter/internal/source/groups"
	"github.com/kie-exporter/kie_exporter/internal/source/remote"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
)

// generation is a configuration and what it takes to put it in force. Making one changes nothing that is.
type generation struct {
	config   *config.Config
	accounts []servedAccount
	groups   []tracker.GroupOptions
	lists    []groups.Group
	tokens   map[string]func() string // by group that takes pushes; nil: it has none
}

// servedAccount is an account with the client and the budget that serve it.
type servedAccount struct {
	config  config.Account
	client  *kie.Client
	budget  *budget.Account
	options budget.Options
	hooks   []func() string // the keys of its callbacks
	held    share.Set
	// has reports whether a task of the account is this process's, and not another replica's; nil: all are. It is decided nowhere else:
	// sources ask it of each id that comes in, and the tracker of each id that a callback or a probe names.
	has func(id string) bool
}

// newGeneration makes a generation that takes over what did not change from the one before, if there is one: an account with
// all the same settings keeps its client, and every account of the same name its budget. Of what
// an account may spend the process gets the fraction that it holds of it; accounts of which it holds nothing are left out, and their groups. The
// error names what can't be.
func newGeneration(cfg *config.Config, own sharing, before *generation, log *slog.Logger) (*generation, error) {
	g := &generation{config: cfg, tokens: make(map[string]func() string)}
	for _, a := range cfg.Accounts {
		held := own.Held(a.Name)
		if n, _ := held.Fraction(); n == 0 {
			continue
		}
		next, err := newAccount(a, held, own.Right(a.Name), before.account(a.Name), log)
		if err != nil {
			g.close(before)
			return nil, fmt.Errorf("account %s: %w", a.Name, err)
		}
		g.accounts = append(g.accounts, next)
	}
	g.addGroups(cfg.Groups, log)
	if err := groups.Check(g.lists); err != nil {
		g.close(before)
		return nil, err
	}
	return g, nil
}

func newAccount(
	a config.Account, held share.Set, right func() bool, before *servedAccount, log *slog.Logger,
) (servedAccount, error) {
	if before != nil && before.config.Equal(a) && before.held.Equal(held) {
		return *before, nil
	}
	key := inForce(a.Key, "api", log.With("account", a.Name))
	spends, share := part(a, held)
	client, err := kie.NewClient(kie.Options{
		BaseURL:        a.BaseURL,
		Key:            key,
		HTTPClient:     a.HTTPClient,
		Timeout:        a.Timeout,
		MaxConnections: spends.MaxConcurrent,
		UserAgent:      "kie_exporter/" + version.Version,
	})
	if err != nil {
		return servedAccount{}, err
	}
	next := servedAccount{config: a, client: client, held: held, options: budget.Options{
		Client: client, Key: key, Histograms: collector.NewHistogram,
		Rate: spends.RequestsPerSecond, Most: spends.MaxRequestsPerSecond, Concurrent: spends.MaxConcurrent, Part: share,
		Right: right, Empty: right != nil, // whoever held it until now may just have spent all
	}}
	if !held.IsWhole() {
		next.has = held.Has
	}
	for _, k := range a.WebhookKeys {
		next.hooks = append(next.hooks, inForce(k, "webhook", log.With("account", a.Name)))
	}
	if before != nil {
		next.budget = before.budget
	} else {
		next.budget = budget.New(next.options)
	}
	return next, nil
}

// part returns an account with what is left of what it may spend for those of its parts that are held, and which share that is. All parts
// together never have more than the account: what does not divide is nobody's.
func part(a config.Account, held share.Set) (spends config.Account, of float64) {
	k, n := held.Fraction()
	of = float64(k) / float64(n)
	a.RequestsPerSecond *= of
	a.MaxRequestsPerSecond *= of
	a.MaxConcurrent = a.MaxConcurrent * k / n
	return a, of
}

// tokenOf returns the token of a group's producers whenever it is called; nil: they have none.
func tokenOf(p *config.Push, group string, log *slog.Logger) func() string {
	if p.Token == nil {
		return nil
	}
	return inForce(p.Token, "push", log.With("group", group))
}

// inForce returns a key whenever it is called, and logs when its file can't be read any more, and when it can again.
func inForce(key *apikey.Key, what string, log *slog.Logger) func() string {
	var failing atomic.Bool
	return func() string {
		err := key.Err()
		switch was := failing.Swap(err != nil); {
		case err != nil && !was:
			log.Warn("A key can't be read again, the last one stays in force", "key", what, "err", err)
		case err == nil && was:
			log.Info("A key can be read again", "key", what)
		}
		return key.Value()
	}
}

// addGroups notes what tracker and sources need to know of each group.
func (g *generation) addGroups(all []config.Group, log *slog.Logger) {
	for _, from := range all {
		if p := from.Push; p != nil {
			g.tokens[from.Name] = tokenOf(p, from.Name, log)
		}
		of := g.account(from.Account)
		if of == nil {
			continue
		}
		g.groups = append(g.groups, tracker.GroupOptions{
			Name: from.Name, Account: from.Account, Endpoint: from.Endpoint, Labels: from.Labels, Overdue: from.Overdue, Webhook: from.Webhook,
		})
		list := groups.Group{
			Name: from.Name, Account: from.Account, MaxTasks: from.MaxTasks, Inline: from.Tasks, Labels: from.Labels,
			Has: of.has, Parts: fmt.Sprint(of.held.Held()),
		}
		for _, f := range from.Files {
			list.Files = append(list.Files, files.Pattern{Written: f.Written, Path: f.Path})
		}
		if h := from.HTTP; h != nil {
			list.HTTP = &remote.HTTP{URL: h.URL, Interval: h.RefreshInterval, Client: h.HTTPClient}
		}
		if p := from.Push; p != nil {
			list.Push = &groups.Push{Keep: p.Keep}
		}
		g.lists = append(g.lists, list)
	}
}

// limits returns what the sources may have.
func (g *generation) limits() source.Limits {
	l := g.config.Limits
	return source.Limits{Tasks: l.Tasks, Bytes: int64(l.ListBytes), IDs: l.ListIDs}
}

// account returns the account of a name; nil if there is none.
func (g *generation) account(name string) *servedAccount {
	if g == nil {
		return nil
	}
	for i := range g.accounts {
		if g.accounts[i].config.Name == name {
			return &g.accounts[i]
		}
	}
	return nil
}

// accountOf returns the account of a group; empty: there is no such group.
func (g *generation) accountOf(group string) string {
	for i := range g.groups {
		if g.groups[i].Name == group {
			return g.groups[i].Account
		}
	}
	return ""
}

// options returns what the tracker is to do. What lives as long as the exporter is left to the caller.
func (g *generation) options() tracker.Options {
	o := tracker.Options{
		Groups:     g.groups,
		Background: g.config.Polling.Background,
		MaxWait:    g.config.Polling.MaxWait,
		Bounds:     schedule.Bounds{Min: g.config.Polling.MinInterval, Max: g.config.Polling.MaxInterval},
		TaskSeries: g.config.Limits.TaskSeries,
		Models:     g.config.Limits.Models,
	}
	for _, a := range g.accounts {
		of := tracker.AccountOptions{
			Name: a.config.Name, Budget: a.budget, CreditsInterval: a.config.CreditsInterval, ModelsInterval: a.config.ModelHealthInterval,
			KeyOrigin: a.config.Key.Origin(), TryKey: true, Has: a.has,
		}
		if !a.held.HasPart(0) { // one process asks for what is the account's as a whole
			of.CreditsInterval, of.ModelsInterval = 0, 0
		}
		o.Accounts = append(o.Accounts, of)
	}
	return o
}

// reconfigureBudgets puts the settings of the accounts that were there before, and did change, in force.
func (g *generation) reconfigureBudgets(before *generation) {
	for _, a := range g.accounts {
		if was := before.account(a.config.Name); was != nil && was.client != a.client {
			a.budget.Reconfigure(a.options)
		}
	}
}

// close releases the connections that another generation does not use too. One under a request ends with that.
func (g *generation) close(other *generation) {
	for _, a := range g.accounts {
		if used := other.account(a.config.Name); used == nil || used.client != a.client {
			a.client.Close()
		}
	}
}
