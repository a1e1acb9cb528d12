// What browsers may do, and under which names.

package web

import (
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// Guard keeps pages of other sites from using the exporter by somebody's browser. Scrapers and curl are no browsers, and are let
// through whatever they ask.
type Guard struct {
	open  []string // paths without effects and secrets, for any browser
	hosts []string
	cross *http.CrossOriginProtection
}

// NewGuard returns a guard. Browsers may use the exporter under its addresses, localhost, the machine's name, names without a dot,
// and further hosts; the open paths under any.
func NewGuard(open, hosts []string) *Guard {
	g := &Guard{open: open, cross: http.NewCrossOriginProtection()}
	if name, err := os.Hostname(); err == nil {
		hosts = append(slices.Clone(hosts), name)
	}
	for _, host := range hosts {
		g.hosts = append(g.hosts, canonical(host))
	}
	return g
}

// ValidHost reports whether a text is the name of a host, without scheme, port and path.
func ValidHost(host string) bool {
	return host != "" && !strings.ContainsAny(host, "/:@*?# ,")
}

// Handler guards next, and has every answer say that it is nothing to run, or to show in a frame.
func (g *Guard) Handler(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Content-Security-Policy", policyOf(r.URL.Path))
		if why := g.refusal(r); why != "" {
			writeText(w, http.StatusForbidden, why)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// policyOf returns the policy for what has none of its own. One page that is not ours has its style in it.
func policyOf(path string) string {
	if path == "/debug/pprof/" {
		return "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
	}
	return "default-src 'none'; frame-ancestors 'none'"
}

// refusal returns why a request is refused; empty: it is not.
func (g *Guard) refusal(r *http.Request) string {
	if !isBrowser(r.Header) {
		return ""
	}
	if !slices.Contains(g.open, r.URL.Path) && !g.allows(r.Host) {
		return "Browsers may not use the exporter under this name; --web.allowed-hosts allows them to."
	}
	asked := *r
	if isSensitive(r.URL.Path) {
		asked.Method = http.MethodPost // which is not for pages of other sites
	}
	if g.cross.Check(&asked) != nil {
		return "Pages of other sites may not do this; see --web.allowed-hosts for the names of this one."
	}
	return ""
}

// isBrowser reports whether a request comes from a browser. Over plain HTTP to another name than localhost it says neither whose page
// asks nor, in a GET, from where, but always which languages are wanted, which no page can leave out. Node's fetch says that, too, with
// Sec-Fetch-Mode, which a browser never sends alone.
func isBrowser(h http.Header) bool {
	_, languages := h["Accept-Language"]
	return h.Get("Sec-Fetch-Site") != "" || h.Get("Origin") != "" || languages && h.Get("Sec-Fetch-Mode") == ""
}

// isSensitive reports whether even a GET of a path has an effect, or tells something confidential.
func isSensitive(path string) bool {
	return path == "/config" || path == "/probe" || strings.HasPrefix(path, "/-/reload") || strings.HasPrefix(path, "/debug/")
}

// allows reports whether browsers may use a host. A name without a dot is nobody's to point here who is outside.
func (g *Guard) allows(host string) bool {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = canonical(host)
	if _, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return true
	}
	return !strings.Contains(host, ".") || strings.HasSuffix(host, ".localhost") || slices.Contains(g.hosts, host)
}

func canonical(host string) string { return strings.TrimSuffix(strings.ToLower(host), ".") }
