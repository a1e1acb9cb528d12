package schedule_test

import (
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

// asTasksTake observes n lognormal durations; one task in a hundred takes ten times as long.
func asTasksTake(d *schedule.Durations, median time.Duration, sigma float64, n int, random *rand.Rand) {
	for range n {
		times := 1.0
		if random.IntN(100) == 0 {
			times = 10
		}
		d.Observe(time.Duration(float64(median) * times * math.Exp(sigma*random.NormFloat64())))
	}
}

type kind struct {
	median time.Duration
	sigma  float64
}

// fresh holds the thresholds that are learned of such tasks alone.
type fresh map[kind]time.Duration

func (f fresh) overdue(median time.Duration, sigma float64) time.Duration {
	k := kind{median, sigma}
	if f[k] == 0 {
		d := schedule.NewDurations(nil)
		asTasksTake(d, median, sigma, 2000, newRandom())
		f[k] = d.Overdue()
	}
	return f[k]
}

// check checks that a threshold is that of such tasks alone, within what 30 of them can tell.
func (f fresh) check(t *testing.T, d *schedule.Durations, median time.Duration, sigma float64, seed uint64) {
	t.Helper()
	spread := math.Exp(1.2 * sigma)
	got, want := d.Overdue().Seconds(), f.overdue(median, sigma).Seconds()
	if got > want*spread || got < want/spread {
		t.Errorf("seed %d, σ %v: overdue after %v s, want that of fresh tasks, %v s", seed, sigma, got, want)
	}
}

func TestTheThresholdOfAModelThatBecameFasterIsRightWithin60Tasks(t *testing.T) {
	known := make(fresh)
	for _, before := range []int{12, 20, 40, 100, 1000} {
		for _, sigma := range []float64{0.2, 0.4, 0.6} {
			for seed := range uint64(20) {
				random := rand.New(rand.NewPCG(seed, 1))
				d := schedule.NewDurations(nil)
				asTasksTake(d, 20*time.Minute, sigma, before, random)
				asTasksTake(d, 2*time.Minute, sigma, 60, random)
				known.check(t, d, 2*time.Minute, sigma, seed)
				asTasksTake(d, 2*time.Minute, sigma, 440, random)
				known.check(t, d, 2*time.Minute, sigma, seed)
			}
		}
	}
}

// It rises in steps, since each task counts as the threshold of its time at the most.
func TestTheThresholdOfAModelThatBecameSlowerFollowsIt(t *testing.T) {
	known := make(fresh)
	for _, factor := range []float64{4, 10} {
		for _, sigma := range []float64{0.2, 0.4, 0.6} {
			for seed := range uint64(20) {
				random := rand.New(rand.NewPCG(seed, 1))
				d := schedule.NewDurations(nil)
				asTasksTake(d, 2*time.Minute, sigma, 1000, random)
				slow := time.Duration(factor * 2 * float64(time.Minute))
				asTasksTake(d, slow, sigma, 60, random)
				if got, want := d.Overdue(), known.overdue(slow, sigma); got < want*2/5 || got > want*2 {
					t.Errorf("seed %d, σ %v: overdue after %v, want about that of fresh tasks, %v", seed, sigma, got, want)
				}
				asTasksTake(d, slow, sigma, 60, random)
				known.check(t, d, slow, sigma, seed)
			}
		}
	}
}

// The second change comes while too little is known of what came after the first.
func TestTheThresholdForgetsTwiceInARow(t *testing.T) {
	known := make(fresh)
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 2))
		d := schedule.NewDurations(nil)
		asTasksTake(d, time.Hour, 0.3, 1000, random)
		asTasksTake(d, 20*time.Minute, 0.3, 20, random)
		asTasksTake(d, 2*time.Minute, 0.3, 60, random)
		known.check(t, d, 2*time.Minute, 0.3, seed)
	}
}

// Until enough is known of what came after a change, the threshold is what it was: a few tasks would make it jump.
func TestTheThresholdHoldsDuringAChange(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 3))
		d := schedule.NewDurations(nil)
		asTasksTake(d, 20*time.Minute, 0.3, 300, random)
		before := d.Overdue()
		for n := range 29 {
			asTasksTake(d, 4*time.Minute, 0.3, 1, random)
			if got := d.Overdue(); got > before*11/10 || got < before*9/10 {
				t.Fatalf("seed %d: after %d tasks %v, before %v", seed, n, got, before)
			}
		}
	}
}

// A tenth of tasks that hang, and then finish, would make themselves the rule.
func TestTasksThatHangDoNotRaiseTheThreshold(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 4))
		d := schedule.NewDurations(nil)
		lognormal(d, time.Minute, 0.2, 500, random)
		before := d.Overdue()
		for i := range 500 {
			if i%12 == 0 {
				d.Observe(10 * time.Hour)
			} else {
				lognormal(d, time.Minute, 0.2, 1, random)
			}
			if got := d.Overdue(); got > before*3/2 {
				t.Fatalf("seed %d: %v, before %v", seed, got, before)
			}
		}
	}
}

func TestAFewHangingTasksInARowDoNotRaiseTheThreshold(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 5))
		d := schedule.NewDurations(nil)
		asTasksTake(d, 3*time.Minute, 0.4, 500, random)
		before := d.Overdue()
		for range 6 {
			d.Observe(20 * time.Hour)
		}
		for range 100 {
			asTasksTake(d, 3*time.Minute, 0.4, 1, random)
			if got := d.Overdue(); got > before*3/2 {
				t.Fatalf("seed %d: %v, before %v", seed, got, before)
			}
		}
	}
}
