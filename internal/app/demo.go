// The exporter at work on a demo.

package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"net/url"
	"strconv"

	"github.com/kie-exporter/kie_exporter/internal/history"
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
		exporter := &url.URL{Scheme: "http", Host: "localhost:10059"}
		if !f.toolkitListens() { // else only the toolkit knows where
			d.Announce(addresses, f.metricsPath)
			exporter = f.ownURL(addresses[0])
			d.Push(exporter)
		}
		d.AnnounceIncidents(exporter)
		if listening != nil {
			listening(addresses)
		}
	}
	memoryOnly := func(*history.History) (recordStore, error) { return store.Memory{}, nil }
	return f.export(ctx, d.Config, memoryOnly, demo.HoldBack, log, o)
}

// ownURL returns where this machine finds the exporter that listens on an address.
func (f *flags) ownURL(listens net.Addr) *url.URL {
	u := &url.URL{Scheme: "http", Host: listens.String()}
	if own, err := netip.ParseAddrPort(u.Host); err == nil && own.Addr().IsUnspecified() {
		u.Host = net.JoinHostPort("localhost", strconv.Itoa(int(own.Port())))
	}
	if f.servesTLS() {
		u.Scheme = "https"
	}
	return u
}

// servesTLS reports whether the web configuration has a certificate.
func (f *flags) servesTLS() bool {
	var web struct {
		TLS map[string]any `yaml:"tls_server_config"`
	}
	return f.readWeb(&web) == nil && len(web.TLS) > 0
}
