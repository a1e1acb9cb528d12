package tracker_test

import (
	"fmt"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
)

// finds counts the records that are looked for.
type finds struct {
	store.Memory
	found *int
}

func (c finds) FindListed(account string, ids []string) []store.Record {
	*c.found += len(ids)
	return c.Memory.FindListed(account, ids)
}

// A reload that gives tasks other labels, or another group, reads none of their records, of which there may be a million.
func TestNoRecordIsReadOfWhatIsTracked(t *testing.T) {
	found := 0
	bubble(t, setup{tracker: tracker.Options{Store: finds{found: &found}}}, func(t *testing.T, r *rig) {
		const tasks = 2000
		var listed []source.Task
		for i := range tasks {
			id := fmt.Sprint("task", i)
			r.sim.Put(kiesim.Task{ID: id})
			listed = append(listed, source.Task{ID: id})
		}
		r.Apply(source.Change{Group: "video", Added: listed})
		if found != tasks {
			t.Fatalf("%d records looked for, want %d", found, tasks)
		}
		again := []source.Task{{ID: "new 1"}}
		for _, l := range listed {
			l.Labels = map[string]string{"team": "web"}
			again = append(again, l)
		}
		again = append(again, source.Task{ID: "new 2"})
		r.Apply(source.Change{Group: "video", Added: again[1:]})
		if found != tasks+1 {
			t.Errorf("%d records looked for, want that of the new one only", found-tasks)
		}
		r.Apply(source.Change{Group: "video", Added: again[:1]})
		if n := r.tracked(); n != tasks+2 {
			t.Errorf("%d are tracked", n)
		}
		for k := range r.All() {
			if k.Labels["team"] != "web" && k.ID[:3] != "new" {
				t.Fatalf("%+v", k)
			}
		}
	})
}

// keeps counts what is kept of tasks.
type keeps struct {
	store.Memory
	put, renewed *int
}

func (k keeps) Put(account, id string, r store.Record, written func(first bool)) bool {
	*k.put++
	return k.Memory.Put(account, id, r, written)
}

func (k keeps) Renew() { *k.renewed++ }

// More tasks that go to another group than the store has room for are kept all together, and not one by one before that.
func TestManyTasksThatMoveAreKeptTogether(t *testing.T) {
	const tasks = 40_000
	for _, moved := range []int{1000, tasks} {
		put, renewed := 0, 0
		bubble(t, setup{tracker: tracker.Options{Store: keeps{put: &put, renewed: &renewed}}}, func(t *testing.T, r *rig) {
			listed := make([]source.Task, tasks)
			for i := range listed {
				listed[i].ID = fmt.Sprint("task", i)
			}
			r.Reconfigure(r.groups("video", "image"), nothing)
			r.Apply(source.Change{Group: "video", Added: listed, Backlog: true})
			put, renewed = 0, 0
			r.Apply(source.Change{Group: "image", Added: listed[:moved]})
			if moved < 2000 && (put < moved || renewed > 0) || moved == tasks && (put > tasks/2 || renewed != 1) {
				t.Errorf("of %d tasks that move %d are kept one by one, and all %d times", moved, put, renewed)
			}
			for k := range r.All() {
				var n int
				if _, err := fmt.Sscanf(k.ID, "task%d", &n); err != nil || (k.Group == "image") != (n < moved) {
					t.Fatalf("%s is in %s: %v", k.ID, k.Group, err)
				}
			}
		})
	}
}
