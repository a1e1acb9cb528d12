package schedule_test

import (
	"math"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

func TestCallbacksAreReliedOnWhileTheyCome(t *testing.T) {
	var c schedule.Callbacks
	if c.Relied() {
		t.Error("relied on before one came")
	}
	c.Missed(time.Hour)
	for range 3 {
		c.Came()
		c.Missed(time.Hour)
		c.Missed(time.Hour)
		for range 10 {
			c.Missed(5 * time.Second) // which may still come
		}
		if !c.Relied() {
			t.Error("two tasks in a row without one, and no more relied on")
		}
	}
	c.Missed(time.Hour)
	if c.Relied() {
		t.Error("three tasks in a row without one, and still relied on")
	}
	c.Missed(time.Hour)
	c.Came()
	if !c.Relied() {
		t.Error("they come again, and are not relied on")
	}
}

func TestTheSafetyNetWaitsUntilNearlyAllHaveFinished(t *testing.T) {
	d := schedule.NewDurations(nil)
	if got := d.SafetyNet(bounds, 0, time.Hour); got != 5*time.Minute {
		t.Errorf("of unknown tasks: %v, want 5m", got)
	}
	lognormal(d, 2*time.Minute, 0.4, 1000, newRandom())
	p98 := 120 * math.Exp(0.4*2.054)
	got := d.SafetyNet(bounds, 0, time.Hour)
	if s := got.Seconds() - 10; s < p98*0.85 || s > p98*1.15 {
		t.Errorf("%v, want about 10 s after %.0f s", got, p98)
	}
	if rest := d.SafetyNet(bounds, time.Minute, time.Hour); rest != got-time.Minute {
		t.Errorf("at an age of a minute %v, want %v", rest, got-time.Minute)
	}
	if soon := d.SafetyNet(bounds, 0, 3*time.Minute); soon != 3*time.Minute {
		t.Errorf("%v, though overdue at 3m", soon)
	}
}

func TestTheSafetyNetWidensUpToAQuarterOfAnHour(t *testing.T) {
	d := schedule.NewDurations(nil)
	lognormal(d, time.Minute, 0.1, 100, newRandom())
	for age, want := range map[time.Duration]time.Duration{
		80 * time.Second: time.Minute, 10 * time.Minute: 5 * time.Minute, 3 * time.Hour: 15 * time.Minute, 25 * time.Hour: time.Hour,
	} {
		if got := d.SafetyNet(bounds, age, time.Hour); got != want {
			t.Errorf("at %v: %v, want %v", age, got, want)
		}
	}
	lognormal(d, time.Hour, 0.1, 1000, newRandom())
	if got := d.SafetyNet(bounds, 0, 10*time.Hour); got != 15*time.Minute {
		t.Errorf("of tasks that take an hour: %v, want 15m", got)
	}
	slow := schedule.Bounds{Min: 20 * time.Minute, Max: time.Hour}
	for age := time.Duration(0); age < 48*time.Hour; age += time.Minute {
		if got := d.SafetyNet(slow, age, time.Hour); got < slow.Min {
			t.Fatalf("at %v: %v, below the shortest interval", age, got)
		}
	}
}
