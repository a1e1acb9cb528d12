// Package demo is what the exporter is shown at work on: simulated APIs on loopback, made-up tasks of theirs, and lists of their ids.
package demo

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	commoncfg "github.com/prometheus/common/config"

	"github.com/kie-exporter/kie_exporter/config"
	"github.com/kie-exporter/kie_exporter/internal/apikey"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

const (
	speed     = 10   // simulated seconds a second
	rate      = 0.06 // tasks a simulated second and list
	credits   = 2e7  // of an account: they last for days, as nothing is staged about them
	lines     = 400  // that a list keeps: those of about ten minutes
	dirPrefix = "kie_exporter-demo-"
	hookKey   = "demo-webhook-key"
	token     = "demo-push-token"
	keep      = 2 * time.Minute // of pushed tasks that have finished

	// HoldBack is how long new totals show 0: shorter than in earnest, so that they move within the first minute.
	HoldBack = 5 * time.Second
)

// accounts are the accounts of the demo, each with an API of its own, so that what goes wrong with one leaves the other alone.
var accounts = []struct {
	account string
	ahead   time.Duration // of the schedule of incidents
}{{"demo", 0}, {"lab", 10 * time.Minute}}

// group is a group, and the program that makes its tasks.
type group struct {
	name, account, list, team string // without a list it is pushed to
	overdue                   time.Duration
	callbacks                 bool
	endpoint                  kiesim.Endpoint // of the tasks; empty: that of jobs
}

var groups = []group{
	{name: "studio", account: "demo", list: "studio.txt", team: "film", overdue: 15 * time.Second},
	{name: "shop", account: "demo", list: "shop.jsonl", team: "web", overdue: 15 * time.Second, callbacks: true},
	{name: "research", account: "lab", list: "research.txt", team: "lab"},
	{name: "clips", account: "demo", team: "film"},
	{name: "songs", account: "demo", list: "songs.txt", team: "film", endpoint: kiesim.Suno},
	{name: "trailers", account: "lab", list: "trailers.txt", team: "lab", endpoint: kiesim.Veo},
}

func (g *group) isPushed() bool { return g.list == "" }

// Demo is simulated APIs on loopback, and programs that create tasks there and list their ids.
type Demo struct {
	ctx  context.Context //nolint:containedctx // it ends with the demo, which outlives every call
	end  context.CancelFunc
	dir  string // of the list files
	apis []*simulated
	log  *slog.Logger

	parts sync.WaitGroup

	mu     sync.Mutex // of stdout
	stdout io.Writer
}

// simulated is the simulated API of an account.
type simulated struct {
	account string
	api     *kiesim.Server
	server  *http.Server
	base    *url.URL
}

// Start starts a demo in a folder of its own, which Stop ends and removes.
func Start(ctx context.Context, log *slog.Logger, stdout io.Writer) (d *Demo, err error) {
	dir, err := os.MkdirTemp("", dirPrefix)
	if err != nil { // a container with a read-only root still has shared memory
		dir, err = os.MkdirTemp("/dev/shm", dirPrefix)
	}
	if err != nil {
		return nil, err
	}
	for _, g := range groups { // there from the start, so that no read fails
		if g.isPushed() {
			continue
		}
		if err := os.WriteFile(filepath.Join(dir, g.list), nil, 0o600); err != nil {
			return nil, errors.Join(err, os.RemoveAll(dir))
		}
	}
	d = &Demo{dir: dir, log: log, stdout: stdout}
	d.ctx, d.end = context.WithCancel(ctx)
	for i, a := range accounts {
		api, err := d.serve(a.account, kiesim.Options{
			Seed: uint64(i + 1), Speed: speed, Credits: credits, TopUp: credits,
			RealisticLatency: true, RequestsPerSecond: 20, Incidents: true, IncidentsAhead: a.ahead,
		})
		if err != nil {
			return nil, errors.Join(err, d.Stop())
		}
		d.apis = append(d.apis, api)
	}
	return d, nil
}

// serve serves the API of an account.
func (d *Demo) serve(account string, o kiesim.Options) (*simulated, error) {
	var lc net.ListenConfig
	listener, err := lc.Listen(d.ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	api := kiesim.New(o)
	a := &simulated{
		account: account, api: api,
		server: &http.Server{Handler: api, ReadHeaderTimeout: 10 * time.Second},
		base:   &url.URL{Scheme: "http", Host: listener.Addr().String()},
	}
	d.parts.Go(func() { _ = a.server.Serve(listener) }) // ends with ErrServerClosed
	return a, nil
}

// Begin has the programs create tasks that list them, now that callbacks are received at an address.
func (d *Demo) Begin(hooks net.Addr) {
	for _, g := range groups {
		if g.isPushed() {
			continue
		}
		program := kiesim.Program{Path: d.path(g.list), PerSecond: rate, Keep: lines, Endpoint: g.endpoint}
		if g.callbacks {
			hook := url.URL{Scheme: "http", Host: hooks.String(), Path: "/webhook/" + g.account}
			program.Callbacks = &kiesim.Callbacks{URL: hook.String(), Key: hookKey}
		}
		d.generate(g, program)
	}
}

// generate has a program create tasks of a group until the demo ends.
func (d *Demo) generate(g group, program kiesim.Program) {
	api := d.api(g.account)
	d.parts.Go(func() {
		if err := api.Generate(d.ctx, program); err != nil {
			d.log.Error("The demo makes no more tasks", "group", g.name, "err", err)
		}
	})
}

func (d *Demo) api(account string) *kiesim.Server {
	for _, a := range d.apis {
		if a.account == account {
			return a.api
		}
	}
	panic("a group of the demo is of an account that is none of the demo's")
}

func (d *Demo) path(list string) string { return filepath.Join(d.dir, list) }

// Stop ends the APIs and the programs, waits for them, and removes the lists.
func (d *Demo) Stop() (err error) {
	d.end()
	for _, a := range d.apis {
		err = errors.Join(err, a.server.Close())
	}
	d.parts.Wait()
	return errors.Join(err, os.RemoveAll(d.dir))
}

// Config returns a configuration of the accounts, and of the groups with a list each.
func (d *Demo) Config() (*config.Config, error) {
	key, err := apikey.Static("demo")
	if err != nil {
		return nil, err
	}
	signing, err := apikey.Static(hookKey)
	if err != nil {
		return nil, err
	}
	pushing, err := apikey.Static(token)
	if err != nil {
		return nil, err
	}
	cfg := &config.Config{
		Polling: config.Polling{Background: true, MaxWait: 5 * time.Second, MinInterval: 3 * time.Second, MaxInterval: time.Minute},
		Limits:  config.DefaultLimits(),
	}
	cfg.Series.TaskStates = "all"
	client := commoncfg.DefaultHTTPClientConfig
	client.FollowRedirects = false // as /config says of every account
	for _, a := range d.apis {
		account := config.Account{
			Name: a.account, BaseURL: a.base, Key: key, HTTPClient: client,
			RequestsPerSecond: 10, MaxRequestsPerSecond: 15, MaxConcurrent: 8, Parts: 1, Timeout: 10 * time.Second, CreditsInterval: 10 * time.Second,
			ModelHealthInterval: time.Minute,
		}
		if callsBack(a.account) {
			account.WebhookKeys = []*apikey.Key{signing}
		}
		cfg.Accounts = append(cfg.Accounts, account)
	}
	for _, g := range groups {
		endpoint, _ := kie.EndpointNamed(string(g.endpoint)) // jobs where it is empty
		group := config.Group{
			Name: g.name, Account: g.account, Endpoint: endpoint, Labels: map[string]string{"team": g.team}, Overdue: g.overdue, Webhook: g.callbacks,
		}
		if g.isPushed() {
			group.Push = &config.Push{Token: pushing, Keep: keep}
		} else {
			group.Files = []config.File{{Written: g.list, Path: d.path(g.list)}}
		}
		cfg.Groups = append(cfg.Groups, group)
	}
	return cfg, nil
}

// callsBack reports whether there are callbacks for an account.
func callsBack(account string) bool {
	for _, g := range groups {
		if g.account == account && g.callbacks {
			return true
		}
	}
	return false
}
