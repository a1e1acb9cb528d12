//go:build !noredis

package app_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

func TestTheNextHolderGoesOnWithThePaceThatWasLearned(t *testing.T) {
	t.Parallel()
	ids := make([]string, 300)
	for i := range ids {
		ids[i] = fmt.Sprintf("task-%03d", i)
	}
	c := startClusterOf(t, "requests_per_second: 40, max_requests_per_second: 200, max_concurrent: 4",
		"groups: [{name: g, tasks: ["+strings.Join(ids, ", ")+"]}]\n", ids...)
	c.sim.SetRequestsPerSecond(20)
	learned := learnedLimit(c.holder.until(30*time.Second, `kie_api_gate_closed{account="default",reason="rate_limited"} 1`))
	if learned < 2 || learned > 60 {
		t.Fatalf("%g requests a second were found to pass", learned)
	}
	c.sim.SetRequestsPerSecond(0)
	if code := c.holder.end(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	wait.Until(t, time.Minute, 50*time.Millisecond, func() error {
		if next := learnedLimit(c.other.scrape()); next < learned-0.01 || next > learned+0.01 {
			return fmt.Errorf("the next holder knows of %g requests a second, the one before of %g", next, learned)
		}
		return nil
	})
}
