// Package demo is what the exporter is shown at work on: a simulated API on loopback, made-up tasks of it, and lists of their ids.
package demo

import (
	"context"
	"errors"
	"fmt"
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
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

const (
	speed     = 10   // simulated seconds a second
	rate      = 0.06 // tasks a simulated second and list
	dirPrefix = "kie_exporter-demo-"

	// HoldBack is how long new totals show 0: shorter than in earnest, so that they move within the first minute.
	HoldBack = 5 * time.Second
)

// Demo is a simulated API on loopback, and programs that create tasks there and list their ids.
type Demo struct {
	api    *kiesim.Server
	server *http.Server
	base   *url.URL
	dir    string // of the list files
	end    context.CancelFunc
	parts  sync.WaitGroup
}

// Start starts a demo in a folder of its own, which Stop ends and removes.
func Start(ctx context.Context, log *slog.Logger) (*Demo, error) {
	dir, err := os.MkdirTemp("", dirPrefix)
	if err != nil { // a container with a read-only root still has shared memory
		dir, err = os.MkdirTemp("/dev/shm", dirPrefix)
	}
	if err != nil {
		return nil, err
	}
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	api := kiesim.New(kiesim.Options{
		Seed: 1, Speed: speed, Credits: 20000, TopUp: 20000,
		RealisticLatency: true, RequestsPerSecond: 20, Incidents: true,
	})
	ctx, end := context.WithCancel(ctx)
	d := &Demo{
		api:    api,
		end:    end,
		server: &http.Server{Handler: api, ReadHeaderTimeout: 10 * time.Second},
		base:   &url.URL{Scheme: "http", Host: listener.Addr().String()},
		dir:    dir,
	}
	d.parts.Go(func() { _ = d.server.Serve(listener) }) // ends with ErrServerClosed
	for _, list := range []string{d.list("studio.txt"), d.list("shop.jsonl")} {
		d.parts.Go(func() {
			if err := api.Generate(ctx, list, rate); err != nil {
				log.Error("The demo makes no more tasks", "err", err)
			}
		})
	}
	return d, nil
}

func (d *Demo) list(name string) string { return filepath.Join(d.dir, name) }

// Stop ends the API and the programs, waits for them, and removes the lists.
func (d *Demo) Stop() error {
	d.end()
	err := d.server.Close()
	d.parts.Wait()
	return errors.Join(err, os.RemoveAll(d.dir))
}

// Config returns a configuration of two groups with a list each.
func (d *Demo) Config() (*config.Config, error) {
	key, err := config.StaticKey("demo")
	if err != nil {
		return nil, err
	}
	group := func(name, file, team string) config.Group {
		return config.Group{
			Name: name, Account: "demo", Labels: map[string]string{"team": team}, Overdue: 15 * time.Second,
			Files: []config.File{{Written: file, Path: d.list(file)}},
		}
	}
	client := commoncfg.DefaultHTTPClientConfig
	client.FollowRedirects = false // as /config says of every account
	return &config.Config{
		Accounts: []config.Account{{
			Name: "demo", BaseURL: d.base, Key: key, HTTPClient: client,
			RequestsPerSecond: 10, MaxConcurrent: 8, Timeout: 10 * time.Second, CreditsInterval: 10 * time.Second,
		}},
		Groups:  []config.Group{group("studio", "studio.txt", "film"), group("shop", "shop.jsonl", "web")},
		Polling: config.Polling{Background: true, MaxWait: 5 * time.Second, MinInterval: 3 * time.Second, MaxInterval: time.Minute},
		Limits:  config.DefaultLimits(),
	}, nil
}

// Announce says where to look.
func (d *Demo) Announce(stdout io.Writer, addresses []net.Addr, metricsPath string) {
	_, port, err := net.SplitHostPort(addresses[0].String())
	if err != nil {
		port = "10059"
	}
	_, _ = fmt.Fprintf(stdout, `kie_exporter demo: made-up tasks of a simulated kie.ai API at %[1]s, living %[2]d times as fast as real ones.

  Metrics       http://localhost:%[3]s%[4]s
  Tasks         http://localhost:%[3]s/tasks
  Landing page  http://localhost:%[3]s/

  curl -s http://localhost:%[3]s%[4]s | grep -E '^kie_tasks(_finished_total|_failed_total|\{)'

Totals of a new model show 0 for their first %[5]s. Ctrl-C ends the demo.
`, d.base, speed, port, metricsPath, HoldBack)
}
