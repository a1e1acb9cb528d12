// The exporter itself: does it know what is going on, and what does that take.

package main

func exporter() dashboard {
	return dashboard{
		uid: "kie-exporter", title: "kie.ai / Exporter",
		description: "kie_exporter itself: how fresh its answers are, what it may ask and does ask, its lists of tasks, its scrapes and its resources.",
		variables: []variable{jobs(), {
			name: "instance", label: "Instance", about: "Exporters of the chosen jobs", series: `kie_exporter_build_info{job=~"$job"}`,
		}, window()},
		rows: []row{
			{height: 4, panels: exporterHealth()},
			{title: "Budget", height: 8, panels: budgetPanels()},
			{title: "Freshness", height: 8, panels: freshnessPanels()},
			{title: "Sources", height: 8, panels: sourcePanels()},
			{title: "Scrapes", height: 8, panels: scrapePanels()},
			{title: "Storage", height: 8, panels: storagePanels()},
			{title: "Resources", height: 8, panels: resourcePanels()},
			{title: "Version", height: 5, panels: []panel{versions()}},
		},
	}
}

const (
	budgetUsed = `sum by (account) (rate(kie_api_requests_total{<exporters>}[$__rate_interval]))` +
		` / sum by (account) (kie_api_pace_requests_per_second{<exporters>})`
	answersAge = `time() - min%s (kie_exporter_oldest_answer_timestamp_seconds{<exporters>})`
)

func exporterHealth() []panel {
	return []panel{
		{
			kind: stat, title: "Exporter", width: 3, unit: number, empty: noExporter, levels: []level{{0, red}, {1, green}},
			texts:   map[string]text{"0": {"down", red}, "1": {"up", green}},
			about:   "Up if Prometheus could scrape every chosen exporter.",
			queries: []query{{`min(up{<exporters>})`, "exporter"}},
		},
		{
			kind: stat, title: "Configuration", width: 3, unit: number, empty: noExporter, levels: []level{{0, red}, {1, green}},
			texts:   map[string]text{"0": {"not loaded", red}, "1": {"loaded", green}},
			about:   "Whether the last attempt to load the configuration succeeded. If not, the one before is in force; the log says why.",
			queries: []query{{`min(kie_exporter_config_last_reload_successful{<exporters>})`, "configuration"}},
		},
		{
			kind: stat, title: "Budget used", width: 3, unit: ratio, empty: noExporter, sparkline: true, minimum: true,
			levels:  healthy(0.9, orange),
			about:   "Requests to the API as a share of those allowed now, of the busiest account. At 100 % the exporter learns later than it could.",
			queries: []query{{`max(` + budgetUsed + `)`, "used"}},
		},
		{
			kind: stat, title: "Closed gates", width: 3, unit: number, empty: noExporter, levels: healthy(1, red),
			about:   "Reasons for which accounts are not asked about their tasks now.",
			queries: []query{{`sum(kie_api_gate_closed{<exporters>})`, "gates"}},
		},
		{
			kind: stat, title: "Oldest answer", width: 3, unit: seconds, empty: "none unfinished",
			levels: []level{{0, green}, {180, orange}, {600, red}}, sparkline: true,
			about:   "Age of the oldest of the last answers about all unfinished tasks: all that is shown is at least as fresh.",
			queries: []query{{byLabels(answersAge), "age"}},
		},
		{
			kind: stat, title: "Detection delay p90", width: 3, unit: seconds, empty: "none finished", sparkline: true,
			about:   "Nine in ten of the tasks that finished in the window were known to have finished after at most this long.",
			queries: []query{{quantile(0.9, "kie_exporter_detection_delay_seconds", "<exporters>", "$window"), "p90"}},
		},
		{
			kind: stat, title: "Queries failing", width: 3, unit: number, empty: noExporter, levels: healthy(1, orange),
			about:   "Tasks whose last query failed.",
			queries: []query{{orZero(`sum(kie_tasks_query_failing{<exporters>})`), "tasks"}},
		},
		{
			kind: stat, title: "Incomplete scrapes", width: 3, unit: ratio, empty: noExporter, levels: healthy(0.5, orange), minimum: true,
			about:   "Share of the scrapes in the window that were answered before every task that was due had been asked.",
			queries: []query{{`max(avg_over_time(kie_exporter_scrape_incomplete{<exporters>}[$window]))`, "incomplete"}},
		},
	}
}

func budgetPanels() []panel {
	return []panel{
		{
			kind: timeseries, title: "Requests and pace", width: 8, unit: perSecond, empty: noExporter, minimum: true,
			about: "Requests to the API, and how many are allowed now. The pace is halved when the API says that it is asked too often, and recovers slowly.",
			queries: []query{
				{`sum by (account) (rate(kie_api_requests_total{<exporters>}[$__rate_interval]))`, "{{account}}: requests"},
				{`sum by (account) (kie_api_pace_requests_per_second{<exporters>})`, "{{account}}: allowed"},
			},
		},
		{
			kind: timeseries, title: "Budget used", width: 5, unit: ratio, empty: noExporter, minimum: true, maximum: 1,
			about:   "Requests to the API as a share of those allowed now.",
			queries: []query{{budgetUsed, "{{account}}"}},
		},
		{
			kind: timeseries, title: "Requests in flight", width: 4, unit: number, empty: noExporter, minimum: true,
			about:   "Requests to the API that have begun and not ended.",
			queries: []query{{`sum by (account) (kie_api_requests_in_flight{<exporters>})`, "{{account}}"}},
		},
		gates(7, "<exporters>"),
	}
}

func freshnessPanels() []panel {
	return []panel{
		{
			kind: timeseries, title: "Tasks to be asked", width: 6, unit: number, empty: noExporter, minimum: true,
			about: "Unfinished tasks that are due now, and listed tasks that were never answered. Both are near 0 while the budget is large enough.",
			queries: []query{
				{`sum by (account) (kie_exporter_due_tasks{<exporters>})`, "{{account}}: due"},
				{`sum by (group) (kie_exporter_pending_tasks{<exporters>})`, "{{group}}: never answered"},
			},
		},
		{
			kind: timeseries, title: "Oldest answer", width: 6, unit: seconds, empty: "none unfinished", minimum: true,
			about:   "Age of the oldest of the last answers about a group's unfinished tasks.",
			queries: []query{{byLabels(answersAge, "group"), "{{group}}"}},
		},
		{
			kind: timeseries, title: "Detection delay", width: 6, unit: seconds, empty: "none finished", minimum: true,
			about:   "Time from a task's completion until it was known, of the tasks that finished in the window before.",
			queries: quantiles("kie_exporter_detection_delay_seconds", "<exporters>", "$window"),
		},
		{
			kind: timeseries, title: "Queries failing, by class", width: 6, unit: number, empty: noExporter, stacked: true, minimum: true,
			about:   "Tasks whose last query failed, by the class of its outcome; classes without any are left out where there are others.",
			queries: []query{{orZero(`sum by (class) (kie_tasks_query_failing{<exporters>}) > 0`), "{{class}}"}},
		},
	}
}

func sourcePanels() []panel {
	const bySource = "{{group}}: {{source}}"
	return []panel{
		{
			kind: timeseries, title: "Listed ids", width: 6, unit: number, empty: "no source was read yet", minimum: true,
			about:   "Task ids that each source lists, duplicates included.",
			queries: []query{{`sum by (group, source) (kie_exporter_source_tasks{<exporters>})`, bySource}},
		},
		{
			kind: timeseries, title: "Time since the last good read", width: 6, unit: seconds, empty: "no source was read yet", minimum: true,
			about:   "A source that fails or vanishes keeps the ids that it last listed.",
			queries: []query{{`time() - min by (group, source) (kie_exporter_source_last_success_timestamp_seconds{<exporters>})`, bySource}},
		},
		{
			kind: timeseries, title: "Failed reads and rejected ids", width: 6, unit: number, empty: noExporter, minimum: true,
			about: "Reads of sources that failed in the window before, and lines and ids that are not tracked: " +
				"invalid ones, duplicates, those beyond limits.tasks. The log names them.",
			queries: []query{
				{`sum(increase(kie_exporter_source_errors_total{<exporters>}[$window]))`, "failed reads"},
				{`sum by (reason) (increase(kie_exporter_source_rejected_total{<exporters>}[$window]))`, "{{reason}}"},
			},
		},
		{
			kind: timeseries, title: "Left out", width: 6, unit: number, empty: noExporter, minimum: true,
			about: "What the limits leave out: tasks without series of their own, and in the window before, label values that became other. " +
				"Tasks that no total counts are those that had finished before they were watched.",
			queries: []query{
				{`sum(kie_exporter_tasks_without_series{<exporters>})`, "tasks without series"},
				{`sum(increase(kie_exporter_uncounted_tasks_total{<exporters>}[$window]))`, "tasks in no total"},
				{`sum by (label) (increase(kie_exporter_label_overflow_total{<exporters>}[$window]))`, "values of {{label}}"},
			},
		},
	}
}

func scrapePanels() []panel {
	return []panel{
		{
			kind: timeseries, title: "Duration of scrapes", width: 8, unit: seconds, empty: noExporter, minimum: true,
			about: "How long scrapes took, and how much of it they waited for due tasks to be asked. That wait is bounded by the scrape's timeout and polling.max_wait.",
			queries: []query{
				{`max by (instance) (scrape_duration_seconds{<exporters>})`, "{{instance}}: whole"},
				{`max by (instance) (kie_exporter_scrape_wait_seconds{<exporters>})`, "{{instance}}: waiting"},
			},
		},
		{
			kind: timeseries, title: "Incomplete scrapes", width: 8, unit: ratio, empty: noExporter, minimum: true, maximum: 1,
			about:   "Share of the scrapes in the window before that were answered before every task that was due had been asked.",
			queries: []query{{`max by (instance) (avg_over_time(kie_exporter_scrape_incomplete{<exporters>}[$window]))`, "{{instance}}"}},
		},
		{
			kind: timeseries, title: "Samples of a scrape", width: 8, unit: compact, empty: noExporter, minimum: true,
			about:   "How many samples the exporter serves: what it costs Prometheus.",
			queries: []query{{`max by (instance) (scrape_samples_scraped{<exporters>})`, "{{instance}}"}},
		},
	}
}

func resourcePanels() []panel {
	return []panel{
		{
			kind: timeseries, title: "CPU", width: 6, unit: cores, empty: noExporter, minimum: true,
			about:   "Processor time of the exporter, a second.",
			queries: []query{{`sum by (instance) (rate(process_cpu_seconds_total{<exporters>}[$__rate_interval]))`, "{{instance}}"}},
		},
		{
			kind: timeseries, title: "Memory", width: 6, unit: bytesIEC, empty: noExporter, minimum: true,
			about: "Memory of the process as the operating system sees it, and of the objects in its heap, those that the garbage collector has yet to find dead included.",
			queries: []query{
				{`sum by (instance) (process_resident_memory_bytes{<exporters>})`, "{{instance}}: resident"},
				{`sum by (instance) (go_memory_classes_heap_objects_bytes{<exporters>})`, "{{instance}}: objects"},
			},
		},
		{
			kind: timeseries, title: "Goroutines", width: 6, unit: compact, empty: noExporter, minimum: true,
			about:   "A number that only ever rises is a leak.",
			queries: []query{{`sum by (instance) (go_goroutines{<exporters>})`, "{{instance}}"}},
		},
		{
			kind: timeseries, title: "Open files", width: 6, unit: ratio, empty: "not told by this operating system", minimum: true,
			about:   "File descriptors in use, as a share of those allowed.",
			queries: []query{{`max by (instance) (process_open_fds{<exporters>} / process_max_fds{<exporters>})`, "{{instance}}"}},
		},
	}
}

func versions() panel {
	return panel{
		kind: table, title: "Versions", width: 24, unit: words, empty: noExporter,
		about: "Which exporter runs where, since when, and when it last loaded its configuration.",
		queries: []query{
			{expr: `max by (job, instance, version, revision, goversion) (kie_exporter_build_info{<exporters>})`},
			{expr: `1000 * max by (job, instance) (process_start_time_seconds{<exporters>} and on (job, instance) kie_exporter_build_info)`},
			{expr: `1000 * max by (job, instance) (kie_exporter_config_last_reload_success_timestamp_seconds{<exporters>})`},
		},
		columns: []column{
			{field: "instance", title: "Instance", unit: words},
			{field: "job", title: "Job", unit: words},
			{field: "version", title: "Version", unit: words},
			{field: "revision", title: "Revision", unit: words},
			{field: "goversion", title: "Go", unit: words},
			{field: "Value #B", title: "Started", unit: moment},
			{field: "Value #C", title: "Configuration loaded", unit: moment},
		},
	}
}

func storagePanels() []panel {
	return []panel{
		{
			kind: stat, title: "Storage", width: 6, unit: number, empty: noExporter, levels: []level{{0, red}, {1, green}},
			texts:   map[string]text{"0": {"memory only", red}, "1": {"on disk", green}},
			about:   "Whether what is known outlives the process. With memory only, finished tasks are asked again after a restart.",
			queries: []query{{`min(kie_exporter_store_up{<exporters>})`, "storage"}},
		},
		{
			kind: timeseries, title: "Stored tasks", width: 9, unit: compact, empty: noExporter, minimum: true,
			about:   "Tasks that the storage knows.",
			queries: []query{{`sum by (instance) (kie_exporter_store_tasks{<exporters>})`, "{{instance}}"}},
		},
		{
			kind: timeseries, title: "Storage errors", width: 9, unit: number, empty: noExporter, minimum: true,
			about:   "Operations on the storage that failed in the window before. They cost queries, not correctness.",
			queries: []query{{`sum by (operation) (increase(kie_exporter_store_errors_total{<exporters>}[$window]))`, "{{operation}}"}},
		},
	}
}
