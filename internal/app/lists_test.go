package app_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// serveList starts a server on loopback, and returns the YAML of a list there, with the canary wherever a secret may be.
func serveList(t *testing.T, answer http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(answer)
	t.Cleanup(server.Close)
	host := strings.TrimPrefix(server.URL, "http://")
	return fmt.Sprintf("{url: 'http://user:%[1]s@%[2]s/ids?token=%[1]s', refresh_interval: 1s, http_client: {http_headers: {X: {secrets: [%[1]s]}}}}",
		canary, host)
}

func TestTasksAreListedByAServer(t *testing.T) {
	sim, api := serveAPI(t, kiesim.Options{})
	for _, id := range []string{"a", "b", "c"} {
		sim.Put(kiesim.Task{ID: id, Model: "m"})
	}
	var ids atomic.Value
	ids.Store("a\n")
	list := serveList(t, func(w http.ResponseWriter, r *http.Request) {
		if _, password, _ := r.BasicAuth(); password != canary || r.Header.Get("X") != canary || r.URL.RawQuery != "token="+canary {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		_, _ = io.WriteString(w, ids.Load().(string))
	})
	path := configFile(t, api, "groups: [{name: g, http: "+list+"}]\npolling: {background: true}\n")
	p := start(t, "--web.enable-lifecycle", "--config.file="+path)
	p.until(10*time.Second, `kie_tasks{group="g",model="m",state="success"} 1`)
	ids.Store("a\nb\n")
	p.until(10*time.Second, `kie_tasks{group="g",model="m",state="success"} 2`,
		`kie_exporter_source_tasks{group="g",source="http"} 2`, `kie_exporter_source_errors_total{group="g",source="http"} 0`)

	rewrite(t, path, fmt.Sprintf("accounts: [{base_url: %q}]\ngroups: [{name: h, tasks: [c]}, {name: g, http: %s}]\n", api, list))
	p.reload(http.StatusOK)
	p.until(10*time.Second, `kie_tasks{group="g",model="m",state="success"} 2`, `kie_tasks{group="h",model="m",state="success"} 1`)
	if status, body := p.get("/config"); status != http.StatusOK || !strings.Contains(body, "/xxxxx?xxxxx") || strings.Contains(body, "/ids") { // get looks for the canary
		t.Errorf("%d: %s", status, body)
	}
	if n := sim.Queries("a"); n != 1 {
		t.Errorf("a was asked %d times", n)
	}
	ids.Store("<html>")
	p.untilAtLeast(`kie_exporter_source_errors_total{group="g",source="http"}`, 1)
	p.until(10*time.Second, `kie_tasks{group="g",model="m",state="success"} 2`)
}

func TestAServerOfAListThatNeverAnswersHoldsUpNoScrapeNoReloadAndNoEnd(t *testing.T) {
	sim, api := serveAPI(t, kiesim.Options{})
	sim.Put(kiesim.Task{ID: "a", Model: "m"})
	wait.Quick(t, 5*time.Second, func() time.Duration { // for an answer itself 10 s are waited
		var hang atomic.Bool
		asked := make(chan struct{}, 100)
		list := serveList(t, func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			if hang.Load() {
				asked <- struct{}{}
				<-r.Context().Done()
			}
		})
		path := configFile(t, api, "groups: [{name: g, tasks: [a], http: "+list+"}]\n")
		p := start(t, "--web.enable-lifecycle", "--config.file="+path)
		p.until(10*time.Second, `kie_tasks{group="g",model="m",state="success"} 1`)
		hang.Store(true)
		<-asked
		begin := time.Now()
		p.reload(http.StatusOK)
		p.scrape()
		if code := p.end(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		return time.Since(begin)
	})
}

func TestACheckPassesThoughAServerOfAListIsDownAndSaysSo(t *testing.T) {
	list := serveList(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) })
	path := configFile(t, "http://127.0.0.1:1", "groups: [{name: g, tasks: [a], http: "+list+"}]\n")
	code, stdout, stderr := run(t, environment, "--config.check", "--config.file="+path)
	if code != 0 || !strings.Contains(stdout, "1 task,") || !strings.Contains(stderr, "group=g") || !strings.Contains(stderr, "=http err=") || !strings.Contains(stderr, "502") {
		t.Errorf("exit code %d: %s%s", code, stdout, stderr)
	}
	checkSecrets(t, stdout+stderr)

	path = configFile(t, "http://127.0.0.1:1", "groups: [{name: g, http: {url: https://h, http_client: {tls_config: {ca_file: no.pem}}}}]\n")
	if code, _, stderr := run(t, environment, "--config.check", "--config.file="+path); code != 1 || !strings.Contains(stderr, "no.pem") {
		t.Errorf("without a certificate: exit code %d: %s", code, stderr)
	}
}
