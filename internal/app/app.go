// Package app is the program: flags, wiring, start and shutdown.
package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"time"

	"github.com/prometheus/common/promslog"

	"github.com/kie-exporter/kie_exporter/config"
	"github.com/kie-exporter/kie_exporter/internal/history"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

// holdBack is how long the totals of a new label set show 0, so that their first events are an increase for Prometheus.
const holdBack = time.Minute

// Options are what the program gets from its surroundings.
type Options struct {
	Stdout, Stderr io.Writer
	Getenv         func(string) string
	// Reload, if set, asks for a reload of the configuration whenever something comes from it.
	Reload <-chan os.Signal
	// OnListen, if set, is told the addresses on which requests are accepted.
	OnListen func([]net.Addr)

	heap *pacer // nil: the heap is left alone
}

// Run is the whole program. It returns its exit code when ctx has ended and everything is shut down, or when it can't go on.
func Run(ctx context.Context, args []string, o Options) int {
	f, done, err := parseFlags(args, o.Stdout)
	if err != nil {
		_, _ = fmt.Fprintf(o.Stderr, "kie_exporter: %v, try --help\n", err)
		return 2
	}
	if done {
		return 0
	}
	f.log.Writer = o.Stderr
	log := promslog.New(&f.log)
	o.heap = pace(o.Getenv)
	defer o.heap.stop()
	if err := f.run(ctx, log, o); err != nil {
		report(log, o.Stderr, err)
		return 1
	}
	return 0
}

// report tells why the program can't go on. The problems of a configuration are a list for a person, not a log line.
func report(log *slog.Logger, stderr io.Writer, err error) {
	if problems, ok := errors.AsType[config.Errors](err); ok {
		_, _ = fmt.Fprintln(stderr, problems.Error())
		return
	}
	log.Error("Can't go on", "err", err)
}

func (f *flags) run(ctx context.Context, log *slog.Logger, o Options) error {
	if f.demo {
		return f.runDemo(ctx, log, o)
	}
	load := func() (*config.Config, error) {
		cfg, err := f.load(o.Getenv)
		if err != nil {
			return nil, err
		}
		f.warn(cfg, log)
		return cfg, f.completeReplica(cfg)
	}
	open := func(h *history.History) (recordStore, error) { return f.openStore(h, log) }
	return f.export(ctx, load, open, holdBack, log, o)
}

// export checks or runs an exporter of the configuration that load returns.
func (f *flags) export(
	ctx context.Context, load func() (*config.Config, error), open func(*history.History) (recordStore, error), holdBack time.Duration,
	log *slog.Logger, o Options,
) error {
	e, err := newExporter(load, fixed{f.shard}, open, holdBack, log)
	if err != nil {
		return err
	}
	defer e.close()
	e.heap = o.heap
	e.guardSecrets(f.webSecretFiles())
	main, err := f.mainServer(e, log)
	if err != nil {
		return err
	}
	if f.check {
		return f.checkLists(ctx, e, o.Stdout)
	}
	return f.serve(ctx, e, main, log, o)
}

// openStore opens the storage, and has what it tells of the past gathered. A check looks at no storage: the exporter that it checks for may be running.
func (f *flags) openStore(h *history.History, log *slog.Logger) (recordStore, error) {
	if f.check || f.storage == "" {
		return store.Memory{}, nil
	}
	kept, err := store.OpenWith(f.storage, store.Options{Strict: f.keepStrict, Reader: h}, log)
	if err != nil {
		return nil, fmt.Errorf("--storage.path %s: %w", f.storage, err)
	}
	return kept, nil
}
