package schedule_test

import (
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

func TestTheIntervalGrowsWithAgeWithinItsBounds(t *testing.T) {
	bounds := schedule.Bounds{Min: 5 * time.Second, Max: 30 * time.Second}
	for age, want := range map[time.Duration]time.Duration{
		0:                                5 * time.Second, // 3 s by age
		29 * time.Second:                 5 * time.Second,
		30 * time.Second:                 7 * time.Second,
		2*time.Minute - time.Millisecond: 7 * time.Second,
		2 * time.Minute:                  20 * time.Second,
		15 * time.Minute:                 30 * time.Second, // 60 s by age
		24*time.Hour - time.Second:       30 * time.Second,
		24 * time.Hour:                   time.Hour,
	} {
		if got := bounds.Interval(age); got != want {
			t.Errorf("at an age of %v: %v, want %v", age, got, want)
		}
	}
}

func TestBackoffDoublesUpToTenMinutesGiveOrTakeAFifth(t *testing.T) {
	want := 5 * time.Second
	for n := 1; n < 100; n++ {
		for range 100 {
			if got := schedule.Backoff(n); got < want*8/10 || got > want*12/10 {
				t.Fatalf("after %d faults: %v, want %v ± 20 %%", n, got, want)
			}
		}
		want = min(2*want, 10*time.Minute)
	}
}

func TestATaskNotFound(t *testing.T) {
	const day = 24 * time.Hour
	for _, test := range []struct {
		n     schedule.NotFound
		wait  time.Duration
		again bool
	}{
		{schedule.NotFound{Seen: 2 * time.Second, InGrace: 1}, 15 * time.Second, true},
		{schedule.NotFound{Seen: 17 * time.Second, InGrace: 2}, 30 * time.Second, true},
		{schedule.NotFound{Seen: 75 * time.Second, InGrace: 4}, 15 * time.Second, true}, // the rest of the grace
		{schedule.NotFound{Seen: 90 * time.Second, InGrace: 4, After: 1}, 10 * time.Minute, true},
		{schedule.NotFound{Seen: time.Hour, After: 3}, 40 * time.Minute, true},
		{schedule.NotFound{Seen: 6 * day, Lost: 6 * day, After: 50}, day, true},
		{schedule.NotFound{Seen: 7 * day, Lost: 7 * day, After: 9}, 0, false},
		{schedule.NotFound{Seen: 30 * day, Lost: time.Hour, After: 1}, 10 * time.Minute, true},
		{schedule.NotFound{Seen: time.Hour, Age: 61 * day, After: 1}, 0, false},
		{schedule.NotFound{Seen: time.Hour, Age: 59 * day, After: 1}, 10 * time.Minute, true},
	} {
		if wait, again := test.n.Again(); wait != test.wait || again != test.again {
			t.Errorf("%+v: %v, %v; want %v, %v", test.n, wait, again, test.wait, test.again)
		}
	}
}
