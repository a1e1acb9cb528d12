// Metrics of all tasks of a group and model.

package collector

import (
	"slices"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

func modelMetrics() []Metric {
	return slices.Concat(unfinishedMetrics(), finishedMetrics(), failureMetrics())
}

// tasksMetric has the tasks that were never answered, of which no model is known, without one, and others with theirs.
func tasksMetric() Metric {
	m := perModel(Metric{
		Name:        "kie_tasks",
		Type:        Gauge,
		Help:        "Tracked tasks by their last known state, served from cache; those that are pending have no model yet",
		Labels:      []string{"state"},
		Cardinality: " × states",
	}, func(m *view.Model, s *series) {
		for _, state := range kie.AnsweredStates() {
			s.put(float64(m.Tasks[state]), state.String())
		}
	})
	answered := m.collect
	m.collect = func(v *content, s *series) {
		answered(v, s)
		for _, g := range v.groups {
			if g.countersOnly {
				continue
			}
			s.shared = g.labels
			s.put(float64(g.subject.Pending), "", kie.StatePending.String())
		}
	}
	return m
}

func unfinishedMetrics() []Metric {
	return []Metric{
		tasksMetric(),
		perModel(Metric{
			Name: "kie_tasks_oldest_unfinished_timestamp_seconds",
			Type: Gauge,
			Help: "Unix time at which the oldest unfinished task that is still asked was created, served from cache",
		}, func(m *view.Model, s *series) { putTime(s, m.Oldest) }),
		perModel(Metric{
			Name: "kie_tasks_overdue",
			Type: Gauge,
			Help: "Unfinished tasks, still asked, that were unfinished in an answer given beyond the overdue threshold, served from cache",
		}, func(m *view.Model, s *series) { s.put(float64(m.Overdue)) }),
		perModel(Metric{
			Name: "kie_tasks_overdue_threshold_seconds",
			Type: Gauge,
			Help: "Age beyond which an unfinished task is overdue: the group's overdue setting, or 4 × p90 of learned durations",
		}, func(m *view.Model, s *series) {
			if m.OverdueAfter > 0 {
				s.put(m.OverdueAfter.Seconds())
			}
		}),
	}
}

func finishedMetrics() []Metric {
	return []Metric{
		perModel(Metric{
			Name:        "kie_tasks_finished_total",
			Type:        Counter,
			Help:        "Tasks that finished while they were watched, by final state",
			Labels:      []string{"state"},
			Cardinality: " × final states",
		}, func(m *view.Model, s *series) {
			for i, state := range finalStates() {
				s.put(float64(m.Finished[i]), state.String())
			}
		}),
		perModel(Metric{
			Name:        "kie_tasks_latency_seconds",
			Type:        Histogram,
			Help:        "Time from creation to completion of tasks that finished while they were watched, as the API dates them",
			Labels:      []string{"state"},
			Cardinality: " × final states × buckets",
		}, func(m *view.Model, s *series) {
			for i, state := range finalStates() {
				s.histogram(m.Latency[i], state.String())
			}
		}),
		perModel(Metric{
			Name:        "kie_tasks_without_latency_total",
			Type:        Counter,
			Help:        "Tasks that finished while they were watched and are not in kie_tasks_latency_seconds, as the API does not tell how long they took",
			Labels:      []string{"state"},
			Cardinality: " × final states",
		}, func(m *view.Model, s *series) {
			for i, state := range finalStates() {
				s.put(float64(m.WithoutLatency[i]), state.String())
			}
		}),
		perModel(Metric{
			Name:        "kie_tasks_credits_total",
			Type:        Counter,
			Help:        "Credits consumed by tasks that finished while they were watched, as far as the API told",
			Labels:      []string{"state"},
			Cardinality: " × final states",
		}, func(m *view.Model, s *series) {
			for i, state := range finalStates() {
				s.put(m.Credits[i], state.String())
			}
		}),
		perModel(Metric{
			Name: "kie_tasks_empty_results_total",
			Type: Counter,
			Help: "Tasks that succeeded without a result while they were watched",
		}, func(m *view.Model, s *series) { s.put(float64(m.EmptyResults)) }),
	}
}

func failureMetrics() []Metric {
	return []Metric{
		perModel(Metric{
			Name:        "kie_tasks_failed_total",
			Type:        Counter,
			Help:        "Tasks that failed while they were watched, by reason",
			Labels:      []string{"reason"},
			Cardinality: " × reasons",
		}, func(m *view.Model, s *series) {
			for _, reason := range kie.Reasons() {
				s.put(float64(m.FailedFor[reason]), reason.String())
			}
		}),
		perModel(Metric{
			Name:        "kie_tasks_fail_codes_total",
			Type:        Counter,
			Help:        "Tasks that failed while they were watched, by the API's code, for display and not for alerts",
			Labels:      []string{"fail_code"},
			Cardinality: " × fail codes",
		}, func(m *view.Model, s *series) {
			for _, f := range m.Codes {
				s.put(float64(f.Count), f.Code)
			}
		}),
	}
}

// finalStates returns the final states in the order in which a view.Model counts them.
func finalStates() [2]kie.State {
	return [...]kie.State{view.Succeeded: kie.StateSuccess, view.Failed: kie.StateFail}
}
