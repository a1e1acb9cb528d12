//go:build !race

// One goroutine simulates, so the race detector has nothing to find here and would take five times as long.

package polling_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/polling"
)

// long has a test run beside others, but not where tests are to be short: the simulation calculates with floating-point numbers and durations,
// for which it does not matter how long an int is.
func long(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("simulates for seconds")
	}
	t.Parallel()
}

// The table's promises, on a smaller sample. The least possible means are 0.36 and 0.30 of the plan's with the model known,
// 0.64 and 0.80 with the model unknown.
func TestNewsIsLearnedSoonerThanByTheDocumentedPlan(t *testing.T) {
	long(t)
	for _, test := range []struct {
		rate           float64
		strategy       int
		mean, p99, max float64 // times the plan's
	}{
		{1, polling.Known, 0.40, 0.85, 1.6},
		{1, polling.Unknown, 0.70, 1.2, 2.1},
		{1.5, polling.Known, 0.34, 0.78, 1.6},
		{1.5, polling.Unknown, 0.86, 1.15, 2.1},
	} {
		t.Run(fmt.Sprintf("%s at %g", polling.Name(test.strategy), test.rate), func(t *testing.T) {
			t.Parallel()
			results := polling.Compare(test.rate, 8000, 2, polling.Documented, test.strategy)
			plan, ours := results[polling.Documented], results[test.strategy]
			for name, got := range map[string][2]float64{
				"mean": {ours.Mean() / plan.Mean(), test.mean},
				"p99":  {ours.Quantile(0.99) / plan.Quantile(0.99), test.p99},
				"max":  {ours.Quantile(1) / plan.Quantile(1), test.max},
			} {
				if got[0] > got[1] {
					t.Errorf("%s %.3f of the plan's, want at most %.2f", name, got[0], got[1])
				}
			}
		})
	}
}

func TestTheLeastMeanIsHigherIfNoTaskMayBeLate(t *testing.T) {
	long(t)
	reached := polling.Run(polling.Workload(polling.Models(), 8000, 1.5, 1), polling.Ours(true)).Mean()
	least := polling.Bound(polling.Models(), 1.5, true, 0)
	punctual := polling.Bound(polling.Models(), 1.5, true, 200)
	if least < 0.8*reached || least > reached || punctual < 1.03*least || punctual > 1.3*least {
		t.Errorf("least mean %.1f s, %.1f s if no task is 200 s late; reached %.1f s", least, punctual, reached)
	}
}

func TestThePlanComesOutAsExpected(t *testing.T) {
	t.Parallel()
	for rate, want := range map[float64]float64{0.5: 19, 1: 49, 1.5: 119} {
		if got := polling.Compare(rate, 20_000, 1, polling.Documented)[polling.Documented].Mean(); got < want*0.92 || got > want*1.08 {
			t.Errorf("mean delay %.1f s at %g tasks/s, want about %g", got, rate, want)
		}
	}
}

func TestWithCallbacksATaskIsAskedHardlyMoreThanOnce(t *testing.T) {
	long(t)
	for _, rate := range []float64{0.5, 1.8} {
		results := polling.Compare(rate, 8000, 2, polling.Called, polling.Known)
		called, known := results[polling.Called], results[polling.Known]
		if called.PerTask() > 1.1 || called.Mean() > known.Mean() || called.Quantile(0.5) > 5 {
			t.Errorf("%g tasks/s: %.3f queries a task, delay %.1f s in the mean, %.1f s for half of them; without callbacks %.1f s",
				rate, called.PerTask(), called.Mean(), called.Quantile(0.5), known.Mean())
		}
	}
}

// Twice the tasks take no longer to be known: nothing piles up.
func TestOverloadPilesNothingUp(t *testing.T) {
	long(t)
	short := polling.Compare(1.8, 6000, 1, polling.Known)[polling.Known]
	results := polling.Compare(1.8, 12_000, 1, polling.Known, polling.Documented)
	long, plan := results[polling.Known], results[polling.Documented]
	if long.Mean() > 1.3*short.Mean() || long.Mean() > plan.Mean()/2 {
		t.Errorf("mean delay %.0f s after 6000 tasks, %.0f s after 12000, %.0f s by the plan", short.Mean(), long.Mean(), plan.Mean())
	}
}

// mean returns the mean delay of ours, and the plan's, for tasks that are made anew for each.
func mean(workload func() []*polling.Task) (ours, plan float64) {
	return polling.Run(workload(), polling.Ours(true)).Mean(), polling.Run(workload(), polling.Plan()).Mean()
}

func TestDurationsThatShiftAreLearnedAnewWithin200Tasks(t *testing.T) {
	long(t)
	const before, learning, after = 1500, 200, 1000
	shifted := func(from int) func() []*polling.Task {
		return func() []*polling.Task {
			tasks := polling.Workload(polling.Models(), before+learning+after, 0.8, 1)
			for i, k := range tasks {
				if i >= from {
					k.Duration *= 3
				}
				k.Counts = i >= before+learning
			}
			return tasks
		}
	}
	night, _ := mean(shifted(before))
	always, plan := mean(shifted(0))
	if night > 1.2*always || night > plan/2 {
		t.Errorf("mean %.1f s, but %.1f s if durations had been so all along, and %.1f s by the plan", night, always, plan)
	}
}

func TestAModelNeverSeenIsNotWorseOffThanByThePlan(t *testing.T) {
	long(t)
	for _, median := range []time.Duration{5 * time.Second, time.Minute, 15 * time.Minute} {
		ours, plan := mean(func() []*polling.Task {
			newcomer := polling.Model{Name: "new", Share: 0.1, Median: median, Sigma: 0.3}
			tasks := polling.Workload(append([]polling.Model{newcomer}, polling.Models()...), 4000, 1, 1)
			known := polling.Workload(polling.Models(), 4000, 1, 2)
			for i, k := range tasks {
				k.Counts = i >= 2000 && k.Model == 0
				if i < 2000 {
					k.Duration, k.Model = known[i].Duration, known[i].Model+1
				}
			}
			return tasks
		})
		if ours > plan {
			t.Errorf("median %v: mean %.1f s, by the plan %.1f s", median, ours, plan)
		}
	}
}

func TestAFirstReadDelaysNewsByNoMoreThanAThird(t *testing.T) {
	long(t)
	for _, rate := range []float64{0.5, 1, 1.5} {
		news := func() []*polling.Task { return polling.Workload(polling.Models(), 2000, rate, 1) }
		old := polling.Workload(polling.Models(), 100_000, 1000, 2)
		for _, k := range old {
			k.Old, k.Counts, k.Born = true, false, k.Born.Add(-24*time.Hour)
		}
		without := polling.Run(news(), polling.Ours(true)).Mean()
		with := polling.Run(append(old, news()...), polling.Ours(true)).Mean()
		if with > without*4/3 {
			t.Errorf("%g tasks/s: mean %.1f s, with a first read %.1f s", rate, without, with)
		}
	}
}

func TestAVariantThatIsKnownBringsATenth(t *testing.T) {
	long(t)
	for _, m := range polling.Mixes() {
		t.Run(m.Name, func(t *testing.T) {
			t.Parallel()
			model, variant := m.Compare(1, 3000, 1)
			if variant.Mean() > 0.9*model.Mean() || variant.Quantile(0.99) > 1.1*model.Quantile(0.99) {
				t.Errorf("mean %.1f s and p99 %.1f s, by the model alone %.1f s and %.1f s", variant.Mean(), variant.Quantile(0.99), model.Mean(), model.Quantile(0.99))
			}
		})
	}
}
