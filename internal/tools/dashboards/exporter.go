// The exporter itself: does it know what is going on, and what does that take.

package main

import "strings"

func exporter() dashboard {
	return dashboard{
		uid: "kie-exporter", title: "kie.ai / Exporter",
		description: "kie_exporter itself: how fresh its answers are, what it may ask and does ask, its lists of tasks, its scrapes and its resources.",
		variables: []variable{jobs(), {
			name: "instance", label: "Instance", about: "Exporters of the chosen jobs", series: `kie_exporter_build_info{job=~"$job"}`,
		}, endpoints(), window()},
		rows: []row{
			{height: 4, panels: exporterHealth(), wrap: 16, beside: new(versions())},
			{title: "Budget", height: 8, panels: budgetPanels()},
			{title: "Requests by endpoint", height: 8, panels: endpointPanels()},
			{title: "Freshness", height: 9, panels: freshnessPanels()},
			{title: "Lists and pushes", height: 7, panels: []panel{sourceTable(), pushTable(), pushGraph()}, wrap: gridWidth},
			{title: "Failing queries, callbacks and limits", height: 8, panels: limitPanels()},
			{title: "Scrapes", height: 8, panels: scrapePanels()},
			{title: "Resources", height: 8, panels: resourcePanels()},
			{title: "Storage", height: 8, panels: storagePanels(), collapsed: true},
			{title: "Replicas over Redis", height: 8, panels: replicaPanels(), wrap: gridWidth, collapsed: true},
		},
	}
}

const (
	budgetUsed = `sum by (account) (rate(kie_api_requests_total{<exporters>}[5m]))` +
		` / sum by (account) (kie_api_pace_requests_per_second{<exporters>})`
	answersAge = `time() - min%s (kie_exporter_oldest_answer_timestamp_seconds{<exporters>})`
)

// cutShort are the levels of the share of scrapes that were answered before every task that was due had been asked.
func cutShort() []level { return worse(0.05, 0.2) }

func exporterHealth() []panel {
	return []panel{
		exporterTile(`,instance=~"$instance"`, "The alert KieExporterDown has a runbook."),
		{
			kind: stat, title: "Configuration", width: 4, unit: number, empty: noData, levels: []level{{0, red}, {1, green}},
			texts:   map[string]text{"0": {"not loaded", red}, "1": {"loaded", green}},
			about:   "Whether the last attempt to load the configuration succeeded. If not, the one before is in force; the log says why.",
			queries: []query{line(`min(kie_exporter_config_last_reload_successful{<exporters>})`, "configuration")},
		},
		{
			kind: stat, title: "Storage", width: 4, unit: number, empty: noData, levels: []level{{0, blue}, {1, red}, {2, green}, {3, orange}},
			texts: map[string]text{
				"0": {"memory only", blue}, "1": {"failing", red}, "2": {"on disk", green}, "3": {"had errors", orange},
			},
			about: "Whether what is known outlives the process, and whether an operation failed in the last 15 minutes. " +
				"With memory only, finished tasks are asked again after a restart.",
			queries: []query{line(chosenExporters.live(`2 * min(kie_exporter_store_up{<exporters>})`+
				` + on () (max(increase(kie_exporter_store_errors_total{<exporters>}[15m])) > bool 0)`), "storage")},
		},
		{
			kind: stat, title: "Closed gates", width: 4, unit: number, empty: noData, levels: healthy(red),
			about:   "Accounts, and reasons for which they are not asked about their tasks now.",
			queries: []query{line(`sum(max by (account, reason) (kie_api_gate_closed{<exporters>}))`, "gates")},
		},
		{
			kind: stat, title: "Budget used", width: 4, unit: ratio, empty: noData, minimum: true, levels: worse(0.8, 0.95),
			about: "Requests to the API in the last five minutes as a share of those allowed now, of the busiest account. " +
				"At 100 % the exporter learns later than it could.",
			queries: []query{line(chosenExporters.live(`max(`+budgetUsed+`)`), "used")},
		},
		{
			kind: stat, title: "Oldest answer", width: 4, unit: seconds, empty: noData, texts: none("none unfinished"), levels: worse(180, 600),
			about:   "Age of the oldest of the last answers about all unfinished tasks: all that is shown is at least as fresh.",
			queries: []query{line(chosenExporters.orElse(byLabels(answersAge)), "age")},
		},
		{
			kind: stat, title: "Detection p90", width: 4, unit: seconds, empty: noData, texts: none("none finished"), levels: worse(60, 300),
			about:   "p90 of the time from a task's completion until it was known, of the tasks that finished in the window.",
			queries: []query{line(chosenExporters.orElse(quantile(0.9, "kie_exporter_detection_delay_seconds", "<exporters>", "$window")), "p90")},
		},
		{
			kind: stat, title: "Scrapes cut short", width: 4, unit: ratio, empty: noData, levels: cutShort(), minimum: true,
			about: "Share of the scrapes in the window that were answered before every task that was due had been asked. " +
				"A longer scrape timeout, or a larger budget, brings it down.",
			queries: []query{line(chosenExporters.live(`max(avg_over_time(kie_exporter_scrape_incomplete{<exporters>}[$window]))`), "incomplete")},
		},
	}
}

func versions() panel {
	return panel{
		kind: table, title: "Versions", width: 8, unit: words, empty: noData,
		about: "Which exporter runs where, and since when.",
		queries: []query{
			line(`max by (job, instance, version) (kie_exporter_build_info{<exporters>})`, ""),
			line(`1000 * max by (job, instance) (process_start_time_seconds{<exporters>} and on (job, instance) kie_exporter_build_info)`, ""),
		},
		columns: []column{
			{field: "instance", title: "Instance", unit: words, width: 150},
			{field: "version", title: "Version", unit: words, width: 85},
			{field: "Value #B", title: "Started", unit: moment, width: 165},
		},
	}
}

func budgetPanels() []panel {
	return []panel{
		{
			kind: timeseries, title: "Requests and pace", width: 10, unit: perSecond, empty: noData, minimum: true,
			about: "Requests to the API, and how many are allowed now, dashed. The pace is halved when the API says that it is asked too often, and recovers slowly; with max_requests_per_second it stays below the limit that was learned.",
			queries: []query{
				line(`sum by (account) (rate(kie_api_requests_total{<exporters>}[$__rate_interval]))`, "{{account}}: requests"),
				{expr: `sum by (account) (kie_api_pace_requests_per_second{<exporters>})`, legend: "{{account}}: allowed", dashed: true},
				{expr: `sum by (account) (kie_api_pace_limit_requests_per_second{<exporters>,bound="learned"})`, legend: "{{account}}: limit learned", dashed: true, colour: grey},
			},
		},
		{
			kind: timeseries, title: "Requests in flight", width: 5, unit: number, empty: noData, minimum: true,
			about:   "Requests to the API that have begun and not ended.",
			queries: []query{line(`sum by (account) (kie_api_requests_in_flight{<exporters>})`, "{{account}}")},
		},
		{
			kind: timeline, title: "Closed gates by reason", width: 9, unit: number, empty: noData,
			texts: map[string]text{"0": {"open", faint}, "1": {"closed", red}}, levels: []level{{0, faint}, {1, red}},
			about:   "Red while an account is not asked about its tasks, by reason. What is shown meanwhile is as of the last answer.",
			queries: []query{line(`max by (reason) (kie_api_gate_closed{<exporters>})`, "{{reason}}")},
		},
	}
}

func endpointPanels() []panel {
	const refused = `rate(kie_api_requests_total{<endpoints>,class!="ok"}[$__rate_interval])`
	return []panel{
		{
			kind: timeseries, title: "Requests by endpoint", width: 8, unit: perSecond, empty: noData, stacked: true, minimum: true, ranked: true,
			about:   "Requests to the API by what it was asked: recordInfo is about tasks of jobs, credit about the balance, success_rate about models, the others about tasks.",
			queries: []query{line(`sum by (endpoint) (rate(kie_api_requests_total{<endpoints>}[$__rate_interval]))`, "{{endpoint}}")},
		},
		{
			kind: timeseries, title: "Duration of requests by endpoint, p90", width: 8, unit: seconds, empty: "no requests" + orNone, minimum: true, ranked: true,
			about:   "p90 of how long requests took in the window before, whatever became of them.",
			queries: []query{line(quantile(0.9, "kie_api_request_duration_seconds", "<endpoints>", "$window", "endpoint"), "{{endpoint}}")},
		},
		{
			kind: timeseries, title: "Refusals by endpoint and class", width: 8, unit: perSecond, empty: "no request was refused" + orNone, minimum: true, ranked: true,
			about: "Requests of which the outcome was none of class ok, those that never happened left out. not_found of one endpoint alone may be tasks that are asked about at a wrong one.",
			queries: []query{line(
				`sum by (endpoint, class) (`+refused+`) and on (endpoint, class) (sum by (endpoint, class) (kie_api_requests_total{<endpoints>,class!="ok"}) > 0)`,
				"{{endpoint}}: {{class}}",
			)},
		},
	}
}

func freshnessPanels() []panel {
	return []panel{
		{
			kind: timeseries, title: "Tasks to be asked", width: 8, unit: number, empty: noData, minimum: true,
			about: "Unfinished tasks that are due now, and pending ones, which were never answered, dashed. Both are near 0 while the budget is large enough.",
			queries: []query{
				line(`sum by (account) (kie_exporter_due_tasks{<exporters>})`, "{{account}}: due"),
				{expr: `sum by (group) (kie_exporter_pending_tasks{<exporters>})`, legend: "{{group}}: pending", dashed: true},
			},
		},
		{
			kind: timeseries, title: "Oldest answer by group", width: 8, unit: seconds, empty: "none unfinished" + orNone, minimum: true,
			about:   "Age of the oldest of the last answers about a group's unfinished tasks.",
			queries: []query{line(byLabels(answersAge, "group"), "{{group}}")},
		},
		{
			kind: timeseries, title: "Detection delay", width: 8, unit: seconds, empty: "none finished" + orNone, minimum: true,
			about:   "Time from a task's completion until it was known, of the tasks that finished in the window before.",
			queries: quantiles("kie_exporter_detection_delay_seconds", "<exporters>", "$window"),
		},
	}
}

// sourceTable is a table, for lists of the same length would be one line in a graph.
func sourceTable() panel {
	return panel{
		kind: table, title: "Lists of ids", width: 24, unit: words, empty: "no list was read" + orNone,
		about: "Each list, when it was last read well, and in the window: reads that failed, and lines and ids that are not tracked. " +
			"Refused now are ids for which a limit leaves no room, or which an earlier group has. A list that fails keeps the ids that it last had; the log says why.",
		queries: append(
			[]query{line(`time() - min by (group, source) (kie_exporter_source_last_success_timestamp_seconds{<exporters>,source!="push"})`, "")},
			append(sourceCounts(`source!="push"`), line(chosenExporters.live(
				`round(sum by (group, source) (increase(kie_exporter_source_rejected_total{<exporters>,source!="push",reason="duplicate"}[$window])))`,
			), ""))...,
		),
		sorted: []sorting{{"Last good read", true}},
		columns: append([]column{
			{field: "group", title: "Group", unit: words, width: 160},
			{field: "source", title: "List", unit: words, width: 330},
			{field: "Value #A", title: "Last good read", unit: seconds, width: 140, levels: worse(300, 600)},
		}, append(sourceColumns(), column{field: "Value #F", title: "Duplicates", unit: number, width: 110})...),
	}
}

// pushTable does not judge how long ago a push was: whoever pushes nothing may have nothing to push.
func pushTable() panel {
	return panel{
		kind: table, title: "Pushed ids", width: 15, unit: words, empty: "no group takes pushes" + orNone,
		about: "Each group that takes pushes, the ids that are tracked of it, and when some were last pushed since the exporter has started. In the window: reads of " +
			"the storage with what was pushed that failed, and ids that were not taken. Refused now are ids for which a limit leaves no room, or which an earlier group has.",
		queries: append(
			[]query{line(`time() - max by (group, source) (kie_exporter_source_last_push_timestamp_seconds{<exporters>,source="push"})`, "")},
			sourceCounts(`source="push"`)...,
		),
		columns: append([]column{
			{field: "group", title: "Group", unit: words, width: 160},
			{field: "Value #A", title: "Last push", unit: seconds, width: 140},
		}, sourceColumns()...),
	}
}

// pushGraph tells producers that are refused from those that have nothing to push.
func pushGraph() panel {
	return panel{
		kind: timeseries, title: "Pushes by result", width: 9, ranked: true, unit: perMinute, empty: "no group takes pushes" + orNone,
		stacked: true, minimum: true, colours: pushColours,
		about: "Pushes a minute, by what became of them. Of those that are not ok nothing is tracked: unauthorized came without the group's token, malformed and too_large can't " +
			"be read, no_room met a limit; after slow and unavailable producers are to try again.",
		queries: perMinuteBy("result", "kie_exporter_pushes_total{<exporters>}"),
	}
}

// sourceCounts returns queries of what is counted of some sources, B to E.
func sourceCounts(which string) []query {
	in := func(expr string) string { return strings.ReplaceAll(expr, "<sources>", "<exporters>,"+which) }
	return []query{
		line(in(`sum by (group, source) (kie_exporter_source_tasks{<sources>})`), ""),
		line(chosenExporters.live(in(`round(sum by (group, source) (increase(kie_exporter_source_errors_total{<sources>}[$window])))`)), ""),
		line(chosenExporters.live(in(`round(sum by (group, source) (increase(kie_exporter_source_rejected_total{<sources>,reason!="duplicate"}[$window])))`)), ""),
		line(in(`sum by (group, source) (kie_exporter_source_refused_tasks{<sources>})`), ""),
	}
}

// sourceColumns returns the columns of sourceCounts.
func sourceColumns() []column {
	return []column{
		{field: "Value #B", title: "Ids", unit: amount, width: 110},
		{field: "Value #C", title: "Failed reads", unit: number, width: 125, levels: healthy(orange)},
		{field: "Value #D", title: "Rejected", unit: number, width: 110, levels: healthy(orange)},
		{field: "Value #E", title: "Refused now", unit: number, width: 120, levels: healthy(orange)},
	}
}

func limitPanels() []panel {
	return []panel{
		{
			kind: timeseries, title: "Queries failing, by class", width: 7, unit: number, empty: "no query fails" + orNone, stacked: true, minimum: true,
			colours: classColours,
			about:   "Tasks whose last query failed, by the class of its outcome; classes without any are left out.",
			queries: []query{line(`sum by (class) (kie_tasks_query_failing{<exporters>}) > 0`, "{{class}}")},
		},
		{
			kind: timeseries, title: "Callbacks by result", width: 10, ranked: true, unit: perMinute, empty: "no account takes callbacks" + orNone,
			stacked: true, minimum: true, colours: callbackColours,
			about: "Callbacks received a minute, by what became of them. accepted, progress, finished and registered are well, unknown is about an id in no list; " +
				"unsigned and stale ones are from strangers, or signed with another key or by another clock.",
			queries: perMinuteBy("result", "kie_exporter_callbacks_total{<exporters>}"),
		},
		{
			kind: timeseries, title: "Left out of totals", width: 7, unit: number, empty: noData, minimum: true,
			about: "In the window before: finished tasks that no total counts, for they had finished before they were watched, " +
				"and tasks with label values that became other, dashed.",
			queries: []query{
				line(`round(sum(increase(kie_exporter_uncounted_tasks_total{<exporters>}[$window])))`, "tasks in no total"),
				{
					expr:   `round(sum by (label) (increase(kie_exporter_label_overflow_total{<exporters>}[$window])))`,
					legend: "values of {{label}}", dashed: true,
				},
			},
		},
	}
}

func scrapePanels() []panel {
	return []panel{
		{
			kind: timeseries, title: "Duration of scrapes", width: 9, unit: seconds, empty: noData, minimum: true,
			about: "How long scrapes took, how much of it they waited for due tasks to be asked, dashed, and the timeout, in red. " +
				"The timeout needs extra_scrape_metrics in the scrape job.",
			queries: []query{
				line(`max by (instance) (scrape_duration_seconds{<exporters>})`, "{{instance}}: whole"),
				{expr: `max by (instance) (kie_exporter_scrape_wait_seconds{<exporters>})`, legend: "{{instance}}: waiting", dashed: true},
				{expr: `min(scrape_timeout_seconds{<exporters>})`, legend: "timeout", colour: red, dashed: true},
			},
		},
		{
			kind: timeseries, title: "Cut short by instance", width: 5, unit: ratio, empty: noData, minimum: true, maximum: 1, levels: cutShort(),
			about:   "Share of the scrapes in the window before that were answered before every task that was due had been asked.",
			queries: []query{line(`max by (instance) (avg_over_time(kie_exporter_scrape_incomplete{<exporters>}[$window]))`, "{{instance}}")},
		},
		{
			kind: timeseries, title: "Samples of a scrape", width: 5, unit: amount, empty: noData, minimum: true,
			about:   "How many samples the exporter serves: what it costs Prometheus.",
			queries: []query{line(`max by (instance) (scrape_samples_scraped{<exporters>})`, "{{instance}}")},
		},
		{
			kind: timeseries, title: "Tasks without series", width: 5, unit: number, empty: noData, minimum: true,
			about:   "Tasks that have no series of their own because there are more than limits.task_series.",
			queries: []query{line(`sum by (group) (kie_exporter_tasks_without_series{<exporters>})`, "{{group}}")},
		},
	}
}

func resourcePanels() []panel {
	return []panel{
		{
			kind: timeseries, title: "CPU", width: 6, unit: cores, empty: noData, minimum: true,
			about:   "Processor time of the exporter, a second.",
			queries: []query{line(`sum by (instance) (rate(process_cpu_seconds_total{<exporters>}[$__rate_interval]))`, "{{instance}}")},
		},
		{
			kind: timeseries, title: "Memory", width: 6, unit: bytesIEC, empty: noData, minimum: true,
			about: "Memory of the process as the operating system sees it, and of the objects in its heap, dashed, those that the garbage collector has yet to find dead included.",
			queries: []query{
				line(`sum by (instance) (process_resident_memory_bytes{<exporters>})`, "{{instance}}: resident"),
				{expr: `sum by (instance) (go_memory_classes_heap_objects_bytes{<exporters>})`, legend: "{{instance}}: objects", dashed: true},
			},
		},
		{
			kind: timeseries, title: "Goroutines", width: 6, unit: amount, empty: noData, minimum: true,
			about:   "A number that only ever rises is a leak.",
			queries: []query{line(`sum by (instance) (go_goroutines{<exporters>})`, "{{instance}}")},
		},
		{
			kind: timeseries, title: "Open files", width: 6, unit: ratio, empty: "not told by this operating system" + orNone, minimum: true, levels: worse(0.7, 0.9),
			about:   "File descriptors in use, as a share of those allowed.",
			queries: []query{line(`max by (instance) (process_open_fds{<exporters>} / process_max_fds{<exporters>})`, "{{instance}}")},
		},
	}
}

func storagePanels() []panel {
	return []panel{
		{
			kind: timeseries, title: "Stored tasks", width: 12, unit: amount, empty: noData, minimum: true,
			about:   "Tasks that the storage knows.",
			queries: []query{line(`sum by (instance) (kie_exporter_store_tasks{<exporters>})`, "{{instance}}")},
		},
		{
			kind: timeseries, title: "Storage errors", width: 12, unit: number, empty: noData, minimum: true,
			about:   "Operations on the storage that failed in the window before. They cost queries, not correctness.",
			queries: []query{line(`round(sum by (operation) (increase(kie_exporter_store_errors_total{<exporters>}[$window])))`, "{{operation}}")},
		},
	}
}
