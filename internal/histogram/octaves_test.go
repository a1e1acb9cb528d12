package histogram

import (
	"math"
	"testing"
)

func TestADurationIsBetweenTheEdgesOfItsBucket(t *testing.T) {
	for _, n := range []Octaves{1, 4, 8} {
		for seconds := 0.001; seconds < 1e9; seconds *= 1.01 {
			place := n.Bucket(seconds)
			if low, high := n.Edge(math.Floor(place)), n.Edge(math.Floor(place)+1); seconds < low*(1-1e-9) || seconds > high*(1+1e-9) {
				t.Fatalf("%d to an octave: %g s are in bucket %g, which is from %g to %g", n, seconds, place, low, high)
			}
			if back := n.Edge(place); seconds >= 1 && math.Abs(back-seconds) > seconds*1e-9 {
				t.Fatalf("%d to an octave: %g s are at %g, which is %g s", n, seconds, place, back)
			}
		}
	}
}

func TestTheFirstBucketIsOfLessThanASecond(t *testing.T) {
	const n = Octaves(8)
	for seconds, want := range map[float64]float64{-1: 0, 0: 0, .5: .5, 1: 1, 2: 9, 4: 17} {
		if got := n.Bucket(seconds); got != want {
			t.Errorf("%g s are at %g, want %g", seconds, got, want)
		}
	}
	if n.Edge(0) != 0 || n.Edge(1) != 1 || n.Edge(9) != 2 {
		t.Errorf("edges are %g, %g, %g; want 0, 1, 2", n.Edge(0), n.Edge(1), n.Edge(9))
	}
}
