package taskseries_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/taskseries"
)

func TestAPatternChoosesMetrics(t *testing.T) {
	for patterns, want := range map[string]int{
		"":                                 10,
		"kie_task_*":                       10,
		"*":                                10,
		"*_timestamp_seconds":              4,
		"kie_task_state":                   1,
		"kie_task_state kie_task_*credits": 2,
	} {
		c := taskseries.Choice{Metrics: strings.Fields(patterns)}
		n := 0
		for _, metric := range taskseries.Metrics() {
			if c.Has(metric) {
				n++
			}
		}
		if n != want {
			t.Errorf("%q: %d metrics, want %d", patterns, n, want)
		}
	}
}

func TestWhatMatchesNoMetricIsRefusedWithTheNames(t *testing.T) {
	for _, bad := range []string{"", "kie_task_colour", "kie_tasks", "kie_tasks_*", "kie_task_stat", "kie_task_[a-z]*", "state", "kie_task_state\n", `kie_task_\state`, "kie_task_?nfo"} {
		if _, err := taskseries.ParseMetric(bad); err == nil || !strings.Contains(err.Error(), "kie_task_query_error") {
			t.Errorf("%q: %v", bad, err)
		}
	}
	for _, good := range append(slices.Clone(taskseries.Metrics()), "*", "kie_task_*state", "kie_task_c*_seconds") {
		if got, err := taskseries.ParseMetric(good); err != nil || got != good {
			t.Errorf("%q: %q, %v", good, got, err)
		}
	}
}
