// What can be set.

package taskseries

import "fmt"

// Series are which series single tasks have.
type Series struct {
	// Whether a task has a series of `kie_task_state` for each state, of which one is 1, or for the `current` one only.
	//
	// `current` makes most of a task's series go, for a Prometheus that has to bear 100000 tasks; while a task changes its state, its
	// series do, too (docs/performance.md). The dashboards and rules that come with the exporter work with both.
	TaskStates string `yaml:"task_states" format:"task_states" default:"all"`

	// The metrics of single tasks that there are; `*` stands for any characters. The others cost nothing.
	//
	// Alerts about single tasks need kie_task_failed_timestamp_seconds and kie_task_fail_code, rules by account kie_task_info, the dashboard
	// of tasks all of them. A name that matches none is refused.
	TaskMetrics []string `yaml:"task_metrics,omitempty" format:"task_metric" items:"1.." unique:"true" unset:"all" sample:"[kie_task_info, kie_task_state, kie_task_*_timestamp_seconds]"`
}

// Choice returns what is chosen.
func (s Series) Choice() Choice {
	return Choice{CurrentState: s.TaskStates == CurrentState, Metrics: s.TaskMetrics}
}

// The states of which tasks have series.
const (
	AllStates    = "all"
	CurrentState = "current"
)

// ParseStates reads of which states tasks have series.
func ParseStates(s string) (string, error) {
	if s != AllStates && s != CurrentState {
		return "", fmt.Errorf("must be %s or %s (got %.80q)", AllStates, CurrentState, s)
	}
	return s, nil
}
