// The HTTP server: what it serves, how it starts and ends.

package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/version"
	toolkit "github.com/prometheus/exporter-toolkit/web"

	"github.com/kie-exporter/kie_exporter/internal/connections"
	"github.com/kie-exporter/kie_exporter/internal/openapi"
	"github.com/kie-exporter/kie_exporter/internal/web"
)

// shutdownTimeout is how long requests under way get to end after a signal.
const shutdownTimeout = 10 * time.Second

// Connections of the listeners beside the main one, whose limit is a flag.
const (
	hookConnections   = 256 // of any peer half
	healthConnections = 32
)

// ofFiles returns how many connections a listener may have, but no more than one part in so many of the files that the process
// may have open: each listener leaves some to the others, to the API and to the storage.
func ofFiles(most, part int) int {
	if files := connections.Files(); files > 0 {
		return max(1, min(most, files/part))
	}
	return most
}

// serve answers requests until ctx ends. Requests under way are let finish, and only then are the tasks let go.
func (f *flags) serve(ctx context.Context, e *exporter, main *mainServer, log *slog.Logger, o Options) error {
	log.Info("Starting kie_exporter", "version", version.Info(), "build", version.BuildContext())
	listeners, err := f.listen(ctx)
	if err != nil {
		return err
	}
	hooks, err := f.listenForCallbacks(ctx, e, log)
	if err != nil {
		closeAll(listeners)
		return err
	}
	health, err := f.listenForHealth(ctx, e, log)
	if err != nil {
		closeAll(append(listeners, hooks.listeners...))
		return err
	}
	if o.OnListen != nil {
		o.OnListen(addresses(slices.Concat(listeners, hooks.listeners, health.listeners)))
	}

	tracking, stopTracking := context.WithCancel(context.WithoutCancel(ctx))
	defer stopTracking()
	var parts sync.WaitGroup
	parts.Go(func() { e.run(tracking) })
	parts.Go(func() { e.reloadOn(tracking, o.Reload) })
	open := f.open(main, listeners, log)
	served := make(chan error, 2+len(open))
	servers := []*http.Server{hooks.server}
	for _, door := range open {
		servers = append(servers, door.server)
		parts.Go(func() { served <- door.serve() })
	}
	hooks.serve(&parts, served)
	health.serve(&parts, served)

	select {
	case <-ctx.Done():
		log.Info("Shutting down")
		err = shutDown(ctx, servers...)
	case err = <-served:
	case err = <-e.failed:
	}
	for _, server := range servers {
		_ = server.Close() // what Shutdown left over, or listeners that still accept
	}
	_ = health.server.Close() // the last to go: until here the process is healthy
	stopTracking()
	parts.Wait()
	return err
}

// shutDown waits for requests under way. That some had to be cut off is not a failure of the program.
func shutDown(ctx context.Context, servers ...*http.Server) (err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	for _, server := range servers {
		if e := server.Shutdown(ctx); e != nil && !errors.Is(e, context.DeadlineExceeded) {
			err = errors.Join(err, fmt.Errorf("shutdown: %w", e))
		}
	}
	return err
}

// mainServer returns what serves the main addresses, once all that the command line says of it is known to be right.
func (f *flags) mainServer(e *exporter, log *slog.Logger) (*mainServer, error) {
	if err := toolkit.Validate(*f.web.WebConfigFile); err != nil {
		return nil, fmt.Errorf("--web.config.file %s: %w", *f.web.WebConfigFile, err)
	}
	if f.hookAddress != "" && len(e.callbacks()) == 0 {
		return nil, errors.New("--web.webhook-listen-address: no account has webhook_keys_files, so no callback would be accepted")
	}
	handler, err := f.handler(e)
	if err != nil {
		return nil, err
	}
	most := f.maxConnections
	if least := ofFiles(most, 2); least < most {
		log.Warn("Fewer connections than --web.max-connections are allowed: the process may have few files open", "connections", least)
		most = least
	}
	guard := web.NewGuard([]string{f.metricsPath, "/-/healthy", "/-/ready"}, f.allowedHosts)
	// One peer may have them all while nobody else wants any: all scrapes may come through one proxy.
	limit := connections.New(most, most)
	return &mainServer{
		toolkit: func(h http.Handler) *http.Server { return newServer(h, limit, e.panics, log) },
		open:    guard.Handler(plainPaths(handler)),
		tokens:  recovering(guard.Handler(plainPaths(e.pushes.WithToken())), e.panics, log),
		takes:   e.pushes.TakesToken,
	}, nil
}

// newServer returns a server that no client can keep busy for long, nor with more connections than are allowed.
func newServer(handler http.Handler, limit *connections.Limit, panics prometheus.Counter, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           recovering(handler, panics, log),
		ConnState:         limit.Track,
		HTTP2:             &http.HTTP2Config{MaxConcurrentStreams: 16},
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelDebug),
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    64 << 10,
	}
}

// healthHandler serves what a supervisor such as a kubelet asks.
func healthHandler(e *exporter) *http.ServeMux {
	mux := http.NewServeMux()
	mux.Handle("GET /-/healthy", web.Healthy())
	mux.Handle("GET /-/ready", web.Ready(e.ready))
	return mux
}

// plainPaths answers 404 to paths such as //metrics, which http.ServeMux would redirect. A slash at the end is left to next. It looks at
// paths as they came, as an escaped id may hold anything: a%2F%2Fb.
func plainPaths(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		came := r.URL.EscapedPath()
		if clean := path.Clean(came); came != clean && (clean == "/" || came != clean+"/") {
			http.NotFound(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// handler returns everything that is served.
func (f *flags) handler(e *exporter) (http.Handler, error) {
	mux := healthHandler(e)
	m := newMetrics(e, f.timeoutOffset, f.maxRequests)
	mux.HandleFunc("GET "+f.metricsPath, m.scrape)
	if f.probe {
		mux.HandleFunc("GET /probe", m.limitedProbe)
	} else {
		mux.Handle("GET /probe", web.Forbidden("This exporter was started with --no-web.enable-probe."))
	}
	mux.Handle("GET /config", web.Config(func() ([]byte, error) { return e.config().YAML() }))
	if f.pprof {
		web.Profiles(mux)
	}
	reload := web.Forbidden("Start with --web.enable-lifecycle to allow this.")
	if f.lifecycle {
		reload = web.Reload(e.reload)
	}
	mux.Handle("POST /-/reload", reload)
	mux.Handle("PUT /-/reload", reload)
	known := web.Known{
		Tasks: e.tracker.All, Find: e.tracker.Find, Kept: e.tracker.Kept, Finished: e.tracker.Finished,
		Queries: e.queries.Queries, Next: e.tracker.Next, Grafana: f.grafana, Shard: f.shard,
		Status: func() web.Status { return e.shown(f.hookAddress != "") },
	}
	if e.replicas != nil {
		known.Replicas = pagesOfReplicas{e}
	}
	tasks, err := web.NewTasks(known)
	if err != nil {
		return nil, err
	}
	e.pages.Store(tasks)
	tasks.Register(mux)
	e.pushes.Register(mux)
	openapi.Register(mux)
	if f.metricsPath != "/" {
		mux.Handle("GET /{$}", tasks.Landing(web.Landing{
			Version: version.Version, MetricsPath: f.metricsPath, Profiles: f.pprof, Probe: f.probe,
		}))
	}
	return mux, nil
}

// listen opens the addresses of the command line, or takes over systemd's sockets; none for vsock, which the toolkit opens.
func (f *flags) listen(ctx context.Context) (listeners []net.Listener, err error) {
	switch {
	case *f.web.WebSystemdSocket:
		return systemdSockets()
	case f.toolkitListens():
		return nil, nil
	}
	var lc net.ListenConfig
	for _, address := range *f.web.WebListenAddresses {
		l, err := lc.Listen(ctx, "tcp", address)
		if err != nil {
			closeAll(listeners)
			return nil, fmt.Errorf("--web.listen-address: %w", err)
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

// systemdSockets returns the sockets that systemd hands over. The toolkit would end with a trace at one that nobody can connect to.
func systemdSockets() ([]net.Listener, error) {
	listeners, err := activation.Listeners()
	switch {
	case err != nil:
		return nil, fmt.Errorf("--web.systemd-socket: %w", err)
	case len(listeners) == 0:
		return nil, errors.New("--web.systemd-socket: systemd has handed over no socket; is the service started by its socket unit?")
	}
	for i, l := range listeners {
		if l == nil || l.Addr().Network() == "unixgram" {
			closeAll(slices.DeleteFunc(listeners, func(l net.Listener) bool { return l == nil }))
			return nil, fmt.Errorf("--web.systemd-socket: socket %d of %d takes no connections; the socket unit must use ListenStream=", i+1, len(listeners))
		}
	}
	return listeners, nil
}

// sideServer is a server for one purpose on an address of its own, without TLS and authentication.
type sideServer struct {
	server    *http.Server
	listeners []net.Listener // none, or one
}

// listenForCallbacks opens the address for callbacks, if there is one. They are signed, and the API can't send a password, so the web
// configuration does not apply there: a reverse proxy terminates TLS.
func (f *flags) listenForCallbacks(ctx context.Context, e *exporter, log *slog.Logger) (sideServer, error) {
	mux := http.NewServeMux()
	e.webhook.Register(mux)
	most := ofFiles(hookConnections, 8)
	limit := connections.New(most, max(1, most/2))
	a, err := listenSide(ctx, "--web.webhook-listen-address", f.hookAddress, newServer(plainPaths(mux), limit, e.panics, log))
	for _, l := range a.listeners {
		log.Info("Receiving callbacks", "address", l.Addr().String())
		if f.onHooks != nil {
			f.onHooks(l.Addr())
		}
	}
	return a, err
}

// listenForHealth opens the address for health and readiness alone, if there is one.
func (f *flags) listenForHealth(ctx context.Context, e *exporter, log *slog.Logger) (sideServer, error) {
	health := ofFiles(healthConnections, 16)
	a, err := listenSide(ctx, "--web.probe-listen-address", f.probeAddress, newServer(plainPaths(healthHandler(e)), connections.New(health, health), e.panics, log))
	for _, l := range a.listeners {
		log.Info("Serving health and readiness", "address", l.Addr().String())
	}
	return a, err
}

func listenSide(ctx context.Context, flag, address string, server *http.Server) (sideServer, error) {
	if address == "" {
		return sideServer{server: server}, nil
	}
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return sideServer{}, fmt.Errorf("%s: %w", flag, err)
	}
	return sideServer{server, []net.Listener{l}}, nil
}

// serve accepts requests until the server is closed.
func (a sideServer) serve(parts *sync.WaitGroup, served chan<- error) {
	for _, l := range a.listeners {
		parts.Go(func() { served <- unlessClosed(a.server.Serve(l)) })
	}
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		_ = l.Close()
	}
}

// toolkitListens reports whether there are addresses that only the toolkit can open.
func (f *flags) toolkitListens() bool {
	if *f.web.WebSystemdSocket {
		return false
	}
	for _, address := range *f.web.WebListenAddresses {
		if strings.HasPrefix(address, "vsock://") {
			return true
		}
	}
	return false
}

func unlessClosed(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

func addresses(listeners []net.Listener) (all []net.Addr) {
	for _, l := range listeners {
		all = append(all, l.Addr())
	}
	return all
}
