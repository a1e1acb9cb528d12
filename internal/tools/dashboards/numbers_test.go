// What numbers mean.

package main

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/kie-exporter/kie_exporter/internal/tools/panels"
)

func TestCountsHaveNoDecimals(t *testing.T) {
	forEach(t, func(t *testing.T, _ panels.Dashboard, p panels.Panel) {
		whole := func(u string) bool { return unit(u).whole() }
		d := p.FieldConfig.Defaults
		if u := unit(d.Unit); is(p, stat, bars) && (u == compact || whole(d.Unit) && (d.Decimals == nil || *d.Decimals != 0)) {
			t.Errorf("unit %s with decimals", u)
		}
		for _, q := range p.Targets {
			names := calls(t, q)
			if is(p, timeseries) && d.Unit != string(perHour) && whole(d.Unit) && slices.Contains(names, "increase") && !slices.Contains(names, "round") {
				t.Errorf("%s is no whole number", q.Expr)
			}
		}
		for _, o := range p.FieldConfig.Overrides {
			var u string
			decimals := -1
			o.Property("decimals", &decimals)
			if o.Property("unit", &u) && (whole(u) && decimals != 0 || unit(u) == compact && decimals < 0) {
				t.Errorf("column %q of unit %s has %d decimals", o.Matcher.Options, u, decimals)
			}
		}
	})
}

// calls returns the names of the functions that an expression calls.
func calls(t *testing.T, q panels.Query) []string {
	t.Helper()
	parsed, err := parser.NewParser(parser.Options{}).ParseExpr(q.PromQL(""))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	parser.Inspect(parsed, func(node parser.Node, _ []parser.Node) error {
		if call, ok := node.(*parser.Call); ok {
			names = append(names, call.Func.Name)
		}
		return nil
	})
	return names
}

// What there is and what came to it are of different sizes, and of different meaning.
func TestNoGaugeIsBesideAnIncrease(t *testing.T) {
	forEach(t, func(t *testing.T, _ panels.Dashboard, p panels.Panel) {
		var increases, gauges int
		for _, q := range p.Targets {
			names := calls(t, q)
			switch {
			case slices.Contains(names, "increase"):
				increases++
			case !slices.Contains(names, "rate"):
				gauges++
			}
		}
		if is(p, timeseries) && increases > 0 && gauges > 0 {
			t.Errorf("%d gauges and %d increases in a graph", gauges, increases)
		}
	})
}

var (
	ofFailures = regexp.MustCompile(`kie_tasks_failed_total|kie_tasks_fail_codes_total|_total\{[^}]*state="fail"`)
	allOfThem  = regexp.MustCompile(`(?i)\ball\b`)
)

// "Failed" is kie.ai's fault here and any failure there: what it is called says which.
func TestFailuresSayWhoseTheyAre(t *testing.T) {
	forEach(t, func(t *testing.T, _ panels.Dashboard, p panels.Panel) {
		for _, q := range p.Targets {
			title, _ := columnOf(p, q)
			title += " " + q.Legend
			if !ofFailures.MatchString(q.Expr) || !strings.Contains(strings.ToLower(title), "fail") {
				continue
			}
			if strings.Contains(q.Expr, `reason!~"content_policy|bad_request"`) {
				if !strings.Contains(title, "kie.ai") {
					t.Errorf("%q does not say that it is about kie.ai's failures", title)
				}
			} else if !allOfThem.MatchString(title) {
				t.Errorf("%q does not say that it is about all failures", title)
			}
		}
	})
}

// More than a few lines can't be told apart.
func TestModelsAreAFewLinesAndTheRestATable(t *testing.T) {
	forEach(t, func(t *testing.T, _ panels.Dashboard, p panels.Panel) {
		for _, q := range p.Targets {
			if !is(p, timeseries) || !strings.Contains(q.Legend, "{{model}}") {
				continue
			}
			if !asks(p, "k(5,", "@ end()") {
				t.Error("the models are not five, the same over all of the time")
			}
			if l := p.Options.Legend; l.DisplayMode != "table" || l.Placement != "right" || l.SortBy == "" || !l.SortDesc {
				t.Errorf("the legend is no sorted table at the right: %+v", l)
			}
			if p.GridPos.W < 12 {
				t.Errorf("%d is too narrow for lines and legend", p.GridPos.W)
			}
		}
	})
	tables := some(t, "kie-overview", "with a row for each model", func(p panels.Panel) bool {
		return is(p, table) && p.Title == "Models"
	})
	for _, p := range tables {
		want := []string{"Credits", "Credits a success", "Finished", "Model", "Oldest", "kie.ai's failures", "p50", "p90"}
		for _, name := range want {
			if !slices.Contains(columnsOf(p), name) {
				t.Errorf("no column %q in %q", name, columnsOf(p))
			}
		}
		coloured, linked := 0, false
		for _, o := range p.FieldConfig.Overrides {
			var limits struct{ Steps []any }
			if o.Property("thresholds", &limits) && len(limits.Steps) > 1 {
				coloured++
			}
			var links []panels.Link
			linked = linked || o.Matcher.Options == "Model" && o.Property("links", &links)
		}
		if coloured < 2 || !linked || len(p.Options.SortBy) == 0 {
			t.Errorf("%d coloured columns, linked: %t, sorted by %v", coloured, linked, p.Options.SortBy)
		}
	}
}

func TestLatencyPanelsShowSingleTasks(t *testing.T) {
	forEach(t, func(t *testing.T, _ panels.Dashboard, p panels.Panel) {
		shown := slices.ContainsFunc(p.Targets, func(q panels.Query) bool { return q.Exemplar })
		if is(p, timeseries, heatmap) && asks(p, "kie_tasks_latency_seconds_bucket") && !shown {
			t.Error("no query has exemplars")
		}
	})
}

func TestHeatmapsCountEachTaskOnce(t *testing.T) {
	found := 0
	forEach(t, func(t *testing.T, _ panels.Dashboard, p panels.Panel) {
		if !is(p, heatmap) {
			return
		}
		found++
		for _, q := range p.Targets {
			if strings.Count(q.Expr, "[$__interval]") != strings.Count(q.Expr, "[") || q.Interval == "" {
				t.Errorf("%s every %q: windows are not as long as the distance of points", q.Expr, q.Interval)
			}
			if !strings.Contains(q.Expr, "_seconds_bucket{") || !strings.Contains(q.Expr, "_seconds{") {
				t.Errorf("%s takes not both kinds of histograms", q.Expr)
			}
		}
	})
	if found == 0 {
		t.Error("no heat map")
	}
}

func TestOverviewTellsOfTargetCostsAndTheWeekBefore(t *testing.T) {
	tests := []struct {
		what  string
		kind  kind
		texts []string
	}{
		{"how much of the target's budget is left", table, []string{"job_group:kie_slo_errors:ratio3d", "job_group:kie_slo_success:target"}},
		{"how fast the budget burns", timeseries, []string{"job_group:kie_slo_errors:ratio1h", "job_group:kie_slo_success:target"}},
		{"credits for each success by model", table, []string{"sum by (model) (increase(kie_tasks_credits_total", `state="success"`}},
		{"credits for each success by group", table, []string{"sum by (group) (increase(kie_tasks_credits_total", `state="success"`}},
		{"spending by group", timeseries, []string{"sum by (group) (increase(kie_tasks_credits_total"}},
		{"throughput as one number", stat, []string{"60 * sum(increase(kie_tasks_finished_total"}},
		{"throughput a week before", timeseries, []string{"kie_tasks_finished_total", "offset 1w"}},
		{"failures a week before", timeseries, []string{"kie_tasks_failed_total", "offset 1w"}},
		{"spending a week before", timeseries, []string{"kie_tasks_credits_total", "offset 1w"}},
	}
	for _, tt := range tests {
		some(t, "kie-overview", "of "+tt.what, func(p panels.Panel) bool { return is(p, tt.kind) && asks(p, tt.texts...) })
	}
	some(t, "kie-exporter", "of callbacks", func(p panels.Panel) bool { return is(p, timeseries) && asks(p, "kie_exporter_callbacks_total") })
}
