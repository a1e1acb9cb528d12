package tracker_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// ofModel lists a task of a model in a group that finished so long ago, and returns the model that it is shown under.
func (r *rig) ofModel(group, name string, ago time.Duration) string {
	r.t.Helper()
	id := group + " " + name
	r.sim.Put(kiesim.Task{ID: id, Model: name, Created: time.Now().Add(-ago - time.Minute), Duration: time.Minute})
	r.Apply(listing(group, id))
	time.Sleep(2 * time.Second)
	return find(r.t, r.Snapshot(), id).Model
}

func (r *rig) removeModel(group, name string) {
	r.Apply(source.Change{Group: group, Removed: []string{group + " " + name}})
}

func TestAModelThatNothingUsesMakesRoomForAnother(t *testing.T) {
	const old, news = time.Hour, time.Second
	s := setup{tracker: tracker.Options{Background: true, Models: 2}}
	bubble(t, s, func(t *testing.T, r *rig) {
		r.ofModel("video", "a", old)
		r.ofModel("video", "b", news)
		if shown := r.ofModel("video", "c", old); shown != "other" {
			t.Errorf("a third model is shown as %q while two are in use", shown)
		}
		r.removeModel("video", "a")
		r.removeModel("video", "b")
		if shown := r.ofModel("video", "d", old); shown != "d" {
			t.Errorf("a model is shown as %q though one is in use no more", shown)
		}
		m := model(t, r.Snapshot(), "video", "b")
		if m.Finished[view.Succeeded] != 1 {
			t.Error("a total has gone with the last task")
		}
		if shown := r.ofModel("video", "e", old); shown != "other" {
			t.Errorf("a model is shown as %q: one is in use and one has totals", shown)
		}
		r.removeModel("video", "d")
		r.ofModel("video", "f", old)
		r.Apply(listing("video", "video d")) // it was remembered, its model was not
		time.Sleep(2 * time.Second)
		if k := find(t, r.Snapshot(), "video d"); k.Model != "other" || k.State != kie.StateSuccess {
			t.Errorf("a task that comes back is %v of %q", k.State, k.Model)
		}
	})
}

func TestGroupsThatGoTakeTheirModelsCodesAndLabelKeysAlong(t *testing.T) {
	s := setup{tracker: tracker.Options{Background: true, Models: 2}}
	bubble(t, s, func(t *testing.T, r *rig) {
		for _, name := range []string{"a", "b"} {
			r.ofModel("video", name, time.Second)
		}
		c := source.Change{Group: "video"}
		for i, id := range ids("x", 64) {
			r.sim.Put(kiesim.Task{ID: id, Model: "a", Fail: &kiesim.Failure{Code: fmt.Sprint("OLD_", i)}})
			c.Added = append(c.Added, source.Task{ID: id, Labels: map[string]string{fmt.Sprint("old_", i): "x"}})
		}
		r.Apply(c)
		time.Sleep(time.Minute)
		o := r.options
		o.Groups = []tracker.GroupOptions{{Name: "image", Account: "main"}}
		r.Reconfigure(o, func() {
			for _, name := range []string{"c", "d"} { // before the group that was there has gone
				if shown := r.ofModel("image", name, time.Second); shown != name {
					t.Errorf("%s is shown as %q", name, shown)
				}
			}
		})
		c = source.Change{Group: "image"}
		for i, id := range ids("y", 40) {
			r.sim.Put(kiesim.Task{ID: id, Model: "c", Fail: &kiesim.Failure{Code: fmt.Sprint("NEW_", i)}})
			c.Added = append(c.Added, source.Task{ID: id, Labels: map[string]string{fmt.Sprint("new_", i): "x"}})
		}
		before := r.Snapshot().Overflows
		r.Apply(c)
		time.Sleep(time.Minute)
		after := r.Snapshot()
		if after.Overflows != before || len(after.LabelKeys) != 40 || len(model(t, after, "image", "c").Codes) != 40 {
			t.Errorf("%+v before, %+v after, %d label keys", before, after.Overflows, len(after.LabelKeys))
		}
		for i, id := range ids("y", 40) {
			if k := find(t, after, id); k.FailCode != fmt.Sprint("NEW_", i) {
				t.Errorf("%s failed with %q", id, k.FailCode)
			}
		}
	})
}

func TestCodesAndLabelKeysInUseOutliveAReload(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		c := source.Change{Group: "video"}
		for i, id := range ids("x", 64) {
			r.sim.Put(kiesim.Task{ID: id, Model: "a", Fail: &kiesim.Failure{Code: fmt.Sprint("CODE_", i)}})
			c.Added = append(c.Added, source.Task{ID: id, Labels: map[string]string{fmt.Sprint("key_", i): "x"}})
		}
		r.Apply(c)
		time.Sleep(time.Minute)
		before := r.Snapshot()
		r.remove(ids("x", 30)...)
		r.Reconfigure(r.options, nothing)
		time.Sleep(time.Second)
		after := r.Snapshot()
		if n := len(after.LabelKeys); n != 34 {
			t.Errorf("%d label keys, want the 34 in use", n)
		}
		if n := len(model(t, after, "video", "a").Codes); n != len(model(t, before, "video", "a").Codes) {
			t.Errorf("%d fail codes are counted", n)
		}
		for _, k := range after.Tasks() {
			if was := find(t, before, k.ID); was.FailCode != k.FailCode {
				t.Errorf("%s failed with %q and then with %q", k.ID, was.FailCode, k.FailCode)
			}
		}
	})
}

func TestModelsOfPastTasksLeaveRoomAfterARestart(t *testing.T) {
	inAWorld(t, func(t *testing.T, w *world) {
		w.process(func(r *rig) {
			for i := range 100 {
				r.ofModel("video", fmt.Sprint("past", i), time.Second)
			}
			time.Sleep(2 * time.Second)
		})
		w.process(func(r *rig) {
			if shown := r.ofModel("video", "present", time.Second); shown != "present" {
				t.Errorf("a new model is shown as %q", shown)
			}
		})
	})
}
