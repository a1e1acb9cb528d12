package tracker_test

import (
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// finished returns what is yielded of finished tasks, as it comes first, by id.
func (r *rig) finished(wanted func(kie.Time) bool) map[string]view.Task {
	r.t.Helper()
	all := map[string]view.Task{}
	if err := r.Finished(wanted, func(k view.Task) bool {
		if before, ok := all[k.ID]; !ok {
			all[k.ID] = k
		} else if before.Learned != k.Learned || before.Account != k.Account || before.State != k.State {
			r.t.Errorf("%+v in memory is %+v on disk", before, k)
		}
		return true
	}); err != nil {
		r.t.Error(err)
	}
	return all
}

func always(kie.Time) bool { return true }

// What has finished is told as long as it is kept, in memory or on disk, by when that was learned.
func TestFinishedTasksAreToldWhenTheyLeftMemory(t *testing.T) {
	inAWorld(t, func(t *testing.T, w *world) {
		var learned kie.Time
		w.process(func(r *rig) {
			r.task(kiesim.Task{ID: "first"})
			r.watch(10 * time.Second)
			learned = kie.TimeOf(time.Now())
			r.watch(10 * time.Second)
			r.task(kiesim.Task{ID: "second", Fail: &kiesim.Failure{Code: "501", Msg: "no"}})
			r.task(kiesim.Task{ID: "open", Duration: time.Hour})
			r.watch(10 * time.Second)
			r.remove("first")
			if got := slices.Sorted(maps.Keys(r.finished(always))); !slices.Equal(got, []string{"first", "second"}) {
				t.Errorf("in memory and on disk: %v", got)
			}
			if got := r.Kept("first"); len(got) != 1 || got[0].ID != "first" || got[0].Account != "main" {
				t.Errorf("the dropped one is kept as %+v", got)
			}
			if got := r.Kept("second"); len(got) != 0 {
				t.Errorf("a tracked one is kept as %+v", got)
			}
		})
		w.process(func(r *rig) {
			all := r.finished(always)
			if len(all) != 2 || all["second"].FailCode != "501" || all["second"].Group != "video" {
				t.Errorf("on disk alone: %+v", all)
			}
			later := r.finished(func(at kie.Time) bool { return at > learned })
			if got := slices.Collect(maps.Keys(later)); !slices.Equal(got, []string{"second"}) {
				t.Errorf("learned later: %v", got)
			}
			r.task(kiesim.Task{ID: "third"})
			r.watch(10 * time.Second)
			if third := r.finished(always)["third"].Learned; third < all["second"].Learned {
				t.Errorf("the third is dated %v, before the second", third)
			}
			if got := r.Kept("open"); len(got) != 0 {
				t.Errorf("an unfinished one is kept as %+v", got)
			}
		})
	})
}

func TestWhoHasEnoughOfFinishedTasksGetsNoMore(t *testing.T) {
	inAWorld(t, func(t *testing.T, w *world) {
		w.process(func(r *rig) {
			r.task(kiesim.Task{ID: "a"})
			r.task(kiesim.Task{ID: "b"})
			r.watch(10 * time.Second)
			n := 0
			if err := r.Finished(always, func(view.Task) bool { n++; return false }); err != nil || n != 1 {
				t.Errorf("%d tasks, %v", n, err)
			}
		})
	})
}
