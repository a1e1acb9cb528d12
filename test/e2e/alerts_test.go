// What reaches a person: alerts and the Alertmanager's example as shipped, Prometheus as deploy/compose sets it up.

package e2e_test

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/template"
	"gopkg.in/yaml.v3"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

const (
	compose    = repo + "/deploy/compose"
	routes     = repo + "/alerts/alertmanager.example.yml"
	runbookURL = "https://github.com/kie-exporter/kie_exporter/blob/main/docs/runbooks/"
)

// Of all alerts only those are awaited that have no long `for`. The failure of a single task and the burst are kept firing for
// ten minutes, so that it is the third whose end is awaited.
func TestFailuresAreToldAndRecoveryToo(t *testing.T) {
	t.Parallel()
	e, r := startExporter(t, kiesim.Options{Credits: 5000}), startReceiver(t)
	p := startPrometheus(t, composeConfig(t, "2s", e.address, startAlertmanager(t, r.URL, hasten)))
	p.waitUp(t)
	const failed = 6
	tasks := make([]kiesim.Task, failed)
	for i := range tasks {
		tasks[i] = kiesim.Task{
			ID: fmt.Sprint("task_", i), Model: "kling/v2", Credits: 30,
			Fail: &kiesim.Failure{Code: "500", Msg: "Internal Error, Please try again later."},
		}
	}
	e.create(t, tasks...)

	single := r.await(t, time.Minute, "KieTaskFailed", "firing", failed)
	for _, a := range single.Alerts {
		id := a.Labels["task_id"]
		expectAlert(t, a, template.KV{
			"alertname": "KieTaskFailed", "severity": "warning", "job": "kie_exporter", "group": "shop", "model": "kling/v2",
			"task_id": id,
		}, id, "reason server", "fail code 500")
		if !slices.Contains(e.ids, id) {
			t.Errorf("a notification for task %q", id)
		}
	}

	// New totals show 0 for a minute. The rules say themselves how often they are evaluated.
	fleet := template.KV{"severity": "warning", "job": "kie_exporter", "group": "shop", "model": "kling/v2"}
	burst := r.await(t, 3*time.Minute, "KieFailureBurst", "firing", 1)
	expectAlert(t, burst.Alerts[0], with(fleet, "alertname", "KieFailureBurst"), "6 tasks failed", "reason, server")
	charged := r.await(t, time.Minute, "KieChargedFailures", "firing", 1)
	expectAlert(t, charged.Alerts[0], with(fleet, "alertname", "KieChargedFailures"), "credits were consumed by failed tasks")

	// Measured by what is spent on successes now, the failures' charge is no longer worth a claim.
	e.create(t, kiesim.Task{ID: "task_dear", Model: "kling/v2", Credits: 5000})
	resolved := r.await(t, 2*time.Minute, "KieChargedFailures", "resolved", 1)
	expectAlert(t, resolved.Alerts[0], with(fleet, "alertname", "KieChargedFailures"))
	for _, name := range []string{"KieTaskFailed", "KieFailureBurst"} {
		if early := r.notifications(name, "resolved"); len(early) > 0 {
			t.Errorf("%s has ended already", name)
		}
	}
}

func with(labels template.KV, name, value string) template.KV {
	all := maps.Clone(labels)
	all[name] = value
	return all
}

// await waits for one notification of so many alerts of a name and status.
func (r *receiver) await(t *testing.T, within time.Duration, name, status string, alerts int) (d template.Data) {
	t.Helper()
	wait.Until(t, within, 100*time.Millisecond, func() error {
		found := r.notifications(name, status)
		i := slices.IndexFunc(found, func(d template.Data) bool { return len(d.Alerts) == alerts })
		if i < 0 {
			return fmt.Errorf("no notification of %d × %s %s, but %v", alerts, name, status, found)
		}
		d = found[i]
		return nil
	})
	return d
}

// expectAlert checks the labels of an alert, what its annotations must say, and that the links lead somewhere.
func expectAlert(t *testing.T, a template.Alert, labels template.KV, says ...string) {
	t.Helper()
	if fmt.Sprint(a.Labels.SortedPairs()) != fmt.Sprint(labels.SortedPairs()) {
		t.Errorf("labels %v, want %v", a.Labels, labels)
	}
	text := a.Annotations["summary"] + " " + a.Annotations["description"]
	for _, want := range says {
		if !strings.Contains(text, want) {
			t.Errorf("%s does not say %q: %s", labels["alertname"], want, text)
		}
	}
	if a.Annotations["runbook_url"] != runbookURL+labels["alertname"]+".md" || a.Annotations["dashboard"] == "" {
		t.Errorf("annotations %v", a.Annotations)
	}
}

// composeConfig returns the Prometheus configuration of deploy/compose with other targets, and with so long between scrapes and evaluations.
func composeConfig(t *testing.T, interval, exporters, alertmanager string) string {
	t.Helper()
	text, err := os.ReadFile(compose + "/prometheus.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, edit := range [][2]string{{"15s", interval}, {"kie_exporter:10059", exporters}, {"alertmanager:9093", alertmanager}} {
		if !strings.Contains(string(text), edit[0]) {
			t.Fatalf("no %s in deploy/compose/prometheus.yml", edit[0])
		}
		text = []byte(strings.ReplaceAll(string(text), edit[0], edit[1]))
	}
	dir := t.TempDir()
	write(t, filepath.Join(dir, "prometheus.yml"), string(text))
	alerts, err := filepath.Abs(repo + "/alerts")
	if err = errors.Join(err, os.Symlink(alerts, filepath.Join(dir, "alerts"))); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "prometheus.yml")
}

// startAlertmanager starts an Alertmanager with the example's routes, as edited, and returns its address. Its receivers are replaced by
// webhooks.
func startAlertmanager(t *testing.T, receiver string, edit func(route map[string]any)) string {
	t.Helper()
	text, err := os.ReadFile(routes)
	if err != nil {
		t.Fatal(err)
	}
	var config map[string]any
	if err := yaml.Unmarshal(text, &config); err != nil {
		t.Fatal(err)
	}
	edit(config["route"].(map[string]any))
	for _, r := range config["receivers"].([]any) {
		r := r.(map[string]any)
		name := r["name"].(string)
		clear(r)
		r["name"] = name
		r["webhook_configs"] = []any{map[string]any{"url": receiver, "send_resolved": true}}
	}
	if text, err = yaml.Marshal(config); err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "alertmanager.yml")
	write(t, file, string(text))
	p := &process{}
	p.start(t, tool(t, "alertmanager"), "--config.file="+file, "--storage.path="+t.TempDir(),
		"--web.listen-address=127.0.0.1:0", "--cluster.listen-address=")
	return p.address
}

func asShipped(map[string]any) {}

// hasten shortens the waits of a route and those below it.
func hasten(route map[string]any) {
	for key, value := range route {
		switch value := value.(type) {
		case string:
			if key == "group_wait" || key == "group_interval" {
				route[key] = "1s"
			}
		case []any:
			for _, below := range value {
				if below, ok := below.(map[string]any); ok && key == "routes" {
					hasten(below)
				}
			}
		}
	}
}
