//go:build !race

package polling

import (
	"math"
	"testing"
)

// With equal spans in a sliding window the application's requests are one more or one less than on average, so one of ours has to stay out.
func TestWhatIsUsableInAWindowFollowsFromTheApplicationsRequests(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		c       Case
		ours    float64 // in a window
		refused float64
	}{
		{Case{Sliding, 3, 0.9, false}, 2, 0},
		{Case{Sliding, 3, 0.9, false}, 3, 0.5},
		{Case{Sliding, 3, 0.9, false}, 2.5, 0.25},
		{Case{Sliding, 1.5, 0.5, false}, 6, 0},
		{Case{Sliding, 1.5, 0.5, false}, 7, 0.125},
		{Case{Fixed, 1.5, 0.9, false}, 1, 0},
		{Case{Fixed, 1.5, 0.9, false}, 2, 0.5},
		{Case{Sliding, 10, 0.5, true}, 26, 0.00049}, // Poisson: 74 or more of 50
	} {
		if got := newWindow(test.c).refused(test.ours); math.Abs(got-test.refused) > 0.005+0.01*test.refused {
			t.Errorf("%v: with %g of ours %.4f are refused, want %.4f", test.c, test.ours, got, test.refused)
		}
	}
	for c, want := range map[Case]float64{
		{Sliding, 3, 0.9, false}:  2 / 3.,
		{Sliding, 3, 0.5, false}:  14 / 15.,
		{Sliding, 10, 0.9, false}: 0.9,
	} {
		if got := newWindow(c).usable(); got < want || got > want+0.02 {
			t.Errorf("%v: %.3f is usable, want %.3f", c, got, want)
		}
	}
}
