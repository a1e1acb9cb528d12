package tracker_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/promslog"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
)

func TestAllYieldsTasksBeyondTheLimitOfSeries(t *testing.T) {
	const finished, unfinished = 2500, 30
	bubble(t, setup{tracker: tracker.Options{TaskSeries: 10}}, func(t *testing.T, r *rig) {
		done := ids("done", finished)
		for _, id := range done {
			r.sim.Put(kiesim.Task{ID: id, Model: "m"})
		}
		r.list(done...)
		for i := range unfinished {
			r.task(kiesim.Task{ID: fmt.Sprint("open", i), InFlight: "generating", Duration: 2 * time.Hour})
		}
		start := time.Now()
		if n := len(r.watch(time.Minute).Tasks()); n != 10 {
			t.Fatalf("%d tasks have series, want 10", n)
		}
		seen := map[string]bool{}
		for k := range r.All() {
			if seen[k.ID] {
				t.Errorf("%s is yielded twice", k.ID)
			}
			seen[k.ID] = true
			switch {
			case k.State == kie.StateSuccess:
				if k.Learned.IsZero() || k.Model != "m" || took(k) < 0 {
					t.Errorf("%+v", k)
				}
			case k.State != kie.StateGenerating, k.LastAnswer.IsZero(), k.Seen.After(start):
				t.Errorf("%+v", k)
			}
		}
		if len(seen) != finished+unfinished {
			t.Errorf("%d tasks, want %d", len(seen), finished+unfinished)
		}
	})
}

func TestAllTellsWhatIsOverdue(t *testing.T) {
	groups := []tracker.GroupOptions{{Name: "video", Account: "main", Overdue: 20 * time.Second}}
	bubble(t, setup{tracker: tracker.Options{Groups: groups}}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a", InFlight: "waiting", Duration: time.Hour})
		r.watch(10 * time.Second)
		for _, want := range []bool{false, true} {
			for k := range r.All() {
				if k.Overdue != want {
					t.Errorf("overdue is %t, want %t", k.Overdue, want)
				}
			}
			r.watch(time.Minute)
		}
	})
}

func TestAllGoesOnWhileTasksComeAndGo(t *testing.T) {
	r := newQuiet(t)
	r.Apply(listing("video", ids("stay", 5000)...))
	var changing sync.WaitGroup
	changing.Go(func() {
		for i := range 200 {
			id := fmt.Sprint("come", i)
			r.Apply(listing("video", id))
			r.Apply(source.Change{Group: "video", Removed: []string{id}})
		}
	})
	defer changing.Wait()
	for range 5 {
		stay := 0
		for k := range r.All() {
			if k.ID[:4] == "stay" {
				stay++
			}
		}
		if stay != 5000 {
			t.Errorf("%d of the tasks that stay, want all 5000", stay)
		}
	}
	for range r.All() {
		break // stopping early is allowed
	}
}

// Whoever looks at a task keeps nobody from changing others: the lock is not held meanwhile.
func TestAllLeavesOutWhatWasDroppedOnTheWay(t *testing.T) {
	r := newQuiet(t)
	all := ids("t", 5000)
	r.Apply(listing("video", all...))
	seen, gone := 0, 0
	dropped := make(map[string]bool)
	for k := range r.All() {
		if seen == 0 {
			r.Apply(source.Change{Group: "video", Removed: all[4000:]})
			for _, id := range all[4000:] {
				dropped[id] = true
			}
		}
		if seen++; dropped[k.ID] {
			gone++
		}
	}
	if seen-gone != 4000 || gone > 100 { // of a portion that was read before
		t.Errorf("%d tasks and %d that were dropped, want the 4000 that are left", seen-gone, gone)
	}
}

// newQuiet returns a tracker that asks nothing.
func newQuiet(tb testing.TB) *tracker.Tracker {
	tb.Helper()
	return tracker.New(tracker.Options{
		Accounts: []tracker.AccountOptions{{Name: "main"}}, Groups: []tracker.GroupOptions{{Name: "video", Account: "main"}},
		TaskSeries: 1000, Models: 100, Store: store.Memory{}, Log: promslog.NewNopLogger(),
	})
}

// BenchmarkAll measures what it takes to look at 100,000 tasks.
func BenchmarkAll(b *testing.B) {
	r := newQuiet(b)
	r.Apply(listing("video", ids("t", 100_000)...))
	b.ReportAllocs()
	for b.Loop() {
		n := 0
		for range r.All() {
			n++
		}
		if n != 100_000 {
			b.Fatal(n)
		}
	}
}
