package polling_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/polling"
)

func TestALearnedPaceUsesWhatIsFreeAndIsHardlyRefused(t *testing.T) {
	t.Parallel()
	for _, c := range []polling.Case{
		{Limiter: polling.Bucket, Limit: 5, Used: 0.5},
		{Limiter: polling.Sliding, Limit: 5},
		{Limiter: polling.Sliding, Limit: 10}, // the most that is allowed
	} {
		t.Run(fmt.Sprintf("%s, %g", c.Limiter, c.Limit), func(t *testing.T) {
			t.Parallel()
			r := c.Compare(4000)
			for what, got := range map[string][2]float64{
				"refused of 1,000 queries":                     {r.Learned.OursRefused(), 2},
				"refused of 1,000 requests of the application": {r.Learned.TheirsRefused(), 0.5},
				"mean delay by the oracle's":                   {r.Learned.Mean() / r.Oracle.Mean(), 1.15},
				"part of what is free that is not used":        {1 - r.Learned.PartUsed(), 0.15},
			} {
				if got[0] > got[1] {
					t.Errorf("%s: %.3g, want %g at most", what, got[0], got[1])
				}
			}
			if c.Limit > polling.PacedRate && r.Fixed.Mean() < r.Learned.Mean() {
				t.Errorf("mean delay %.1f s, at %d requests a second %.1f s", r.Learned.Mean(), polling.PacedRate, r.Fixed.Mean())
			}
		})
	}
}

func TestALimitThatFallsIsNoticedAtOnce(t *testing.T) {
	t.Parallel()
	f := polling.Fall{Limiter: polling.Bucket, To: 3}
	o := f.Run()
	if below, refused, found := o.Settled(polling.FellAt, f.To); below > 10*time.Second || refused == 0 || refused > 10 || found > 2*time.Minute {
		t.Errorf("below the limit after %v, found after %d refusals and %v", below, refused, found)
	}
}

// What an application leaves of a limit by short windows is not all usable, as it has no equal part in each.
func TestNotAllThatIsFreeIsUsable(t *testing.T) {
	t.Parallel()
	scene := polling.Scene{Limiter: polling.Sliding, Limit: polling.Constant(3), Application: polling.Traffic{PerSecond: 2.7}}
	if part := polling.Usable(scene); part < 0.4 || part > 0.8 {
		t.Errorf("%.2f of it is", part)
	}
	scene.Limiter = polling.Unlimited
	if part := polling.Usable(scene); part != 1 {
		t.Errorf("without a limit %.2f of it is", part)
	}
}
