// The overview: is generation healthy, and if not, why.

package main

import "fmt"

// What panels say where there is no data.
const (
	noExporter = "no exporter"
	noTasks    = "no task was answered yet"
)

func overview() dashboard {
	return dashboard{
		uid: "kie-overview", title: "kie.ai / Overview",
		description: "Is generation healthy? Tasks of kie.ai by state, latency, failures, credits and the API. " +
			"The top row answers at a glance; grey is unknown, not well.",
		variables: []variable{jobs(), groups(), models(), accounts(), window()},
		rows: []row{
			{height: 4, panels: health()},
			{title: "Tasks", height: 8, panels: taskPanels()},
			{title: "Latency", height: 8, panels: latencyPanels()},
			{title: "Failures", height: 8, panels: failurePanels()},
			{title: "Credits", height: 8, panels: creditPanels()},
			{title: "API", height: 8, panels: apiPanels()},
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
	unfinished = "&var-state=waiting&var-state=queuing&var-state=generating&var-state=unknown"
)

// A share is taken among what finished in the window and was not the user's doing, by labels, where there was anything.
const (
	failed       = `sum%[1]s (increase(kie_tasks_failed_total{<tasks>,reason!~"content_policy|bad_request"}[$window]))`
	succeeded    = `sum%[1]s (increase(kie_tasks_finished_total{<tasks>,state="success"}[$window]))`
	failureRatio = failed + " / (" + failed + " + " + succeeded + " > 0)"
)

func health() []panel {
	return []panel{
		{
			kind: stat, title: "Alerts firing", width: 3, unit: number, empty: noExporter, levels: healthy(1, red),
			about:   "Alerts of the exporter's rules that fire now, in all groups, those of severity info left out. It is 0, too, where the rules are not loaded.",
			queries: []query{{orZero(`count(ALERTS{alertname=~"Kie.*",alertstate="firing",severity!="info"})`), "firing"}},
		},
		{
			kind: stat, title: "API and key", width: 3, unit: number, empty: "not asked yet", levels: []level{{0, red}, {1, green}},
			texts: map[string]text{"0": {"down", red}, "1": {"up", green}},
			about: "Up if the last request of each account found the API working and its key accepted. " +
				"Without an exporter, or before the first request, it is not known.",
			queries: []query{{`min(kie_up{<accounts>})`, "API"}},
		},
		{
			kind: stat, title: "Failed, last $window", width: 3, unit: ratio, empty: "none finished",
			levels: []level{{0, green}, {0.02, orange}, {0.1, red}}, minimum: true,
			about: "Share of the tasks that failed among those that finished in the window, without the user's doing: " +
				"tasks that failed for content_policy or bad_request do not count. See the failures by reason.",
			queries: []query{{failures(), "failed"}}, linked: explore("Show the failed tasks", sameModels+"&var-state=fail"),
		},
		{
			kind: stat, title: "Overdue", width: 3, unit: number, empty: noExporter, levels: healthy(1, orange), sparkline: true,
			about:   "Unfinished tasks beyond the age at which a task of their model is overdue, as the API last told.",
			queries: []query{{orZero(`sum(kie_tasks_overdue{<tasks>})`), "overdue"}},
			linked:  explore("Show the unfinished tasks", sameModels+unfinished),
		},
		{
			kind: stat, title: "Oldest unfinished", width: 3, unit: seconds, empty: "none unfinished",
			about:   "Age of the oldest unfinished task, whether or not that is long for its model.",
			queries: []query{{`time() - min(kie_tasks_oldest_unfinished_timestamp_seconds{<tasks>})`, "age"}},
			linked:  explore("Show the unfinished tasks", sameModels+unfinished),
		},
		{
			kind: stat, title: "Latency p90, last $window", width: 3, unit: seconds, empty: "none succeeded", sparkline: true,
			about:   "Nine in ten of the tasks that succeeded in the window took at most this long from creation to completion.",
			queries: []query{{quantile(0.9, "kie_tasks_latency_seconds", `<tasks>,state="success"`, "$window"), "p90"}},
		},
		{
			kind: stat, title: "Credits left", width: 3, unit: compact, empty: "not told", sparkline: true,
			levels:  []level{{0, red}, {1, green}},
			about:   "Credits left on the accounts together. There is no value if the balance is not asked for or was not told lately.",
			queries: []query{{`sum(kie_credits_remaining{<accounts>})`, "credits"}},
		},
		{
			kind: stat, title: "Credits last for", width: 3, unit: seconds, empty: "nothing spent",
			levels:  []level{{0, red}, {6 * 3600, orange}, {24 * 3600, green}},
			about:   "How long the credits of the account that runs out first last if spending goes on as in the window. Top-ups are no spending.",
			queries: []query{{`min(` + timeLeft + `)`, "left"}},
		},
	}
}

func failures(by ...string) string { return byLabels(failureRatio, by...) }

// timeLeft is in seconds, for each account that spends.
const timeLeft = `sum by (account) (kie_credits_remaining{<accounts>})` +
	` / (sum by (account) (rate(kie_credits_used_total{<accounts>}[$window])) > 0)`

func taskPanels() []panel {
	return []panel{
		{
			kind: timeseries, title: "Unfinished tasks by state", width: 8, unit: number, empty: noTasks,
			stacked: true, minimum: true, colours: stateColours,
			about:   "Tasks that are not finished, as the API last told. Tasks that were never answered are not among them.",
			queries: []query{{`sum by (state) (kie_tasks{<tasks>,state!~"success|fail"})`, "{{state}}"}},
			linked:  explore("Show the unfinished tasks", sameModels+unfinished),
		},
		{
			kind: timeseries, title: "Succeeded, by model", width: 6, unit: perMinute, empty: noTasks, stacked: true, minimum: true,
			about:   "Tasks that succeeded while they were watched, a minute.",
			queries: perMinuteBy("model", `kie_tasks_finished_total{<tasks>,state="success"}`),
		},
		{
			kind: timeseries, title: "Failed, by model", width: 6, unit: perMinute, empty: noTasks, stacked: true, minimum: true,
			about:   "Tasks that failed while they were watched, a minute.",
			queries: perMinuteBy("model", `kie_tasks_finished_total{<tasks>,state="fail"}`),
			linked:  explore("Show the failed tasks of this model", "&var-model=${__field.labels.model:percentencode}&var-state=fail"),
		},
		{
			kind: bars, title: "All tasks by state", width: 4, unit: number, empty: noTasks, minimum: true, colours: stateColours,
			about:   "All answered tasks whose ids are listed, the long finished too.",
			queries: []query{{`sum by (state) (kie_tasks{<tasks>})`, "{{state}}"}},
		},
	}
}

func latencyPanels() []panel {
	const latency, successful = "kie_tasks_latency_seconds", `<tasks>,state="success"`
	const flow = `%s(increase(kie_tasks_latency_seconds%s{<tasks>,state="success"}[$__rate_interval]))`
	return []panel{
		{
			kind: timeseries, title: "Latency of successful tasks", width: 6, unit: seconds, empty: "none succeeded", minimum: true,
			about:   "Time from creation to completion, as the API dates them: quantiles of the tasks that succeeded in the window before.",
			queries: quantiles(latency, successful, "$window"),
		},
		{
			kind: heatmap, title: "Latency, each task", width: 6, unit: seconds, empty: "none succeeded",
			about:   "How many tasks succeeded after how long. Two bands are two kinds of tasks, and a quantile tells neither.",
			queries: []query{{fmt.Sprintf(flow, "sum by (le) ", "_bucket") + " or " + fmt.Sprintf(flow, "sum", ""), "{{le}}"}},
		},
		{
			kind: timeseries, title: "Latency p90, by model", width: 6, unit: seconds, empty: "none succeeded", minimum: true,
			about:   "Nine in ten of a model's tasks that succeeded in the window before took at most this long.",
			queries: []query{{quantile(0.9, latency, successful, "$window", "model"), "{{model}}"}},
		},
		{
			kind: timeseries, title: "Oldest unfinished, by model", width: 6, unit: seconds, empty: "none unfinished", minimum: true,
			about: "Age of each model's oldest unfinished task. A line that rises without a break is a task that hangs.",
			queries: []query{{
				`time() - min by (model) (kie_tasks_oldest_unfinished_timestamp_seconds{<tasks>})`, "{{model}}",
			}},
			linked: explore("Show the unfinished tasks of this model", "&var-model=${__field.labels.model:percentencode}"+unfinished),
		},
	}
}

func failurePanels() []panel {
	return []panel{
		{
			kind: timeseries, title: "Failed, by reason", width: 7, unit: perMinute, empty: noTasks,
			stacked: true, minimum: true, colours: reasonColours,
			about: "Tasks that failed while they were watched, a minute. content_policy and bad_request are about what was asked for; " +
				"server, timeout and upstream are about kie.ai; credits is about the account.",
			queries: perMinuteBy("reason", `kie_tasks_failed_total{<tasks>}`),
		},
		{
			kind: timeseries, title: "Failure ratio, by model", width: 6, unit: ratio, empty: "none finished", minimum: true, maximum: 1,
			about: "Share of failures among a model's tasks that finished in the window before, without the user's doing: " +
				"tasks that failed for content_policy or bad_request do not count.",
			queries: []query{{failures("model"), "{{model}}"}},
			linked:  explore("Show the failed tasks of this model", "&var-model=${__field.labels.model:percentencode}&var-state=fail"),
		},
		{
			kind: bars, title: "Fail codes, in the time range", width: 5, unit: compact, empty: "no failures", minimum: true,
			about:   "The ten most frequent of the API's codes for failed tasks.",
			queries: []query{{`topk(10, sum by (fail_code) (increase(kie_tasks_fail_codes_total{<tasks>}[$__range])) > 0)`, "{{fail_code}}"}},
		},
		{
			kind: timeseries, title: "Overdue and empty results", width: 6, unit: number, empty: noExporter, minimum: true,
			about: "What goes wrong without failing: unfinished tasks that are overdue, and tasks that succeeded without a result in the window before.",
			queries: []query{
				{orZero(`sum(kie_tasks_overdue{<tasks>})`), "overdue"},
				{orZero(`sum(increase(kie_tasks_empty_results_total{<tasks>}[$window]))`), "empty results"},
			},
		},
	}
}

func creditPanels() []panel {
	return []panel{
		{
			kind: timeseries, title: "Balance", width: 6, unit: compact, empty: "not told", minimum: true,
			about:   "Credits left on each account, as last told.",
			queries: []query{{`sum by (account) (kie_credits_remaining{<accounts>})`, "{{account}}"}},
		},
		{
			kind: timeseries, title: "Spending", width: 6, unit: perHour, empty: "not told", minimum: true,
			about:   "Decreases of each account's balance, an hour, over the window before: whatever the account is used for.",
			queries: []query{{`3600 * sum by (account) (rate(kie_credits_used_total{<accounts>}[$window]))`, "{{account}}"}},
		},
		{
			kind: timeseries, title: "Credits last for", width: 6, unit: seconds, empty: "nothing spent", minimum: true,
			about:   "How long each account's credits last if spending goes on as in the window before.",
			queries: []query{{timeLeft, "{{account}}"}},
		},
		{
			kind: timeseries, title: "Credits of finished tasks, by model", width: 6, unit: perHour, empty: noExporter, minimum: true,
			about: "Credits consumed by watched tasks, an hour, over the window before, as far as the API told. " +
				"Charged failures are the ones that failed and cost credits all the same.",
			queries: []query{
				{`3600 * sum by (model) (rate(kie_tasks_credits_total{<tasks>}[$window]))`, "{{model}}"},
				{orZero(`3600 * sum(rate(kie_tasks_credits_total{<tasks>,state="fail"}[$window]))`), "charged failures"},
			},
			colours: map[string]colour{"charged failures": red},
		},
	}
}

func apiPanels() []panel {
	return []panel{
		{
			kind: timeseries, title: "Answers, by class", width: 8, unit: perSecond, empty: noExporter, stacked: true, minimum: true,
			colours: map[string]colour{"ok": green, "rate_limited": orange, "server": red, "auth": red, "maintenance": blue},
			about: "Requests to the API by the class of their outcome, those that never happened left out. " +
				"All but ok is trouble with asking, not with the tasks themselves.",
			queries: []query{{
				`sum by (class) (rate(kie_api_requests_total{<accounts>}[$__rate_interval]))` +
					` and on (class) (sum by (class) (kie_api_requests_total{<accounts>}) > 0)`, "{{class}}",
			}},
		},
		{
			kind: timeseries, title: "Duration of requests", width: 8, unit: seconds, empty: "no requests", minimum: true,
			about:   "How long requests to the API took in the window before, whatever became of them.",
			queries: quantiles("kie_api_request_duration_seconds", "<accounts>", "$window"),
		},
		gates(8, "<accounts>"),
	}
}

// gates shows when and why no task was asked.
func gates(width int, selector string) panel {
	return panel{
		kind: timeline, title: "Closed gates", width: width, unit: number, empty: noExporter, texts: flag,
		levels:  []level{{0, none}, {1, red}},
		about:   "Coloured while an account is not asked about its tasks, by reason. Empty is good. What is shown meanwhile is as of the last answer.",
		queries: []query{{`max by (reason) (kie_api_gate_closed{` + selector + `})`, "{{reason}}"}},
	}
}
