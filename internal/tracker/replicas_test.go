package tracker_test

import (
	"sync"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
)

// others is what other replicas found out, in the store that all have.
type others struct {
	store.Memory

	mu    sync.Mutex
	found map[string]store.Record
}

func (o *others) FindListed(account string, ids []string) []store.Record { return o.Find(account, ids) }

func (o *others) Find(_ string, ids []string) []store.Record {
	o.mu.Lock()
	defer o.mu.Unlock()
	all := make([]store.Record, len(ids))
	for i, id := range ids {
		all[i] = o.found[id]
	}
	return all
}

// mute is others that can't write.
type mute struct{ others }

func (m *mute) Put(_, _ string, _ store.Record, written func(first bool)) bool {
	if written != nil {
		go written(false)
	}
	return true
}

// A task that comes back with its account, which another replica had meanwhile, is what the store says: over if another found that out, and to be
// asked about if nobody could write that it is over.
func TestWhatOtherReplicasFoundOutIsNotAskedAgain(t *testing.T) {
	kept := &mute{others{found: make(map[string]store.Record)}}
	bubble(t, setup{tracker: tracker.Options{Store: kept, Background: true, Replicas: true}}, func(t *testing.T, r *rig) {
		r.sim.Put(kiesim.Task{ID: "found", Model: "m", Duration: time.Hour})
		r.sim.Put(kiesim.Task{ID: "lost", Model: "m", Duration: 10 * time.Second})
		r.list("found", "lost")
		time.Sleep(2 * time.Minute)
		r.Reconfigure(r.groups(), nothing)
		before := []int{r.sim.Queries("found"), r.sim.Queries("lost")}
		if before[0] == 0 || before[1] == 0 {
			t.Fatalf("%v queries", before)
		}
		final := store.Record{Group: "video", Seen: 1_700_000_000_000, Learned: kie.TimeOf(time.Now()), Counted: true}
		final.Task = kie.Task{Model: "m", State: kie.StateSuccess, Created: 1_700_000_000_000, Completed: 1_700_000_100_000}
		kept.mu.Lock()
		kept.found["found"] = final
		kept.mu.Unlock()
		r.Reconfigure(r.groups("video"), func() { r.Apply(listing("video", "found", "lost")) })
		time.Sleep(2 * time.Minute)
		if n := r.sim.Queries("found"); n != before[0] {
			t.Errorf("what another replica found out was asked %d times more", n-before[0])
		}
		if n := r.sim.Queries("lost"); n == before[1] {
			t.Error("what nobody could write is not asked again")
		}
	})
}

// Put says that each record is written, and the first.
func (o *others) Put(_, _ string, _ store.Record, written func(first bool)) bool {
	if written != nil {
		go written(true)
	}
	return true
}

// What was written once and the store has lost since is known still by who wrote it.
func TestWhatTheStoreLostIsNotAskedAgain(t *testing.T) {
	kept := &others{found: make(map[string]store.Record)}
	bubble(t, setup{tracker: tracker.Options{Store: kept, Background: true, Replicas: true}}, func(t *testing.T, r *rig) {
		r.sim.Put(kiesim.Task{ID: "a", Model: "m", Duration: 10 * time.Second})
		r.list("a")
		time.Sleep(2 * time.Minute)
		r.Reconfigure(r.groups(), nothing)
		before := r.sim.Queries("a")
		r.Reconfigure(r.groups("video"), func() { r.Apply(listing("video", "a")) })
		time.Sleep(2 * time.Minute)
		if n := r.sim.Queries("a"); n != before || !find(t, r.Snapshot(), "a").State.Finished() {
			t.Errorf("it was asked %d times more", n-before)
		}
	})
}
