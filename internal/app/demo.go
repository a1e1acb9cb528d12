// The exporter at work on a demo.

package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"

	"github.com/kie-exporter/kie_exporter/internal/sim/demo"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

// runDemo runs the exporter on a demo until ctx ends.
func (f *flags) runDemo(ctx context.Context, log *slog.Logger, o Options) (err error) {
	d, err := demo.Start(ctx, log, o.Stdout)
	if err != nil {
		return fmt.Errorf("starting the demo: %w", err)
	}
	defer func() { err = errors.Join(err, d.Stop()) }()
	if f.hookAddress == "" {
		f.hookAddress = "127.0.0.1:0"
	}
	f.onHooks = d.Begin
	listening := o.OnListen
	o.OnListen = func(addresses []net.Addr) {
		if !f.toolkitListens() { // else only the toolkit knows where
			d.Announce(addresses, f.metricsPath)
		}
		d.AnnounceIncidents()
		if listening != nil {
			listening(addresses)
		}
	}
	memoryOnly := func() (recordStore, error) { return store.Memory{}, nil }
	return f.export(ctx, d.Config, memoryOnly, demo.HoldBack, log, o)
}
