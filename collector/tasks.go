// Metrics of one task each.

package collector

import (
	"slices"
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/taskseries"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// taskMetrics returns the metrics of single tasks that are chosen.
func taskMetrics(choice taskseries.Choice) []Metric {
	all := slices.Concat([]Metric{infoMetric(), stateMetric(choice.CurrentState)}, taskTimeMetrics(), taskOutcomeMetrics())
	return slices.DeleteFunc(all, func(m Metric) bool { return !choice.Has(m.Name) })
}

func infoMetric() Metric {
	m := perTask(Metric{
		Name:       "kie_task_info",
		Type:       Gauge,
		Help:       "1, with the account and the configured labels of a task; its model is served from cache",
		Labels:     []string{"account"},
		TaskLabels: true,
	}, nil)
	m.collect = func(v *content, s *series) {
		for _, task := range v.tasks {
			s.shared = task.labels
			s.own = append(s.own[:0], task.subject.Account)
			for _, key := range v.labelKeys {
				s.own = append(s.own, task.subject.Labels[key])
			}
			s.put(1, s.own...)
		}
	}
	return m
}

// stateMetric returns the metric of each state, or of the current one only.
func stateMetric(current bool) Metric {
	m := perTask(Metric{
		Name:        "kie_task_state",
		Type:        Gauge,
		Help:        "1 for the state that a task is in and 0 for every other, served from cache",
		Labels:      []string{"state"},
		Cardinality: " × states",
	}, nil)
	if current {
		m.Help = "1, with the state that a task is in, served from cache"
	}
	byName := slices.SortedFunc(slices.Values(kie.States()), func(a, b kie.State) int {
		return strings.Compare(a.String(), b.String())
	})
	m.collect = func(v *content, s *series) {
		for kind := range kinds(v.tasks) {
			for _, state := range byName {
				for _, task := range kind {
					is := task.subject.State == state
					if current && !is {
						continue
					}
					s.shared = task.labels
					s.put(boolean(is), state.String())
				}
			}
		}
	}
	return m
}

// kinds yields the tasks of each group and model. Series with a state come in that order: by group, model, state and id.
func kinds(sorted []entity[view.Task]) func(yield func([]entity[view.Task]) bool) {
	return func(yield func([]entity[view.Task]) bool) {
		start := 0
		for i := range sorted {
			if i+1 < len(sorted) && compareKind(sorted[i].subject, sorted[i+1].subject) == 0 {
				continue
			}
			if !yield(sorted[start : i+1]) {
				return
			}
			start = i + 1
		}
	}
}

func taskTimeMetrics() []Metric {
	return []Metric{
		perTask(Metric{
			Name: "kie_task_latency_seconds",
			Type: Gauge,
			Help: "Time from creation to completion of a finished task as the API dates them, served from cache",
		}, func(t *view.Task, s *series) {
			if took, ok := t.Latency(); ok {
				s.put(took.Seconds())
			}
		}),
		perTask(Metric{
			Name: "kie_task_created_timestamp_seconds",
			Type: Gauge,
			Help: "Unix time at which the API says a task was created, served from cache",
		}, func(t *view.Task, s *series) { putTime(s, t.Created) }),
		perTask(Metric{
			Name: "kie_task_completed_timestamp_seconds",
			Type: Gauge,
			Help: "Unix time at which the API says a finished task was completed, served from cache",
		}, func(t *view.Task, s *series) { putTime(s, t.Completed) }),
		perTask(Metric{
			Name: "kie_task_failed_timestamp_seconds",
			Type: Gauge,
			Help: "Unix time at which a task failed, if that was while it was watched, served from cache",
		}, func(t *view.Task, s *series) { putTime(s, t.FailedAt) }),
		perTask(Metric{
			Name: "kie_task_last_answer_timestamp_seconds",
			Type: Gauge,
			Help: "Unix time at which the API last told the state of an unfinished task",
		}, func(t *view.Task, s *series) {
			if !t.State.Finished() {
				putTime(s, kie.TimeOf(t.LastAnswer))
			}
		}),
	}
}

func taskOutcomeMetrics() []Metric {
	return []Metric{
		perTask(Metric{
			Name:   "kie_task_fail_code",
			Type:   Gauge,
			Help:   "1, with the API's code for a failed task and the reason it stands for, served from cache",
			Labels: []string{"fail_code", "reason"},
		}, func(t *view.Task, s *series) {
			if t.State == kie.StateFail {
				s.put(1, t.FailCode, t.Reason.String())
			}
		}),
		perTask(Metric{
			Name: "kie_task_credits",
			Type: Gauge,
			Help: "Credits that a finished task consumed, if the API told, served from cache",
		}, func(t *view.Task, s *series) {
			if t.HasCredits {
				s.put(t.Credits)
			}
		}),
		perTask(Metric{
			Name:   "kie_task_query_error",
			Type:   Gauge,
			Help:   "1 while the last query of an unfinished task has failed, with the class of its outcome",
			Labels: []string{"class"},
		}, func(t *view.Task, s *series) {
			if t.QueryError != kie.ClassOK {
				s.put(1, t.QueryError.String())
			}
		}),
	}
}

// putTime sends a time that may be absent.
func putTime(s *series, t kie.Time) {
	if !t.IsZero() {
		s.put(t.Seconds())
	}
}
