package app_test

import (
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

func TestTheConfigurationInForceIsShownWithoutSecrets(t *testing.T) {
	_, api := serveAPI(t, kiesim.Options{})
	dir := t.TempDir()
	path := filepath.Join(dir, "kie.yml")
	rewrite(t, filepath.Join(dir, "key"), canary)
	config := func(id string) string {
		return "accounts: [{base_url: '" + api + "', credentials_file: key, http_client: {http_headers: {X: {secrets: [" + canary + "]}}}}]\n" +
			"groups: [{tasks: [" + id + "]}]\n"
	}
	rewrite(t, path, config("first"))
	p := start(t, "--web.enable-lifecycle", "--config.file="+path)
	for _, id := range []string{"first", "second"} { // get looks for the canary
		rewrite(t, path, config(id))
		p.reload(http.StatusOK)
		if status, body := p.get("/config"); status != http.StatusOK || !strings.Contains(body, "- "+id+"\n") ||
			!strings.Contains(body, "<secret>") || !strings.Contains(body, "max_interval: 1m") {
			t.Errorf("%d: %s", status, body)
		}
	}
	rewrite(t, path, "groups: [")
	p.reload(http.StatusInternalServerError)
	if _, body := p.get("/config"); !strings.Contains(body, "- second\n") {
		t.Errorf("what failed is shown: %s", body)
	}
}

func TestProfilesAreServedOnlyIfAskedFor(t *testing.T) {
	for _, flags := range [][]string{nil, {"--web.enable-pprof"}} {
		p := start(t, append(flags, "--task.id=a")...)
		want := http.StatusNotFound
		if flags != nil {
			want = http.StatusOK
		}
		for _, path := range []string{"/debug/pprof/", "/debug/pprof/heap", "/debug/pprof/cmdline", "/debug/pprof/goroutine?debug=1"} {
			if status, _ := p.get(path); status != want {
				t.Errorf("%v: %s answers %d, want %d", flags, path, status, want)
			}
		}
		if _, page := p.get("/"); strings.Contains(page, "debug/pprof") != (flags != nil) || !strings.Contains(page, "config") {
			t.Errorf("%v: the landing page: %s", flags, page)
		}
	}
}

func TestHealthIsServedAloneWithoutTLSAndAuthentication(t *testing.T) {
	web := webConfig(t, "opens")
	p := start(t, "--web.config.file="+web, "--web.probe-listen-address=127.0.0.1:0", "--web.enable-pprof", "--task.id=a")
	base := p.base
	if status, _ := p.get("/"); status != http.StatusBadRequest { // it speaks TLS, for the web configuration has been read
		t.Fatalf("the main address answers %d", status)
	}
	p.base = p.health
	if base == p.base {
		t.Fatal("there is no second address")
	}
	for range 2 {
		for path, want := range map[string]int{
			"/-/healthy": 200, "/-/ready": 200, "/metrics": 404, "/": 404, "/config": 404, "/probe": 404, "/debug/pprof/": 404, "/-/reload": 404,
		} {
			if status, body := p.get(path); status != want && (path != "/-/ready" || status != 503) {
				t.Errorf("%s answers %d, want %d: %s", path, status, want, body)
			}
		}
		if err := os.WriteFile(web, []byte("broken: ["), 0o600); err != nil { // which must not take health down
			t.Fatal(err)
		}
	}
}
