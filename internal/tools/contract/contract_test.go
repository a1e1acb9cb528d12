package contract

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

func TestWhatIsNotInTheTableIsNamed(t *testing.T) {
	c, err := Read("testdata/metrics.json")
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		expr   string
		labels string // of the result
		fault  string
	}{
		{expr: `a_total{job="x",group="y"}`, labels: "group instance job state"},
		{expr: `sum by (group) (rate(a_total[5m]))`, labels: "group"},
		{expr: `sum without (group, instance, job) (a_total)`, labels: "state"},
		{expr: `topk(3, sum by (state) (a_total))`, labels: "state"},
		{expr: `histogram_quantile(0.9, sum by (le) (rate(b_seconds_bucket[5m]))) or sum(b_seconds)`},
		{expr: `time() - max by (group) (a_total) > 0`, labels: "group"},
		{expr: `sum by (group) (a_total) * on (group) group_left (label_team) info`, labels: "group label_team"},
		{expr: `label_replace(a_total, "x", "$1", "model", "(.*)")`, fault: "label_replace: no label model"},
		{expr: `a_total and on (group) info`, labels: "group instance job state"},
		{expr: `a_totals`, fault: "a_totals is not in the table"},
		{expr: `a_total_bucket`, fault: "a_total_bucket is not in the table"},
		{expr: `a_total{grp="x"}`, fault: "selector of a_total: no label grp"},
		{expr: `sum by (model) (a_total)`, fault: "sum: no label model"},
		{expr: `sum by (le) (b_seconds_sum)`, fault: "sum: no label le"},
		{expr: `sum(a_total) / on (group) a_total`, fault: "left of /: no label group"},
		{expr: `a_total * on (group) group_left (colour) info`, fault: "group_left: no label colour"},
		{expr: `a_total{state="failed"}`, fault: "no state has that value"},
		{expr: `a_total{state=~"success|failed"}`, fault: "no state has that value"},
		{expr: `a_total{state=~".*"}`, labels: "group instance job state"},
		{expr: `sum(a_total`, fault: "parse error"},
	}
	for _, tt := range tests {
		t.Run(tt.expr, func(t *testing.T) {
			labels, err := c.Check(tt.expr)
			if tt.fault != "" {
				if err == nil || !strings.Contains(err.Error(), tt.fault) {
					t.Fatalf("Check() = %v, want an error with %q", err, tt.fault)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			maps.DeleteFunc(labels, func(_ string, possible bool) bool { return !possible })
			if got := strings.Join(slices.Sorted(maps.Keys(labels)), " "); got != tt.labels {
				t.Errorf("labels %q, want %q", got, tt.labels)
			}
		})
	}
}
