package contract

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"
)

// With `series: {task_states: current}` a task has one series of kie_task_state, that of its state. So nothing that is shipped may want one that
// is 0: each use of it must be compared with 1, or ask for the values of a label alone.
func TestRulesAndDashboardsNeedTheSeriesOfATasksOwnStateAlone(t *testing.T) {
	var used int
	for _, expr := range shipped(t) {
		n, wrong := statesUsed(t, expr)
		used += n
		if wrong {
			t.Errorf("wants series of states in which a task is not: %s", expr)
		}
	}
	if used == 0 {
		t.Error("nothing asks for kie_task_state: the test has lost what it is about")
	}
	for expr, want := range map[string]bool{
		`kie_task_state{state="fail"} == 1`:                        false,
		`max by (task_id) (kie_task_state{state="fail"}) == 1`:     false,
		`1 * max(kie_task_state{state="fail"} == 1)`:               false,
		`kie_task_state{state="fail"} == 0`:                        true,
		`changes(kie_task_state{state="fail"}[5m]) > 0`:            true,
		`sum by (state) (kie_task_state)`:                          true,
		`kie_tasks unless on (group) kie_task_state{state="fail"}`: true,
	} {
		if _, wrong := statesUsed(t, expr); wrong != want {
			t.Errorf("%s is told as wrong: %t", expr, wrong)
		}
	}
}

// shipped returns every expression of the rules and of the dashboards.
func shipped(t *testing.T) (all []string) {
	t.Helper()
	for _, kind := range []string{"rules", "alerts"} {
		rules, err := ReadRules("../../../alerts", kind)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rules {
			all = append(all, r.Expr)
		}
	}
	paths, err := filepath.Glob("../../../dashboards/*.json")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no dashboards: %v", err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var dashboard any
		if err := json.Unmarshal(text, &dashboard); err != nil {
			t.Fatal(err)
		}
		all = append(all, exprs(dashboard)...)
	}
	return all
}

// exprs returns the values of all keys "expr" in a document.
func exprs(v any) (all []string) {
	switch v := v.(type) {
	case map[string]any:
		for key, inner := range v {
			if text, ok := inner.(string); ok && key == "expr" {
				all = append(all, text)
			}
			all = append(all, exprs(inner)...)
		}
	case []any:
		for _, inner := range v {
			all = append(all, exprs(inner)...)
		}
	}
	return all
}

// statesUsed returns how often an expression asks for kie_task_state, and whether one of that is not compared with 1, itself or its
// greatest value.
func statesUsed(t *testing.T, expr string) (used int, wrong bool) {
	t.Helper()
	if !strings.Contains(expr, "kie_task_state") {
		return 0, false
	}
	expr = strings.NewReplacer("$__rate_interval", "5m", "$window", "5m", "$__range", "1h", "$__interval", "1m").Replace(expr)
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(expr)
	if err != nil {
		t.Fatalf("%s: %v", expr, err)
	}
	parser.Inspect(parsed, func(node parser.Node, path []parser.Node) error {
		s, ok := node.(*parser.VectorSelector)
		if !ok || s.Name != "kie_task_state" {
			return nil
		}
		used++
		for _, above := range slices.Backward(path) {
			switch p := above.(type) {
			case *parser.AggregateExpr:
				if p.Op == parser.MAX {
					continue
				}
			case *parser.ParenExpr:
				continue
			case *parser.BinaryExpr:
				if one, ok := p.RHS.(*parser.NumberLiteral); ok && p.Op == parser.EQLC && one.Val == 1 {
					return nil
				}
			}
			break
		}
		wrong = true
		return nil
	})
	return used, wrong
}
