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
	times int // in each rule
	rules []string
}

// thresholds are those of _config.thresholds, and two of _config itself.
func thresholds() []threshold {
	return []threshold{
		{"sloTarget", 0.95, 1, []string{"kie:slo_success:target"}},
		{"creditsLow", 500, 1, []string{"kie:credits_low:threshold"}},
		{"burnLeastFailures", 10, 2, []string{"KieErrorBudgetBurnFast", "KieErrorBudgetBurnSlow"}},
		{"failureRatio", 0.25, 1, []string{"KieFailureRatioHigh"}},
		{"failureRatioLeastFailures", 5, 1, []string{"KieFailureRatioHigh"}},
		{"burstFailures", 5, 1, []string{"KieFailureBurst"}},
		{"burstRatio", 0.1, 1, []string{"KieFailureBurst"}},
		{"contentPolicyFailures", 5, 1, []string{"KieContentPolicyBurst"}},
		{"contentPolicyRatio", 0.2, 1, []string{"KieContentPolicyBurst"}},
		{"emptyResultsRatio", 0.01, 1, []string{"KieEmptyResults"}},
		{"chargedCredits", 100, 1, []string{"KieChargedFailures"}},
		{"chargedCreditsRatio", 0.05, 1, []string{"KieChargedFailures"}},
		{"creditsLeftHours", 6, 1, []string{"KieCreditsEmptySoon"}},
		{"rateLimitedRatio", 0.1, 1, []string{"KieRateLimited"}},
		{"answersOldSeconds", 1200, 1, []string{"KieAnswersOld"}},
		{"listedLateRatio", 0.1, 1, []string{"KieTasksListedLate"}},
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
		for _, rule := range t.rules {
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
		if !slices.Contains(t.rules, nameOf(rule)) {
			continue
		}
		some, err := numbers(expr, t.value, t.mark())
		if err != nil {
			return err
		}
		if len(some) != t.times {
			return fmt.Errorf("threshold %s: %g is there %d times, not %d", t.name, t.value, len(some), t.times)
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
