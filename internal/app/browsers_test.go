package app_test

import (
	"maps"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

// as sends a request under a host's name and returns status, header and body.
func (p *program) as(method, host, path string, header http.Header) (int, http.Header, string) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.base+path, http.NoBody)
	if err != nil {
		p.t.Fatal(err)
	}
	req.Host = host
	maps.Copy(req.Header, header)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	var body strings.Builder
	if err := resp.Write(&body); err != nil {
		p.t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, body.String()
}

func guarded(t *testing.T) (*kiesim.Server, *program) {
	t.Helper()
	sim, api := serveAPI(t, kiesim.Options{})
	return sim, start(t, "--web.enable-lifecycle", "--web.enable-pprof", "--web.allowed-hosts=exporter.example", "--web.allowed-hosts=Other.Example",
		"--config.file="+configFile(t, api, "groups: [{tasks: [a]}]"))
}

// Pages of other sites get nothing done, and nothing that is confidential.
func TestAPageOfAnotherSiteIsRefused(t *testing.T) {
	sim, p := guarded(t)
	for name, header := range map[string]http.Header{
		"cross-site": {"Sec-Fetch-Site": {"cross-site"}}, "same-site": {"Sec-Fetch-Site": {"same-site"}}, "origin": {"Origin": {"https://elsewhere.example"}},
		"null": {"Origin": {"null"}},
	} {
		for _, path := range []string{"/config", "/probe?task_id=strange", "/probe?task_id=strange&debug=true", "/-/reload", "/debug/pprof/heap"} {
			for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
				if status, _, body := p.as(method, "localhost", path, header); status != http.StatusForbidden {
					t.Errorf("%s: %s %s: %s", name, method, path, body)
				}
			}
		}
		if status, _, body := p.as(http.MethodGet, "localhost", "/tasks", header); status != http.StatusOK {
			t.Errorf("%s: a link to the page of tasks: %s", name, body)
		}
	}
	if n := sim.Queries("strange"); n != 0 {
		t.Errorf("%d queries", n)
	}
}

func TestABrowserMayUseKnownNamesAlone(t *testing.T) {
	_, p := guarded(t)
	machine, err := os.Hostname()
	if err != nil {
		t.Fatal(err)
	}
	// Over plain HTTP to a name that is not localhost a browser sends no more than the other two, whatever a page has it send.
	browsers := []http.Header{{"Sec-Fetch-Site": {"same-origin"}}, {"Accept-Language": {"en-US,en;q=0.9"}}, {"Accept-Language": {""}, "User-Agent": {"curl"}}}
	for host, want := range map[string]int{
		"127.0.0.1": 200, "10.1.2.3:10059": 200, "[::1]:10059": 200, "[2001:db8::1]": 200, "localhost": 200, "LOCALHOST:1": 200, "a.localhost": 200,
		"localhost.": 200, machine: 200, "exporter": 200, "exporter:10059": 200, "exporter.example": 200, "Exporter.EXAMPLE:443": 200, "other.example": 200,
		"rebound.example": 403, "exporter.example.org": 403, "a.exporter.example": 403, "127.0.0.1.nip.io": 403, "localhost.example": 403,
	} {
		for _, browser := range browsers {
			for _, path := range []string{"/config", "/probe?task_id=b", "/tasks", "/api/v1/tasks", "/"} {
				status, _, body := p.as(http.MethodGet, host, path, browser)
				if status != want || want == 403 && !strings.Contains(body, "--web.allowed-hosts") {
					t.Errorf("%s%s, %v: %s", host, path, browser, body)
				}
			}
			if status, _, body := p.as(http.MethodPost, host, "/-/reload", browser); status != want {
				t.Errorf("reload of %s, %v: %s", host, browser, body)
			}
		}
	}
}

func TestScrapersAndCurlMayUseAnyName(t *testing.T) {
	_, p := guarded(t)
	node := http.Header{"Accept-Language": {"*"}, "Sec-Fetch-Mode": {"cors"}, "User-Agent": {"node"}}
	for _, host := range []string{"rebound.example", "127.0.0.1.nip.io", "exporter.monitoring.svc.cluster.local:10059"} {
		for _, client := range []http.Header{nil, node} {
			for _, path := range []string{"/metrics", "/probe?task_id=b", "/config", "/tasks", "/api/v1/tasks", "/-/healthy", "/-/ready", "/"} {
				if status, _, body := p.as(http.MethodGet, host, path, client); status != http.StatusOK {
					t.Errorf("%s%s, %v: %s", host, path, client, body)
				}
			}
			if status, _, body := p.as(http.MethodPost, host, "/-/reload", client); status != http.StatusOK {
				t.Errorf("reload of %s, %v: %s", host, client, body)
			}
		}
	}
}

func TestNoPageMayBeFramedOrTakenForSomethingElse(t *testing.T) {
	_, p := guarded(t)
	for _, path := range []string{
		"/", "/tasks", "/tasks?limit=x", "/tasks/style.css", "/tasks/a", "/tasks/nothing", "/api/v1/status", "/api/v1/tasks", "/config", "/probe?task_id=b", "/probe?task_id=b&debug=true", "/probe", "/metrics",
		"/-/healthy", "/-/ready", "/-/reload", "/debug/pprof/", "/nothing", "//metrics",
	} {
		_, header, _ := p.as(http.MethodGet, "localhost", path, nil)
		policy := header.Get("Content-Security-Policy")
		if header.Get("X-Content-Type-Options") != "nosniff" || !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "default-src 'none'") {
			t.Errorf("%s: %v", path, header)
		}
	}
}
