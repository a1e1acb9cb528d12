package collector

import (
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// What shows counters only has no gauge, and all the counters that it would have else.
func TestWhatIsWithheldHasItsCounters(t *testing.T) {
	series := func(countersOnly bool) map[dto.MetricType]int {
		known := &view.Snapshot{
			Accounts: []view.Account{{Name: "a", CountersOnly: countersOnly}},
			Groups:   []view.Group{{Name: "g", CountersOnly: countersOnly, Pending: 1, QueryFailing: map[kie.Class]int{kie.ClassTimeout: 1}}},
			Models:   []view.Model{{Group: "g", Model: "m", CountersOnly: countersOnly, Tasks: map[kie.State]int{kie.StateWaiting: 1}}},
		}
		registry := prometheus.NewRegistry()
		registry.MustRegister(New(Inputs{Sources: func() []source.Stat { return []source.Stat{{Group: "g", Source: "s", Tasks: 3}} }}).At(known))
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		n := make(map[dto.MetricType]int)
		for _, f := range families {
			for _, m := range f.GetMetric() {
				if len(m.GetLabel()) > 0 {
					n[f.GetType()]++
				}
			}
		}
		return n
	}
	all, withheld := series(false), series(true)
	if all[dto.MetricType_GAUGE] == 0 || all[dto.MetricType_COUNTER] == 0 || withheld[dto.MetricType_COUNTER] != all[dto.MetricType_COUNTER] {
		t.Errorf("%v, and %v when withheld", all, withheld)
	}
	if withheld[dto.MetricType_GAUGE] != 0 {
		t.Errorf("gauges: %v, and %v when withheld", all, withheld)
	}
}
