// The task explorer: which tasks are in which state, and the life of one of them.

package main

import (
	"fmt"
	"strconv"
	"strings"
)

func tasks() dashboard {
	return dashboard{
		uid: "kie-tasks", title: "kie.ai / Tasks",
		description: "Single tasks of kie.ai: those that need a look first, and the life of the one whose id is pasted at the top or clicked in a table.",
		variables:   []variable{jobs(), groups(), models(), states(), oneTask(), exporterPage()},
		rows: []row{
			{height: 4, panels: countPanels()},
			{height: 3, panels: []panel{leftOut()}},
			{height: 10, panels: []panel{unfinishedTable()}},
			{height: 10, panels: []panel{finishedTable()}},
			{title: "Ids without an answer", height: 9, panels: []panel{classTable(), failingTable(), pendingTable()}},
			{title: "One task: $task", height: 4, panels: []panel{factsTable(), timesTable()}},
			{height: 7, panels: lifePanels()},
		},
	}
}

func states() variable {
	return variable{
		name: "state", label: "State", about: "States of the tasks in the tables of unfinished and of finished ones",
		series: "kie_task_state{<tasks>}", all: anything,
	}
}

func oneTask() variable {
	return variable{name: "task", label: "Task", about: "Paste the id of the task whose life is to be shown, or click one in a table", typed: true}
}

func exporterPage() variable {
	return variable{
		name: "exporter", label: "Exporter's page", about: "Where your browser finds the exporter, for links to what it says of tasks",
		typed: true, preset: "http://localhost:10059",
	}
}

// ask leads to the exporter's own page of all tasks, with a filter.
func ask(title, filter string) *link { return &link{title, "${exporter:raw}/tasks?" + filter} }

func countPanels() []panel {
	return []panel{
		{
			kind: stat, title: "Unfinished", width: 4, unit: number, empty: noData,
			about:   "Unfinished tasks of the chosen groups and models, whether or not they have series of their own.",
			queries: []query{line(chosenJobs.orZero(`sum(kie_tasks{<tasks>,state!~"success|fail"})`), "tasks")},
			linked:  ask("Show them on the exporter's page", "state=unfinished"),
		},
		{
			kind: stat, title: "Overdue", width: 4, unit: number, empty: noData, levels: healthy(orange),
			about:   "Unfinished tasks beyond the age at which a task of their model is overdue, whether or not they have series of their own.",
			queries: []query{line(chosenJobs.orZero(`sum(kie_tasks_overdue{<tasks>})`), "tasks")},
			linked:  ask("Show them on the exporter's page", "overdue=true"),
		},
		{
			kind: stat, title: "All failed, 1 h", width: 4, unit: number, empty: noData, levels: healthy(orange),
			about:   "Tasks that failed in the last hour while they were watched, for whatever reason, whether or not they have series of their own.",
			queries: []query{line(chosenJobs.orZero(`round(sum(increase(kie_tasks_failed_total{<tasks>}[1h])))`), "tasks")},
			linked:  ask("Show failed tasks on the exporter's page", "state=fail"),
		},
		{
			kind: stat, title: "Succeeded, 1 h", width: 4, unit: number, empty: noData,
			about:   "Tasks that succeeded in the last hour while they were watched, whether or not they have series of their own.",
			queries: []query{line(chosenJobs.orZero(`round(sum(increase(kie_tasks_finished_total{<tasks>,state="success"}[1h])))`), "tasks")},
			linked:  ask("Show successful tasks on the exporter's page", "state=success"),
		},
		{
			kind: stat, title: "Pending", width: 4, unit: number, empty: noData, levels: healthy(orange),
			about:   "Listed tasks of the chosen groups about which the API has not said anything yet.",
			queries: []query{line(chosenJobs.orZero(`sum(kie_exporter_pending_tasks{<groups>})`), "tasks")},
			linked:  ask("Show them on the exporter's page", "state=pending"),
		},
		{
			kind: stat, title: "Queries failing", width: 4, unit: number, empty: noData, levels: healthy(orange),
			about:   "Tasks of the chosen groups whose last query failed: their state is as of the answer before.",
			queries: []query{line(chosenJobs.orZero(`sum(kie_tasks_query_failing{<groups>})`), "tasks")},
			linked:  ask("Show them on the exporter's page", "failing=true"),
		},
	}
}

// leftOut is a banner: who looks for a task here must know that it may be missing.
func leftOut() panel {
	return panel{
		kind: stat, title: "Complete?", width: 24, unit: amount, empty: noData, named: true,
		levels: []level{{0, green}, {1, orange}},
		texts:  map[string]text{"0": {"none", green}},
		about: "Tasks of the chosen groups without series of their own, for there are more than limits.task_series. The tiles above count them, " +
			"the tables below miss them.",
		queries: []query{line(
			chosenJobs.orZero(`sum(kie_exporter_tasks_without_series{<groups>})`), "tasks missing in the tables below; the exporter's page has all of them",
		)},
		linked: ask("Show all tasks on the exporter's page", ""),
	}
}

// perTask returns a task metric by its task and more labels, once even where two exporters watch the same task.
func perTask(metric, selector string, labels ...string) string {
	return fmt.Sprintf("max by (%s) (%s{%s})", strings.Join(append([]string{"group", "model", "task_id"}, labels...), ", "), metric, selector)
}

// among keeps results about tasks that are in one of the chosen states, and that some other metric tells of.
func among(chosen, told string) func(expr string) query {
	return func(expr string) query {
		return line(expr+` and on (group, model, task_id) (kie_task_state{`+chosen+`} == 1) and on (group, model, task_id) `+told+`{<tasks>}`, "")
	}
}

// unfinishedTable has the overdue tasks first and the oldest first among them. Those that were never answered are not among
// them, and those that the API does not know any more are not overdue.
func unfinishedTable() panel {
	const chosen = `<tasks>,state=~"$state",state!~"success|fail"`
	row := among(chosen, "kie_task_last_answer_timestamp_seconds")
	created := perTask("kie_task_created_timestamp_seconds", "<tasks>")
	answered := perTask("kie_task_last_answer_timestamp_seconds", "<tasks>")
	return panel{
		kind: table, title: "Unfinished tasks", width: 24, unit: words, empty: noSeries,
		about: "The unfinished tasks of the chosen groups, models and states: overdue ones first, then the oldest. A click on an id shows that task's life below. " +
			"Ages are as of the end of the time range.",
		queries: []query{
			row(perTask("kie_task_state", chosen, "state") + " == 1"),
			row("time() - " + created),
			row(`(` + answered + ` - ` + created + `) > bool on (group, model) group_left () ` +
				`max by (group, model) (kie_tasks_overdue_threshold_seconds{<tasks>})` +
				` unless on (group, model, task_id) kie_task_query_error{<tasks>,class="not_found"}`),
			row("time() - " + answered),
		},
		sorted: []sorting{{"Overdue", true}, {"Age", true}},
		columns: []column{
			{
				field: "Value #C", title: "Overdue", unit: number, width: 90, levels: healthy(red),
				texts: map[string]text{"0": {"no", grey}, "1": {"overdue", red}},
			},
			{field: "Value #B", title: "Age", unit: seconds, width: 95},
			taskColumn(340),
			{field: "group", title: "Group", unit: words, width: 170},
			{field: "model", title: "Model", unit: words, width: 270},
			stateColumn(),
			{field: "Value #D", title: "Answer's age", unit: seconds, width: 120},
		},
	}
}

// finishedTable has the newest first, and failures in red among them.
func finishedTable() panel {
	const chosen = `<tasks>,state=~"$state",state=~"success|fail"`
	row := among(chosen, "kie_task_info")
	return panel{
		kind: table, title: "Finished tasks", width: 24, unit: words, empty: noSeries,
		about: "The finished tasks of the chosen groups, models and states, the latest first. Choose the state fail at the top for the failed ones alone.",
		queries: []query{
			row(perTask("kie_task_state", chosen, "state") + " == 1"),
			row("time() - " + perTask("kie_task_completed_timestamp_seconds", "<tasks>")),
			row(perTask("kie_task_latency_seconds", "<tasks>")),
			row(perTask("kie_task_fail_code", "<tasks>", "fail_code", "reason")),
			row(perTask("kie_task_credits", "<tasks>")),
		},
		columns: []column{
			{field: "Value #B", title: "Ended ago", unit: seconds, width: 100},
			taskColumn(320),
			{field: "group", title: "Group", unit: words, width: 95},
			{field: "model", title: "Model", unit: words, width: 270},
			stateColumn(),
			{field: "Value #C", title: "Latency", unit: seconds, width: 90},
			{field: "reason", title: "Reason", unit: words, width: 115},
			{field: "fail_code", title: "Fail code", unit: words, width: 90},
			{field: "Value #E", title: "Credits", unit: compact, width: 80, decimals: 1},
		},
	}
}

// classTable counts, so that it is complete where the tables of ids are not.
func classTable() panel {
	return panel{
		kind: table, title: "Queries failing, by class", width: 7, unit: words, empty: "no query fails" + orNone,
		about: "How many tasks' last query failed, by the class of its outcome. not_found: the API does not know the id, or no longer. " +
			"A click on a number lists them on the exporter's page.",
		queries: []query{line(`sum by (group, class) (kie_tasks_query_failing{<groups>}) > 0`, "")},
		sorted:  []sorting{{"Tasks", true}},
		columns: []column{
			{field: "class", title: "Class", unit: words, width: 120},
			{field: "group", title: "Group", unit: words, width: 130},
			{
				field: "Value", title: "Tasks", unit: number, width: 80,
				linked: ask("Show them on the exporter's page", "failing=true&group=${__data.fields.Group:percentencode}"),
			},
		},
	}
}

// failingTable has a place of its own: a task that the API does not know has no state, and so no row among the others.
func failingTable() panel {
	return panel{
		kind: table, title: "Ids whose last query failed", width: 9, unit: words, empty: noSeries,
		about:   "Tasks whose last query failed. The state chosen at the top does not matter here.",
		queries: []query{line(perTask("kie_task_query_error", "<tasks>", "class"), "")},
		columns: []column{
			{field: "class", title: "Class", unit: words, width: 125},
			taskColumn(325),
		},
	}
}

func pendingTable() panel {
	return panel{
		kind: table, title: "Pending ids", width: 8, unit: words, empty: noSeries,
		about: "Listed ids about which the API has not said anything yet. The state chosen at the top does not matter here.",
		queries: []query{line(
			`max by (group, task_id) (kie_task_state{<groups>,state="pending"} == 1)`, "",
		)},
		columns: []column{
			{field: "group", title: "Group", unit: words, width: 80},
			taskColumn(320),
		},
	}
}

// taskColumn leads from a task's id to its life.
func taskColumn(width int) column {
	return column{
		field: "task_id", title: "Task", unit: words, width: width,
		linked: explore("Show this task's life", sameModels+"&${state:queryparam}&${exporter:queryparam}&var-task=${__value.raw:percentencode}"),
		also:   &link{"Show it on the exporter's page", "${exporter:raw}/tasks/${__value.raw:percentencode}"},
	}
}

func stateColumn() column {
	texts := map[string]text{}
	for state, c := range stateColours {
		texts[state] = text{state, c}
	}
	return column{field: "state", title: "State", unit: words, width: 100, texts: texts}
}

// theTask chooses the task whose life is shown.
const theTask = `job=~"$job",task_id="$task"`

const noTask = "no task is chosen, or no data of it"

func factsTable() panel {
	return panel{
		kind: table, title: "What is known now", width: 14, unit: words, empty: noTask,
		about: "What the API last told about the task. A task that is no longer listed, or has no series of its own, has no row.",
		queries: []query{
			line(perTask("kie_task_info", theTask), ""),
			line(perTask("kie_task_state", theTask, "state")+" == 1", ""),
			line(perTask("kie_task_latency_seconds", theTask), ""),
			line(perTask("kie_task_credits", theTask), ""),
			line(perTask("kie_task_fail_code", theTask, "fail_code", "reason"), ""),
		},
		columns: []column{
			{field: "group", title: "Group", unit: words, width: 90},
			{field: "model", title: "Model", unit: words, width: 200},
			stateColumn(),
			{field: "Value #C", title: "Latency", unit: seconds, width: 80},
			{field: "Value #D", title: "Credits", unit: compact, width: 70, decimals: 1},
			{field: "reason", title: "Reason", unit: words, width: 110},
			{field: "fail_code", title: "Code", unit: words, width: 75},
		},
	}
}

func timesTable() panel {
	return panel{
		kind: table, title: "When it was", width: 10, unit: words, empty: noTask,
		about: "When the task was created and completed, as the API dates it, and when an unfinished one was last answered about.",
		queries: []query{
			line("1000 * "+perTask("kie_task_created_timestamp_seconds", theTask), ""),
			line("1000 * "+perTask("kie_task_completed_timestamp_seconds", theTask), ""),
			line("1000 * "+perTask("kie_task_last_answer_timestamp_seconds", theTask), ""),
		},
		columns: []column{
			{field: "Value #A", title: "Created", unit: moment, width: 168},
			{field: "Value #B", title: "Completed", unit: moment, width: 168},
			{field: "Value #C", title: "Last answer", unit: moment, width: 168},
		},
	}
}

// lane returns a query for the state that the chosen task is in, as a number, and what the numbers stand for.
func lane() (expr string, texts map[string]text) {
	var parts []string
	texts = map[string]text{}
	for i, state := range []string{"pending", "waiting", "queuing", "generating", "success", "fail", "unknown"} {
		parts = append(parts, fmt.Sprintf(`%d * max(kie_task_state{%s,state=%q} == 1)`, i+1, theTask, state))
		texts[strconv.Itoa(i+1)] = text{state, stateColours[state]}
	}
	return strings.Join(parts, " or "), texts
}

func lifePanels() []panel {
	states, texts := lane()
	return []panel{
		{
			kind: timeline, title: "States", width: 10, unit: number, empty: noTask, texts: texts, named: true,
			about:   "When the task was in which state, as the exporter learned it.",
			queries: []query{line(states, "state")},
		},
		{
			kind: timeseries, title: "Age while unfinished", width: 8, unit: seconds, empty: noTask, minimum: true,
			about: "How old the task was while it was unfinished, the age from which it is overdue, and how old the answer was that its state is from.",
			queries: []query{
				line(`time() - max(kie_task_created_timestamp_seconds{`+theTask+`}`+
					` and on (task_id) (kie_task_state{`+theTask+`,state!~"success|fail"} == 1))`, "age"),
				{
					expr: `max(kie_tasks_overdue_threshold_seconds{job=~"$job"} and on (group, model) ` +
						`(kie_task_state{` + theTask + `,state!~"success|fail"} == 1))`,
					legend: "overdue from", colour: red, dashed: true,
				},
				{
					expr:   `time() - max(kie_task_last_answer_timestamp_seconds{` + theTask + `})`,
					legend: "answer's age", colour: grey,
				},
			},
		},
		{
			kind: table, title: "Labels", width: 6, unit: words, empty: noTask,
			about: "The account, the labels that the exporter's configuration and lists give to the task, and the class of its last query if that failed.",
			queries: []query{line(`max without (job, instance, group, model, task_id) (`+
				`kie_task_info{`+theTask+`} * on (job, instance, group, task_id) group_left (class) kie_task_query_error{`+theTask+`}`+
				` or on (job, instance, group, task_id) kie_task_info{`+theTask+`})`, "")},
		},
	}
}
