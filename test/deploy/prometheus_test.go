// The examples for Prometheus.

package deploy_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

func TestPrometheusAcceptsTheExamples(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(deploy+"/prometheus")); err != nil {
		t.Fatal(err)
	}
	rules, err := filepath.Glob(repo + "/alerts/kie_exporter.*.yml")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range rules {
		if err := os.WriteFile(filepath.Join(dir, filepath.Base(path)), []byte(read(t, path)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	promtool, err := filepath.Abs(repo + "/.cache/bin/promtool")
	if err != nil {
		t.Fatal(err)
	}
	for example, rules := range map[string]int{"prometheus.yml": 3, "totals.yml": 0} {
		said := command(t, promtool, "check", "config", "--lint=all", "--lint-fatal", filepath.Join(dir, example))
		if strings.Count(said, "rules found") != rules {
			t.Errorf("%s loads not %d files of rules:\n%s", example, rules, said)
		}
	}
}

// An example may name files that are not there, and promtool says nothing.
func TestPrometheusExamplesHaveTargets(t *testing.T) {
	for _, pattern := range []string{"exporters/*.yml", "tasks/*.yml"} {
		if !strings.Contains(read(t, deploy+"/prometheus/prometheus.yml"), "["+pattern+"]") {
			t.Errorf("nothing reads %s", pattern)
		}
		paths, err := filepath.Glob(filepath.Join(deploy, "prometheus", pattern))
		if err != nil || len(paths) == 0 {
			t.Errorf("no %s: %v", pattern, err)
		}
		for _, path := range paths {
			var groups []struct {
				Targets []string          `json:"targets"`
				Labels  map[string]string `json:"labels"`
			}
			if err := yaml.UnmarshalStrict([]byte(read(t, path)), &groups); err != nil || len(groups) == 0 {
				t.Errorf("%s: %v", path, err)
			}
		}
	}
}

func TestTotalsDropSingleTasksAndNothingElse(t *testing.T) {
	var example struct {
		Scrape []struct {
			Relabel []struct{ Regex, Action string } `json:"metric_relabel_configs"`
		} `json:"scrape_configs"`
	}
	if err := yaml.Unmarshal([]byte(read(t, deploy+"/prometheus/totals.yml")), &example); err != nil {
		t.Fatal(err)
	}
	drop := example.Scrape[0].Relabel[0]
	dropped, err := regexp.Compile("^(?:" + drop.Regex + ")$") // as Prometheus anchors it
	if err != nil || drop.Action != "drop" {
		t.Fatal(drop, err)
	}
	single := 0
	for _, metric := range contract(t) {
		ofOne := slices.Contains(metric.labels(), "task_id")
		if dropped.MatchString(metric.Name) != ofOne {
			t.Errorf("%s: is of single tasks: %t", metric.Name, ofOne)
		}
		if ofOne {
			single++
		}
	}
	if single < 5 {
		t.Errorf("docs/metrics.json names %d metrics of single tasks", single)
	}
}
