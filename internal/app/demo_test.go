package app_test

import (
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/config"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// Within a minute somebody who looks at the demo sees every kind of metric move.
func TestEveryKindOfMetricMovesInTheDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("takes up to a minute")
	}
	t.Parallel()
	p := start(t, "--demo")
	still := map[string]bool{
		"kie_task_info": true, "kie_task_state": true, "kie_task_latency_seconds": true, "kie_task_fail_code": true,
		"kie_task_created_timestamp_seconds": true, "kie_task_completed_timestamp_seconds": true,
		"kie_task_failed_timestamp_seconds": true, "kie_task_credits": true, "kie_task_last_answer_timestamp_seconds": true,
		"kie_tasks": true, "kie_tasks_finished_total": true, "kie_tasks_failed_total": true, "kie_tasks_fail_codes_total": true,
		"kie_tasks_latency_seconds_count": true, "kie_tasks_credits_total": true, "kie_tasks_empty_results_total": true,
		"kie_tasks_oldest_unfinished_timestamp_seconds": true, "kie_tasks_overdue": true,
		"kie_credits_remaining": true, "kie_credits_used_total": true, "kie_api_requests_total": true,
		"kie_api_request_duration_seconds_count": true, "kie_api_pace_requests_per_second": true, "kie_api_gate_closed": true,
		"kie_exporter_pending_tasks": true, "kie_exporter_oldest_answer_timestamp_seconds": true,
		"kie_exporter_detection_delay_seconds_count": true, "kie_exporter_source_tasks": true,
		"kie_exporter_source_last_success_timestamp_seconds": true, "kie_exporter_scrape_wait_seconds": true,
		"kie_exporter_callbacks_total": true, "kie_exporter_pushes_total": true, "kie_exporter_source_last_push_timestamp_seconds": true,
	}
	seen := samples(p.scrape())
	began := time.Now()
	wait.Until(t, 10*time.Minute, 500*time.Millisecond, func() error { // a minute on a machine that does nothing else
		for series, value := range samples(p.scrape()) {
			name, _, _ := strings.Cut(series, "{")
			if before, ok := seen[series]; (ok && before != value) || (!ok && value != "0") {
				delete(still, name)
			}
			seen[series] = value
		}
		if len(still) > 0 {
			return fmt.Errorf("these do not move: %v", slices.Sorted(maps.Keys(still)))
		}
		return nil
	})
	t.Logf("all has moved after %v", time.Since(began))
	for _, said := range []string{
		"/metrics", "/tasks", "maintenance", "kie_up is 0", "callback", "25th id", "ids of group clips are pushed", // what it is to show, and where
		"demo: account demo: rate limit (429) until", "demo: account lab: most new tasks of", // and what has begun by now
	} {
		p.stdout.Await(t, 40*time.Second, said)
	}
	last := p.scrape()
	for _, account := range []string{"demo", "lab"} {
		if !strings.Contains(last, `kie_api_gate_closed{account="`+account+`"`) {
			t.Errorf("no account %s", account)
		}
	}
	for _, group := range []string{"studio", "shop", "research", "clips"} {
		if !strings.Contains(last, `kie_tasks_finished_total{group="`+group+`"`) {
			t.Errorf("no group %s", group)
		}
	}
	status, landing := p.get("/")
	links := regexp.MustCompile(`<a href="([^"]+)"`).FindAllStringSubmatch(landing, -1)
	if status != http.StatusOK || len(links) < 5 {
		t.Errorf("the landing page answers %d, with %d links", status, len(links))
	}
	for _, link := range links {
		if status, _ := p.get("/" + link[1]); status != http.StatusOK {
			t.Errorf("the landing page links to %s, which answers %d", link[1], status)
		}
	}
	// What is shown is what a file could say, but for the keys, which are in none.
	shown := filepath.Join(t.TempDir(), "shown.yml")
	_, text := p.get("/config")
	if err := os.WriteFile(shown, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := config.Load(shown, func(string) string { return "" })
	for problem := range strings.Lines(fmt.Sprint(err)) {
		if !strings.Contains(problem, "credentials_file") && !strings.Contains(problem, "webhook_keys_files") {
			t.Errorf("/config shows what no file could say: %s", problem)
		}
	}
	if _, is := p.get("/api/v1/status"); strings.Contains(is, `"kind":"credits"`) {
		t.Errorf("credits are a problem, which is not staged: %s", is)
	}
}

// samples returns the values of all series by their text.
func samples(exposition string) map[string]string {
	all := map[string]string{}
	for line := range strings.Lines(exposition) {
		if end := strings.LastIndexByte(line, ' '); end > 0 && strings.HasPrefix(line, "kie_") {
			all[line[:end]] = strings.TrimSpace(line[end:])
		}
	}
	return all
}
