// The task explorer.

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/tools/panels"
)

func TestTaskIsTypedAndEmptyAtFirst(t *testing.T) {
	for _, v := range find(t, "kie-tasks").Templating.List {
		if v.Name == "task" && (v.Type != "textbox" || v.Current.Value != "") {
			t.Errorf("the task is a %s, at first %v", v.Type, v.Current.Value)
		}
	}
}

func TestTasksThatNeedALookComeFirst(t *testing.T) {
	tables := some(t, "kie-tasks", "with many tasks", func(p panels.Panel) bool {
		return is(p, table) && slices.Contains(columnsOf(p), "Task") && asks(p, "kie_task_state")
	})
	if len(tables) == 0 || len(tables[0].Options.SortBy) != 2 {
		t.Fatal("the first table is not sorted by two columns")
	}
	first := tables[0]
	if by := first.Options.SortBy; by[0].Column != "Overdue" || by[1].Column != "Age" || !by[0].Descending || !by[1].Descending {
		t.Errorf("%q is sorted by %v, want overdue and oldest first", first.Title, by)
	}
	if !asks(first, `state!~"success|fail"`) {
		t.Errorf("%q has finished tasks, too", first.Title)
	}
}

// With series.task_states: current there is no series of a state that a task is not in, so nobody may ask for one that is 0.
func TestWhoAsksForAStateAsksForTheCurrentOne(t *testing.T) {
	asks := regexp.MustCompile(`(label_values\()?kie_task_state(\{.*?\})?\)?( == 1)?`)
	for _, pattern := range []string{"dashboards/*.json", "alerts/*.yml", "docs/runbooks/*.md"} {
		files, err := filepath.Glob("../../../" + pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			for _, part := range asks.FindAllStringSubmatch(string(text), -1) {
				if part[1] == "" && part[3] == "" {
					t.Errorf("%s: %s", file, part[0])
				}
			}
		}
	}
}

// A column that knows of tasks which the others leave out makes rows without a state and an age.
func TestColumnsAreOfTheSameTasks(t *testing.T) {
	of := regexp.MustCompile(` and on \(group, model, task_id\) \(kie_task_state.*$`)
	for _, p := range some(t, "kie-tasks", "of many tasks", func(p panels.Panel) bool { return is(p, table) && len(p.Targets) > 1 && asks(p, `state=~"$state"`) }) {
		first := of.FindString(p.Targets[0].Expr)
		for _, q := range p.Targets {
			if got := of.FindString(q.Expr); got == "" || got != first {
				t.Errorf("%q: query %s is of tasks %q, the first of %q", p.Title, q.RefID, got, first)
			}
		}
	}
}

// Each kind of ids can be counted, and listed on the exporter's own page, which has those without series, too.
func TestFailedUnansweredAndFailingIdsCanBeFound(t *testing.T) {
	tests := []struct{ metric, filter string }{
		{"kie_tasks_failed_total", "state=fail"},
		{"kie_exporter_pending_tasks", "state=pending"},
		{"sum(kie_tasks_query_failing", "failing=true"},
		{"kie_tasks_overdue{", "overdue=true"},
	}
	for _, tt := range tests {
		for _, p := range some(t, "kie-tasks", "that counts "+tt.metric, func(p panels.Panel) bool { return is(p, stat) && asks(p, tt.metric) }) {
			links := p.FieldConfig.Defaults.Links
			if len(links) == 0 || !strings.HasSuffix(links[0].URL, "/tasks?"+tt.filter) {
				t.Errorf("%q leads to %v, want the page with %s", p.Title, links, tt.filter)
			}
		}
	}
	some(t, "kie-tasks", "that counts failing queries by class", func(p panels.Panel) bool {
		return is(p, table) && asks(p, "sum by (group, class) (kie_tasks_query_failing")
	})
	some(t, "kie-tasks", "that lists pending ids", func(p panels.Panel) bool {
		return is(p, table) && asks(p, `state="pending"`)
	})
}

// Series of single tasks are limited, so counting them counts less the more there are.
func TestTilesDoNotCountSeriesOfTasks(t *testing.T) {
	forEach(t, func(t *testing.T, _ panels.Dashboard, p panels.Panel) {
		if is(p, stat) && asks(p, "kie_task_") {
			t.Errorf("%s counts what the limit of series leaves over", p.Targets[0].Expr)
		}
	})
}

func TestTasksLeftOutOfTheTablesAreABanner(t *testing.T) {
	for _, p := range some(t, "kie-tasks", "of tasks without series", func(p panels.Panel) bool { return asks(p, "kie_exporter_tasks_without_series") }) {
		if p.GridPos.W != gridWidth || p.FieldConfig.Defaults.Colour(1) != string(orange) {
			t.Errorf("%q is %d wide and %q", p.Title, p.GridPos.W, p.FieldConfig.Defaults.Colour(1))
		}
	}
}

func TestStatesOfATaskAreOneLane(t *testing.T) {
	for _, p := range some(t, "kie-tasks", "of a task's states", func(p panels.Panel) bool { return is(p, timeline) }) {
		if len(p.Targets) != 1 || strings.Contains(p.Targets[0].Legend, "{{") {
			t.Errorf("%q has a lane for each of %q", p.Title, p.Targets[0].Legend)
		}
		if len(p.FieldConfig.Defaults.Mappings) == 0 || len(p.FieldConfig.Defaults.Mappings[0].Options) != len(stateColours) {
			t.Errorf("%q names not all states", p.Title)
		}
	}
}

func TestAgesAreOfUnfinishedTasksAndNoFill(t *testing.T) {
	for _, p := range some(t, "kie-tasks", "of a task's age", func(p panels.Panel) bool { return is(p, timeseries) }) {
		for _, q := range p.Targets {
			if strings.Contains(q.Expr, "overdue_threshold") && !strings.Contains(q.Expr, `state!~"success|fail"`) {
				t.Errorf("%q tells from when a finished task is overdue", p.Title)
			}
		}
		for _, o := range p.FieldConfig.Overrides {
			var colour struct{ FixedColor string }
			var dash any
			if o.Property("color", &colour) && colour.FixedColor == string(red) && !o.Property("custom.lineStyle", &dash) {
				t.Errorf("%q has a red fill", p.Title)
			}
		}
	}
}
