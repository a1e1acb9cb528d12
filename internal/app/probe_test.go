package app_test

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/url"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

func TestProbe(t *testing.T) {
	sim, api := serveAPI(t, kiesim.Options{})
	sim.Put(kiesim.Task{ID: "task_12345678", Raw: documented})
	sim.Put(kiesim.Task{ID: "listed", Model: "m"})
	p := start(t, "--config.file="+configFile(t, api, "groups: [{name: g, tasks: [listed], labels: {team: film}}]"))
	const labels = `{model="kling/v2-5-turbo-image-to-video-pro",task_id="task_12345678"} `
	for range 2 { // the second time from memory
		status, body := p.get("/probe?account=default&task_id=task_12345678")
		if line := missing(body, []string{
			"probe_success 1",
			"kie_task_latency_seconds" + strings.Replace(labels, "{", `{group="",`, 1) + "32",
		}); status != http.StatusOK || line != "" || !strings.Contains(body, "\nprobe_duration_seconds ") {
			t.Errorf("%d, no %s in\n%s", status, line, body)
		}
		if strings.Contains(body, "go_") || strings.Contains(body, "kie_exporter_") || strings.Contains(body, "kie_up") {
			t.Errorf("other series than the task's: %s", body)
		}
	}
	if n := sim.Queries("task_12345678"); n != 1 {
		t.Errorf("asked %d times, want once", n)
	}
	if strings.Contains(p.scrape(), "task_12345678") {
		t.Error("a probe leaves series behind")
	}
	_, body := p.get("/probe?task_id=listed")
	if line := missing(body, []string{`kie_task_info{account="default",group="g",label_team="film",model="m",task_id="listed"} 1`}); line != "" {
		t.Errorf("no %s in\n%s", line, body)
	}
	_, body = p.get("/probe?task_id=unknown")
	if line := missing(body, []string{"probe_success 0"}); line != "" {
		t.Errorf("no %s in\n%s", line, body)
	}
}

func TestProbesCanBeSwitchedOff(t *testing.T) {
	sim, api := serveAPI(t, kiesim.Options{})
	p := start(t, "--no-web.enable-probe", "--config.file="+configFile(t, api, "groups: [{tasks: [a]}]"))
	status, body := p.get("/probe?task_id=b")
	if status != http.StatusForbidden || !strings.Contains(body, "--no-web.enable-probe") || sim.Queries("b") != 0 {
		t.Errorf("%d, %q, asked %d times", status, body, sim.Queries("b"))
	}
}

func TestABadProbeIsRefusedWithoutARequest(t *testing.T) {
	sim, api := serveAPI(t, kiesim.Options{})
	p := start(t, "--config.file="+configFile(t, api, "groups: [{tasks: [a]}]"))
	for name, query := range map[string]string{
		"no parameter":       "",
		"no id":              "?account=default",
		"an empty id":        "?task_id=",
		"two ids":            "?task_id=a&task_id=b",
		"an id too long":     "?task_id=" + strings.Repeat("x", 129),
		"NUL":                "?task_id=%00",
		"no UTF-8":           "?task_id=%ff",
		"a newline":          "?task_id=a%0Ab",
		"a broken escape":    "?task_id=%zz",
		"a URL":              "?task_id=" + url.QueryEscape(api+"/api/v1/jobs/recordInfo?taskId=a"),
		"a path":             "?task_id=../../chat/credit",
		"a secret":           "?task_id=" + url.QueryEscape(canary),
		"a target":           "?target=/etc/passwd&module=http",
		"an empty account":   "?task_id=a&account=",
		"an unknown account": "?task_id=a&account=other",
		"two accounts":       "?task_id=a&account=default&account=default",
		"an odd endpoint":    "?task_id=a&endpoint=credit",
		"two endpoints":      "?task_id=a&endpoint=suno&endpoint=suno",
		"an empty endpoint":  "?task_id=a&endpoint=",
		"an odd account":     "?task_id=a&account=" + url.QueryEscape("default\n"),
	} {
		t.Run(name, func(t *testing.T) {
			if status, body := p.get("/probe" + query); status != http.StatusBadRequest {
				t.Errorf("%d: %s", status, body)
			} else if strings.Contains(query, "&endpoint=") && !strings.Contains(body, allEndpoints) {
				t.Errorf("which endpoints there are is not said: %s", body)
			}
		})
	}
	if status, _ := p.get("/probe/a"); status != http.StatusNotFound {
		t.Errorf("a path below /probe answers %d", status)
	}
	if n := sim.Stats().Requests[kiesim.RecordInfo]; n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestAProbeEndsAtItsDeadline(t *testing.T) {
	sim, api := serveAPI(t, kiesim.Options{})
	sim.Inject(kiesim.Match{}, kiesim.Fault{Hang: true})
	p := start(t, "--config.file="+configFile(t, api, "groups: [{tasks: [a]}]"))
	wait.Quick(t, 5*time.Second, func() time.Duration { // nothing else ends it before 30 s are over
		begin := time.Now()
		status, body := p.getWith("/probe?task_id=b", http.Header{"X-Prometheus-Scrape-Timeout-Seconds": {"1"}})
		if status != http.StatusOK || missing(body, []string{"probe_success 0"}) != "" {
			t.Errorf("%d: %s", status, body)
		}
		return time.Since(begin)
	})
}

func TestADebuggedProbeNamesNoAddress(t *testing.T) {
	for name, c := range map[string]struct{ client, base, cause string }{
		"a proxy that is away":      {"{proxy_url: 'http://127.0.0.1:1'}", "https://api.example", "connection refused"},
		"a proxy that has no name":  {"{proxy_url: 'http://proxy.invalid:3128'}", "https://api.example", "name"},
		"an API that is away":       {"{}", "http://127.0.0.1:1", "connection refused"},
		"a proxy that is no server": {"{proxy_url: 'http://" + wire(t, "\r\n") + "'}", "https://api.example", "no valid HTTP exchange"},
		"a certificate of another":  {"{proxy_url: 'https://" + secureWire(t) + "'}", "https://api.example", "certificate"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "kie.yml")
			rewrite(t, path, fmt.Sprintf("accounts: [{base_url: '%s', http_client: %s}]\ngroups: [{tasks: [a]}]\n", c.base, c.client))
			p := start(t, "--config.file="+path)
			_, body := p.get("/probe?debug=true&task_id=b")
			_, config := p.get("/config")
			if !strings.Contains(body, "class:       transport\n") || !strings.Contains(body, c.cause) {
				t.Errorf("the cause is missing: %s", body)
			}
			for _, address := range []string{"127.0.0.1", "proxy.invalid", "example.com"} {
				if strings.Contains(body, address) || c.client != "{}" && strings.Contains(config, address) {
					t.Errorf("%s is named in\n%s%s", address, body, config)
				}
			}
		})
	}
}

// secureWire returns the address of a server that nobody trusts.
func secureWire(t *testing.T) string {
	t.Helper()
	s := httptest.NewUnstartedServer(http.NotFoundHandler())
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.StartTLS()
	t.Cleanup(s.Close)
	return s.Listener.Addr().String()
}

func TestADebuggedProbeTellsWhatWasAsked(t *testing.T) {
	sim, api := serveAPI(t, kiesim.Options{})
	sim.Put(kiesim.Task{ID: "task_12345678", Raw: documented})
	sim.Inject(kiesim.Match{ID: "bad"}, kiesim.Fault{Code: 422, Msg: kiesim.Canary + canary})
	p := start(t, "--config.file="+configFile(t, api, "groups: [{tasks: [a]}]"))
	for query, want := range map[string][]string{
		"task_id=task_12345678": {"asked:       true", "class:       ok", "state:       success", "query:"},
		"task_id=bad":           {"asked:       true", "error:"},
	} {
		_, body := p.get("/probe?debug=true&" + query)
		for _, line := range want {
			if !strings.Contains(body, line) {
				t.Errorf("%s: no %q in\n%s", query, line, body)
			}
		}
	}
}
