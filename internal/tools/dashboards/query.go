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
	"<endpoints>", `job=~"$job",instance=~"$instance",endpoint=~"$endpoint"`,
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

func endpoints() variable {
	return variable{
		name: "endpoint", label: "Endpoint", about: "Endpoints of the API that are in use; it chooses among the requests by endpoint only",
		series: `kie_api_requests_total{<exporters>}`, all: anything,
	}
}

func window() variable {
	return variable{
		name: "window", label: "Window", about: "How far back ratios, quantiles, rates and the numbers at the top look",
		values: []string{"1h", "5m", "15m", "6h", "1d"},
	}
}

// What panels say where there is no data: no more than they know.
const (
	noData = "no data from the exporter"
	orNone = ", or no exporter"

	noSeries = "no such task with series of its own" + orNone // there may be others
)

// A selector chooses exporters.
type selector string

const (
	chosenJobs      selector = `job=~"$job"`
	chosenExporters selector = "<exporters>"
)

// live keeps results while there is an exporter. What looks back over a window would outlive it else.
func (s selector) live(expr string) string {
	return fmt.Sprintf("(%s) and on () kie_exporter_build_info{%s}", expr, s)
}

// orZero turns no data into 0 while there is an exporter: there is nothing to count. Without one it stays no data.
func (s selector) orZero(expr string) string {
	return s.live(fmt.Sprintf("%s or 0 * max(kie_exporter_build_info{%s})", expr, s))
}

// nothing is no value of anything.
const nothing = "-1000000000"

// orElse turns no data into nothing while there is an exporter, to be shown as a text that says what there is none of.
func (s selector) orElse(expr string) string {
	return s.live(fmt.Sprintf("%s or %s * max(kie_exporter_build_info{%s})", expr, nothing, s))
}

// none is what a tile shows for the nothing of orElse.
func none(what string) map[string]text { return map[string]text{nothing: {what, grey}} }

// present is for how many seconds of the window there was an exporter: in its first hour the rates of an hour would be too low
// else. It is the exporter's time and not that of each series, for a model that is new is no more frequent for that.
const present = `60 * scalar(count_over_time((max(kie_exporter_build_info{job=~"$job"}))[$window:1m]))`

// rate returns how much a counter rises in a second of the time within the window for which there is data.
func rate(counter string) string {
	return fmt.Sprintf("increase(%s[$window]) / (%s)", counter, present)
}

// perMinuteBy returns queries of a counter's rate a minute, summed by a label, with a series for each of its values.
func perMinuteBy(label, counter string) []query {
	return []query{line(fmt.Sprintf("60 * sum by (%s) (rate(%s[$__rate_interval]))", label, counter), "{{"+label+"}}")}
}

// top keeps the five models that have most of something at the end of the time range, the same ones over all of it.
func top(expr, most string) string {
	return fmt.Sprintf("%s and on (model) topk(5, %s)", expr, atEnd(most))
}

// atEnd fixes what is looked at, ranges or else moments, at the end of the time range.
func atEnd(expr string) string {
	bracket := "}"
	if strings.Contains(expr, "]") {
		bracket = "]"
	}
	return strings.ReplaceAll(macros.Replace(expr), bracket, bracket+" @ end()")
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

// quantiles returns the queries of the median, the 90th and the 99th percentile, the rarer the hotter.
func quantiles(histogram, selector, window string) []query {
	return []query{
		{expr: quantile(0.5, histogram, selector, window), legend: "p50", colour: blue},
		{expr: quantile(0.9, histogram, selector, window), legend: "p90", colour: orange},
		{expr: quantile(0.99, histogram, selector, window), legend: "p99", colour: red},
	}
}

// Colours of what is closed, the same on all dashboards. Those of states are of the same hue on the exporter's own page.
var (
	stateColours = map[string]colour{
		"pending": grey, "waiting": lightBlue, "queuing": blue, "generating": darkBlue, "success": green, "fail": red, "unknown": orange,
	}
	reasonColours = map[string]colour{
		"server": red, "timeout": orange, "upstream": purple, "content_policy": yellow, "bad_request": blue,
		"credits": darkRed, "other": grey, "none": lightBlue,
	}
	classColours = map[string]colour{
		"ok": green, "task_failed": lightBlue, "not_found": purple, "bad_request": blue, "rate_limited": orange, "maintenance": yellow,
		"server": red, "transport": lightRed, "timeout": darkOrange, "auth": darkRed, "key_limit": darkPurple, "credits": lightPurple,
		"disabled": darkYellow, "decode": lightOrange, "too_large": darkGreen, "redirect": lightYellow, "mismatch": darkBlue, "other": grey,
	}
	callbackColours = map[string]colour{
		"accepted": green, "finished": lightBlue, "unknown": orange, "unsigned": red, "stale": yellow, "malformed": darkRed, "overloaded": purple,
		"registered": blue, "refused": darkOrange, "progress": darkGreen, "elsewhere": darkYellow, "forwarded": darkBlue, "unforwarded": darkPurple,
	}
	pushColours = map[string]colour{
		"ok": green, "no_room": orange, "unauthorized": red, "malformed": darkRed, "too_large": darkGreen, "slow": yellow, "unavailable": purple, "elsewhere": blue,
	}
)

// byLabels puts a grouping into a format of aggregations.
func byLabels(format string, by ...string) string {
	if len(by) == 0 {
		return fmt.Sprintf(format, "")
	}
	return fmt.Sprintf(format, " by ("+strings.Join(by, ", ")+")")
}
