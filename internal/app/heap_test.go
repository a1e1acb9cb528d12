package app

import (
	"runtime"
	"runtime/debug"
	runtimemetrics "runtime/metrics"
	"testing"
	"time"
)

func TestALargeHeapGrowsByLess(t *testing.T) {
	for live, want := range map[uint64]int{
		0: 100, 5 << 20: 100, 48 << 20: 100, 96 << 20: 50, 192 << 20: 25, 200 << 20: 25, 4 << 30: 25,
	} {
		if got := growth(live); got != want {
			t.Errorf("with %d MiB in use it may grow by %d %%, want %d", live>>20, got, want)
		}
	}
}

// Other tests of the package collect garbage too, and may have another pacer: it is the same rule.
func TestThePaceFollowsWhatIsInUse(t *testing.T) {
	p := pace(func(string) string { return "" })
	func() {
		ballast := make([]byte, 300<<20) // never touched, so it takes no memory
		await(t, leastGrowth)
		runtime.KeepAlive(ballast)
	}()
	await(t, mostGrowth)
	p.stop()
}

func TestGOGCIsLeftAlone(t *testing.T) {
	before := debug.SetGCPercent(77)
	defer debug.SetGCPercent(before)
	defer pace(func(name string) string { return map[string]string{"GOGC": "77"}[name] }).stop()
	runtime.GC()
	if got := percent(); got != 77 {
		t.Errorf("it is %d", got)
	}
}

func percent() int {
	s := []runtimemetrics.Sample{{Name: "/gc/gogc:percent"}}
	runtimemetrics.Read(s)
	return int(s[0].Value.Uint64()) //nolint:gosec // a percentage
}

// await waits until the percentage is what it is to be.
func await(t *testing.T, want int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); percent() != want; time.Sleep(time.Millisecond) {
		runtime.GC()
		if time.Now().After(end) {
			t.Fatalf("it is %d, want %d", percent(), want)
		}
	}
}

func TestAHeapGrowsToWhatIsAboutToBeInUse(t *testing.T) {
	for _, c := range []struct {
		expected, live uint64
		want           int
	}{
		{0, 0, 100},
		{0, 96 << 20, 50},
		{0, 200 << 20, 25},
		{10 << 20, 5 << 20, 300},    // to 20 MiB
		{96 << 20, 36 << 20, 300},   // to 144 MiB
		{200 << 20, 10 << 20, 2400}, // to 250 MiB, which it may grow to in the end, and no further
		{200 << 20, 100 << 20, 150}, // likewise
		{200 << 20, 200 << 20, 25},  // all of it is in use
		{200 << 20, 400 << 20, 25},  // more is
		{10 << 30, 1 << 10, farGrowth},
	} {
		if got := growthTo(c.expected, c.live); got != c.want {
			t.Errorf("with %d MiB in use, and %d expected, it may grow by %d %%, want %d", c.live>>20, c.expected>>20, got, c.want)
		}
	}
}
