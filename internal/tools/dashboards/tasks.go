// The task explorer: which tasks are in which state, and the life of one of them.

package main

import (
	"fmt"
	"strings"
)

func tasks() dashboard {
	return dashboard{
		uid: "kie-tasks", title: "kie.ai / Tasks",
		description: "Single tasks of kie.ai: a table to search, and the life of the task that is chosen at the top or clicked in the table.",
		variables:   []variable{jobs(), groups(), models(), states(), oneTask()},
		rows: []row{
			{height: 3, panels: countPanels()},
			{height: 13, panels: []panel{taskTable(), troubleTable()}},
			{title: "One task: $task", height: 3, panels: []panel{factsTable()}},
			{height: 7, panels: lifePanels()},
		},
	}
}

func states() variable {
	return variable{
		name: "state", label: "State", about: "States of the tasks in the table", series: "kie_task_state{<tasks>}", all: anything,
	}
}

func oneTask() variable {
	return variable{
		name: "task", label: "Task", about: "The task whose life is shown; an id can be pasted here",
		series: "kie_task_info{<tasks>}", of: "task_id", single: true,
	}
}

func countPanels() []panel {
	return []panel{
		{
			kind: stat, title: "Tasks in the table", width: 4, unit: number, empty: noExporter,
			about:   "Answered tasks with series of their own that the choices at the top leave over.",
			queries: []query{{orZero(`count(kie_task_state{<tasks>,state=~"$state"} == 1)`), "tasks"}},
		},
		{
			kind: stat, title: "Unfinished", width: 4, unit: number, empty: noExporter,
			about:   "Unfinished tasks of the chosen groups and models, whether or not they have series of their own.",
			queries: []query{{orZero(`sum(kie_tasks{<tasks>,state!~"success|fail"})`), "tasks"}},
		},
		{
			kind: stat, title: "Failed in the last hour", width: 4, unit: number, empty: noExporter, levels: healthy(1, orange),
			about:   "Tasks with series of their own that failed within the last hour while they were watched.",
			queries: []query{{orZero(`count(kie_task_failed_timestamp_seconds{<tasks>} > time() - 3600)`), "tasks"}},
		},
		{
			kind: stat, title: "Never answered", width: 4, unit: number, empty: noExporter,
			about:   "Listed tasks of the chosen groups about which the API has not said anything yet. They are not in the table.",
			queries: []query{{orZero(`sum(kie_exporter_pending_tasks{<groups>})`), "tasks"}},
		},
		{
			kind: stat, title: "Queries failing", width: 4, unit: number, empty: noExporter, levels: healthy(1, orange),
			about:   "Tasks of the chosen groups whose last query failed: their state is as of the answer before.",
			queries: []query{{orZero(`sum(kie_tasks_query_failing{<groups>})`), "tasks"}},
		},
		{
			kind: stat, title: "Left out", width: 4, unit: number, empty: noExporter,
			about:   "Tasks of the chosen groups without series of their own, for there are more than limits.task_series. They are not in the table.",
			queries: []query{{orZero(`sum(kie_exporter_tasks_without_series{<groups>})`), "tasks"}},
		},
	}
}

// of returns a task metric by its task and more labels, once even where two exporters watch the same task.
func of(metric, selector string, labels ...string) string {
	return fmt.Sprintf("max by (%s) (%s{%s})", strings.Join(append([]string{"group", "model", "task_id"}, labels...), ", "), metric, selector)
}

// taskTable joins what is known of each task whose state is chosen.
func taskTable() panel {
	const chosen = `<tasks>,state=~"$state"`
	chose := func(expr string) query {
		return query{expr: expr + ` and on (group, model, task_id) (kie_task_state{` + chosen + `} == 1)`}
	}
	return panel{
		kind: table, title: "Tasks", width: 18, unit: words, empty: "no answered task has these labels",
		about: "The answered tasks of the chosen groups, models and states, newest first. A click on an id shows that task's life below. " +
			"Ages are as of the end of the time range.",
		queries: []query{
			{expr: of("kie_task_state", chosen, "state") + " == 1"},
			chose("time() - " + of("kie_task_created_timestamp_seconds", "<tasks>")),
			chose(of("kie_task_latency_seconds", "<tasks>")),
			chose(of("kie_task_fail_code", "<tasks>", "fail_code", "reason")),
			chose(of("kie_task_credits", "<tasks>")),
			chose("time() - " + of("kie_task_last_answer_timestamp_seconds", "<tasks>")),
		},
		columns: []column{
			{field: "Value #B", title: "Age", unit: seconds, width: 100},
			{field: "task_id", title: "Task", unit: words, width: 300, linked: showTask()},
			{field: "group", title: "Group", unit: words},
			{field: "model", title: "Model", unit: words},
			stateColumn(),
			{field: "Value #C", title: "Latency", unit: seconds, width: 100},
			{field: "reason", title: "Reason", unit: words, width: 130},
			{field: "fail_code", title: "Fail code", unit: words, width: 100},
			{field: "Value #E", title: "Credits", unit: compact, width: 90},
			{field: "Value #F", title: "Answer's age", unit: seconds, width: 120},
		},
	}
}

// troubleTable has a place of its own: a task that the API does not know has no state, and so no row among the tasks.
func troubleTable() panel {
	return panel{
		kind: table, title: "Last query failed", width: 6, unit: words, empty: "no task's last query failed",
		about: "Tasks whose last query failed, with the class of its outcome. not_found: the API does not know the id, or no longer. " +
			"The state chosen at the top does not matter here.",
		queries: []query{{expr: of("kie_task_query_error", "<tasks>", "class")}},
		columns: []column{
			{field: "class", title: "Class", unit: words, width: 110},
			{field: "task_id", title: "Task", unit: words, linked: showTask()},
		},
	}
}

// showTask leads from a task's id to its life.
func showTask() *link {
	return explore("Show this task's life", sameModels+"&${state:queryparam}&var-task=${__value.raw:percentencode}")
}

func stateColumn() column {
	texts := map[string]text{}
	for state, c := range stateColours {
		texts[state] = text{state, c}
	}
	return column{field: "state", title: "State", unit: words, width: 110, texts: texts}
}

// theTask chooses the task whose life is shown.
const theTask = `job=~"$job",task_id="$task"`

const noTask = "choose a task above"

func factsTable() panel {
	return panel{
		kind: table, title: "What is known now", width: 24, unit: words, empty: noTask,
		about: "What the API last told about the task. A task that is no longer listed, or has no series of its own, has no row.",
		queries: []query{
			{expr: of("kie_task_info", theTask, "account")},
			{expr: of("kie_task_state", theTask, "state") + " == 1"},
			{expr: "1000 * " + of("kie_task_created_timestamp_seconds", theTask)},
			{expr: "1000 * " + of("kie_task_completed_timestamp_seconds", theTask)},
			{expr: of("kie_task_latency_seconds", theTask)},
			{expr: of("kie_task_credits", theTask)},
			{expr: of("kie_task_fail_code", theTask, "fail_code", "reason")},
			{expr: "1000 * " + of("kie_task_last_answer_timestamp_seconds", theTask)},
			{expr: of("kie_task_query_error", theTask, "class")},
		},
		columns: []column{
			{field: "account", title: "Account", unit: words},
			{field: "group", title: "Group", unit: words},
			{field: "model", title: "Model", unit: words},
			stateColumn(),
			{field: "Value #C", title: "Created", unit: moment},
			{field: "Value #D", title: "Completed", unit: moment},
			{field: "Value #E", title: "Latency", unit: seconds},
			{field: "Value #F", title: "Credits", unit: compact},
			{field: "reason", title: "Reason", unit: words},
			{field: "fail_code", title: "Fail code", unit: words},
			{field: "Value #H", title: "Last answer", unit: moment},
			{field: "class", title: "Last query failed", unit: words},
		},
	}
}

func lifePanels() []panel {
	return []panel{
		{
			kind: timeline, title: "States", width: 9, unit: number, empty: noTask, texts: flag, colours: stateColours,
			about:   "When the task was in which state, as the exporter learned it.",
			queries: []query{{`max by (state) (kie_task_state{` + theTask + `})`, "{{state}}"}},
		},
		{
			kind: timeseries, title: "Age", width: 9, unit: seconds, empty: noTask, minimum: true, colours: map[string]colour{"overdue from": red},
			about: "How old the task was while it was unfinished, the age from which it is overdue, and how old the answer was that its state is from.",
			queries: []query{
				{`time() - max(kie_task_created_timestamp_seconds{` + theTask + `}` +
					` and on (task_id) (kie_task_state{` + theTask + `,state!~"success|fail"} == 1))`, "age"},
				{`max(kie_tasks_overdue_threshold_seconds{job=~"$job"} and on (group, model) kie_task_state{` + theTask + `})`, "overdue from"},
				{`time() - max(kie_task_last_answer_timestamp_seconds{` + theTask + `})`, "answer's age"},
			},
		},
		{
			kind: table, title: "Labels", width: 6, unit: words, empty: noTask,
			about:   "The labels that the exporter's configuration and lists give to the task.",
			queries: []query{{expr: `max without (job, instance, account, group, model, task_id) (kie_task_info{` + theTask + `})`}},
		},
	}
}
