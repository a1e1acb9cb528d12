package schedule_test

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/test/kit/program"
)

// faded is a model of what is documented: weights of durations that fade by a thousandth, in buckets of an eighth of an octave.
type faded map[int]float64

func (f faded) observe(took time.Duration) {
	for b := range f {
		f[b] *= 0.999
	}
	f[int(math.Floor(8*math.Log2(took.Seconds())))]++
}

func (f faded) total() (sum float64) {
	for _, w := range f {
		sum += w
	}
	return sum
}

// quantile returns the seconds below which a part of the weights lies.
func (f faded) quantile(part float64) float64 {
	rest := part * f.total()
	for b := range 17 * 8 {
		if w := f[b]; w > 0 && rest <= w {
			low, high := math.Exp2(float64(b)/8), math.Exp2(float64(b+1)/8)
			return low + (high-low)*rest/w
		}
		rest -= f[b]
	}
	return math.Exp2(17)
}

// q98 returns the seconds after which 98 of 100 tasks have finished, which is when a task with callbacks is asked, less 10 s.
func q98(d *schedule.Durations) float64 {
	return (d.SafetyNet(schedule.Bounds{Max: 48 * time.Hour}, 0, 48*time.Hour) - 10*time.Second).Seconds()
}

func wantAbout(t *testing.T, what string, n int, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > want/5000 {
		t.Fatalf("%s after %d tasks: %v s, want %v s", what, n, got, want)
	}
}

func TestDurationsFadeByAThousandth(t *testing.T) {
	d, model := schedule.NewDurations(nil), make(faded)
	for n := 1; n <= 3000; n++ {
		took := time.Duration(50+10*(n%3)) * time.Second
		if n < 1500 && n%20 == 0 || n%40 == 0 { // there are fewer such tasks later
			took = 3 * time.Minute
		}
		d.Observe(took)
		model.observe(took)
		if n >= 10 {
			wantAbout(t, "98 of 100", n, q98(d), model.quantile(0.98))
		}
		if n >= 30 && n%30 != 0 {
			want := max(math.Round(4*model.quantile(0.9)), 120)
			if got := d.Overdue().Seconds(); math.Abs(got-want) > 1 {
				t.Fatalf("overdue after %d tasks: %v s, want %v s", n, got, want)
			}
		}
	}
}

func TestTenTasksAreEnough(t *testing.T) {
	d := schedule.NewDurations(nil)
	for n := 1; n <= 10; n++ {
		d.Observe(time.Minute)
		if known := d.Interval(bounds, 0) != bounds.Interval(0); known != (n >= 10) {
			t.Errorf("after %d tasks: known %v", n, known)
		}
	}
}

// noticedAfter returns after how many tasks in a row that are all shorter than those before, or longer, they are a change:
// when the moving average of their ranks over a dozen is off the middle by a quarter.
func noticedAfter(before float64) (n int) {
	average, since := 0.5, 0.0
	for average > 0.25 && n < 1000 { // or never: of few tasks they soon are the rule
		average += (since/2/(before+since) - average) / 12
		before *= 0.999
		since = since*0.999 + 1
		n++
	}
	return n
}

func TestAChangeIsNoticedWhenADozenRanksAreOffByAQuarter(t *testing.T) {
	for _, test := range []struct{ before, after time.Duration }{
		{10 * time.Minute, time.Minute}, {time.Minute, 10 * time.Minute},
	} {
		d, before, all := schedule.NewDurations(nil), make(faded), make(faded)
		const many = 990 // a multiple of 30
		for range many {
			d.Observe(test.before)
			before.observe(test.before)
			all.observe(test.before)
		}
		held := d.Overdue()
		noticed := noticedAfter(before.total())
		counted := min(test.after, held) // as what each counts for the threshold
		since := make(faded)
		for n := 1; n < 200; n++ {
			d.Observe(test.after)
			if n == noticed {
				total := all.total()
				for b := range all {
					all[b] *= 2 / total
				}
			}
			all.observe(test.after)
			wantAbout(t, "98 of 100", n, q98(d), all.quantile(0.98))
			if n >= noticed && n < noticed+30 {
				since.observe(counted)
			}
			switch got := d.Overdue(); {
			case test.after < test.before && n >= 30:
				// the last 30 alone are reason enough
				if want := time.Duration(4 * 60 * math.Exp2(0.125) * float64(time.Second)); got > want {
					t.Fatalf("after %d tasks %v, want below %v", n, got, want)
				}
			case n < noticed+29:
				if got < held*98/100 || got > held*101/100 {
					t.Fatalf("after %d tasks %v, before %v", n, got, held)
				}
			case n == noticed+29:
				if want := 4 * since.quantile(0.9); math.Abs(got.Seconds()-want) > 1 {
					t.Fatalf("after %d tasks %v, want %v s", n, got, want)
				}
			}
		}
	}
}

// The moving average begins in the middle.
func TestAChangeSoonAfterTheFirstTasksIsNoticedLikeAnyOther(t *testing.T) {
	firsts := program.Fewer(7, 49)
	for first := 11; first < 60; first += 49 / firsts {
		d, all := schedule.NewDurations(nil), make(faded)
		for range first {
			d.Observe(10 * time.Minute)
			all.observe(10 * time.Minute)
		}
		noticed := noticedAfter(all.total())
		for n := 1; n < 150; n++ {
			if n == noticed {
				total := all.total()
				for b := range all {
					all[b] *= 2 / total
				}
			}
			d.Observe(time.Minute)
			all.observe(time.Minute)
			wantAbout(t, fmt.Sprintf("98 of 100 of %d and then", first), n, q98(d), all.quantile(0.98))
		}
	}
}

// Equal durations are in the middle of themselves.
func TestEqualDurationsAreNoChange(t *testing.T) {
	d := schedule.NewDurations(nil)
	for range 1000 {
		d.Observe(time.Minute)
	}
	for range 7 { // one less than make a change
		d.Observe(10 * time.Second)
	}
	wantAbout(t, "98 of 100", 1007, q98(d), faded{47: 1}.quantile(0.98-0.02*7/993/2)) // nearly
}

// With every sixteenth that is new, what a query is worth is worked out anew.
func TestWhatWasLearnedIsInForceAfterASixteenthMore(t *testing.T) {
	const many = 320
	d, model := schedule.NewDurations(nil), make(faded)
	observe := func(took time.Duration) {
		d.Observe(took)
		model.observe(took)
	}
	for range many {
		observe(time.Minute)
	}
	before := d.Worth(50 * time.Second)
	for n := 1; ; n++ {
		observe([]time.Duration{50 * time.Second, 70 * time.Second}[n%2])
		isNew := d.Worth(50*time.Second) != before
		if due := float64(n) >= model.total()/16; isNew != due {
			t.Fatalf("after %d more tasks: in force %v, want %v", n, isNew, due)
		}
		if isNew {
			break
		}
	}
}

func TestATaskOfADayIsAskedHourlyWhateverWasLearned(t *testing.T) {
	d := schedule.NewDurations(nil)
	lognormal(d, 10*time.Minute, 0.3, 100, newRandom())
	if got := d.Interval(bounds, 24*time.Hour); got != time.Hour {
		t.Errorf("at the age of a day: %v", got)
	}
	if got := d.Interval(bounds, 24*time.Hour-1); got != bounds.Max {
		t.Errorf("just before: %v", got)
	}
}

// That is an age at which a query is worth the lowest price.
func TestATaskIsDueWhenAskingIsWorthAQuarterOfASecond(t *testing.T) {
	wide := schedule.Bounds{Max: 10 * time.Hour}
	for _, median := range []time.Duration{30 * time.Second, 5 * time.Minute, time.Hour} {
		d := schedule.NewDurations(nil)
		lognormal(d, median, 0.3, 300, newRandom())
		due := d.Interval(wide, 0)
		if due%(100*time.Millisecond) != 0 {
			t.Errorf("after %v, want tenths of seconds", due)
		}
		if before, after := d.Worth(due-60*time.Millisecond), d.Worth(due+60*time.Millisecond); before > 0.25 || after < 0.25 {
			t.Errorf("due after %v, when it is worth %v to %v", due, before, after)
		}
	}
}

// twoModels is tasks of two models of a group: short and long tasks.
type twoModels struct{ group, short, long *schedule.Durations }

const short, long = 10 * time.Second, 10 * time.Minute

func newTwoModels() twoModels {
	group := schedule.NewDurations(nil)
	return twoModels{group, schedule.NewDurations(group), schedule.NewDurations(group)}
}

// observe has the group see a short task and a long one, so many times. Of each hundred short ones the first so many are known
// to be of their model, and likewise of the long ones.
func (c twoModels) observe(times, shorts, longs int) {
	for i := range times {
		of := func(d *schedule.Durations, known int) *schedule.Durations {
			if i%100 < known {
				return d
			}
			return c.group
		}
		of(c.short, shorts).Observe(short)
		of(c.long, longs).Observe(long)
	}
}

// A task whose model the first answer will tell is asked first as the models' shares of the last tasks make it pay.
func TestAModelsShareIsThatOfTheLastTasks(t *testing.T) {
	const age = 15 * time.Second
	worth := func(phases ...[2]int) float64 {
		c := newTwoModels()
		c.observe(20, 100, 100)
		for _, p := range phases {
			c.observe(800, p[0], p[1])
		}
		return c.group.Worth(age)
	}
	if more, less := worth([2]int{80, 20}), worth([2]int{20, 80}); more <= less {
		t.Errorf("worth %v where most are short, %v where most are long", more, less)
	}
	if more, less := worth([2]int{20, 80}, [2]int{80, 20}), worth([2]int{80, 20}, [2]int{20, 80}); more <= less {
		t.Errorf("worth %v where the last ones are short, %v where they are long", more, less)
	}
}

func TestAModelThatIsRetiredHasNoShare(t *testing.T) {
	const age = 5 * time.Second // which is early for a short task, and late to tell whether it is one
	worth := func(retired func(c twoModels) *schedule.Durations) float64 {
		c := newTwoModels()
		c.observe(100, 100, 100)
		retired(c).Retire()
		return c.group.Worth(age)
	}
	ofShort := worth(func(c twoModels) *schedule.Durations { return c.long })
	ofLong := worth(func(c twoModels) *schedule.Durations { return c.short })
	both := worth(func(twoModels) *schedule.Durations { return schedule.NewDurations(nil) })
	if ofShort >= both || both >= ofLong {
		t.Errorf("worth %v with the short tasks alone, %v with both, %v with the long ones alone", ofShort, both, ofLong)
	}
}
