package app_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// Who opens a page of a running exporter sees what is wrong with it, and what was asked about a task.
func TestThePagesOfAProgramInTroubleSayWhatIsWrong(t *testing.T) {
	sim, api := serveAPI(t, kiesim.Options{})
	dir := t.TempDir()
	hook, path := filepath.Join(dir, "hook"), filepath.Join(dir, "kie.yml")
	rewrite(t, hook, canary+"-1\n")
	rewrite(t, path, fmt.Sprintf(`
accounts: [{base_url: %q, credits_interval: 0s, webhook_keys_files: [hook]}]
groups: [{name: hooked, tasks: [a], webhook: true}, {name: listed, files: [gone.txt]}]
polling: {background: true, min_interval: 1s}`, api))
	sim.Put(kiesim.Task{ID: "a", Model: "m", Duration: time.Hour})
	p := start(t, "--config.file="+path)
	p.until(10*time.Second, `kie_tasks{group="hooked",model="m",state="generating"} 1`)
	began := time.Now().Truncate(time.Second)
	sim.Inject(kiesim.Match{}, kiesim.Fault{Code: 455, Msg: kiesim.Canary})

	var status struct {
		Problems []struct{ Kind, Account, Group, Text string }
		Accounts []struct {
			Up   bool
			Gate struct {
				Reason       string
				Since, Until time.Time
			}
		}
	}
	wait.Until(t, time.Minute, 100*time.Millisecond, func() error {
		_, body := p.get("/api/v1/status")
		if err := json.Unmarshal([]byte(body), &status); err != nil {
			t.Fatalf("%v: %s", err, body)
		}
		var kinds []string
		for _, problem := range status.Problems {
			kinds = append(kinds, problem.Kind)
		}
		slices.Sort(kinds)
		if !slices.Equal(kinds, []string{"callbacks", "gate", "source"}) {
			return errors.New(body)
		}
		return nil
	})
	if a := status.Accounts[0]; a.Up || a.Gate.Reason != "maintenance" || !a.Gate.Until.After(a.Gate.Since) || a.Gate.Since.Before(began) || a.Gate.Since.After(time.Now()) {
		t.Errorf("%+v", a)
	}
	for _, path := range []string{"/", "/tasks"} {
		_, page := p.get(path)
		for _, want := range []string{"The API is under maintenance.", "gone.txt of group listed", "Callbacks are not received."} {
			if !strings.Contains(page, want) {
				t.Errorf("%s does not say %q: %s", path, want, page)
			}
		}
	}
	if _, page := p.get("/tasks/a"); !strings.Contains(page, "asked: ok, generating") || !strings.Contains(page, "maintenance (the API is under maintenance)") {
		t.Errorf("the page of the task: %s", page)
	}
}

func TestAnAddressOfGrafanaThatIsNoneIsRefused(t *testing.T) {
	for _, address := range []string{"grafana", "javascript:alert(1)", "https://", "https://user:" + canary + "@grafana.example"} {
		code, _, stderr := run(t, environment, "--web.grafana-url="+address, "--task.id=a")
		if code != 2 || !strings.Contains(stderr, "--web.grafana-url") || strings.Contains(stderr, canary) {
			t.Errorf("%s: exit code %d: %s", address, code, stderr)
		}
	}
}
