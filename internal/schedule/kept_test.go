package schedule

import (
	"bytes"
	"math/rand/v2"
	"testing"
	"time"
)

// taught returns durations of some tasks, of which the later ones are slower.
func taught(seed uint64, tasks int) *Durations {
	r := rand.New(rand.NewPCG(seed, 1))
	d := NewModel(NewDurations(nil), NewDurations(nil))
	for i := range tasks {
		d.Observe(time.Duration((1+float64(i)/500)*r.ExpFloat64()*float64(40*time.Second)) + 500*time.Millisecond)
	}
	return d
}

func TestLearnedDurationsAreReadAsTheyWereWritten(t *testing.T) {
	for _, tasks := range []int{0, 1, 9, 40, 3000} {
		d := taught(uint64(tasks), tasks) //nolint:gosec // a seed
		kept, err := d.AppendBinary(nil)
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := ParseDurations(kept)
		if err != nil {
			t.Fatalf("after %d tasks: %v", tasks, err)
		}
		again := NewModel(NewDurations(nil), NewDurations(nil))
		again.Inherit(parsed)
		if twice, _ := again.AppendBinary(nil); !bytes.Equal(twice, kept) {
			t.Errorf("after %d tasks other bytes are written again", tasks)
		}
		if got, want := again.Overdue(), d.Overdue(); got != want {
			t.Errorf("after %d tasks the threshold is %v, was %v", tasks, got, want)
		}
		if tasks < enough {
			continue
		}
		for _, age := range []time.Duration{0, time.Second, 20 * time.Second, 10 * time.Minute} {
			bounds := Bounds{Min: time.Second, Max: time.Hour}
			got, want := again.Interval(bounds, age), d.Interval(bounds, age)
			if diff := float64(got-want) / float64(want); diff > 0.15 || diff < -0.15 { // the tables there were made a sixteenth of all tasks ago
				t.Errorf("after %d tasks one of %v is asked again after %v, was %v", tasks, age, got, want)
			}
		}
		if len(kept) > 2048 {
			t.Errorf("after %d tasks %d bytes are kept", tasks, len(kept))
		}
	}
}

// FuzzParseDurations: whatever bytes are in the place of learned durations, they are refused, or make durations that can be gone by and written again
// in no more bytes.
func FuzzParseDurations(f *testing.F) {
	for _, tasks := range []int{0, 40, 1000} {
		kept, err := taught(1, tasks).AppendBinary(nil)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(kept)
		f.Add(kept[:len(kept)/2])
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		d, err := ParseDurations(data)
		if err != nil {
			return
		}
		if again, _ := d.AppendBinary(nil); len(again) > len(data) {
			t.Errorf("%d bytes become %d", len(data), len(again))
		}
		d.Observe(time.Minute)
		if at := d.Overdue(); at < minOverdue && at != d.overdue.held || d.Interval(Bounds{Min: time.Second, Max: time.Hour}, time.Minute) < time.Second {
			t.Errorf("the threshold is %v", at)
		}
	})
}
