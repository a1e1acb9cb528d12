package budget_test

import (
	"errors"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

func TestNoReconfigurationMakesRoomForABurst(t *testing.T) {
	bubble(t, budget.Options{Rate: 2, Concurrent: 4}, func(t *testing.T, r *rig) {
		o := budget.Options{Client: r.client, Key: r.current, Rate: 2, Concurrent: 4}
		start := time.Now()
		for i := range 100 {
			o.Concurrent = 4 + i%2
			r.Reconfigure(o)
			_ = r.ask(t, "a")
		}
		if took := time.Since(start); took < 45*time.Second {
			t.Errorf("100 requests took %v, want nearly 50s", took)
		}
	})
}

func TestAReconfiguredBudgetKeepsItsGateItsPaceAndItsCounts(t *testing.T) {
	bubble(t, budget.Options{Rate: 10, Concurrent: 2}, func(t *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{Times: 1}, kiesim.Fault{Code: 429})
		_ = r.ask(t, "a")
		r.Reconfigure(budget.Options{Client: r.client, Key: r.current, Rate: 20, Concurrent: 1})
		r.wantClosed(t, kie.ClassRateLimited)
		s := r.Stats()
		if s.Requests[kie.Jobs][kie.ClassRateLimited] != 1 || s.Pace < 10 || s.Pace > 10.5 {
			t.Errorf("counted %v, pace %v; want 1 and half of 20", s.Requests, s.Pace)
		}
		if _, err := r.AcquireProbe(t.Context(), budget.Probe{ID: "a", Due: func() bool { return false }}); !errors.Is(err, budget.ErrClosed) {
			t.Errorf("a closed gate lets somebody wait who can't: %v", err)
		}
	})
}
