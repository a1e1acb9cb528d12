// Package rulecheck checks the rules of alerts/ beyond what promtool does: each
// alert has tests and a runbook, says what there is to say, and asks in its
// annotations only for what there is.
package rulecheck

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/rulefmt"
	"go.yaml.in/yaml/v3"

	"github.com/kie-exporter/kie_exporter/internal/tools/contract"
)

const (
	root     = "../../../"
	runbooks = "https://github.com/kie-exporter/kie_exporter/blob/main/docs/runbooks/"
)

func TestEachAlertHasAFiringAndASilentTest(t *testing.T) {
	type unitTest struct {
		Alertname string      `yaml:"alertname"`
		Expected  []yaml.Node `yaml:"exp_alerts"`
	}
	fires, silent := make(map[string]bool), make(map[string]bool)
	for _, path := range paths(t, "alerts/tests/*.test.yml") {
		var file struct {
			Tests []struct {
				Alerts []unitTest `yaml:"alert_rule_test"`
			} `yaml:"tests"`
		}
		read(t, path, &file)
		for _, test := range file.Tests {
			for _, u := range test.Alerts {
				if len(u.Expected) > 0 {
					fires[u.Alertname] = true
				} else {
					silent[u.Alertname] = true
				}
			}
		}
	}
	for _, alert := range alerts(t) {
		if !fires[alert.Alert] {
			t.Errorf("%s: no unit test in which it fires", alert.Alert)
		}
		if !silent[alert.Alert] {
			t.Errorf("%s: no unit test in which it is silent", alert.Alert)
		}
	}
}

// Groups are evaluated in an order of chance unless a test names all of them, recording rules first.
func TestEachUnitTestNamesItsGroupsInOrder(t *testing.T) {
	for _, path := range paths(t, "alerts/tests/*.test.yml") {
		var file struct {
			Rules []string `yaml:"rule_files"`
			Order []string `yaml:"group_eval_order"`
		}
		read(t, path, &file)
		var groups []string
		for _, rules := range file.Rules {
			for _, group := range ruleGroups(t, filepath.Join(filepath.Dir(path), rules)) {
				groups = append(groups, group.Name)
			}
		}
		if !slices.Equal(file.Order, groups) {
			t.Errorf("%s: group_eval_order is %q, want %q", path, file.Order, groups)
		}
	}
}

func TestEachAlertSaysWhatItIsAndWhatToDo(t *testing.T) {
	name := regexp.MustCompile(`^Kie([A-Z][a-z]+|API|IDs)+$`)
	seen := make(map[string]bool)
	for _, alert := range alerts(t) {
		switch {
		case !name.MatchString(alert.Alert) || seen[alert.Alert+alert.Labels["severity"]]: // one that depends has a rule for each severity
			t.Errorf("%s: not a name of its own in CamelCase that begins with Kie", alert.Alert)
		case !slices.Contains([]string{"critical", "warning", "info"}, alert.Labels["severity"]) || len(alert.Labels) != 1:
			t.Errorf("%s: labels %v", alert.Alert, alert.Labels)
		case !slices.Equal(slices.Sorted(maps.Keys(alert.Annotations)), []string{"dashboard", "description", "runbook_url", "summary"}):
			t.Errorf("%s: annotations %v", alert.Alert, slices.Sorted(maps.Keys(alert.Annotations)))
		case alert.Annotations["runbook_url"] != runbooks+alert.Alert+".md":
			t.Errorf("%s: runbook_url %s", alert.Alert, alert.Annotations["runbook_url"])
		case !slices.Contains([]string{"/d/kie-overview", "/d/kie-tasks", "/d/kie-exporter"}, alert.Annotations["dashboard"]):
			t.Errorf("%s: dashboard %s", alert.Alert, alert.Annotations["dashboard"])
		}
		seen[alert.Alert+alert.Labels["severity"]] = true
	}
}

func TestEachAlertHasARunbookAndEachRunbookAnAlert(t *testing.T) {
	named := make(map[string]bool)
	for _, alert := range alerts(t) {
		named[alert.Alert+".md"] = true
		text, err := os.ReadFile(filepath.Join(root, "docs/runbooks", alert.Alert+".md"))
		if err != nil {
			t.Error(err)
			continue
		}
		for _, heading := range []string{"# " + alert.Alert, "## Meaning", "## Impact", "## Diagnosis", "## Mitigation"} {
			if !strings.Contains("\n"+string(text), "\n"+heading+"\n") {
				t.Errorf("%s.md: no heading %q", alert.Alert, heading)
			}
		}
	}
	for _, path := range paths(t, "docs/runbooks/*.md") {
		if !named[filepath.Base(path)] {
			t.Errorf("%s: there is no such alert", path)
		}
	}
}

func TestTheTableOfAlertsIsComplete(t *testing.T) {
	page, err := os.ReadFile(filepath.Join(root, "docs/alerts.md"))
	if err != nil {
		t.Fatal(err)
	}
	for _, alert := range alerts(t) {
		row := fmt.Sprintf("| [%[1]s](runbooks/%[1]s.md) | %[2]s |", alert.Alert, alert.Labels["severity"])
		if !strings.Contains(string(page), row) {
			t.Errorf("docs/alerts.md has no row that begins with %s", row)
		}
	}
}

// An inhibition that asks two alerts to agree on a label that one of them lacks never takes effect.
func TestInhibitionsAreOfAlertsThatHaveTheLabels(t *testing.T) {
	var file struct {
		Rules []struct {
			Source []string `yaml:"source_matchers"`
			Target []string `yaml:"target_matchers"`
			Equal  []string `yaml:"equal"`
		} `yaml:"inhibit_rules"`
	}
	read(t, root+"alerts/alertmanager.example.yml", &file)
	known := known(t)
	labels := make(map[string]contract.Labels)
	for _, alert := range alerts(t) {
		labels[alert.Alert] = check(t, known, alert.Alert, alert.Expr)
	}
	name := regexp.MustCompile(`Kie\w+`)
	for _, rule := range file.Rules {
		for _, alert := range name.FindAllString(strings.Join(append(rule.Source, rule.Target...), " "), -1) {
			if labels[alert] == nil {
				t.Errorf("there is no alert %s", alert)
			}
			for _, label := range rule.Equal {
				if !labels[alert][label] {
					t.Errorf("%s has no label %s", alert, label)
				}
			}
		}
	}
}

// Templates take labels and ask queries that promtool's tests see only where they matter to a case.
func TestTemplatesAskForWhatThereIs(t *testing.T) {
	query := regexp.MustCompile(`(?:printf|query) "((?:[^"\\]|\\.)*)"`)
	label := regexp.MustCompile(`\$labels\.(\w+)`)
	known := known(t)
	for _, alert := range alerts(t) {
		labels := check(t, known, alert.Alert, alert.Expr)
		for _, text := range alert.Annotations {
			for _, match := range label.FindAllStringSubmatch(text, -1) {
				if !labels[match[1]] {
					t.Errorf("%s: no label %s", alert.Alert, match[1])
				}
			}
			for _, match := range query.FindAllStringSubmatch(text, -1) {
				if expr := strings.ReplaceAll(match[1], "%q", `"x"`); !strings.HasPrefix(expr, "%") {
					check(t, known, alert.Alert, expr)
				}
			}
		}
	}
}

// However seldom a Prometheus evaluates rules by itself: alerts look back two minutes or five at what is recorded.
func TestWhatAlertsReadIsRecordedAtAnIntervalOfItsOwn(t *testing.T) {
	every := make(map[string]model.Duration)
	for _, group := range ruleGroups(t, root+"alerts/kie_exporter.rules.yml") {
		for _, rule := range group.Rules {
			every[rule.Record] = group.Interval
		}
	}
	recorded := regexp.MustCompile(`\b[a-z_]+:\w+:\w+`)
	for _, alert := range alerts(t) {
		for _, name := range recorded.FindAllString(alert.Expr, -1) {
			if of, ok := every[name]; !ok || of == 0 || of > model.Duration(2*time.Minute) {
				t.Errorf("%s reads %s, recorded each %v", alert.Alert, name, of)
			}
		}
	}
}

// Runbooks and the operating manual show queries to paste.
func TestRunbooksAskForWhatThereIs(t *testing.T) {
	known := known(t)
	for _, path := range append(paths(t, "docs/runbooks/*.md"), root+"docs/operating.md") {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		blocks := promql.FindAllStringSubmatch(string(text), -1)
		if len(blocks) == 0 {
			t.Errorf("%s: no query", path)
		}
		for _, match := range blocks {
			for expr := range strings.SplitSeq(strings.TrimSpace(match[1]), "\n") {
				check(t, known, path, expr)
			}
		}
	}
}

// The page shows the example of numbers for one account or group as it is, and queries for what has no account or group.
func TestThePageOfAlertsShowsTheExampleOfThresholds(t *testing.T) {
	page, err := os.ReadFile(root + "docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	example, err := os.ReadFile(root + "alerts/thresholds.example.yml")
	if err != nil {
		t.Fatal(err)
	}
	if _, groups, _ := strings.Cut(string(example), "groups:\n"); !strings.Contains(string(page), "```yaml\ngroups:\n"+groups+"```") {
		t.Error("docs/alerts.md shows another one")
	}
	known := known(t)
	blocks := promql.FindAllStringSubmatch(string(page), -1)
	if len(blocks) == 0 {
		t.Error("docs/alerts.md: no query")
	}
	for _, match := range blocks {
		for expr := range strings.SplitSeq(strings.TrimSpace(match[1]), "\n") {
			check(t, known, "docs/alerts.md", expr)
		}
	}
	for _, group := range ruleGroups(t, root+"alerts/thresholds.example.yml") {
		for _, rule := range group.Rules {
			if labels := check(t, known, "the example", rule.Record); len(rule.Labels) != 1 || !labels[slices.Collect(maps.Keys(rule.Labels))[0]] {
				t.Errorf("%s has other labels than %v", rule.Record, rule.Labels)
			}
		}
	}
}

var promql = regexp.MustCompile("(?s)```promql\n(.*?)```")

// known returns the contract with what the rules record.
func known(t *testing.T) *contract.Contract {
	t.Helper()
	c, err := contract.Read(root + "docs/metrics.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range ruleGroups(t, root+"alerts/kie_exporter.rules.yml") {
		for _, rule := range group.Rules {
			c.Record(rule.Record, check(t, c, rule.Record, rule.Expr), slices.Collect(maps.Keys(rule.Labels))...)
		}
	}
	return c
}

func check(t *testing.T, c *contract.Contract, who, expr string) contract.Labels {
	t.Helper()
	labels, err := c.Check(expr)
	if err != nil {
		t.Errorf("%s: %s: %v", who, expr, err)
	}
	return labels
}

func alerts(t *testing.T) []rulefmt.Rule {
	t.Helper()
	var all []rulefmt.Rule
	for _, path := range paths(t, "alerts/*.alerts.yml") {
		for _, group := range ruleGroups(t, path) {
			all = append(all, group.Rules...)
		}
	}
	return all
}

func ruleGroups(t *testing.T, path string) []rulefmt.RuleGroup {
	t.Helper()
	var file rulefmt.RuleGroups
	read(t, path, &file)
	return file.Groups
}

func read(t *testing.T, path string, into any) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = yaml.Unmarshal(text, into)
	}
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
}

func paths(t *testing.T, pattern string) []string {
	t.Helper()
	all, err := filepath.Glob(root + pattern)
	if err != nil || len(all) == 0 {
		t.Fatalf("%s: no such file (%v)", pattern, err)
	}
	return all
}
