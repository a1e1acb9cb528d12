package app_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kiesim"
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

func TestABadProbeIsRefusedWithoutARequest(t *testing.T) {
	sim, api := serveAPI(t, kiesim.Options{})
	p := start(t, "--config.file="+configFile(t, api, "groups: [{tasks: [a]}]"))
	for _, query := range []string{
		"", "?task_id=", "?task_id=a&task_id=b", "?account=default", "?task_id=a&account=", "?task_id=a&account=other",
		"?task_id=a&account=default&account=default", "?task_id=" + strings.Repeat("x", 129), "?task_id=%00", "?task_id=%ff", "?task_id=a%0Ab",
		"?task_id=a&account=" + url.QueryEscape("default\n"),
	} {
		if status, body := p.get("/probe" + query); status != http.StatusBadRequest {
			t.Errorf("%q: %d: %s", query, status, body)
		}
	}
	if n := sim.Stats().Requests[kiesim.RecordInfo]; n != 0 {
		t.Errorf("%d requests", n)
	}
}

func TestAProbeEndsAtItsDeadline(t *testing.T) {
	sim, api := serveAPI(t, kiesim.Options{})
	sim.Inject(kiesim.Match{}, kiesim.Fault{Hang: true})
	p := start(t, "--config.file="+configFile(t, api, "groups: [{tasks: [a]}]"))
	begin := time.Now()
	status, body := p.getWith("/probe?task_id=b", http.Header{"X-Prometheus-Scrape-Timeout-Seconds": {"1"}})
	if took := time.Since(begin); status != http.StatusOK || took > time.Second || missing(body, []string{"probe_success 0"}) != "" {
		t.Errorf("%d after %v: %s", status, took, body)
	}
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
