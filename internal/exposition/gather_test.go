package exposition

import (
	"errors"
	"slices"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
)

func TestWhatIsGatheredIsInOrderAndEachFaultIsTold(t *testing.T) {
	of := func(err error, names ...string) prometheus.Gatherer {
		return prometheus.GathererFunc(func() (all []*dto.MetricFamily, _ error) {
			for _, name := range names {
				all = append(all, &dto.MetricFamily{Name: &name})
			}
			return all, err
		})
	}
	first, second := errors.New("the first"), errors.New("the second")
	for name, tt := range map[string]struct {
		from   merged
		faults []error
	}{
		"none fails": {from: merged{of(nil, "b", "d"), of(nil, "a", "c")}},
		"one fails":  {from: merged{of(nil, "b", "d"), of(second, "a", "c")}, faults: []error{second}},
		"both fail":  {from: merged{of(first, "a", "d"), of(second, "b", "c")}, faults: []error{first, second}},
	} {
		t.Run(name, func(t *testing.T) {
			all, err := tt.from.Gather()
			var names []string
			for _, f := range all {
				names = append(names, f.GetName())
			}
			if !slices.Equal(names, []string{"a", "b", "c", "d"}) {
				t.Errorf("got %v", names)
			}
			if (err != nil) != (len(tt.faults) > 0) {
				t.Errorf("the error is %v", err)
			}
			for _, want := range tt.faults {
				if !errors.Is(err, want) {
					t.Errorf("%v does not tell of %v", err, want)
				}
			}
		})
	}
}
