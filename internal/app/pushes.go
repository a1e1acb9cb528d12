// Pushes: who takes them, and that a password is not asked for besides a token.

package app

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"slices"

	toolkit "github.com/prometheus/exporter-toolkit/web"
	"gopkg.in/yaml.v3"

	"github.com/kie-exporter/kie_exporter/config"
	"github.com/kie-exporter/kie_exporter/internal/push"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/web"
	"github.com/kie-exporter/kie_exporter/internal/webhook"
)

// newPushes returns what takes the pushes to the groups in force.
func newPushes(e *exporter) *push.Receiver {
	return push.New(push.Options{
		Token: func(group string) (func() string, bool) {
			token, ok := e.inForce.Load().tokens[group]
			return token, ok
		},
		Push:      e.push,
		Durable:   func() bool { return e.store.Stats().Keeps },
		Elsewhere: e.elsewhere,
		Log:       e.log,
	})
}

// pushStats returns what became of the pushes to each group that takes some.
func (e *exporter) pushStats() (all []source.PushStat) {
	for _, g := range e.config().Groups {
		if g.Push != nil {
			all = append(all, e.pushes.Stat(g.Name))
		}
	}
	return all
}

// register has a task tracked of which a callback came, if a group of the account takes such.
func (e *exporter) register(account, id string) webhook.Result {
	group, ok := e.registersIn(account)
	if !ok {
		return webhook.Unknown
	}
	p := source.Push{Group: group, Add: []source.Task{{ID: id}}}
	e.pushTo(&p, false)
	switch {
	case p.Err != nil || len(p.Refused) > 0:
		return webhook.Refused
	case p.Accepted == 0:
		return webhook.Unknown // it is another replica's, or was registered just now
	default:
		return webhook.Registered
	}
}

// registersIn returns the group of an account in which callbacks register tasks; false: there is none.
func (e *exporter) registersIn(account string) (group string, ok bool) {
	groups := e.config().Groups
	i := slices.IndexFunc(groups, func(g config.Group) bool {
		return g.Account == account && g.Push != nil && g.Push.FromCallbacks
	})
	if i < 0 {
		return "", false
	}
	return groups[i].Name, true
}

// mainServer makes the servers of the main addresses: one for each, since the toolkit changes those that it is given.
type mainServer struct {
	toolkit func(http.Handler) *http.Server
	open    http.Handler // behind what the web configuration asks for
	tokens  http.Handler // where a token decides, and nothing else
	takes   func(*http.Request) bool
}

// listen returns a server for an address. The toolkit puts the question for a password before its handler; who has a token goes past it.
func (m *mainServer) listen() *http.Server {
	server := m.toolkit(m.open)
	server.BaseContext = func(net.Listener) context.Context { // called when the toolkit is done, before anything is accepted
		asking := server.Handler
		server.Handler = web.JSONErrors(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if m.takes(r) {
				m.tokens.ServeHTTP(w, r)
				return
			}
			asking.ServeHTTP(w, r)
		}))
		return context.Background()
	}
	return server
}

// doors is how the main addresses are served.
type doors struct {
	server *http.Server
	serve  func() error
}

// open returns what serves each of the main addresses.
func (f *flags) open(m *mainServer, listeners []net.Listener, log *slog.Logger) (all []doors) {
	if f.toolkitListens() {
		for _, address := range *f.web.WebListenAddresses {
			alone, server := *f.web, m.listen()
			alone.WebListenAddresses = &[]string{address}
			all = append(all, doors{server, func() error { return unlessClosed(toolkit.ListenAndServe(server, &alone, log)) }})
		}
		return all
	}
	for _, l := range listeners {
		server := m.listen()
		all = append(all, doors{server, func() error { return unlessClosed(toolkit.Serve(l, server, f.web, log)) }})
	}
	return all
}

// unguarded returns the groups to which anybody may push who reaches the port.
func (f *flags) unguarded(cfg *config.Config) (groups []string) {
	if f.asksWho() {
		return nil
	}
	for _, g := range cfg.Groups {
		if g.Push != nil && g.Push.Token == nil {
			groups = append(groups, g.Name)
		}
	}
	return groups
}

// asksWho reports whether the web configuration lets in only who has a password or a certificate. Whether it is right is told elsewhere.
func (f *flags) asksWho() bool {
	var asks struct {
		Users map[string]yaml.Node `yaml:"basic_auth_users"`
		TLS   struct {
			ClientAuth string `yaml:"client_auth_type"`
		} `yaml:"tls_server_config"`
	}
	if err := f.readWeb(&asks); err != nil {
		return false
	}
	return len(asks.Users) > 0 || asks.TLS.ClientAuth == "RequireAndVerifyClientCert"
}
