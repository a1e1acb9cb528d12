// What the queries of all dashboards have in common.

package main

import (
	"fmt"
	"strings"
)

// macros are the selectors of the dashboards' variables.
var macros = strings.NewReplacer(
	"<tasks>", `job=~"$job",group=~"$group",model=~"$model"`,
	"<groups>", `job=~"$job",group=~"$group"`,
	"<accounts>", `job=~"$job",account=~"$account"`,
	"<exporters>", `job=~"$job",instance=~"$instance"`,
)

// anything stands for all values where only the exporter's own metrics are chosen by them. It finds the empty model of tasks
// that were never answered, too.
const anything = ".*"

// jobs are listed where all are chosen: up is a metric of every program.
func jobs() variable {
	return variable{
		name: "job", label: "Job", about: "Scrape jobs of exporters",
		series: "kie_exporter_build_info",
	}
}

func groups() variable {
	return variable{
		name: "group", label: "Group", about: "Groups of tasks, as the exporter's configuration names them",
		series: `kie_exporter_source_tasks{job=~"$job"}`, all: anything,
	}
}

func models() variable {
	return variable{
		name: "model", label: "Model", about: "Models of the chosen groups", series: "kie_tasks{<groups>}", all: anything,
	}
}

func window() variable {
	return variable{
		name: "window", label: "Window", about: "How far back ratios, quantiles and the numbers at the top look",
		values: []string{"1h", "5m", "15m", "6h", "1d"},
	}
}

// orZero turns no data into 0 while there is an exporter: there is nothing to count. Without one it stays no data.
func orZero(expr string) string { return expr + ` or 0 * max(kie_exporter_build_info{job=~"$job"})` }

// perMinuteBy returns queries of a counter's rate a minute, summed by a label, with a series for each of its values.
func perMinuteBy(label, counter string) []query {
	return []query{{fmt.Sprintf("60 * sum by (%s) (rate(%s[$__rate_interval]))", label, counter), "{{" + label + "}}"}}
}

// quantile returns a quantile of a histogram over a window, by labels, where something was observed. The histogram is
// stored as classic buckets or as a native one; the query takes what there is.
func quantile(q float64, histogram, selector, window string, by ...string) string {
	return fmt.Sprintf(
		"(histogram_quantile(%[1]g, sum by (%[2]s) (rate(%[3]s_bucket{%[4]s}[%[5]s])))"+
			" or histogram_quantile(%[1]g, sum by (%[6]s) (rate(%[3]s{%[4]s}[%[5]s])))) >= 0",
		q, strings.Join(append([]string{"le"}, by...), ", "), histogram, selector, window, strings.Join(by, ", "),
	)
}

// quantiles returns the queries of the median, the 90th and the 99th percentile.
func quantiles(histogram, selector, window string) []query {
	return []query{
		{quantile(0.5, histogram, selector, window), "p50"},
		{quantile(0.9, histogram, selector, window), "p90"},
		{quantile(0.99, histogram, selector, window), "p99"},
	}
}

// Colours of what is closed, the same on all dashboards.
var (
	stateColours = map[string]colour{
		"waiting": blue, "queuing": purple, "generating": yellow, "success": green, "fail": red, "unknown": grey,
	}
	reasonColours = map[string]colour{
		"server": red, "timeout": orange, "upstream": purple, "content_policy": yellow, "bad_request": blue,
	}
	flag = map[string]text{"0": {"", none}}
)

// byLabels puts a grouping into a format of aggregations.
func byLabels(format string, by ...string) string {
	if len(by) == 0 {
		return fmt.Sprintf(format, "")
	}
	return fmt.Sprintf(format, " by ("+strings.Join(by, ", ")+")")
}
