package tracker_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/promslog"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
	"github.com/kie-exporter/kie_exporter/test/kit/storetest"
)

func TestAFileIsAStore(t *testing.T) {
	storetest.Test(t, true, func(t *testing.T, dir string) storetest.Store {
		t.Helper()
		s, err := store.Open(dir, promslog.NewNopLogger())
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

func TestMemoryIsAStore(t *testing.T) {
	storetest.Test(t, false, func(*testing.T, string) storetest.Store { return store.Memory{} })
}

// rival has somebody else put the final record of each task first.
type rival struct{ store.Memory }

func (rival) Put(_, _ string, _ store.Record, committed func(first bool)) bool {
	if committed != nil {
		go committed(false)
	}
	return committed != nil
}

func TestATaskThatSomebodyElseHasCountedIsNotCounted(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Store: rival{}, Background: true}}, func(t *testing.T, r *rig) {
		r.sim.Put(kiesim.Task{ID: "a", Model: "m", Duration: 10 * time.Second, Credits: 2})
		r.list("a")
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		s := r.Snapshot()
		if k := find(t, s, "a"); !k.State.Finished() || k.Credits != 2 {
			t.Errorf("the task is %v with %v credits", k.State, k.Credits)
		}
		m := model(t, s, "video", "m")
		if m.Finished[0] != 0 || m.Credits[0] != 0 || s.Groups[0].Uncounted != 1 {
			t.Errorf("%d are counted with %v credits, and %d are not", m.Finished[0], m.Credits[0], s.Groups[0].Uncounted)
		}
	})
}
