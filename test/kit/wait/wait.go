// Package wait has tests wait for what happens in other goroutines or processes, where no bubble of testing/synctest can hold them.
package wait

import (
	"testing"
	"time"
)

// Until calls check every now and then until it returns nil. It ends the test with the last error if that takes too long.
func Until(tb testing.TB, within, between time.Duration, check func() error) {
	tb.Helper()
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
