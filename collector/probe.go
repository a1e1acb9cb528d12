// What the answer to a probe shows.

package collector

import (
	"maps"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kie-exporter/kie_exporter/internal/taskseries"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// probeCollector shows one probe.
type probeCollector struct {
	known    *view.Snapshot
	families []family
}

// ForProbe returns a collector of how a probe went, how long it took, and of the task's own series, for the answer to that
// probe alone. A probe that names no account has no task.
func ForProbe(p view.Probe, took time.Duration) prometheus.Collector {
	known := &view.Snapshot{}
	if p.Task.ID != "" {
		known.Blocks = []*view.Block{view.NewBlock(p.Task)}
		known.LabelKeys = slices.Sorted(maps.Keys(p.Task.Labels))
	}
	result := []Metric{
		once(Metric{
			Name: "probe_success",
			Type: Gauge,
			Help: "1 if the state of the task is known, by an answer to this probe or because it is final, else 0",
		}, func(_ *content, s *series) { s.put(boolean(p.Err == nil)) }),
		once(Metric{
			Name: "probe_duration_seconds",
			Type: Gauge,
			Help: "How long this probe took, the wait for the account's budget included",
		}, func(_ *content, s *series) { s.put(took.Seconds()) }),
	}
	return &probeCollector{known: known, families: families(slices.Concat(result, taskMetrics(taskseries.Choice{})))}
}

// Describe implements prometheus.Collector.
func (c *probeCollector) Describe(ch chan<- *prometheus.Desc) { describe(c.families, ch) }

// Collect implements prometheus.Collector.
func (c *probeCollector) Collect(ch chan<- prometheus.Metric) {
	collect(c.families, newContent(c.known, &Inputs{}), ch)
}
