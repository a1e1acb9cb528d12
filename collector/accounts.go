// Metrics of an account: its budget, its credits, its requests.

package collector

import (
	"slices"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

func accountMetrics() []Metric {
	return slices.Concat(creditMetrics(), modelHealthMetrics(), requestMetrics(), budgetMetrics())
}

func creditMetrics() []Metric {
	return []Metric{
		perAccount(Metric{
			Name: "kie_credits_remaining",
			Type: Gauge,
			Help: "Credits left on the account as last told, served from cache",
		}, func(a *view.Account, s *series) {
			if a.AsksCredits && a.HasBalance {
				s.put(a.Balance)
			}
		}),
		perAccount(Metric{
			Name: "kie_credits_used_total",
			Type: Counter,
			Help: "Sum of the decreases of the account's balance from one answer to the next",
		}, func(a *view.Account, s *series) {
			if a.AsksCredits {
				s.put(a.CreditsUsed)
			}
		}),
	}
}

func modelHealthMetrics() []Metric {
	return []Metric{
		perAccount(Metric{
			Name:        "kie_model_success_ratio",
			Type:        Gauge,
			Help:        "Share of a model's tasks that succeeded, those of all users of the API, in the last ten minutes of which it tells",
			Labels:      []string{"model"},
			Cardinality: " × models, 50 at the most",
			Stability:   Experimental,
		}, func(a *view.Account, s *series) {
			for _, m := range a.Models {
				s.put(m.Success, m.Model)
			}
		}),
		perAccount(Metric{
			Name:        "kie_model_success_timestamp_seconds",
			Type:        Gauge,
			Help:        "Unix time at which the ten minutes ended of which kie_model_success_ratio tells",
			Labels:      []string{"model"},
			Cardinality: " × models, 50 at the most",
			Stability:   Experimental,
		}, func(a *view.Account, s *series) {
			for _, m := range a.Models {
				s.put(m.End.Seconds(), m.Model)
			}
		}),
	}
}

func requestMetrics() []Metric {
	return []Metric{
		perAccount(Metric{
			Name: "kie_up",
			Type: Gauge,
			Help: "1 if the last request found the API working and the key accepted, else 0, served from cache",
		}, func(a *view.Account, s *series) {
			if a.Requests.Asked {
				s.put(boolean(a.Requests.Up))
			}
		}),
		perAccount(Metric{
			Name:        "kie_api_requests_total",
			Type:        Counter,
			Help:        "Requests to the API that have ended, by the class of their outcome",
			Labels:      []string{"class", "endpoint"},
			Cardinality: " × endpoints in use × classes",
		}, func(a *view.Account, s *series) {
			for _, endpoint := range used(a) {
				for _, class := range kie.Classes() {
					s.put(float64(a.Requests.Requests[endpoint][class]), class.String(), endpoint.String())
				}
			}
		}),
		perAccount(Metric{
			Name:        "kie_api_request_duration_seconds",
			Type:        Histogram,
			Help:        "Duration of requests to the API, whatever became of them",
			Labels:      []string{"endpoint"},
			Cardinality: " × endpoints in use × buckets",
		}, func(a *view.Account, s *series) {
			for _, endpoint := range used(a) {
				s.histogram(a.Requests.Duration[endpoint], endpoint.String())
			}
		}),
		perAccount(Metric{
			Name: "kie_api_unknown_states_total",
			Type: Counter,
			Help: "Answers with a word for a task's state that is not known; the log names the first 5",
		}, func(a *view.Account, s *series) { s.put(float64(a.UnknownStates)) }),
		perAccount(Metric{
			Name: "kie_api_requests_in_flight",
			Type: Gauge,
			Help: "Requests to the API that have begun and not ended",
		}, func(a *view.Account, s *series) { s.put(float64(a.Requests.InFlight)) }),
	}
}

// used returns the endpoints that an account uses.
func used(a *view.Account) []kie.Endpoint {
	return slices.DeleteFunc(kie.Endpoints(), func(e kie.Endpoint) bool { return !a.Requests.Uses(e) })
}

// Bounds of the pace.
const (
	paceConfigured = "configured"
	paceLearned    = "learned"
)

func budgetMetrics() []Metric {
	return []Metric{
		perAccount(Metric{
			Name:      "kie_api_pace_requests_per_second",
			Type:      Gauge,
			Help:      "Requests a second that are allowed now",
			Stability: Experimental,
		}, func(a *view.Account, s *series) { s.put(a.Requests.Pace) }),
		perAccount(Metric{
			Name:        "kie_api_pace_limit_requests_per_second",
			Type:        Gauge,
			Help:        "Most requests a second: as configured, and as learned from those that the API refused, once there was one",
			Labels:      []string{"bound"},
			Cardinality: " × pace bounds",
			Stability:   Experimental,
		}, func(a *view.Account, s *series) {
			s.put(a.Requests.PaceConfigured, paceConfigured)
			if a.Requests.PaceLearned > 0 {
				s.put(a.Requests.PaceLearned, paceLearned)
			}
		}),
		perAccount(Metric{
			Name:        "kie_api_gate_closed",
			Type:        Gauge,
			Help:        "1 for the reason for which no task is asked now, until a trial succeeds, and 0 for every other",
			Labels:      []string{"reason"},
			Cardinality: " × gate reasons",
		}, func(a *view.Account, s *series) {
			for _, reason := range budget.Reasons() {
				s.put(boolean(a.Requests.Closed == reason), reason.String())
			}
		}),
		perAccount(Metric{
			Name:      "kie_exporter_due_tasks",
			Type:      Gauge,
			Help:      "Unfinished tasks that are due: they would be asked now if there were budget",
			Stability: Experimental,
		}, func(a *view.Account, s *series) {
			if !a.DueUnknown {
				s.put(float64(a.Due))
			}
		}),
	}
}
