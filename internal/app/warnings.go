// What of a configuration works, and is hardly what somebody wants.

package app

import (
	"net"
	"net/url"

	"github.com/kie-exporter/kie_exporter/config"
)

// shortToken is how many bytes a token of pushes should have at least.
const shortToken = 16

// warning is what is said of something that works and is hardly what is wanted, at the start and in a check.
type warning struct {
	about, name string // "group" or "account", and which
	text        string
}

// warnings returns what is doubtful about accounts and pushes, with this command line.
func (f *flags) warnings(cfg *config.Config) (all []warning) {
	for _, a := range cfg.Accounts {
		if inClear(a.BaseURL) {
			all = append(all, warning{"account", a.Name, "the API key is sent unencrypted: base_url begins with http:// and is not on this machine"})
		}
	}
	for _, g := range cfg.Groups {
		if g.Push == nil {
			continue
		}
		if f.storage == "" {
			all = append(all, warning{"group", g.Name, "pushed ids end with the process: there is no --storage.path to keep them in"})
		}
		if g.Push.Token != nil && len(g.Push.Token.Value()) < shortToken {
			all = append(all, warning{"group", g.Name, "the token of its pushes has fewer than 16 characters, and may be guessed"})
		}
	}
	return all
}

// inClear reports whether what is sent to a server can be read on the way.
func inClear(server *url.URL) bool {
	host := server.Hostname()
	ip := net.ParseIP(host)
	return server.Scheme == "http" && host != "localhost" && (ip == nil || !ip.IsLoopback())
}
