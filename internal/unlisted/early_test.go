package unlisted

import (
	"strconv"
	"testing"
	"time"
)

// heeded reports whether a callback about a task is heeded.
func heeded(e *Early, account, id string, now time.Time) bool {
	_, came := e.Heed(account, id, now)
	return came
}

func TestACallbackThatComesEarlyIsRememberedForTenMinutes(t *testing.T) {
	start := time.Now()
	for _, tt := range []struct {
		after time.Duration
		want  bool
	}{{0, true}, {10 * time.Minute, true}, {10*time.Minute + time.Second, false}} {
		var e Early
		e.Note("main", "a", start)
		if heeded(&e, "other", "a", start) || heeded(&e, "main", "b", start) {
			t.Error("one is heeded that never came")
		}
		if got := heeded(&e, "main", "a", start.Add(tt.after)); got != tt.want {
			t.Errorf("after %v: heeded %v", tt.after, got)
		}
		if heeded(&e, "main", "a", start) {
			t.Error("it is heeded twice")
		}
	}
}

func TestNoMoreThanTenThousandEarlyCallbacksAreRemembered(t *testing.T) {
	var e Early
	start := time.Now()
	for i := range 3 * maxEarly {
		e.Note("main", strconv.Itoa(i), start.Add(time.Duration(i)))
		if len(e.came) > maxEarly || len(e.order) > maxEarly {
			t.Fatalf("%d of %d are remembered", len(e.came), i)
		}
		if i%3 == 0 { // heeded, and it comes again
			e.Heed("main", strconv.Itoa(i), start)
			e.Note("main", strconv.Itoa(i), start.Add(time.Duration(i)))
		}
	}
	if heeded(&e, "main", "0", start) || !heeded(&e, "main", strconv.Itoa(3*maxEarly-1), start) {
		t.Error("the oldest are not the first to go")
	}
	e.Note("main", "last", start.Add(time.Hour))
	if len(e.order) != 1 || len(e.came) != 1 {
		t.Errorf("%d and %d are left after an hour", len(e.order), len(e.came))
	}
}
