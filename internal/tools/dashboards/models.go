// What the overview says of models and groups in tables, of the target, and of the week before.

package main

import "fmt"

// perSuccess divides the credits of all finished tasks by those that succeeded.
const perSuccess = `sum by (%[1]s) (increase(kie_tasks_credits_total{<tasks>}[$window]))` +
	` / (sum by (%[1]s) (increase(kie_tasks_finished_total{<tasks>,state="success"}[$window])) > 0)`

// modelTable has a row for each model. Each of its numbers is looked at over the window, but for the oldest and the overdue.
func modelTable() panel {
	const latency, successful = "kie_tasks_latency_seconds", `<tasks>,state="success"`
	cell := func(expr string) query { return line(chosenJobs.live(expr), "") }
	return panel{
		kind: table, title: "Models", width: 24, unit: words, empty: "no task was answered" + orNone,
		about: "Each model's throughput, failures, latency and costs over the window. A click on a header sorts; a click on a model shows its tasks. " +
			"kie.ai's failures: " + ourFault + ".",
		queries: []query{
			cell(`60 * sum by (model) (` + rate(finishedTasks) + `)`),
			cell(failures("model")),
			cell(quantile(0.5, latency, successful, "$window", "model")),
			cell(quantile(0.9, latency, successful, "$window", "model")),
			cell(`time() - min by (model) (kie_tasks_oldest_unfinished_timestamp_seconds{<tasks>})`),
			cell(`sum by (model) (kie_tasks_overdue{<tasks>})`),
			cell(`3600 * sum by (model) (` + rate(taskCredits) + `)`),
			cell(fmt.Sprintf(perSuccess, "model")),
			cell(`round(sum by (model) (increase(kie_tasks_empty_results_total{<tasks>}[$window])))`),
		},
		sorted: []sorting{{"kie.ai's failures", true}},
		columns: []column{
			{field: "model", title: "Model", unit: words, width: 300, linked: explore("Show this model's tasks", "&var-model=${__value.raw:percentencode}")},
			{field: "Value #A", title: "Finished", unit: perMinute, width: 95, decimals: 1},
			{field: "Value #B", title: "kie.ai's failures", unit: ratio, width: 135, levels: worse(0.02, 0.1)},
			{field: "Value #C", title: "p50", unit: seconds, width: 85},
			{field: "Value #D", title: "p90", unit: seconds, width: 85},
			{field: "Value #E", title: "Oldest", unit: seconds, width: 95},
			{field: "Value #F", title: "Overdue", unit: number, width: 90, levels: healthy(orange)},
			{field: "Value #G", title: "Credits", unit: perHour, width: 105},
			{field: "Value #H", title: "Credits a success", unit: compact, width: 145, decimals: 1},
			{field: "Value #I", title: "Empty results", unit: number, width: 115, levels: healthy(orange)},
		},
	}
}

// Of what the rules record of the target; without them there is nothing to show.
const (
	spent   = `max by (group) (job_group:kie_slo_errors:ratio%s{<groups>} / (1 - job_group:kie_slo_success:target))`
	noRules = "none finished, or no rules are loaded"
)

// burn is how many times as fast as the target allows tasks fail, over a window that the rules record.
func burn(window string) string { return fmt.Sprintf(spent, window) + " >= 0" }

func targetPanels() []panel {
	cell := func(expr string) query { return line(chosenJobs.live(expr), "") }
	budget := []level{{lowest, red}, {0.25, orange}, {0.5, green}}
	return []panel{
		{
			kind: table, title: "Groups and their target", width: 24, unit: words, empty: noRules,
			about: "Each group against its target, as job_group:kie_slo_success:target has it, and what it costs. The budget is the failures that the target allows " +
				"over three days; below 0 the target is missed. A burn of 1 uses up just that; at 14.4 over an hour somebody is woken. " +
				"All but the first three columns are over the window.",
			queries: []query{
				cell(`1 - ` + fmt.Sprintf(spent, "3d")),
				cell(burn("1h")),
				cell(burn("6h")),
				cell(`60 * sum by (group) (` + rate(finishedTasks) + `)`),
				cell(failures("group")),
				cell(`3600 * sum by (group) (` + rate(taskCredits) + `)`),
				cell(fmt.Sprintf(perSuccess, "group")),
			},
			sorted: []sorting{{"Budget left, 3 days", false}},
			columns: []column{
				{field: "group", title: "Group", unit: words, width: 200},
				{field: "Value #A", title: "Budget left, 3 days", unit: ratio, width: 160, levels: budget},
				{field: "Value #B", title: "Burn, 1 h", unit: factor, width: 110, levels: worse(1, 14.4), decimals: 1},
				{field: "Value #C", title: "Burn, 6 h", unit: factor, width: 110, levels: worse(1, 6), decimals: 1},
				{field: "Value #D", title: "Finished", unit: perMinute, width: 110, decimals: 1},
				{field: "Value #E", title: "kie.ai's failures", unit: ratio, width: 140, levels: worse(0.02, 0.1)},
				{field: "Value #F", title: "Credits", unit: perHour, width: 120},
				{field: "Value #G", title: "Credits a success", unit: compact, width: 150, decimals: 1},
			},
		},
	}
}

func burnPanels() []panel {
	return []panel{
		{
			kind: timeseries, title: "Burn of an hour, by group", width: 12, unit: factor, empty: noRules, minimum: true, ranked: true, levels: worse(1, 14.4),
			about:   "How many times as fast as the target allows tasks fail. Lines mark what the target allows, and where somebody is woken.",
			queries: []query{line(burn("1h"), "{{group}}")},
		},
		{
			kind: timeseries, title: "Burn of three days, by group", width: 12, unit: factor, empty: noRules, minimum: true, ranked: true, levels: healthy(red),
			about:   "The same over three days. Above 1 the target is missed.",
			queries: []query{line(burn("3d"), "{{group}}")},
		},
	}
}

// weekPanels draw the week before behind this one: it needs a Prometheus that keeps data for so long.
func weekPanels() []panel {
	compare := func(format string) []query {
		return []query{
			line(fmt.Sprintf(format, ""), "now"),
			{expr: fmt.Sprintf(format, " offset 1w"), legend: "a week before", colour: grey, dashed: true},
		}
	}
	const fault = `sum(rate(kie_tasks_failed_total{<tasks>,reason!~"content_policy|bad_request"}[$__rate_interval]%[1]s))`
	const success = `sum(rate(kie_tasks_finished_total{<tasks>,state="success"}[$__rate_interval]%[1]s))`
	return []panel{
		{
			kind: timeseries, title: "Throughput and a week before", width: 8, unit: perMinute, empty: noData, minimum: true,
			about:   "Tasks that finished while they were watched, a minute, well or badly.",
			queries: compare(`60 * sum(rate(kie_tasks_finished_total{<tasks>}[$__rate_interval]%[1]s))`),
		},
		{
			kind: timeseries, title: "kie.ai's failures and a week before", width: 8, unit: ratio, empty: "none finished" + orNone, minimum: true, maximum: 1,
			about:   "Share of failures among the tasks that finished: " + ourFault + ".",
			queries: compare(fault + " / (" + fault + " + " + success + " > 0)"),
		},
		{
			kind: timeseries, title: "Credits of tasks and a week before", width: 8, unit: perHour, empty: noData, minimum: true,
			about:   "Credits consumed by watched tasks, an hour, as far as the API told.",
			queries: compare(`3600 * sum(rate(kie_tasks_credits_total{<tasks>}[$__rate_interval]%[1]s))`),
		},
	}
}
