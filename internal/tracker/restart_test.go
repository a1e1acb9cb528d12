package tracker_test

import (
	"context"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/promslog"

	"github.com/kie-exporter/kie_exporter/internal/history"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// world outlives processes: the API, and a folder with what they keep.
type world struct {
	t   *testing.T
	api *kiesim.Server
	dir string

	groups []string // nil: the ordinary ones
}

func inAWorld(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, dir: t.TempDir()}
		w.process(func(r *rig) { w.api = r.sim })
		if err := os.Remove(filepath.Join(w.dir, "kie_exporter.db")); err != nil {
			t.Fatal(err)
		}
		test(t, w)
	})
}

// process is a process of the exporter, from start to end.
func (w *world) process(live func(r *rig)) {
	w.t.Helper()
	before := history.New()
	kept, err := store.OpenWith(w.dir, store.Options{Reader: before}, promslog.NewNopLogger())
	if err != nil {
		w.t.Fatal(err)
	}
	o := tracker.Options{Store: kept, Background: true}
	for _, name := range w.groups {
		o.Groups = append(o.Groups, tracker.GroupOptions{Name: name, Account: "main"})
	}
	r := newRig(w.t, setup{sim: w.api, tracker: o})
	r.Relearn(before)
	ctx, stop := context.WithCancel(w.t.Context())
	keeping, stopKeeping := context.WithCancel(w.t.Context())
	var running, keeper sync.WaitGroup
	running.Go(func() { r.Run(ctx) })
	keeper.Go(func() { kept.Run(keeping, r) })
	live(r)
	stop()
	running.Wait()
	stopKeeping()
	keeper.Wait()
	kept.Close()
	w.checkKept()
}

// checkKept checks that all that a process kept is believed: what it knows from answers can be true.
func (w *world) checkKept() {
	w.t.Helper()
	kept, err := store.Open(w.dir, promslog.NewNopLogger())
	if err != nil {
		w.t.Fatal(err)
	}
	if n := kept.Stats().Errors[store.OpDecode]; n > 0 {
		w.t.Errorf("%d records are not believed", n)
	}
	kept.Close()
}

// totals returns how many tasks were counted and how many were not.
func totals(s *view.Snapshot) (counted, uncounted uint64) {
	for _, m := range s.Models {
		counted += m.Finished[view.Succeeded] + m.Finished[view.Failed]
	}
	for _, g := range s.Groups {
		uncounted += g.Uncounted
	}
	return counted, uncounted
}

func wantTotals(t *testing.T, r *rig, counted, uncounted uint64) {
	t.Helper()
	if c, u := totals(r.Snapshot()); c != counted || u != uncounted {
		t.Errorf("%d counted, %d not counted; want %d, %d", c, u, counted, uncounted)
	}
}

func TestAFinishedTaskIsNotAskedAgainAfterARestart(t *testing.T) {
	inAWorld(t, func(t *testing.T, w *world) {
		var before view.Task
		w.process(func(r *rig) {
			r.task(kiesim.Task{ID: "a", Duration: 30 * time.Second, Credits: 7, Fail: &kiesim.Failure{Code: "500", Msg: "timed out"}})
			time.Sleep(time.Minute)
			wantTotals(t, r, 1, 0)
			before = find(t, r.Snapshot(), "a")
		})
		n := w.api.Queries("a")
		w.process(func(r *rig) {
			r.backlog("a")
			time.Sleep(time.Hour)
			r.wantQueries("a", n)
			wantTotals(t, r, 0, 0) // counters start at 0, and it is in none of them again
			if after := find(t, r.Snapshot(), "a"); after.State != kie.StateFail || after.FailCode != before.FailCode ||
				after.Reason != before.Reason || took(after) != took(before) || after.FailedAt != before.FailedAt ||
				after.Credits != 7 || after.Model != before.Model || after.Completed != before.Completed {
				t.Errorf("known after the restart: %+v\nbefore: %+v", after, before)
			}
			if m := model(t, r.Snapshot(), "video", "kling/v2"); m.Tasks[kie.StateFail] != 1 {
				t.Error("its state is not shown")
			}
		})
	})
}

func TestWhatWasSeenUnfinishedIsNewsAfterADowntime(t *testing.T) {
	inAWorld(t, func(t *testing.T, w *world) {
		w.process(func(r *rig) {
			r.task(kiesim.Task{ID: "a", Duration: time.Hour})
			time.Sleep(time.Minute)
		})
		time.Sleep(72 * time.Hour)
		w.process(func(r *rig) {
			r.backlog("a")
			time.Sleep(time.Minute)
			wantTotals(t, r, 1, 0)
		})
		w.process(func(r *rig) {
			r.backlog("a")
			time.Sleep(time.Minute)
			wantTotals(t, r, 0, 0)
		})
	})
}

func TestWhatFinishedDuringADowntimeIsNewsAndWhatFinishedBeforeIsNot(t *testing.T) {
	inAWorld(t, func(t *testing.T, w *world) {
		w.api.Put(kiesim.Task{ID: "before", Duration: time.Second})
		time.Sleep(time.Minute)
		w.process(func(*rig) { time.Sleep(time.Minute) })
		time.Sleep(time.Hour)
		w.api.Put(kiesim.Task{ID: "meanwhile", Duration: time.Second})
		time.Sleep(time.Hour)
		w.process(func(r *rig) {
			r.backlog("before", "meanwhile")
			time.Sleep(time.Minute)
			wantTotals(t, r, 1, 1)
		})
	})
}

func TestFirstSightSurvives(t *testing.T) {
	inAWorld(t, func(t *testing.T, w *world) {
		trouble := w.api.Inject(kiesim.Match{}, kiesim.Fault{Code: 455})
		w.process(func(r *rig) {
			r.task(kiesim.Task{ID: "a", Duration: 5 * time.Minute})
			time.Sleep(10 * time.Minute)
		})
		trouble()
		w.process(func(r *rig) {
			r.backlog("a")
			time.Sleep(time.Minute)
			wantTotals(t, r, 1, 0) // finished after it was first seen, though before this start and the last heartbeat
		})
	})
}

func TestALostStoreCountsNothingTwiceThatFinishedBeforeTheStart(t *testing.T) {
	inAWorld(t, func(t *testing.T, w *world) {
		w.process(func(r *rig) {
			r.task(kiesim.Task{ID: "a", Duration: 10 * time.Second})
			time.Sleep(time.Minute)
			wantTotals(t, r, 1, 0)
		})
		if err := os.Remove(filepath.Join(w.dir, "kie_exporter.db")); err != nil {
			t.Fatal(err)
		}
		w.process(func(r *rig) {
			r.backlog("a")
			time.Sleep(time.Minute)
			wantTotals(t, r, 0, 1)
			r.wantQueries("a", w.api.Queries("a")) // asked once more, that is the price
		})
	})
}

func TestARelistedTaskIsKnownFromTheStore(t *testing.T) {
	inAWorld(t, func(t *testing.T, w *world) {
		w.process(func(r *rig) {
			r.task(kiesim.Task{ID: "a", Duration: 10 * time.Second})
			time.Sleep(time.Minute)
			r.remove("a")
		})
		n := w.api.Queries("a")
		w.process(func(r *rig) {
			time.Sleep(time.Minute)
			r.list("a")
			time.Sleep(time.Minute)
			r.wantQueries("a", n)
			wantTotals(t, r, 0, 0)
		})
	})
}

// A heartbeat from the future, or from long ago, was written by a wrong clock and is not gone by.
func TestAWrongClockAtTheLastRunMakesNoNews(t *testing.T) {
	for name, ahead := range map[string]time.Duration{"ahead": 48 * time.Hour, "long ago": -5000 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			inAWorld(t, func(t *testing.T, w *world) {
				// The process lives at another time than the world before and after it.
				if ahead > 0 {
					time.Sleep(ahead)
				}
				w.process(func(*rig) { time.Sleep(time.Minute) })
				if ahead < 0 {
					time.Sleep(-ahead)
				}
				old := time.Now().Add(-time.Hour)
				if ahead > 0 {
					old = time.Now().Add(-3 * time.Hour)
				}
				w.api.Put(kiesim.Task{ID: "old", Created: old, Duration: time.Minute})
				w.process(func(r *rig) {
					r.backlog("old")
					time.Sleep(time.Minute)
					wantTotals(t, r, 0, 1)
				})
			})
		})
	}
}

// Totals show a task only when it is on disk that they do.
func TestACountIsCommittedBeforeItShows(t *testing.T) {
	inAWorld(t, func(t *testing.T, w *world) {
		w.process(func(r *rig) {
			time.Sleep(500 * time.Millisecond) // between two batches
			r.task(kiesim.Task{ID: "a"})
			synctest.Wait()
			if k := find(t, r.Snapshot(), "a"); k.State != kie.StateSuccess {
				t.Errorf("a is %v", k.State)
			}
			wantTotals(t, r, 0, 0)
			time.Sleep(3 * time.Second)
			wantTotals(t, r, 1, 0)
		})
	})
}

func TestDurationsAreLearnedAgainAtTheStart(t *testing.T) {
	inAWorld(t, func(t *testing.T, w *world) {
		var learned time.Duration
		w.process(func(r *rig) {
			for _, id := range ids("t", 60) {
				r.task(kiesim.Task{ID: id, Duration: 5 * time.Minute})
			}
			time.Sleep(time.Hour)
			learned = model(t, r.Snapshot(), "video", "kling/v2").OverdueAfter
		})
		w.process(func(r *rig) {
			if got := model(t, r.Snapshot(), "video", "kling/v2").OverdueAfter; got != learned || got == 15*time.Minute {
				t.Errorf("overdue after %v, before the restart %v", got, learned)
			}
		})
	})
}

func TestOnlyNewsIsLearnedAtTheStart(t *testing.T) {
	inAWorld(t, func(t *testing.T, w *world) {
		old := ids("old", 40)
		for _, id := range old {
			w.api.Put(kiesim.Task{ID: id, Model: "kling/v2", Created: time.Now().Add(-72 * time.Hour), Duration: 10 * time.Hour})
		}
		w.process(func(r *rig) {
			r.backlog(old...)
			time.Sleep(time.Minute)
			wantTotals(t, r, 0, 40)
		})
		for range 2 {
			w.process(func(r *rig) {
				r.backlog(old...)
				time.Sleep(time.Minute)
				if got := model(t, r.Snapshot(), "video", "kling/v2").OverdueAfter; got != schedule.DefaultOverdue {
					t.Errorf("overdue after %v, learned from tasks that nobody watched; want %v", got, schedule.DefaultOverdue)
				}
			})
		}
	})
}

func TestAGivenUpTaskStaysGivenUp(t *testing.T) {
	inAWorld(t, func(_ *testing.T, w *world) {
		w.process(func(r *rig) {
			r.list("ghost")
			time.Sleep(time.Minute)
		})
		time.Sleep(9 * 24 * time.Hour)
		w.process(func(r *rig) {
			r.backlog("ghost")
			time.Sleep(time.Minute)
		})
		n := w.api.Queries("ghost")
		w.process(func(r *rig) {
			r.backlog("ghost")
			time.Sleep(30 * time.Minute)
			r.wantQueries("ghost", n)
		})
	})
}

// What the API tells of a finished task may be odd. It is kept and believed all the same, so that no restart asks again.
func TestNoOddAnswerIsAskedForAgainAfterARestart(t *testing.T) {
	inAWorld(t, func(_ *testing.T, w *world) {
		now := time.Now()
		odd := map[string]map[string]any{
			"reversed":       {"state": "success", "createTime": now.UnixMilli(), "completeTime": now.Add(-time.Minute).UnixMilli()},
			"timeless":       {"state": "success", "createTime": nil, "completeTime": nil, "updateTime": nil},
			"failedTimeless": {"state": "fail", "createTime": nil, "completeTime": nil, "updateTime": nil, "failCode": "501"},
			"codeless":       {"state": "fail", "failCode": nil, "failMsg": nil},
			"wordy":          {"state": "fail", "failCode": "a prompt, \"perhaps\"", "failMsg": "x"},
			"negative":       {"state": "fail", "failCode": -5, "creditsConsumed": -5},
			"long":           {"state": "success", "model": strings.Repeat("é", 1000), "creditsConsumed": 1e300},
			"dirty":          {"state": "success", "model": " \u0000a\nb\u0085 ", "creditsConsumed": "1e9"},
			"modelless":      {"state": "success", "model": nil, "creditsConsumed": "-0.0"},
		}
		asked := make(map[string]int)
		w.process(func(r *rig) {
			for id, data := range odd {
				r.task(kiesim.Task{ID: id, Data: data})
			}
			time.Sleep(time.Minute)
			for id := range odd {
				asked[id] = w.api.Queries(id)
			}
		})
		w.process(func(r *rig) {
			r.backlog(slices.Collect(maps.Keys(odd))...)
			time.Sleep(time.Hour)
			for id, n := range asked {
				r.wantQueries(id, n)
			}
		})
	})
}
