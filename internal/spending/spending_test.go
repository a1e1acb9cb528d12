package spending

import (
	"testing"
	"time"
)

func TestUseIsToldOfTheLastHourOrOfTheTimeThereIs(t *testing.T) {
	start := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	var r Rate
	if _, ok := r.PerHour(); ok {
		t.Error("a rate without a look")
	}
	used := 0.0
	for s := 0; s <= 3*3600; s += 10 {
		now := start.Add(time.Duration(s) * time.Second)
		r.Add(now, used)
		rate, ok := r.PerHour()
		switch {
		case ok != (s >= 60):
			t.Fatalf("after %d s: known is %v", s, ok)
		case s >= 60 && s <= 3600 && (rate < 3599 || rate > 3601):
			t.Fatalf("after %d s: %g an hour, want 3600", s, rate)
		case s == 3*3600 && (rate < 7199 || rate > 7201): // twice as fast for the last two hours
			t.Fatalf("after three hours: %g an hour, want 7200", rate)
		}
		if len(r.kept) > 32 {
			t.Fatalf("%d looks are kept", len(r.kept))
		}
		used += 10
		if s >= 3600 {
			used += 10
		}
	}
}
