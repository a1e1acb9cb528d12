package tracker_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/promslog"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/files"
	"github.com/kie-exporter/kie_exporter/internal/source/groups"
	"github.com/kie-exporter/kie_exporter/internal/source/set"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// feed is an API, and lists of ids that processes of the exporter read one after the other.
type feed struct {
	*world
	lists  string
	limits source.Limits
	groups []groups.Group
	memory bool // nothing is kept on disk
}

func feeding(t *testing.T, limit int, test func(t *testing.T, f *feed)) {
	t.Helper()
	inAWorld(t, func(t *testing.T, w *world) {
		lists := t.TempDir()
		f := &feed{world: w, lists: lists, limits: source.Limits{Tasks: limit, Bytes: 1 << 30, IDs: 200_000}}
		f.groups = []groups.Group{{Name: "video", Account: "main", Files: []files.Pattern{f.pattern("*.txt")}}, {Name: "image", Account: "main"}}
		test(t, f)
	})
}

func (f *feed) pattern(written string) files.Pattern {
	return files.Pattern{Written: written, Path: filepath.Join(f.lists, written)}
}

// create puts finished tasks into the API and their ids at the end of a list.
func (f *feed) create(list string, ids ...string) {
	f.t.Helper()
	for _, id := range ids {
		f.api.Put(kiesim.Task{ID: id, Model: "m"})
	}
	f.list(list, ids...)
}

// list puts ids at the end of a list.
func (f *feed) list(list string, ids ...string) {
	f.t.Helper()
	file, err := os.OpenFile(filepath.Join(f.lists, list), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err == nil {
		_, err = io.WriteString(file, strings.Join(ids, "\n")+"\n")
	}
	if err == nil {
		err = file.Close()
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

// fed is a process that reads the lists.
type fed struct {
	*rig
	*feed
	set *set.Set
}

// run is a process, from start to end.
func (f *feed) run(live func(p *fed)) {
	f.t.Helper()
	read := func(r *rig) {
		s, err := set.New(f.groups, f.limits, r.Tracker, slog.New(slog.DiscardHandler))
		if err != nil {
			f.t.Fatal(err)
		}
		defer s.Close()
		if err := s.Load(f.t.Context()); err != nil {
			f.t.Fatal(err)
		}
		ctx, stop := context.WithCancel(f.t.Context())
		var reading sync.WaitGroup
		reading.Go(func() { s.Run(ctx) })
		live(&fed{rig: r, feed: f, set: s})
		stop()
		reading.Wait()
		r.sound()
	}
	if !f.memory {
		f.process(read)
		return
	}
	r := newRig(f.t, setup{sim: f.api, tracker: tracker.Options{Background: true}})
	defer r.work()()
	read(r)
}

// pass lets time pass, in which all that can be read and asked is.
func (p *fed) pass(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
	p.sound()
}

// rejected returns how many ids were refused for want of room.
func (p *fed) rejected() (n uint64) {
	for _, s := range p.set.Stats() {
		n += s.Rejected[source.RejectedLimit] + s.Rejected[source.RejectedMaxTasks]
	}
	return n
}

func (p *fed) tracked() (n int) {
	for _, g := range p.Status().Groups {
		n += g.Tasks
	}
	return n
}

func (p *fed) group(name string) view.Group {
	for _, g := range p.Snapshot().Groups {
		if g.Name == name {
			return g
		}
	}
	p.feed.t.Fatalf("there is no group %q", name)
	return view.Group{}
}

// isTracked checks which of some ids are tracked.
func (p *fed) isTracked(want string) {
	p.feed.t.Helper()
	var got []string
	for id := range strings.FieldsSeq("a b c d e f g h") {
		if len(p.Find(id)) > 0 {
			got = append(got, id)
		}
	}
	if s := strings.Join(got, " "); s != want {
		p.feed.t.Errorf("tracked are %q, want %q", s, want)
	}
}

// wantQueries checks how often each of some ids was asked about.
func (f *feed) wantQueries(n int, ids ...string) {
	f.t.Helper()
	for _, id := range ids {
		if got := f.api.Queries(id); got != n {
			f.t.Errorf("%s was asked about %d times, want %d", id, got, n)
		}
	}
}

// wantOf checks the evicted and the refused.
func (p *fed) wantOf(evicted, rejected uint64) {
	p.feed.t.Helper()
	if got := p.group("video").Evicted + p.group("image").Evicted; got != evicted || p.rejected() != rejected {
		p.feed.t.Errorf("%d evicted, %d refused; want %d, %d", got, p.rejected(), evicted, rejected)
	}
}

func TestTheLongestFinishedTaskLeavesMemoryForANewOne(t *testing.T) {
	for name, memory := range map[string]bool{"disk": false, "memory": true} {
		t.Run(name, func(t *testing.T) {
			feeding(t, 3, func(t *testing.T, f *feed) {
				f.memory = memory
				f.run(func(p *fed) {
					f.api.Put(kiesim.Task{ID: "a", Duration: -1})
					f.list("l.txt", "a")
					for id := range strings.FieldsSeq("b c d e") {
						f.create("l.txt", id)
						p.pass(time.Minute)
					}
					p.isTracked("a d e")
					p.wantOf(2, 0)
					if counted, _ := totals(p.Snapshot()); counted != 4 {
						t.Errorf("%d tasks were counted, want 4", counted)
					}
					p.pass(5 * time.Minute) // in which the list is looked at, and read again when it changes
					f.list("l.txt", "f")
					p.pass(2 * time.Minute)
					p.isTracked("a e f")
					f.wantQueries(1, "b", "c", "d", "e")
					if s := p.set.Stats()[0]; s.Tasks != 6 || s.Rejected[source.RejectedDuplicate] != 0 {
						t.Errorf("%+v", s)
					}
				})
			})
		})
	}
}

func TestIdsAreRefusedOnlyWhenAllTasksAreUnfinished(t *testing.T) {
	feeding(t, 2, func(_ *testing.T, f *feed) {
		f.run(func(p *fed) {
			f.api.Put(kiesim.Task{ID: "a", Duration: -1})
			f.api.Put(kiesim.Task{ID: "b", Duration: 10 * time.Minute})
			f.list("l.txt", "a", "b")
			p.pass(time.Minute)
			f.create("l.txt", "c")
			p.pass(time.Minute)
			p.isTracked("a b")
			p.wantOf(0, 1)
			p.pass(30 * time.Minute) // b finishes, and makes room
			p.isTracked("a c")
			p.wantOf(1, 1)
			f.wantQueries(1, "c")
		})
	})
}

func TestATaskThatLeftMemoryIsKnownWhereverItIsListedAgain(t *testing.T) {
	feeding(t, 2, func(t *testing.T, f *feed) {
		f.run(func(p *fed) {
			for id := range strings.FieldsSeq("a b c d") {
				f.create("l.txt", id)
				p.pass(time.Minute)
			}
			f.list("other.txt", "a", "b", "c", "d")
			p.pass(time.Minute)
			if err := os.Remove(filepath.Join(f.lists, "l.txt")); err != nil {
				t.Fatal(err)
			}
			p.pass(2 * time.Minute)
			f.create("other.txt", "e")
			p.pass(2 * time.Minute)
			f.list("third.txt", "a", "b", "c", "d")
			p.pass(2 * time.Minute)
			p.isTracked("d e")
			p.wantOf(3, 0)
			f.wantQueries(1, "a", "b", "c", "d", "e")
			if counted, uncounted := totals(p.Snapshot()); counted != 5 || uncounted != 0 {
				t.Errorf("%d tasks were counted, %d not; want 5, 0", counted, uncounted)
			}
		})
	})
}

func TestAfterARestartTheUnfinishedAndTheLatestFinishedAreTracked(t *testing.T) {
	feeding(t, 3, func(t *testing.T, f *feed) {
		f.run(func(p *fed) {
			for id := range strings.FieldsSeq("a b c d e") {
				f.create("l.txt", id)
				p.pass(time.Minute)
			}
		})
		f.api.Put(kiesim.Task{ID: "f", Duration: -1})
		f.list("l.txt", "f")
		f.run(func(p *fed) {
			p.pass(time.Minute)
			p.isTracked("d e f")
			if p.rejected() != 0 {
				t.Errorf("%d ids were refused", p.rejected())
			}
		})
		f.wantQueries(1, "a", "b", "c", "d", "e")
	})
}

func TestAFullGroupForgetsItsOwnFinishedTasks(t *testing.T) {
	feeding(t, 100, func(t *testing.T, f *feed) {
		f.groups[0].MaxTasks = 2
		f.groups[1].Files = []files.Pattern{f.pattern("image/*.txt")}
		if err := os.Mkdir(filepath.Join(f.lists, "image"), 0o700); err != nil {
			t.Fatal(err)
		}
		f.run(func(p *fed) {
			f.create("image/l.txt", "a")
			p.pass(time.Minute)
			for id := range strings.FieldsSeq("b c d e") {
				f.create("l.txt", id)
				p.pass(time.Minute)
			}
			p.isTracked("a d e")
			p.wantOf(2, 0)
			if n := p.group("video").Evicted; n != 2 {
				t.Errorf("%d tasks of the group were evicted, want 2", n)
			}
		})
		f.wantQueries(1, "a", "b", "c", "d", "e")
	})
}

func TestAGroupFullOfUnfinishedTasksKeepsNoOtherFromMakingRoom(t *testing.T) {
	feeding(t, 3, func(_ *testing.T, f *feed) {
		f.groups[0].MaxTasks = 2
		f.groups[1].Files = []files.Pattern{f.pattern("*.jsonl")}
		f.run(func(p *fed) {
			for id := range strings.FieldsSeq("a b c") {
				f.api.Put(kiesim.Task{ID: id, Duration: -1})
			}
			f.list("l.txt", "a", "b", "c") // and a is tried again and again
			f.create("i.jsonl", `"d"`)
			f.api.Put(kiesim.Task{ID: "d", Model: "m"})
			p.pass(time.Minute)
			p.isTracked("b c d")
			for id := range strings.FieldsSeq("e f g") {
				f.api.Put(kiesim.Task{ID: id, Model: "m"})
				f.list("i.jsonl", `"`+id+`"`)
				p.pass(12 * time.Second)
				p.isTracked("b c " + id)
			}
			f.wantQueries(0, "a")
		})
	})
}

func TestATaskThatWasGivenUpLeavesMemoryToo(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		r.list("a") // which the API does not know
		if gone := r.Evict(source.Wanted{Need: 1}); len(gone) > 0 {
			t.Errorf("%v left memory before it was given up", gone)
		}
		time.Sleep(9 * 24 * time.Hour)
		if gone := r.Evict(source.Wanted{Group: "image", Need: 1}); len(gone) > 0 {
			t.Errorf("%v left memory for another group", gone)
		}
		if gone := r.Evict(source.Wanted{Need: 2}); len(gone) != 1 || len(gone[0].IDs) != 1 || len(r.Find("a")) > 0 {
			t.Errorf("%v left memory, want a", gone)
		}
		r.sound()
	})
}

func TestATaskStaysInMemoryUntilItIsOnDisk(t *testing.T) {
	feeding(t, 1, func(t *testing.T, f *feed) {
		f.run(func(p *fed) {
			f.create("l.txt", "a")
			p.pass(5 * time.Second)
			f.create("l.txt", "b")
			p.pass(2 * time.Minute)
			p.isTracked("b")
		})
		if kept := f.kept("a"); kept.State != kie.StateSuccess || !kept.Counted {
			t.Errorf("the record is %+v", kept)
		}
	})
}

// kept returns what is on disk of a task.
func (f *feed) kept(id string) store.Record {
	f.t.Helper()
	s, err := store.Open(f.dir, promslog.NewNopLogger())
	if err != nil {
		f.t.Fatal(err)
	}
	defer s.Close()
	return s.Find("main", []string{id})[0]
}

func TestALowerLimitHasFinishedTasksLeaveMemoryAtOnce(t *testing.T) {
	feeding(t, 4, func(t *testing.T, f *feed) {
		f.run(func(p *fed) {
			for id := range strings.FieldsSeq("a b c d") {
				f.create("l.txt", id)
				p.pass(time.Minute)
			}
			p.isTracked("a b c d")
			f.limits.Tasks = 2
			prepared, err := p.set.Prepare(t.Context(), f.groups, f.limits)
			if err != nil {
				t.Fatal(err)
			}
			p.set.Reconfigure(t.Context(), prepared)
			p.isTracked("c d")
			p.wantOf(2, 0)
		})
	})
}

// Without storage nothing but memory knows what is over. Where that is full, ids are refused, and none is asked twice.
func TestWithoutStorageNoTaskLeavesMemoryThatWouldBeAskedAgain(t *testing.T) {
	feeding(t, 1, func(t *testing.T, f *feed) {
		f.memory, f.limits.IDs = true, 6
		f.run(func(p *fed) {
			for id := range strings.FieldsSeq("a b c d e f") {
				f.create(id+".txt", id)
				p.pass(time.Minute)
			}
			for id := range strings.FieldsSeq("a b c d e f") {
				f.list(id+".txt", id) // so that all are read again
			}
			p.pass(2 * time.Minute)
			f.wantQueries(1, "a", "b", "c", "d", "e", "f")
			f.limits.IDs = 2 // four remembered at most: that of the next is one too many
			prepared, err := p.set.Prepare(t.Context(), f.groups, f.limits)
			if err != nil {
				t.Fatal(err)
			}
			p.set.Reconfigure(t.Context(), prepared)
			f.create("g.txt", "g")
			p.pass(2 * time.Minute)
			f.wantQueries(1, "a", "b", "c", "d", "e", "f")
			f.wantQueries(0, "g")
			p.isTracked("f")
			if p.rejected() == 0 {
				t.Error("nothing was refused")
			}
		})
	})
}

// What does not fit into the memory of what is over is known from disk.
func TestWithStorageAnyNumberOfTasksIsKnownAgain(t *testing.T) {
	feeding(t, 1, func(t *testing.T, f *feed) {
		f.limits.IDs = 2
		f.run(func(p *fed) {
			for i := range 30 {
				f.create(fmt.Sprintf("%d.txt", i), fmt.Sprint("task ", i))
				p.pass(time.Minute)
			}
			for i := range 30 {
				f.list(fmt.Sprintf("%d.txt", i), fmt.Sprint("task ", i))
			}
			p.pass(2 * time.Minute)
			p.wantOf(29, 0)
			if !p.set.IsPast("main", "task 0") {
				t.Error("the record of a listed task would be let go")
			}
		})
		for i := range 30 {
			f.wantQueries(1, fmt.Sprint("task ", i))
		}
	})
}

func TestATaskThatLeavesItsListUnfinishedIsCounted(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		dropped := func() uint64 {
			time.Sleep(time.Second) // until there is another snapshot
			return r.Snapshot().Groups[0].DroppedUnfinished
		}
		r.sim.Put(kiesim.Task{ID: "unfinished", Duration: -1})
		r.sim.Put(kiesim.Task{ID: "finished"})
		r.list("unfinished", "finished", "given up", "stays")
		time.Sleep(9 * 24 * time.Hour)
		r.remove("finished", "given up")
		if n := dropped(); n != 0 {
			t.Errorf("%d, with a finished task and one that was given up", n)
		}
		r.remove("unfinished")
		r.list("pending")
		r.remove("pending")
		if n := dropped(); n != 2 {
			t.Errorf("%d, want 2", n)
		}
	})
}

// A year of 30,000 ids a day in one list, where 100,000 tasks may be tracked; here a two-hundredth of all of it, and days of ten seconds.
func TestLargeListOfAYearRefusesNothingAndAsksNothingTwice(t *testing.T) {
	if testing.Short() {
		t.Skip("takes some seconds")
	}
	const days, daily, limit = 365, 150, 500
	feeding(t, limit, func(t *testing.T, f *feed) {
		day := 0
		for _, until := range []int{100, 101, 250, days} { // from one restart to the next
			f.run(func(p *fed) {
				for ; day < until; day++ {
					ids := make([]string, daily)
					for i := range ids {
						ids[i] = fmt.Sprintf("task %d of day %d", i, day)
					}
					f.create("year.txt", ids[1:]...)
					if day%20 == 0 {
						f.api.Put(kiesim.Task{ID: ids[0], Duration: -1})
						f.list("year.txt", ids[0])
					}
					p.pass(10 * time.Second)
					if n := p.tracked(); n > limit {
						t.Fatalf("day %d: %d tasks are tracked", day, n)
					}
				}
				if p.rejected() != 0 {
					t.Errorf("%d ids were refused", p.rejected())
				}
				if want := days/20 + 1; until == days && p.tracked()-finished(p) != want {
					t.Errorf("%d tasks are unfinished, want %d", p.tracked()-finished(p), want)
				}
			})
		}
		for day := range days {
			for i := 1; i < daily; i++ {
				f.wantQueries(1, fmt.Sprintf("task %d of day %d", i, day))
			}
		}
	})
}

func finished(p *fed) (n int) {
	for _, m := range p.Snapshot().Models {
		n += m.Tasks[kie.StateSuccess]
	}
	return n
}
