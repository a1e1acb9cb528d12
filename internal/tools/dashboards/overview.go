// The overview: is generation healthy, and if not, why.

package main

import "fmt"

func overview() dashboard {
	return dashboard{
		uid: "kie-overview", title: "kie.ai / Overview",
		description: "Is generation healthy? Tasks of kie.ai by state, latency, failures, credits and the API. " +
			"The tiles and the alerts answer at a glance; grey is unknown, not well.",
		variables: []variable{jobs(), groups(), models(), accounts(), window()},
		rows: []row{
			{height: 4, panels: health(), wrap: 16, beside: new(firing())},
			{title: "Models", height: 10, panels: []panel{modelTable()}},
			{title: "Tasks", height: 9, panels: taskPanels()},
			{title: "Failures", height: 10, panels: failurePanels()},
			{title: "Latency", height: 9, panels: latencyPanels()},
			{title: "Target", height: 6, panels: targetPanels()},
			{height: 8, panels: burnPanels()},
			{title: "Credits", height: 8, panels: creditPanels()},
			{title: "This week and the one before", height: 8, panels: weekPanels()},
			{title: "API", height: 8, panels: apiPanels()},
			{height: 8, panels: allUsersPanels()},
		},
	}
}

func accounts() variable {
	return variable{
		name: "account", label: "Account", about: "Accounts; it chooses among credits and the API only, which no group shares out",
		series: `kie_api_gate_closed{job=~"$job"}`, all: anything,
	}
}

// explore leads to the tasks in question.
func explore(title, choice string) *link {
	return &link{title, "/d/kie-tasks?${__url_time_range}&${datasource:queryparam}&${job:queryparam}&${group:queryparam}" + choice}
}

const (
	sameModels = "&${model:queryparam}"
	unfinished = "&var-state=pending&var-state=waiting&var-state=queuing&var-state=generating&var-state=unknown"
	thisModel  = "&var-model=${__field.labels.model:percentencode}"
)

// A share is taken among what finished in the window and was not the user's doing, by labels, where there was anything.
const (
	failed       = `sum%[1]s (increase(kie_tasks_failed_total{<tasks>,reason!~"content_policy|bad_request"}[$window]))`
	succeeded    = `sum%[1]s (increase(kie_tasks_finished_total{<tasks>,state="success"}[$window]))`
	failureRatio = failed + " / (" + failed + " + " + succeeded + " > 0)"
)

func failures(by ...string) string { return byLabels(failureRatio, by...) }

// ourFault says what "kie.ai's" failures are.
const ourFault = "tasks that failed for content_policy or bad_request, which are about what was asked for, do not count"

// Counters that several panels show.
const (
	finishedTasks = `kie_tasks_finished_total{<tasks>}`
	usedCredits   = `kie_credits_used_total{<accounts>}`
	taskCredits   = `kie_tasks_credits_total{<tasks>}` //nolint:gosec // no credentials
)

// Several exporters may tell of the same account: each of them what is left, and what was used.
const balance = `max by (account) (kie_credits_remaining{<accounts>})`

// spending is in a second: what exporters saw used, by the time that they saw.
func spending() string {
	return fmt.Sprintf("sum by (account) (increase(%[1]s[$window])) / (60 * sum by (account) (count_over_time(%[1]s[$window:1m])))", usedCredits)
}

// timeLeft is in seconds, for each account that spends.
func timeLeft() string { return balance + " / (" + spending() + " > 0)" }

func health() []panel {
	return []panel{
		exporterTile("", "The dashboard kie.ai / Exporter says more."),
		{
			kind: stat, title: "API and key", width: 4, unit: number, empty: noData, levels: []level{{0, red}, {1, green}},
			texts: map[string]text{nothing: {"not asked yet", grey}, "0": {"down", red}, "1": {"up", green}},
			about: "Up if the last request of each account found the API working and its key accepted. " +
				"The closed gates on kie.ai / Exporter say why not.",
			queries: []query{line(chosenJobs.orElse(`min(kie_up{<accounts>})`), "API")},
		},
		{
			kind: stat, title: "kie.ai's failures", width: 4, unit: ratio, empty: noData, levels: worse(0.02, 0.1), minimum: true,
			texts:   none("none finished"),
			about:   "Share of failures among the tasks that finished in the window: " + ourFault + ".",
			queries: []query{line(chosenJobs.orElse(failures()), "failed")}, linked: explore("Show the failed tasks", sameModels+"&var-state=fail"),
		},
		{
			kind: stat, title: "Overdue", width: 4, unit: number, empty: noData, levels: healthy(orange),
			about:   "Unfinished tasks beyond the age at which a task of their model is overdue, as the API last told.",
			queries: []query{line(chosenJobs.orZero(`sum(kie_tasks_overdue{<tasks>})`), "overdue")},
			linked:  explore("Show the unfinished tasks", sameModels+unfinished),
		},
		{
			kind: stat, title: "Finished a minute", width: 4, unit: perMinute, empty: noData,
			about:   "How many tasks finished a minute over the window, well or badly.",
			queries: []query{line(chosenJobs.orZero(`60 * sum(`+rate(finishedTasks)+`)`), "throughput")},
		},
		{
			kind: stat, title: "Latency p90", width: 4, unit: seconds, empty: noData, texts: none("none succeeded"),
			about:   "p90 of the time from creation to completion, of the tasks that succeeded in the window.",
			queries: []query{line(chosenJobs.orElse(quantile(0.9, "kie_tasks_latency_seconds", `<tasks>,state="success"`, "$window")), "p90")},
		},
		{
			kind: stat, title: "Fewest credits", width: 4, unit: amount, empty: noData, texts: none("not told"),
			levels: []level{{lowest, red}, {1, orange}, {500, green}},
			about: "Credits left on the account that has fewest, for what another has is no help to it. There is none if the balance is not asked " +
				"for or was not told lately.",
			queries: []query{line(chosenJobs.orElse(`min(`+balance+`)`), "credits")},
		},
		{
			kind: stat, title: "Credits last for", width: 4, unit: seconds, empty: noData, texts: none("nothing spent"),
			levels: []level{{lowest, red}, {6 * 3600, orange}, {24 * 3600, green}},
			about: "How long the credits of the account that runs out first last if spending goes on as in the window, or since the " +
				"exporter started if that is less. Top-ups are no spending.",
			queries: []query{line(chosenJobs.orElse(`min(`+timeLeft()+`)`), "left")},
		},
	}
}

// exporterTile is red without an exporter, whatever else is shown of it.
func exporterTile(selector, more string) panel {
	return panel{
		kind: stat, title: "Exporter", width: 4, unit: number, empty: "no answer from Prometheus, or no exporter",
		levels:  []level{{0, red}, {1, green}},
		texts:   map[string]text{"-1": {"not scraped", red}, "0": {"down", red}, "1": {"up", green}},
		about:   "Up if Prometheus could scrape every chosen exporter. Down, all else here is old or missing. " + more,
		queries: []query{line(`min(up{job=~"$job"`+selector+`}) or vector(-1)`, "exporter")},
	}
}

// firing is short, however many tasks have failed: an alert has a row for each group.
func firing() panel {
	return panel{
		kind: table, title: "Alerts that fire", width: 8, unit: words, empty: "no alert fires, or no rules are loaded",
		about: "Alerts of the exporter's rules by severity and group, those of severity info left out, and how many of each fire. A click on a name " +
			"opens its runbook.",
		queries: []query{line(
			`count by (alertname, severity, group) (ALERTS{alertname=~"Kie.*",alertstate="firing",severity!="info",job=~"$job"})`, "",
		)},
		sorted: []sorting{{"Severity", false}, {"Firing", true}},
		columns: []column{
			{field: "severity", title: "Severity", unit: words, width: 75, texts: map[string]text{
				"critical": {"critical", red}, "warning": {"warning", orange},
			}},
			{field: "alertname", title: "Alert", unit: words, width: 180, linked: &link{
				"Open the runbook", "https://github.com/kie-exporter/kie_exporter/blob/main/docs/runbooks/${__value.raw}.md",
			}},
			{field: "group", title: "Group", unit: words, width: 85},
			{field: "Value", title: "Firing", unit: number, width: 60},
		},
	}
}

func taskPanels() []panel {
	return []panel{
		{
			kind: timeseries, title: "Unfinished tasks by state", width: 6, unit: number, empty: noData,
			stacked: true, minimum: true, colours: stateColours,
			about:   "Tasks that are not finished, as the API last told. Pending ones were never answered, and are of no model yet.",
			queries: []query{line(`sum by (state) (kie_tasks{<tasks>,state!~"success|fail"})`, "{{state}}")},
			linked:  explore("Show the unfinished tasks", sameModels+unfinished),
		},
		{
			kind: timeseries, title: "Succeeded, the five largest models", width: 12, unit: perMinute, empty: noData, minimum: true, ranked: true,
			about: "Tasks that succeeded while they were watched, a minute, of the models that had most in the time range.",
			queries: []query{line(top(
				`60 * sum by (model) (rate(kie_tasks_finished_total{<tasks>,state="success"}[$__rate_interval]))`,
				`sum by (model) (increase(kie_tasks_finished_total{<tasks>,state="success"}[$__range]))`,
			), "{{model}}")},
		},
		{
			kind: bars, title: "Tasks by state", width: 6, unit: number, empty: noData, minimum: true, colours: stateColours,
			about:   "All answered tasks whose ids are listed, the long finished too.",
			queries: []query{line(`sum by (state) (kie_tasks{<tasks>})`, "{{state}}")},
		},
	}
}

func failurePanels() []panel {
	return []panel{
		{
			kind: timeseries, title: "All failures by reason", width: 6, unit: perMinute, empty: "no failures" + orNone,
			stacked: true, minimum: true, colours: reasonColours,
			about: "Tasks that failed while they were watched, a minute. content_policy and bad_request are about what was asked for; " +
				"server, timeout and upstream are about kie.ai; credits is about the account. Reasons without any in the time range are left out.",
			queries: []query{line(
				`60 * sum by (reason) (rate(kie_tasks_failed_total{<tasks>}[$__rate_interval]))`+
					` and on (reason) (sum by (reason) (increase(kie_tasks_failed_total{<tasks>}[$__range] @ end())) > 0)`, "{{reason}}",
			)},
		},
		{
			kind: timeseries, title: "kie.ai's failures, the five worst models", width: 12, unit: ratio, empty: "none finished" + orNone,
			minimum: true, maximum: 1, ranked: true,
			about:   "Share of failures among a model's tasks that finished in the window before: " + ourFault + ".",
			queries: []query{line(top(failures("model"), failures("model")), "{{model}}")},
			linked:  explore("Show the failed tasks of this model", thisModel+"&var-state=fail"),
		},
		{
			kind: bars, title: "All fail codes", width: 6, unit: number, empty: "no failures" + orNone, minimum: true, colour: red,
			about: "The ten most frequent of the API's codes for failed tasks, in the time range.",
			queries: []query{line(chosenJobs.live(
				`topk(10, round(sum by (fail_code) (increase(kie_tasks_fail_codes_total{<tasks>}[$__range]))) > 0)`), "{{fail_code}}",
			)},
		},
	}
}

func latencyPanels() []panel {
	const latency, successful = "kie_tasks_latency_seconds", `<tasks>,state="success"`
	const flow = `%s(increase(kie_tasks_latency_seconds%s{<tasks>,state="success"}[$__interval]))`
	all := quantiles(latency, successful, "$window")
	all[len(all)-1].exemplars = true // all queries have the same ones
	byModel := quantile(0.9, latency, successful, "$window", "model")
	oldest := `min by (model) (kie_tasks_oldest_unfinished_timestamp_seconds{<tasks>})`
	return []panel{
		{
			kind: timeseries, title: "Latency of successful tasks", width: 12, unit: seconds, empty: "none succeeded" + orNone, minimum: true,
			about: "Time from creation to completion, as the API dates them: quantiles of the tasks that succeeded in the window before. " +
				"A point is one task; it leads to that task.",
			queries: all,
		},
		{
			kind: heatmap, title: "Latency of each task", width: 12, unit: seconds, empty: "none succeeded" + orNone, interval: "1m",
			about: "How many tasks succeeded after how long, each of them once. Two bands are two kinds of tasks, and a quantile tells neither.",
			queries: []query{{
				expr: fmt.Sprintf(flow, "sum by (le) ", "_bucket") + " or " + fmt.Sprintf(flow, "sum", ""), legend: "{{le}}", exemplars: true,
			}},
		},
		{
			kind: timeseries, title: "Latency p90, the five slowest models", width: 12, unit: seconds, empty: "none succeeded" + orNone,
			minimum: true, ranked: true,
			about:   "p90 of the time from creation to completion, of a model's tasks that succeeded in the window before. A point is one task.",
			queries: []query{{expr: top(byModel, byModel), legend: "{{model}}", exemplars: true}},
		},
		{
			kind: timeseries, title: "Oldest unfinished, the five oldest models", width: 12, unit: seconds, empty: "none unfinished" + orNone,
			minimum: true, ranked: true,
			about: "Age of each model's oldest unfinished task. A line that rises without a break is a task that hangs.",
			queries: []query{line(
				"time() - ("+oldest+" and on (model) bottomk(5, "+atEnd(oldest)+"))", "{{model}}",
			)},
			linked: explore("Show the unfinished tasks of this model", thisModel+unfinished),
		},
	}
}

func creditPanels() []panel {
	return []panel{
		{
			kind: timeseries, title: "Balance", width: 5, unit: amount, empty: "not told" + orNone, minimum: true,
			about:   "Credits left on each account, as last told.",
			queries: []query{line(balance, "{{account}}")},
		},
		{
			kind: timeseries, title: "Spending", width: 5, unit: perHour, empty: "not told" + orNone, minimum: true,
			about:   "Decreases of each account's balance, an hour, over the window before: whatever the account is used for.",
			queries: []query{line(`3600 * `+spending(), "{{account}}")},
		},
		{
			kind: timeseries, title: "Time that credits last", width: 5, unit: seconds, empty: "nothing spent" + orNone, minimum: true,
			about:   "How long each account's credits last if spending goes on as in the window before.",
			queries: []query{line(timeLeft(), "{{account}}")},
		},
		{
			kind: timeseries, title: "Credits of tasks by group", width: 9, unit: perHour, empty: noData, minimum: true, ranked: true,
			about: "Credits consumed by watched tasks, an hour, over the window before, as far as the API told. " +
				"Charged failures are the ones that failed and cost credits all the same.",
			queries: []query{
				line(`3600 * sum by (group) (`+rate(taskCredits)+`)`, "{{group}}"),
				{
					expr: `3600 * sum(` + rate(`kie_tasks_credits_total{<tasks>,state="fail"}`) + `)`, legend: "all charged failures",
					colour: red, dashed: true,
				},
			},
		},
	}
}

func apiPanels() []panel {
	return []panel{
		{
			kind: timeseries, title: "Answers by class", width: 12, unit: perSecond, empty: noData, stacked: true, minimum: true,
			colours: classColours, ranked: true,
			about: "Requests to the API by the class of their outcome, those that never happened left out. " +
				"All but ok is trouble with asking, not with the tasks themselves.",
			queries: []query{line(
				`sum by (class) (rate(kie_api_requests_total{<accounts>}[$__rate_interval]))`+
					` and on (class) (sum by (class) (kie_api_requests_total{<accounts>}) > 0)`, "{{class}}",
			)},
		},
		{
			kind: timeseries, title: "Duration of requests", width: 12, unit: seconds, empty: "no requests" + orNone, minimum: true,
			about:   "How long requests to the API took in the window before, whatever became of them.",
			queries: quantiles("kie_api_request_duration_seconds", "<accounts>", "$window"),
		},
	}
}

func allUsersPanels() []panel {
	const share = `min by (model) (kie_model_success_ratio{<accounts>,model=~"$model"})`
	return []panel{
		{
			kind: timeseries, title: "Successes of all users, by model", width: 24, unit: ratio, empty: "no account asks for it" + orNone, maximum: 1, ranked: true,
			about: "Share of a model's tasks that succeed, those of all users of kie.ai, as kie.ai tells it where model_health_interval is set. " +
				"Where it falls with yours, the fault is theirs. The five models with the lowest share now.",
			queries: []query{line(top(share, `1 - `+share), "{{model}}")},
		},
	}
}
