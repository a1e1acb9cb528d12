package tracker_test

import (
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/querylog"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
)

func TestAClosedGateIsToldWithWhySinceWhenAndUntilWhen(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		r.sim.Put(kiesim.Task{ID: "a", Duration: time.Hour})
		r.list("a")
		r.watch(time.Second)
		if a := r.Status().Accounts[0].Requests; a.Closed != kie.ClassOK || !a.ClosedSince.IsZero() || !a.ClosedUntil.IsZero() {
			t.Errorf("open: %+v", a)
		}
		r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: 455})
		from := time.Now()
		r.watch(3 * time.Minute)
		a := r.Status().Accounts[0].Requests
		if since := a.ClosedSince.Sub(from); a.Closed != kie.ClassMaintenance || since < 0 || since > 10*time.Second {
			t.Errorf("closed for %v, %v after the maintenance began", a.Closed, since)
		}
		if left := time.Until(a.ClosedUntil); left <= 0 || left > time.Minute {
			t.Errorf("the next trial is in %v", left)
		}
	})
}

func TestATaskIsFoundByItsIDInEveryAccount(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		r.list("a", "b")
		if found := r.Find("a"); len(found) != 1 || found[0].ID != "a" {
			t.Errorf("%+v", found)
		}
		if found := r.Find("c"); found != nil {
			t.Errorf("%+v", found)
		}
	})
}

func TestEveryQueryAboutATrackedTaskIsNotedOnce(t *testing.T) {
	queries := querylog.New()
	bubble(t, setup{tracker: tracker.Options{Queries: queries}}, func(t *testing.T, r *rig) {
		r.sim.Put(kiesim.Task{ID: "a", Duration: 20 * time.Second})
		r.list("a", "gone")
		r.watch(5 * time.Minute)
		for _, id := range []string{"a", "gone"} {
			noted, left := queries.Queries("main", id)
			if n := r.sim.Queries(id); len(noted)+left != n || n == 0 {
				t.Errorf("%s: %d queries noted, %d sent", id, len(noted)+left, n)
			}
		}
		noted, _ := queries.Queries("main", "a")
		if last := noted[len(noted)-1]; last.Class != kie.ClassOK || last.State != kie.StateSuccess || noted[0].State != kie.StateGenerating {
			t.Errorf("a: %+v", noted)
		}
		if noted, _ := queries.Queries("main", "gone"); noted[0].Class != kie.ClassNotFound {
			t.Errorf("gone: %+v", noted)
		}
	})
}
