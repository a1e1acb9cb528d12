// Package wait has tests wait for what happens in other goroutines or processes, where no bubble of testing/synctest can hold them.
package wait

import (
	"testing"
	"time"
)

// atLeast is how long Until waits whatever it is told. Machines that run tests do much else, and may stand still for seconds; where all is well
// nobody waits so long.
const atLeast = 3 * time.Minute

// Until calls check every now and then until it returns nil. It ends the test with the last error if that takes too long.
func Until(tb testing.TB, within, between time.Duration, check func() error) {
	tb.Helper()
	within = max(within, atLeast)
	for deadline := time.Now().Add(within); ; time.Sleep(between) {
		err := check()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			tb.Fatalf("after %v: %v", within, err)
		}
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
