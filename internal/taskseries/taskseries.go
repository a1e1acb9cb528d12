// Package taskseries says which series single tasks have.
package taskseries

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Choice is which series single tasks have. The zero value is all of them.
type Choice struct {
	CurrentState bool     // of the series of a task's state only the one that is true
	Metrics      []string // patterns of the metrics that there are; none: all
}

// Equal reports whether two choices are the same.
func (c Choice) Equal(o Choice) bool {
	return c.CurrentState == o.CurrentState && slices.Equal(c.Metrics, o.Metrics)
}

// Has reports whether tasks have series of a metric.
func (c Choice) Has(metric string) bool {
	return len(c.Metrics) == 0 || slices.ContainsFunc(c.Metrics, func(pattern string) bool { return matches(pattern, metric) })
}

// Metrics returns the names of all metrics of single tasks, as the collector's table has them.
func Metrics() []string {
	return []string{
		"kie_task_info", "kie_task_state", "kie_task_latency_seconds", "kie_task_created_timestamp_seconds", "kie_task_completed_timestamp_seconds",
		"kie_task_failed_timestamp_seconds", "kie_task_last_answer_timestamp_seconds", "kie_task_fail_code", "kie_task_credits", "kie_task_query_error",
	}
}

// ParseMetric reads the name of a metric, or a pattern in which * stands for any characters. It must match one at least.
func ParseMetric(s string) (string, error) {
	plain := strings.Trim(s, "abcdefghijklmnopqrstuvwxyz_*") == ""
	if !plain || !slices.ContainsFunc(Metrics(), func(metric string) bool { return matches(s, metric) }) {
		return "", fmt.Errorf("matches no metric of single tasks (got %.80q); there are %s", s, strings.Join(Metrics(), ", "))
	}
	return s, nil
}

func matches(pattern, metric string) bool {
	ok, err := path.Match(pattern, metric)
	return ok && err == nil
}
