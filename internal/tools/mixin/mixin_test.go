package main

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
)

const root = "../../.."

// rendered is what the mixin makes of a _config.
type rendered struct {
	Dashboards map[string]any
	Alerts     map[string]any
	Rules      map[string]any
}

func evaluate(config string, dashboards bool) (rendered, error) {
	var r rendered
	text, err := newVM(root).EvaluateAnonymousSnippet("test.jsonnet", `
		local dashboards = `+strconv.FormatBool(dashboards)+`;
		local kie = (import 'github.com/kie-exporter/kie_exporter/deploy/mixin/mixin.libsonnet') + { _config+:: `+config+` };
		{ [if dashboards then 'Dashboards']: kie.grafanaDashboards, Alerts: kie.prometheusAlerts, Rules: kie.prometheusRules }`)
	if err != nil {
		return r, err
	}
	return r, json.Unmarshal([]byte(text), &r)
}

func mustEvaluate(t *testing.T, config string) rendered {
	t.Helper()
	r, err := evaluate(config, true)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// asJSON makes what YAML has comparable with what JSON has.
func asJSON(t *testing.T, value any) any {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var plain any
	if err := json.Unmarshal(text, &plain); err != nil {
		t.Fatal(err)
	}
	return plain
}

func TestGeneratedFilesAreCurrent(t *testing.T) {
	files, err := markedFiles(root)
	if err != nil {
		t.Fatal(err)
	}
	there, err := os.ReadDir(root + "/deploy/mixin/marked")
	if err != nil {
		t.Fatal(err)
	}
	if len(there) != len(files) {
		t.Errorf("there are %d files, %d are generated", len(there), len(files))
	}
	for name, want := range files {
		if is, err := os.ReadFile(filepath.Join(root, "deploy/mixin/marked", name)); err != nil || string(is) != string(want) {
			t.Errorf("%s is stale (%v): run `make generate`", name, err)
		}
	}
}

func TestDefaultsRenderWhatIsInDashboardsAndAlerts(t *testing.T) {
	r := mustEvaluate(t, "{}")
	files, err := filepath.Glob(root + "/dashboards/*.json")
	if err != nil || len(files) == 0 || len(r.Dashboards) != len(files) {
		t.Errorf("%d dashboards are rendered of %d (%v)", len(r.Dashboards), len(files), err)
	}
	for _, file := range files {
		want, err := readDashboard(file)
		if err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(r.Dashboards[filepath.Base(file)], want) {
			t.Errorf("%s is another one", file)
		}
	}
	want := map[string][]group{}
	for name, path := range ruleFiles(root) {
		if want[name], err = readRules(path); err != nil {
			t.Fatal(err)
		}
	}
	if !reflect.DeepEqual(r.Alerts["groups"], asJSON(t, slices.Concat(want["alerts"], want["singleTaskAlerts"]))) {
		t.Error("the alerts are others")
	}
	if !reflect.DeepEqual(r.Rules["groups"], asJSON(t, want["rules"])) {
		t.Error("the recording rules are others")
	}
}

// rulesByName returns all rules by their names, the overrides of constants by their labels, too.
func (r rendered) rulesByName(t *testing.T) map[string]map[string]any {
	t.Helper()
	all := map[string]map[string]any{}
	for _, file := range []map[string]any{r.Alerts, r.Rules} {
		groups, _ := file["groups"].([]any)
		for _, g := range groups {
			g, _ := g.(map[string]any)
			for _, rule := range rulesOf(g) {
				name := nameOf(rule)
				if all[name] != nil {
					name += fmt.Sprint(rule["labels"])
				}
				all[name] = rule
			}
		}
	}
	if len(all) < 40 {
		t.Fatalf("only %d rules", len(all))
	}
	return all
}

// queries returns everything that a Prometheus is asked, in a constant order: of rules, templates, panels and variables.
func (r rendered) queries(t *testing.T) []string {
	t.Helper()
	var all []string
	rules := r.rulesByName(t)
	for _, name := range slices.Sorted(maps.Keys(rules)) {
		rule := rules[name]
		expr, _ := rule["expr"].(string)
		all = append(all, expr)
		annotations, _ := rule["annotations"].(map[string]any)
		for _, key := range slices.Sorted(maps.Keys(annotations)) {
			text, _ := annotations[key].(string)
			for _, match := range templateQuery.FindAllStringSubmatch(text, -1) {
				if strings.Contains(match[2], "_") {
					all = append(all, inTemplate.Replace(match[2]))
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(r.Dashboards)) {
		all = append(all, queriesOf(r.Dashboards[name])...)
	}
	return all
}

// inTemplate does as Go's strings and printf do with what the mixin writes there.
var inTemplate = strings.NewReplacer(`\\`, `\`, `\"`, `"`, "%%", "%", "%q", `""`)

var valuesQuery = regexp.MustCompile(`^label_values\((.*), \w+\)$`)

func queriesOf(value any) []string {
	var all []string
	switch v := value.(type) {
	case []any:
		for _, entry := range v {
			all = append(all, queriesOf(entry)...)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			text, _ := v[key].(string)
			if match := valuesQuery.FindStringSubmatch(text); match != nil {
				all = append(all, match[1])
			} else if key == "expr" {
				all = append(all, text)
			} else {
				all = append(all, queriesOf(v[key])...)
			}
		}
	}
	return all
}

// A selector is in each query of a series that is scraped, and changes nothing else: without its matchers the queries are the default ones.
func TestASelectorIsInEachQuery(t *testing.T) {
	want := mustEvaluate(t, "{}").queries(t)
	own := []*labels.Matcher{
		labels.MustNewMatcher(labels.MatchEqual, "cluster", "a"),
		labels.MustNewMatcher(labels.MatchNotRegexp, "zone", `50% "or\.so"`),
	}
	got := mustEvaluate(t, `{ selector: 'cluster="a",zone!~"50% \\"or\\\\.so\\""' }`).queries(t)
	if len(got) != len(want) || len(want) < 200 {
		t.Fatalf("%d queries, without a selector %d", len(got), len(want))
	}
	narrowed := 0
	for i, query := range got {
		expr, err := parse(query)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := parse(want[i])
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range nodes[*parser.VectorSelector](expr) {
			if !scraped(s.Name) {
				continue
			}
			for _, m := range own {
				at := slices.IndexFunc(s.LabelMatchers, func(is *labels.Matcher) bool { return is.String() == m.String() })
				if at < 0 {
					t.Fatalf("%s: %s is not in %s", query, m, s)
				}
				s.LabelMatchers = slices.Delete(s.LabelMatchers, at, at+1)
			}
			narrowed++
		}
		if expr.String() != plain.String() {
			t.Errorf("the query is\n%s\nwithout its selector, and was\n%s", expr, plain)
		}
	}
	if narrowed < 250 {
		t.Errorf("only %d selectors", narrowed)
	}
}

// Each threshold changes the rules that it is of, and no other.
func TestEachThresholdChangesItsRules(t *testing.T) {
	before := mustEvaluate(t, "{}").rulesByName(t)
	for _, th := range thresholds() {
		config := fmt.Sprintf("{ thresholds+: { %s: 0.7654321 } }", th.name)
		if th.name == "sloTarget" || th.name == "creditsLow" {
			config = fmt.Sprintf("{ %s: 0.7654321 }", th.name)
		}
		r, err := evaluate(config, false)
		if err != nil {
			t.Fatal(err)
		}
		for name, rule := range r.rulesByName(t) {
			is, _ := rule["expr"].(string)
			was, _ := before[name]["expr"].(string)
			switch times, of := th.rules[name]; {
			case !of && is != was:
				t.Errorf("%s changes %s, too", th.name, name)
			case of && strings.Count(is, "0.7654321") != times:
				t.Errorf("%s is not in %s: %s", th.name, name, is)
			}
		}
	}
}

func TestAConfigOfATeam(t *testing.T) {
	r := mustEvaluate(t, `{
		job: 'prod/kie', sloTargetByGroup: { checkout: 0.995 }, creditsLowByAccount: { 'big one': 20000, tiny: -1.5 },
		alertLabels: { team: 'video', severity: 'page' }, singleTaskAlert: false,
		runbookURL: 'https://wiki/%s?raw', dashboardURL: 'https://grafana/d/%s/kie',
	}`)
	rules := r.rulesByName(t)
	for _, rule := range rules {
		name, _ := rule["alert"].(string)
		if name == "" {
			continue
		}
		annotations, _ := rule["annotations"].(map[string]any)
		own, _ := rule["labels"].(map[string]any)
		if annotations["runbook_url"] != "https://wiki/"+name+"?raw" || own["team"] != "video" || own["severity"] != "page" {
			t.Errorf("%s: %v %v", name, annotations, own)
		}
		dashboard, _ := annotations["dashboard"].(string)
		if !regexp.MustCompile(`^https://grafana/d/kie-(exporter|overview|tasks)/kie$`).MatchString(dashboard) {
			t.Errorf("%s: dashboard %s", name, dashboard)
		}
	}
	for name, want := range map[string]string{
		"kie:slo_success:target":                        "vector(0.95)",
		"kie:slo_success:targetmap[group:checkout]":     "vector(0.995)",
		"kie:credits_low:thresholdmap[account:big one]": "vector(20000)",
		"kie:credits_low:thresholdmap[account:tiny]":    "vector(-1.5)",
	} {
		if rules[name]["expr"] != want {
			t.Errorf("%s: %v, want %s", name, rules[name]["expr"], want)
		}
	}
	if down, _ := rules["KieExporterDown"]["expr"].(string); strings.Count(down, `up{job="prod/kie"}`) != 2 {
		t.Errorf("KieExporterDown watches another job: %s", down)
	}
	if annotations, _ := rules["KieExporterDown"]["annotations"].(map[string]any); !strings.Contains(fmt.Sprint(annotations["description"]), "scrape job prod/kie.") {
		t.Errorf("KieExporterDown tells of another job: %v", annotations)
	}
	if rules["KieTaskFailed"] != nil {
		t.Error("there is an alert for single tasks")
	}
	for _, file := range []map[string]any{r.Alerts, r.Rules} {
		text, err := json.Marshal(file)
		if err != nil {
			t.Fatal(err)
		}
		if _, errs := rulefmt.Parse(text, false, model.UTF8Validation, parser.NewParser(parser.Options{}), slog.Default()); len(errs) > 0 {
			t.Error(errs)
		}
	}
}

func TestATypoInTheConfigIsAnError(t *testing.T) {
	for config, want := range map[string]string{
		`{ selectors: 'a="b"' }`:                  "_config has no selectors; there are alertLabels, ",
		`{ thresholds+: { burstFailure: 3 } }`:    "_config.thresholds has no burstFailure; there are answersOldSeconds, ",
		`{ thresholds: { burstFailures: 3 } }`:    "answersOldSeconds",
		`{ thresholds+: { burstFailures: '3' } }`: "_config.thresholds.burstFailures is a string, and is to be a number",
		`{ sloTarget: 95 }`:                       "_config.sloTarget is 95, and is to be between 0 and 1",
		`{ sloTarget: '95%' }`:                    "_config.sloTarget is a string, and is to be a number",
		`{ sloTargetByGroup: { a: 99 } }`:         "_config.sloTargetByGroup.a is 99, and is to be between 0 and 1",
		`{ creditsLowByAccount: { a: 'x' } }`:     "_config.creditsLowByAccount.a is x, and is to be a number",
		`{ alertLabels: { a: 1 } }`:               "_config.alertLabels.a is 1, and is to be a text",
		`{ runbookURL: 'https://wiki' }`:          "_config.runbookURL is https://wiki, and is to be with a %s in it",
		`{ selector: '{a="b"}' }`:                 "_config.selector is {a=\"b\"}, and is to be matchers",
		`{ selector: 'a="b",' }`:                  "_config.selector is a=\"b\",, and is to be matchers",
		`{ job: '' }`:                             "_config.job is , and is to be the name of a job",
		`{ alertLabels: null }`:                   "_config.alertLabels is a null, and is to be a object",
	} {
		if _, err := evaluate(config, false); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", config, err, want)
		}
	}
}

// What the mixin can't mark stops generation.
func TestWhatCanNotBeMarked(t *testing.T) {
	for _, rule := range []map[string]any{
		{"alert": "A", "expr": `{__name__="kie_up"} == 0`},
		{"alert": "A", "expr": `kie_up ==`},
		{"alert": "KieRateLimited", "expr": `kie_up > 0.2`},
		{"alert": "A", "expr": `kie_up == 0`, "annotations": map[string]any{"summary": `{{ query "kie_up" }}`}},
	} {
		if err := markRule(rule); err == nil {
			t.Errorf("%v is marked", rule)
		}
	}
	if _, err := markDashboard(map[string]any{"query": "query_result(kie_up)"}); err == nil {
		t.Error("a variable's query is not marked")
	}
}

// jsonnet-bundler vendors the folder of the mixin and nothing beside it.
func TestTheFolderIsEnoughForTheExample(t *testing.T) {
	vendor, out := t.TempDir(), t.TempDir()
	if err := os.CopyFS(filepath.Join(vendor, "deploy", "mixin"), os.DirFS(root+"/deploy/mixin")); err != nil {
		t.Fatal(err)
	}
	if err := render(vendor, filepath.Join(vendor, "deploy/mixin/example/example.jsonnet"), out); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"rules.yml", "alerts.yml", "kie-overview.json", "kie-tasks.json", "kie-exporter.json"} {
		if text, err := os.ReadFile(filepath.Join(out, name)); err != nil || !strings.Contains(string(text), "cluster=") || strings.ContainsAny(string(text), "«»") {
			t.Errorf("%s is not there, has no selector, or a mark is left (%v)", name, err)
		}
	}
}

func TestREADMENamesEachFieldOfTheConfig(t *testing.T) {
	page, err := os.ReadFile(root + "/deploy/mixin/README.md")
	if err != nil {
		t.Fatal(err)
	}
	text, err := newVM(root).EvaluateAnonymousSnippet("test.jsonnet", `std.objectFields((import 'github.com/kie-exporter/kie_exporter/deploy/mixin/config.libsonnet')._config)`)
	if err != nil {
		t.Fatal(err)
	}
	var fields []string
	if err := json.Unmarshal([]byte(text), &fields); err != nil || len(fields) < 10 {
		t.Fatal(fields, err)
	}
	for _, field := range fields {
		if !strings.Contains(string(page), "`"+field+"`") {
			t.Errorf("README.md does not name %s", field)
		}
	}
}
