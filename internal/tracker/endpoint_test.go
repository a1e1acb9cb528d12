package tracker_test

import (
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
)

// There is no other endpoint than jobs yet but the credit call. What that answers is no task, but the request tells where a task is asked
// about.
func TestATaskIsAskedAboutAtTheEndpointOfItsGroup(t *testing.T) {
	groups := []tracker.GroupOptions{{Name: "video", Account: "main"}, {Name: "other", Account: "main", Endpoint: kie.Credit}}
	bubble(t, setup{tracker: tracker.Options{Groups: groups, Background: true}}, func(t *testing.T, r *rig) {
		asked := func(endpoint kiesim.Endpoint) (n int) {
			for _, q := range r.sim.Requests() {
				if q.Endpoint == endpoint {
					n++
				}
			}
			return n
		}
		r.sim.Put(kiesim.Task{ID: "a", Duration: time.Hour})
		r.sim.Put(kiesim.Task{ID: "b", Duration: time.Hour})
		r.list("a")
		r.Apply(listing("other", "b"))
		time.Sleep(time.Second)
		r.wantQueries("a", 1)
		r.wantQueries("b", 0)
		if n := asked(kiesim.Credit); n != 1 {
			t.Errorf("the endpoint of the group was asked %d times, want once", n)
		}
		if p := r.Probe(t.Context(), "main", "b"); kie.ClassOf(p.Err) != kie.ClassDecode || asked(kiesim.Credit) != 2 {
			t.Errorf("a probe of a listed task: %v", p.Err)
		}
		if p := r.Probe(t.Context(), "main", "unlisted"); kie.ClassOf(p.Err) != kie.ClassNotFound {
			t.Errorf("a probe of an unlisted task: %v", p.Err)
		}
		r.Apply(listing("video", "b"))
		time.Sleep(time.Hour)
		if r.sim.Queries("b") == 0 {
			t.Error("a task that has come to another group is asked about where it was")
		}
	})
}
