package schedule_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

// lognormal observes n durations around a median.
func lognormal(d *schedule.Durations, median time.Duration, sigma float64, n int, random *rand.Rand) {
	for range n {
		d.Observe(time.Duration(float64(median) * math.Exp(sigma*random.NormFloat64())))
	}
}

func newRandom() *rand.Rand { return rand.New(rand.NewPCG(7, 7)) }

var bounds = schedule.Bounds{Min: 3 * time.Second, Max: time.Minute}

func TestWithoutAnythingLearnedATaskIsAskedByItsAge(t *testing.T) {
	d := schedule.NewDurations(schedule.NewDurations(nil))
	lognormal(d, time.Minute, 0.3, 9, newRandom())
	for age := time.Duration(0); age < 48*time.Hour; age += 7 * time.Minute {
		if got, want := d.Interval(bounds, age), bounds.Interval(age); got != want {
			t.Fatalf("at %v: %v, want %v", age, got, want)
		}
	}
}

func TestATaskIsAskedOftenWhenItShouldFinishAndSeldomBefore(t *testing.T) {
	d := schedule.NewDurations(nil)
	lognormal(d, 10*time.Minute, 0.1, 200, newRandom())
	if got := d.Interval(bounds, time.Minute); got < bounds.Max/2 {
		t.Errorf("after a minute of about ten: asked again after %v", got)
	}
	if got := d.Interval(bounds, 10*time.Minute); got > 15*time.Second {
		t.Errorf("at its usual end: asked again after %v", got)
	}
	queries := 0
	for age := time.Duration(0); age < 10*time.Minute; age += d.Interval(bounds, age) {
		queries++
	}
	if queries > 30 {
		t.Errorf("asked %d times in ten minutes", queries)
	}
}

func TestIntervalsStayWithinTheirBoundsWhateverWasLearned(t *testing.T) {
	random := newRandom()
	for range 30 {
		d := schedule.NewDurations(nil)
		lognormal(d, time.Duration(math.Exp(16*random.Float64())*float64(time.Millisecond)), 2*random.Float64(), 300, random)
		for age := time.Millisecond; age < 24*time.Hour; age = age * 5 / 4 {
			if got := d.Interval(bounds, age); got < bounds.Min || got > bounds.Max {
				t.Fatalf("at %v: %v", age, got)
			}
		}
		if got := d.Interval(bounds, 30*time.Hour); got != schedule.OldInterval {
			t.Fatalf("an old task is asked again after %v", got)
		}
	}
}

func TestAskingIsWorthMoreTheLongerOneWaits(t *testing.T) {
	d := schedule.NewDurations(nil)
	lognormal(d, 2*time.Minute, 0.4, 1000, newRandom())
	last := 0.0
	for age := time.Second; age < 12*time.Hour; age += age / 20 {
		worth := d.Worth(age)
		if worth < last || math.IsNaN(worth) || math.IsInf(worth, 0) {
			t.Fatalf("at %v: worth %v, before %v", age, worth, last)
		}
		last = worth
	}
}

func TestAModelNotKnownGoesByItsGroupThenByAll(t *testing.T) {
	all := schedule.NewDurations(nil)
	one, other := schedule.NewDurations(all), schedule.NewDurations(all)
	lognormal(schedule.NewDurations(one), 5*time.Second, 0.2, 200, newRandom())
	lognormal(schedule.NewDurations(all), 20*time.Minute, 0.2, 600, newRandom())
	inGroup, elsewhere := schedule.NewDurations(one), schedule.NewDurations(other)
	if got, want := inGroup.Interval(bounds, 4*time.Second), one.Interval(bounds, 4*time.Second); got != want {
		t.Errorf("in a group that is known: %v, want the group's %v", got, want)
	}
	if got, want := elsewhere.Interval(bounds, 18*time.Minute), all.Interval(bounds, 18*time.Minute); got != want {
		t.Errorf("in a group that is not known: %v, want that of all, %v", got, want)
	}
}

func TestTheOverdueThresholdIsLearned(t *testing.T) {
	random := newRandom()
	d := schedule.NewDurations(nil)
	lognormal(d, time.Minute, 0.3, 29, random)
	if got := d.Overdue(); got != 15*time.Minute {
		t.Errorf("after 29 tasks: %v, want 15m", got)
	}
	lognormal(d, time.Minute, 0.3, 271, random)
	p90 := time.Minute.Seconds() * math.Exp(0.3*1.2816)
	if got := d.Overdue().Seconds(); got < 3.5*p90 || got > 4.5*p90 {
		t.Errorf("%v s, want about four times %v s", got, p90)
	}
	speech := schedule.NewDurations(nil)
	lognormal(speech, 2*time.Second, 0.1, 100, random)
	if got := speech.Overdue(); got != 2*time.Minute {
		t.Errorf("of short tasks: %v, want 2m", got)
	}
}

func TestAChangeOfDurationsIsLearnedFrom200Tasks(t *testing.T) {
	for _, factor := range []float64{3, 1. / 3} {
		random := newRandom()
		median := 90 * time.Second
		d, fresh := schedule.NewDurations(nil), schedule.NewDurations(nil)
		lognormal(d, median, 0.4, 3000, random)
		shifted := time.Duration(float64(median) * factor)
		lognormal(d, shifted, 0.4, 200, random)
		lognormal(fresh, shifted, 0.4, 3000, random)
		for _, age := range []time.Duration{shifted / 2, shifted, 2 * shifted} {
			if got, want := d.Worth(age), fresh.Worth(age); got < want/2 || got > want*2 {
				t.Errorf("durations × %.2f, at %v: worth %.1f, want about %.1f", factor, age, got, want)
			}
		}
	}
}

func TestAFewSlowTasksAreNoChange(t *testing.T) {
	random := newRandom()
	d := schedule.NewDurations(nil)
	lognormal(d, time.Minute, 0.3, 1000, random)
	before := d.Worth(50 * time.Second)
	for range 3 {
		d.Observe(15 * time.Minute)
	}
	if after := d.Worth(50 * time.Second); math.Abs(after-before) > before/10 {
		t.Errorf("worth %v, before %v", after, before)
	}
}

func TestStrangeDurationsAreBorne(t *testing.T) {
	d := schedule.NewDurations(nil)
	for range 50 {
		for _, took := range []time.Duration{-time.Hour, 0, 1, time.Millisecond, 1000 * time.Hour, math.MaxInt64} {
			d.Observe(took)
		}
	}
	for age := time.Duration(0); age < 100*time.Hour; age += 13 * time.Minute {
		if worth := d.Worth(age); worth < 0 || math.IsNaN(worth) || math.IsInf(worth, 0) {
			t.Fatalf("at %v: worth %v", age, worth)
		}
	}
	if got := d.Overdue(); got < 2*time.Minute {
		t.Errorf("threshold %v", got)
	}
}

func TestAModelThatIsNewInAGroupGoesByWhatIsKnownOfItElsewhere(t *testing.T) {
	random := newRandom()
	all, everywhere := schedule.NewDurations(nil), schedule.NewDurations(nil)
	one, other := schedule.NewDurations(all), schedule.NewDurations(all)
	lognormal(schedule.NewModel(one, everywhere), 20*time.Minute, 0.2, 200, random)
	lognormal(schedule.NewModel(other, schedule.NewDurations(nil)), 5*time.Second, 0.2, 200, random)
	d := schedule.NewModel(other, everywhere)
	want := schedule.NewDurations(nil)
	lognormal(want, 20*time.Minute, 0.2, 200, newRandom())
	if got := d.Overdue(); got != want.Overdue() {
		t.Errorf("overdue after %v, want %v", got, want.Overdue())
	}
	for _, age := range []time.Duration{time.Minute, 15 * time.Minute, 20 * time.Minute} {
		if got := d.Interval(bounds, age); got != want.Interval(bounds, age) {
			t.Errorf("at %v: %v, want %v", age, got, want.Interval(bounds, age))
		}
	}
	lognormal(d, time.Minute, 0.2, 30, random)
	if got := d.Overdue(); got > 10*time.Minute {
		t.Errorf("overdue after %v, though it takes a minute here", got)
	}
}

func TestHeirsBeginWithAllThatWasKnown(t *testing.T) {
	group := schedule.NewDurations(nil)
	d, heir := schedule.NewDurations(group), schedule.NewDurations(schedule.NewDurations(nil))
	lognormal(d, 5*time.Minute, 0.2, 200, newRandom())
	heir.Inherit(d)
	check := func(when string) {
		t.Helper()
		if got, want := heir.Overdue(), d.Overdue(); got != want {
			t.Errorf("%s: overdue after %v, want %v", when, got, want)
		}
		for age := time.Second; age < time.Hour; age += 17 * time.Second {
			if got, want := heir.Worth(age), d.Worth(age); got != want {
				t.Fatalf("%s: at %v worth %v, want %v", when, age, got, want)
			}
		}
	}
	check("at first")
	before := d.Overdue()
	lognormal(heir, 5*time.Second, 0.2, 60, newRandom())
	if d.Overdue() != before {
		t.Error("what an heir learns changes what it inherited from")
	}
	lognormal(d, 5*time.Second, 0.2, 60, newRandom())
	check("later")
	heir.Inherit(schedule.NewDurations(nil))
	check("as one that knows something itself")
}
