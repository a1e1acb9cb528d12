//go:build !race

package polling_test

import (
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/sim/polling"
)

// Where parts cost most, as least of the budget is needed.
func TestFourPartsTakeHardlyLongerThanOne(t *testing.T) {
	long(t)
	for _, known := range []bool{false, true} {
		results := polling.CompareParts(0.5, 20_000, 1, known, 1, 4)
		whole, cut := results[0], results[1]
		if len(cut.Delays) != len(whole.Delays) || cut.Mean() > 1.15*whole.Mean() || cut.Mean() < whole.Mean() {
			t.Errorf("models known %v: mean delay %.2f s of %d tasks with four parts, %.2f s of %d with one", known, cut.Mean(), len(cut.Delays), whole.Mean(), len(whole.Delays))
		}
	}
}
