package dispatch

import (
	"errors"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

var start = time.Date(2026, 11, 28, 12, 0, 0, 0, time.UTC)

func TestOnlyABalanceThatFallsIsUse(t *testing.T) {
	c := credits{interval: time.Minute}
	for i, step := range []struct{ balance, used float64 }{
		{100, 0}, {90, 10}, {190, 10}, {150, 50}, {150, 50}, {150 - 2*mostUsed, 50}, {149 - 2*mostUsed, 51},
	} {
		if c.end(step.balance, nil, start); c.used != step.used {
			t.Errorf("look %d: %v were used, want %v", i, c.used, step.used)
		}
	}
}

func TestTheBalanceIsAskedForAgain(t *testing.T) {
	for name, tt := range map[string]struct {
		err         error
		failed      int // calls before
		least, most time.Duration
		interval    time.Duration
	}{
		"after its interval":           {interval: time.Minute, least: time.Minute, most: time.Minute},
		"soon after a failure":         {interval: time.Minute, err: errors.New("no"), least: 4 * time.Second, most: 6 * time.Second},
		"later after many":             {interval: time.Hour, err: errors.New("no"), failed: 9, least: 8 * time.Minute, most: 12 * time.Minute},
		"no later than its interval":   {interval: time.Minute, err: errors.New("no"), failed: 9, least: time.Minute, most: time.Minute},
		"when the API says it may be":  {interval: time.Hour, err: &kie.Error{Class: kie.ClassRateLimited, RetryAfter: 50 * time.Second}, least: 50 * time.Second, most: 50 * time.Second},
		"never, if nobody wants it to": {},
	} {
		c := credits{interval: tt.interval, failed: tt.failed, asking: true}
		c.end(5, tt.err, start)
		at, asks := c.dueAt()
		if wait := at.Sub(start); asks != (tt.interval > 0) || wait < tt.least || wait > tt.most {
			t.Errorf("%s: after %v, %v", name, wait, asks)
		}
		if _, known := c.known(start); known != (tt.err == nil) {
			t.Errorf("%s: known: %v", name, known)
		}
	}
	c := credits{interval: time.Minute}
	c.end(5, nil, start)
	if _, known := c.known(start.Add(3*time.Minute + 1)); known {
		t.Error("a balance of long ago is known")
	}
	if c.setInterval(time.Second, start); !c.isDue(start.Add(time.Second)) {
		t.Error("a shorter interval does not count at once")
	}
}

func TestAScrapeWaitsForWhatWasDueWhenItCame(t *testing.T) {
	for name, tt := range map[string]struct {
		first          time.Duration // when the first task is due, after the scrape came
		due, refused   bool
		released, want bool
	}{
		"nothing is due":        {released: true, want: true},
		"a task was due before": {first: -time.Second, due: true},
		"a task was due then":   {due: true},
		"all are due later":     {first: time.Second, due: true, released: true, want: true},
		"all are refused":       {first: -time.Second, due: true, refused: true, released: true},
	} {
		var all Waiters
		w := all.Add(start)
		all.Release(start.Add(tt.first), tt.due, tt.refused)
		released := false
		select {
		case <-w.Done:
			released = true
		default:
		}
		if released != tt.released || w.Asked != tt.want || len(all) == 0 != tt.released {
			t.Errorf("%s: released: %v, asked: %v", name, released, w.Asked)
		}
		if all.Remove(w); len(all) != 0 {
			t.Errorf("%s: it waits still", name)
		}
	}
}
