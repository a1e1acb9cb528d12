// Package wait has tests wait for what happens in other goroutines or processes, where no bubble of testing/synctest can hold them.
package wait

import (
	"testing"
	"time"
)

// atLeast is how long Until waits whatever it is told. Machines that run tests do much else, and may stand still for seconds; where all is well
// nobody waits so long.
const atLeast = 3 * time.Minute

// seldom is how far apart looks are after a few seconds, in which most have seen what they wait for.
const seldom = 250 * time.Millisecond

// Until calls check every now and then, and less often with time, until it returns nil: many checks read all metrics, and many tests wait at the same
// time. It ends the test with the last error if that takes too long.
func Until(tb testing.TB, within, between time.Duration, check func() error) {
	tb.Helper()
	within = max(within, atLeast)
	for began := time.Now(); ; {
		err := check()
		if err == nil {
			return
		}
		waited := time.Since(began)
		if waited > within {
			tb.Fatalf("after %v: %v", within, err)
		}
		time.Sleep(max(between, min(waited/20, seldom)))
	}
}

// Quick has the test fail if something takes longer than a time whenever it is tried. A machine that stands still makes one try late, and what waits
// for something makes all of them late. What is tried tells how long what matters took, and may prepare that before.
func Quick(tb testing.TB, within time.Duration, try func() time.Duration) {
	tb.Helper()
	const tries = 4
	for n := 1; ; n++ {
		took := try()
		if took <= within {
			return
		}
		tb.Logf("try %d took %v, more than %v", n, took, within)
		if n == tries {
			tb.Errorf("%d tries took longer than %v", n, within)
			return
		}
	}
}
