//go:build !noredis

package app_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

func TestTheNextHolderGoesOnWithThePaceThatWasLearned(t *testing.T) {
	t.Parallel()
	ids := make([]string, 300)
	for i := range ids {
		ids[i] = fmt.Sprintf("task-%03d", i)
	}
	c := startClusterOf(t, kiesim.Options{RequestsPerSecond: 2}, "requests_per_second: 40, max_requests_per_second: 200, max_concurrent: 4",
		"groups: [{name: g, tasks: ["+strings.Join(ids, ", ")+"]}]\n", ids...)
	wait.Until(t, time.Minute, 50*time.Millisecond, func() error {
		if learnedLimit(c.holder.scrape()) == 0 {
			return errors.New("nothing was learned of the limit")
		}
		return nil
	})
	c.sim.SetRequestsPerSecond(0)
	learned := learnedLimit(c.holder.until(time.Minute, `kie_api_gate_closed{account="default",reason="rate_limited"} 0`))
	if code := c.holder.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	wait.Until(t, time.Minute, 50*time.Millisecond, func() error {
		if next := learnedLimit(c.other.scrape()); learned == 0 || next < learned-0.01 || next > learned+0.01 {
			return fmt.Errorf("the next holder knows of %g requests a second, the one before of %g", next, learned)
		}
		return nil
	})
}
