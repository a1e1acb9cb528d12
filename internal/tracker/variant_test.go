package tracker_test

import (
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
)

// Tasks of one model take one minute or ten, and their list says which of two variants each is of, or does not.
func TestATaskIsAskedByItsVariant(t *testing.T) {
	queries := func(named bool) (queries int) {
		bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
			list := func(id, variant string, d time.Duration) {
				r.sim.Put(kiesim.Task{ID: id, Model: "kling/v2", Duration: d})
				if !named {
					variant = ""
				}
				r.Apply(source.Change{Group: "video", Added: []source.Task{{ID: id, Model: source.Hint("kling/v2", variant)}}})
			}
			for _, id := range ids("s", 60) {
				list(id, "5s", time.Minute)
			}
			for _, id := range ids("l", 60) {
				list(id, "10s", 10*time.Minute)
			}
			time.Sleep(15 * time.Minute)
			list("slow", "10s", 10*time.Minute)
			time.Sleep(2 * time.Minute)
			queries = r.sim.Queries("slow")
			time.Sleep(15 * time.Minute)
			for _, m := range r.Snapshot().Models {
				if m.Model != "kling/v2" {
					t.Errorf("there is a model %q", m.Model)
				}
			}
		})
		return queries
	}
	if named, alike := queries(true), queries(false); named >= alike {
		t.Errorf("in two minutes a task was asked %d times by its variant, and %d times by its model", named, alike)
	}
}
