package app_test

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// paceLimits returns the lines that tell how many requests a second are allowed at most.
func paceLimits(body string) (lines []string) {
	for line := range strings.Lines(body) {
		if strings.HasPrefix(line, "kie_api_pace_limit_requests_per_second{") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// learnedLimit returns how many requests a second the API was found to let pass, as the metrics tell; 0: they do not.
func learnedLimit(body string) (learned float64) {
	for _, line := range paceLimits(body) {
		_, _ = fmt.Sscanf(line, `kie_api_pace_limit_requests_per_second{account="default",bound="learned"} %g`, &learned)
	}
	return learned
}

func TestThePaceThatIsLearnedOutlivesReloadAndRestart(t *testing.T) {
	sim, url := serveAPI(t, kiesim.Options{RequestsPerSecond: 20})
	var ids strings.Builder
	for i := range 500 {
		id := fmt.Sprintf("task-%03d", i)
		sim.Put(kiesim.Task{ID: id, Model: "m", Created: time.Now().Add(-time.Hour)})
		fmt.Fprintln(&ids, id)
	}
	dir := t.TempDir()
	rewrite(t, filepath.Join(dir, "ids.txt"), ids.String())
	path := filepath.Join(dir, "kie.yml")
	config := func(most int) string {
		return fmt.Sprintf("accounts: [{base_url: %q, requests_per_second: 40, max_requests_per_second: %d}]\ngroups: [{files: [ids.txt]}]\n"+
			"polling: {background: true}\n", url, most)
	}
	rewrite(t, path, config(200))
	args := []string{"--web.enable-lifecycle", "--config.file=" + path, "--storage.path=" + filepath.Join(dir, "data")}
	p := start(t, args...)
	wait.Until(t, time.Minute, 20*time.Millisecond, func() error {
		if learnedLimit(p.scrape()) == 0 {
			return errors.New("nothing was learned of the limit")
		}
		return nil
	})
	sim.SetRequestsPerSecond(0)
	limits := paceLimits(p.until(10*time.Second, `kie_api_gate_closed{account="default",reason="rate_limited"} 0`))
	learned := learnedLimit(strings.Join(limits, "\n"))
	if len(limits) != 2 || limits[0] != `kie_api_pace_limit_requests_per_second{account="default",bound="configured"} 200` {
		t.Fatalf("limits %q", limits)
	}
	if learned < 2 || learned > 40 {
		t.Errorf("limits %q", limits)
	}

	rewrite(t, path, config(100))
	p.reload(http.StatusOK)
	again := paceLimits(p.scrape())
	if len(again) != 2 || again[0] != `kie_api_pace_limit_requests_per_second{account="default",bound="configured"} 100` || again[1] != limits[1] {
		t.Errorf("after a reload the limits are %q, were %q", again, limits)
	}
	if code := p.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}

	p = start(t, args...)
	after := p.scrape()
	if restored := learnedLimit(after); restored < learned-0.01 || restored > learned+0.01 {
		t.Errorf("after a restart the limits are %q, were %q", paceLimits(after), limits)
	}
}
