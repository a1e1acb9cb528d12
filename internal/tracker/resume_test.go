// What a restart shows of tasks that are not finished, and when it asks about them.

package tracker_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/prometheus/common/promslog"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// inFlight is tasks of each unfinished state, by id.
var inFlight = map[string]kie.State{"waits": kie.StateWaiting, "queues": kie.StateQueuing, "generates": kie.StateGenerating}

// putInFlight puts them into the API.
func (w *world) putInFlight() {
	for id, state := range inFlight {
		w.api.Put(kiesim.Task{ID: id, Model: "kling/v2", Created: time.Now().Add(-40 * time.Minute), Duration: 3 * time.Hour, InFlight: state.String()})
	}
}

// seen returns what is shown of the tasks in flight.
func seen(r *rig) map[string]view.Task {
	all := make(map[string]view.Task)
	for id := range inFlight {
		all[id] = find(r.t, r.Snapshot(), id)
	}
	return all
}

// wantInFlight checks that a snapshot shows the tasks as they were before, of which an answer so long ago may be missing.
func wantInFlight(t *testing.T, is, was map[string]view.Task, missing time.Duration) {
	t.Helper()
	for id, state := range inFlight {
		k, before := is[id], was[id]
		if k.State != state || k.Model != "kling/v2" || k.Overdue != before.Overdue || !k.Seen.Equal(before.Seen) || k.Created != before.Created {
			t.Errorf("%s is shown as %+v\nbefore: %+v", id, k, before)
		}
		if lost := before.LastAnswer.Sub(k.LastAnswer); lost < 0 || lost > missing {
			t.Errorf("%s: an answer of %v was the last one, and %v is known", id, before.LastAnswer, k.LastAnswer)
		}
	}
}

func TestARestartShowsStatesAtOnceAndAsksAsIfThereHadBeenNone(t *testing.T) {
	inAWorld(t, func(t *testing.T, w *world) {
		w.putInFlight()
		var before map[string]view.Task
		w.process(func(r *rig) {
			r.backlog("waits", "queues", "generates")
			time.Sleep(4*time.Minute + 7*time.Second)
			before = seen(r)
			if !before["waits"].Overdue {
				t.Fatal("not overdue")
			}
		})
		asked := w.api.Stats().Requests[kiesim.RecordInfo]
		w.process(func(r *rig) {
			r.backlog("waits", "queues", "generates")
			wantInFlight(t, seen(r), before, time.Millisecond) // which is what records are rounded to
			if n := model(t, r.Snapshot(), "video", "kling/v2").Tasks; n[kie.StateWaiting]+n[kie.StateQueuing]+n[kie.StateGenerating] != 3 {
				t.Errorf("counted as %v", n)
			}
			if w.api.Stats().Requests[kiesim.RecordInfo] != asked {
				t.Error("they were asked about")
			}
			time.Sleep(3 * time.Minute)
			for id := range inFlight {
				at := r.queries(id, time.Now().Add(-7*time.Minute-7*time.Second))
				last := at[len(at)-1]
				for i := 1; i < len(at); i++ {
					if gap := at[i] - at[i-1]; gap < 3 || gap > 61 {
						t.Errorf("%s was asked at %gs and %gs", id, at[i-1], at[i])
					}
				}
				if last < 6*60 {
					t.Errorf("%s was asked last at %gs", id, last)
				}
			}
		})
	})
}

// What a kill leaves is a minute older than it might be, at most.
func TestAKillLosesNoMoreThanAMinuteOfAnswers(t *testing.T) {
	inAWorld(t, func(t *testing.T, w *world) {
		w.putInFlight()
		left := filepath.Join(t.TempDir(), "kie_exporter.db")
		var before map[string]view.Task
		w.process(func(r *rig) {
			r.backlog("waits", "queues", "generates")
			time.Sleep(2*time.Minute + 50*time.Second)
			before = seen(r)
			file, err := os.ReadFile(filepath.Join(w.dir, "kie_exporter.db"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(left, file, fs.FileMode(0o600)); err != nil {
				t.Fatal(err)
			}
		})
		w.dir = filepath.Dir(left)
		w.process(func(r *rig) {
			r.backlog("waits", "queues", "generates")
			wantInFlight(t, seen(r), before, time.Minute+2*time.Second)
		})
	})
}

// counting is a store that counts what is put about each task.
type counting struct {
	*store.Store
	puts map[string]int
}

func (c counting) Put(account, id string, r store.Record, written func(first bool)) bool {
	c.puts[id]++
	return c.Store.Put(account, id, r, written)
}

// Of answers that tell nothing new one a minute is written, and of those that do each.
func TestNoMoreThanAnAnswerAMinuteIsWrittenThatTellsNothingNew(t *testing.T) {
	kept, err := store.Open(t.TempDir(), promslog.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	defer kept.Close()
	c := counting{kept, make(map[string]int)}
	bubble(t, setup{tracker: tracker.Options{Store: c, Background: true}}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "same", Duration: time.Hour})
		r.task(kiesim.Task{ID: "changes", Duration: 15 * time.Minute, InFlight: "waiting queuing generating"})
		r.task(kiesim.Task{ID: "models", Duration: time.Hour})
		time.Sleep(5 * time.Minute)
		r.sim.Put(kiesim.Task{ID: "models", Model: "other/v1", Created: time.Now().Add(-5 * time.Minute), Duration: time.Hour})
		for range 60 {
			time.Sleep(5 * time.Second)
			if r, k := kept.Find("main", []string{"changes"})[0], find(t, r.Snapshot(), "changes"); r.State != k.State {
				t.Errorf("%v is kept of what is %v", r.State, k.State)
			}
		}
		same, asked := c.puts["same"], r.sim.Queries("same")
		if same < 5 || same > 1+10+1 || asked < 2*same {
			t.Errorf("%d records of %d answers", same, asked)
		}
		if r := kept.Find("main", []string{"models"})[0]; r.Model != "other/v1" {
			t.Errorf("model %s is kept", r.Model)
		}
	})
}

// A state that another endpoint told is shown no more, and the task is asked where it is now.
func TestAStateOfAnotherEndpointIsNotShownAfterARestart(t *testing.T) {
	for name, tt := range map[string]struct{ before, after string }{
		"none": {}, "from that of the group": {"", "suno"}, "from its own": {"suno", ""}, "its own stays": {"suno", "suno"},
	} {
		t.Run(name, func(t *testing.T) {
			inAWorld(t, func(t *testing.T, w *world) {
				at := func(word string) source.Change {
					w.api.Put(kiesim.Task{ID: "a", Model: "V4_5", Endpoint: kiesim.Endpoint(word), Created: time.Now(), Duration: time.Hour})
					return source.Change{Group: "video", Added: []source.Task{{ID: "a", Endpoint: word}}}
				}
				w.process(func(r *rig) {
					r.Apply(at(tt.before))
					time.Sleep(time.Minute)
				})
				w.api.Inject(kiesim.Match{}, kiesim.Fault{Delay: time.Second}) // no answer comes before the look
				w.process(func(r *rig) {
					r.Apply(at(tt.after))
					if k := find(t, r.Snapshot(), "a"); (k.State == kie.StatePending) != (tt.before != tt.after) {
						t.Errorf("shown as %v", k.State)
					}
					time.Sleep(2 * time.Minute)
					if k := find(t, r.Snapshot(), "a"); k.State != kie.StateGenerating && k.State != kie.StateWaiting {
						t.Errorf("then as %v", k.State)
					}
				})
			})
		})
	}
}

// A clock that was ahead when the last answer came makes no task wait for that time.
func TestALastAnswerFromTheFutureIsOneOfNow(t *testing.T) {
	inAWorld(t, func(t *testing.T, w *world) {
		w.api.Put(kiesim.Task{ID: "a", Model: "m", Duration: time.Hour})
		w.process(func(r *rig) {
			ahead := kie.TimeOf(time.Now().Add(24 * time.Hour))
			r.list("a")
			time.Sleep(10 * time.Second)
			r.options.Store.Put("main", "a", store.Record{
				Task: kie.Task{State: kie.StateWaiting, Model: "m"}, Group: "video", Seen: kie.TimeOf(time.Now()), Watched: true, Answered: ahead,
			}, nil)
			time.Sleep(2 * time.Second)
		})
		n := w.api.Queries("a")
		w.process(func(r *rig) {
			r.list("a")
			if k := find(t, r.Snapshot(), "a"); k.State == kie.StatePending || k.LastAnswer.After(time.Now()) {
				t.Errorf("%+v", k)
			}
			time.Sleep(2 * time.Minute)
			if w.api.Queries("a") == n {
				t.Error("it is not asked about")
			}
		})
	})
}

// A task that was given up after answers had come shows its last state, given up, and stays so.
func TestAGivenUpTaskKeepsItsLastState(t *testing.T) {
	inAWorld(t, func(t *testing.T, w *world) {
		w.api.Put(kiesim.Task{ID: "a", Model: "m", Duration: -1, InFlight: "queuing"})
		w.process(func(r *rig) {
			r.list("a")
			time.Sleep(20 * time.Second)
		})
		time.Sleep(9 * 24 * time.Hour)
		w.api.Inject(kiesim.Match{ID: "a"}, kiesim.Fault{Code: 422, Msg: "recordInfo is null"})
		w.process(func(r *rig) {
			r.list("a")
			time.Sleep(time.Minute)
			if k := find(t, r.Snapshot(), "a"); !k.GivenUp || k.State != kie.StateQueuing {
				t.Fatalf("%+v", k)
			}
		})
		n := w.api.Queries("a")
		w.process(func(r *rig) {
			r.backlog("a")
			if k := find(t, r.Snapshot(), "a"); !k.GivenUp || k.State != kie.StateQueuing || k.LastAnswer.IsZero() {
				t.Errorf("%+v", k)
			}
			time.Sleep(10 * time.Minute)
			r.wantQueries("a", n)
		})
	})
}

// A record of before there were last answers is read as it is: the task is pending until it is asked.
func TestARecordWithoutALastAnswerIsReadAsItIs(t *testing.T) {
	inAWorld(t, func(t *testing.T, w *world) {
		w.putInFlight()
		w.process(func(r *rig) {
			for id, state := range inFlight {
				r.options.Store.Put("main", id, store.Record{
					Task: kie.Task{State: state, Model: "kling/v2"}, Group: "video", Seen: kie.TimeOf(time.Now()), Watched: true,
				}, nil)
			}
		})
		w.api.Inject(kiesim.Match{}, kiesim.Fault{Delay: time.Second}) // so that nothing is answered before it is looked
		w.process(func(r *rig) {
			r.backlog("waits", "queues", "generates")
			for id, k := range seen(r) {
				if k.State != kie.StatePending {
					t.Errorf("%s is %v", id, k.State)
				}
			}
			time.Sleep(2 * time.Minute)
			for id, k := range seen(r) {
				if k.State != inFlight[id] {
					t.Errorf("then %s is %v", id, k.State)
				}
			}
		})
	})
}
