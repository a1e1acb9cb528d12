//go:build !race

// One goroutine simulates each, so the race detector has nothing to find here and would take five times as long.

package polling_test

import (
	"fmt"
	"math"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/polling"
)

// reach is what is asked of a case.
type reach struct{ mean, unused, theirs float64 }

// beyond returns what is asked of the cases in which no pace meets a goal: docs/polling.md shows why.
func beyond() map[polling.Case]reach {
	return map[polling.Case]reach{
		{Limiter: polling.Sliding, Limit: 1.5, Used: 0.5}:              {1.4, 0.23, polling.MostTheirsRefused},
		{Limiter: polling.Sliding, Limit: 1.5, Used: 0.9}:              {1.9, 0.35, 50}, // it is near its limit by itself
		{Limiter: polling.Sliding, Limit: 3, Used: 0.9}:                {1.85, 0.37, polling.MostTheirsRefused},
		{Limiter: polling.Sliding, Limit: 5, Used: 0.9}:                {1.4, 0.23, polling.MostTheirsRefused},
		{Limiter: polling.Fixed, Limit: 1.5, Used: 0.9}:                {1.9, 0.35, polling.MostTheirsRefused},
		{Limiter: polling.ShortWindow, Limit: 5, Used: 0.5}:            {1.4, 0.25, polling.MostTheirsRefused},
		{Limiter: polling.Bucket, Limit: 10, Used: 0.5, Random: true}:  {1.3, 1 - polling.LeastUsed, polling.MostTheirsRefused},
		{Limiter: polling.Sliding, Limit: 10, Used: 0.5, Random: true}: {1.9, 0.38, polling.MostTheirsRefused},
	}
}

// All rows of the table in docs/polling.md keep to the goals, but for what is beyond anybody's reach. The simulation is the same each time
// on the same kind of processor; where products are rounded otherwise, other requests are refused.
func TestALearnedPaceUsesWhatIsFreeAndIsHardlyRefused(t *testing.T) {
	t.Parallel()
	if testing.Short() || runtime.GOARCH != "amd64" {
		t.Skip("takes seven seconds, for amd64 only")
	}
	oracles := make(map[float64]func() polling.Outcome) // by what is free, which is all that it depends on
	for _, c := range polling.Cases() {
		free := math.Round(c.Free() * 1000)
		if oracles[free] == nil {
			oracles[free] = sync.OnceValue(func() polling.Outcome { return c.Oracle(4000) })
		}
		t.Run(fmt.Sprintf("%s, %g, %g, %v", c.Limiter, c.Limit, c.Used, c.Random), func(t *testing.T) {
			t.Parallel()
			want, ok := beyond()[c]
			if !ok {
				want = reach{polling.MostMean, 1 - polling.LeastUsed, polling.MostTheirsRefused}
			}
			learned, oracle := c.Learn(4000), oracles[free]()
			for what, got := range map[string][2]float64{
				"refused of 1,000 queries":                     {learned.OursRefused(), polling.MostRefused},
				"refused of 1,000 requests of the application": {learned.TheirsRefused(), want.theirs},
				"mean delay by the oracle's":                   {learned.Mean() / oracle.Mean(), want.mean},
				"part of what is free that is not used":        {1 - learned.PartOf(&oracle), want.unused},
			} {
				if got[0] > got[1] {
					t.Errorf("%s: %.3g, want %.3g at most", what, got[0], got[1])
				}
			}
		})
	}
}

func TestALimitThatFallsIsNoticedAtOnce(t *testing.T) {
	t.Parallel()
	if testing.Short() || runtime.GOARCH != "amd64" {
		t.Skip("takes two seconds, for amd64 only")
	}
	for _, f := range polling.Falls() {
		t.Run(fmt.Sprintf("%s, %g", f.Limiter, f.To), func(t *testing.T) {
			t.Parallel()
			o := f.Run()
			if s := o.Settled(polling.FellAt, f.To); s.Below > 10*time.Second || s.Last > 10*time.Second || s.Refused == 0 || s.Refused > 2 {
				t.Errorf("below the limit after %v, found after %d refusals, the last of them after %v", s.Below, s.Refused, s.Last)
			}
		})
	}
}

// What an application leaves of a limit by short windows is not all usable, as it has no equal part in each.
func TestNotAllThatIsFreeIsUsable(t *testing.T) {
	long(t)
	scene := polling.Scene{Limiter: polling.Sliding, Limit: polling.Constant(3), Application: polling.Traffic{PerSecond: 2.7}}
	if part := polling.Usable(scene); part < 0.4 || part > 0.8 {
		t.Errorf("%.2f of it is", part)
	}
	scene.Limiter = polling.Unlimited
	if part := polling.Usable(scene); part != 1 {
		t.Errorf("without a limit %.2f of it is", part)
	}
}
