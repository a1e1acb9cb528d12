// The rules of alerts/, marked.

package main

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// threshold is a number of rules that _config can change.
type threshold struct {
	name  string // in _config
	value float64
	rules map[string]int // and how often each has it
}

// thresholds are those of _config.thresholds, and two of _config itself.
func thresholds() []threshold {
	return []threshold{
		{"sloTarget", 0.95, map[string]int{"kie:slo_success:target": 1}},
		{"creditsLow", 500, map[string]int{"kie:credits_low:threshold": 1}},
		{"burnLeastFailures", 10, map[string]int{"KieErrorBudgetBurnFast": 3, "KieErrorBudgetBurnSlow": 2}},
		{"failureRatio", 0.25, map[string]int{"KieFailureRatioHigh": 1}},
		{"failureRatioLeastFailures", 5, map[string]int{"KieFailureRatioHigh": 1}},
		{"burstFailures", 5, map[string]int{"KieFailureBurst": 1}},
		{"burstRatio", 0.1, map[string]int{"KieFailureBurst": 1}},
		{"contentPolicyFailures", 5, map[string]int{"KieContentPolicyBurst": 1}},
		{"contentPolicyRatio", 0.2, map[string]int{"KieContentPolicyBurst": 1}},
		{"emptyResultsRatio", 0.01, map[string]int{"KieEmptyResults": 1}},
		{"chargedCredits", 100, map[string]int{"KieChargedFailures": 1}},
		{"chargedCreditsRatio", 0.05, map[string]int{"KieChargedFailures": 1}},
		{"creditsLeftHours", 6, map[string]int{"KieCreditsEmptySoon": 1}},
		{"rateLimitedRatio", 0.1, map[string]int{"KieRateLimited": 1}},
		{"answersOldSeconds", 1200, map[string]int{"KieAnswersOld": 1}},
		{"listedLateRatio", 0.1, map[string]int{"KieTasksListedLate": 1}},
	}
}

func (t threshold) mark() string { return "«" + t.name + "»" }

// group is a group of rules, as YAML has it.
type group = map[string]any

func rulesOf(g group) []map[string]any {
	var all []map[string]any
	list, _ := g["rules"].([]any)
	for _, entry := range list {
		if rule, ok := entry.(map[string]any); ok {
			all = append(all, rule)
		}
	}
	return all
}

// readRules reads the groups of a file of rules.
func readRules(path string) ([]group, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	if strings.ContainsAny(string(text), "«»") {
		return nil, fmt.Errorf("%s: « and » are for marks", path)
	}
	var file struct{ Groups []group }
	if err := yaml.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return file.Groups, nil
}

// ruleFiles are in alerts/, by what the mixin calls them.
func ruleFiles(root string) map[string]string {
	return map[string]string{
		"rules":            filepath.Join(root, "alerts", "kie_exporter.rules.yml"),
		"alerts":           filepath.Join(root, "alerts", "kie_exporter.alerts.yml"),
		"singleTaskAlerts": filepath.Join(root, "alerts", "kie_exporter.single-task.alerts.yml"),
	}
}

// markedRules returns the groups of all files of rules, marked.
func markedRules(root string) (map[string][]group, error) {
	marked, seen := map[string][]group{}, map[string]bool{}
	for name, path := range ruleFiles(root) {
		groups, err := readRules(path)
		if err != nil {
			return nil, err
		}
		for _, g := range groups {
			for _, rule := range rulesOf(g) {
				if err := markRule(rule); err != nil {
					return nil, fmt.Errorf("%s: %w", nameOf(rule), err)
				}
				seen[nameOf(rule)] = true
			}
		}
		marked[name] = groups
	}
	for _, t := range thresholds() {
		for rule := range t.rules {
			if !seen[rule] {
				return nil, fmt.Errorf("threshold %s: there is no rule %s", t.name, rule)
			}
		}
	}
	return marked, nil
}

func nameOf(rule map[string]any) string {
	for _, kind := range []string{"alert", "record"} {
		if name, ok := rule[kind].(string); ok {
			return name
		}
	}
	return ""
}

// markRule marks the expression and the annotations of a rule.
func markRule(rule map[string]any) error {
	expr, _ := rule["expr"].(string)
	marks, err := selectors(expr, wholeSelector, moreSelector)
	if err != nil {
		return err
	}
	for _, t := range thresholds() {
		times, of := t.rules[nameOf(rule)]
		if !of {
			continue
		}
		some, err := numbers(expr, t.value, t.mark())
		if err != nil {
			return err
		}
		if len(some) != times {
			return fmt.Errorf("threshold %s: %g is there %d times, not %d", t.name, t.value, len(some), times)
		}
		marks = append(marks, some...)
	}
	rule["expr"] = strings.ReplaceAll(insert(expr, marks), `job="kie_exporter"`, `job="`+jobMark+`"`)
	annotations, _ := rule["annotations"].(map[string]any)
	for _, name := range slices.Sorted(maps.Keys(annotations)) {
		text, _ := annotations[name].(string)
		text, err := markTemplate(strings.ReplaceAll(text, "job kie_exporter", "job "+jobMark))
		if err != nil {
			return err
		}
		annotations[name] = text
	}
	return nil
}
