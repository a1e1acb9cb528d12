// The metric contract: every metric there is, declared once.

package collector

import (
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/taskseries"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// Metric declares a metric, and how its samples are found.
type Metric struct {
	Name string
	Type Type
	Help string
	// Labels are sorted. A sample's own values, beside those of the entity that it is of, are put in this order.
	Labels     []string
	TaskLabels bool // there is also a label_<key> for each key of the tasks' own labels
	Stability  Stability
	// Cardinality is how many series there are, as a product of words with " × " between them. One that begins with that goes on after the
	// entities that the metric is of. A word that is a closed set's name (valueSets) says what the set's label can be.
	Cardinality string

	collect func(*content, *series) // nil: somebody else's collector does it
}

// Type is the type of a metric.
type Type string

// The types of metrics.
const (
	Gauge     Type = "gauge"
	Counter   Type = "counter"
	Histogram Type = "histogram"
)

// Stability is what may become of a metric.
type Stability string

// The levels of stability.
const (
	Stable       Stability = "stable"       // changes with a major version only
	Experimental Stability = "experimental" // may change with any version
)

const taskLabelPrefix = "label_"

// panics counts where nothing else is known than that it happened.
var panics = Metric{
	Name:        "kie_exporter_http_panics_total",
	Type:        Counter,
	Help:        "Requests whose handler panicked, which is a fault of the exporter; the log has more of each",
	Stability:   Experimental,
	Cardinality: "1",
}

// NewPanics returns the counter of the requests whose handler panicked.
func NewPanics() prometheus.Counter {
	return prometheus.NewCounter(prometheus.CounterOpts{Name: panics.Name, Help: panics.Help})
}

// Table returns every metric of the exporter but those of Go and the process.
func Table() []Metric {
	return slices.Concat(knownMetrics(taskseries.Choice{}), scrapeMetrics(), []Metric{panics, {
		Name:        "kie_exporter_build_info",
		Type:        Gauge,
		Help:        "1, with the version of the exporter and how it was built",
		Labels:      []string{"branch", "goarch", "goos", "goversion", "revision", "tags", "version"},
		Stability:   Stable,
		Cardinality: "1",
	}})
}

// knownMetrics returns the metrics of everything but the scrape itself.
func knownMetrics(choice taskseries.Choice) []Metric {
	return slices.Concat(taskMetrics(choice), aggregateMetrics())
}

// aggregateMetrics returns those of them that are not of single tasks.
func aggregateMetrics() []Metric {
	return slices.Concat(modelMetrics(), accountMetrics(), callbackMetrics(), pushMetrics(), configMetrics(), shardMetrics(), replicaMetrics(),
		mailboxMetrics(), storeMetrics(), groupMetrics(), sourceMetrics())
}

// perTask is for gauges only: TaskText writes nothing else.
func perTask(m Metric, collect func(*view.Task, *series)) Metric {
	return per(m, "tasks with series", []string{"group", "model", "task_id"},
		func(v *content) []entity[view.Task] { return v.tasks }, collect)
}

func perModel(m Metric, collect func(*view.Model, *series)) Metric {
	return per(m, "groups × models", []string{"group", "model"},
		func(v *content) []entity[view.Model] { return v.models }, collect)
}

func perGroup(m Metric, collect func(*view.Group, *series)) Metric {
	return per(m, "groups", []string{"group"},
		func(v *content) []entity[view.Group] { return v.groups }, collect)
}

func perAccount(m Metric, collect func(*view.Account, *series)) Metric {
	return per(m, "accounts", []string{"account"},
		func(v *content) []entity[view.Account] { return v.accounts }, collect)
}

func perSource(m Metric, collect func(*source.Stat, *series)) Metric {
	return per(m, "sources", []string{"group", "source"},
		func(v *content) []entity[source.Stat] { return v.sources }, collect)
}

// per completes m, a metric of each of some entities: to the labels and the factor of the number of series that m names
// come those of the entities.
func per[T any](m Metric, count string, labels []string, all func(*content) []entity[T], collect func(*T, *series)) Metric {
	m.Labels = append(m.Labels, labels...)
	slices.Sort(m.Labels)
	m.Cardinality = count + m.Cardinality
	return once(m, func(v *content, s *series) {
		for _, e := range all(v) {
			if e.countersOnly && m.Type == Gauge {
				continue
			}
			s.shared = e.labels
			collect(e.subject, s)
		}
	})
}

// once completes m, a metric of the exporter as a whole.
func once(m Metric, collect func(*content, *series)) Metric {
	if m.Stability == "" {
		m.Stability = Stable
	}
	if m.Cardinality == "" {
		m.Cardinality = "1"
	}
	m.collect = collect
	return m
}

// boolean returns 1 for true.
func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
