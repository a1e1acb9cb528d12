package tracker_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/querylog"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
)

// withCallbacks is a setup whose group "video" expects callbacks, and "image" does not.
func withCallbacks() setup {
	return setup{tracker: tracker.Options{Background: true, Groups: []tracker.GroupOptions{
		{Name: "video", Account: "main", Webhook: true}, {Name: "image", Account: "main"},
	}}}
}

// callback checks what is told of a callback.
func (r *rig) callback(id string, tracked, asked bool) {
	r.t.Helper()
	if isTracked, isAsked := r.Callback("main", id); isTracked != tracked || isAsked != asked {
		r.t.Errorf("a callback for %s: tracked %v, asked %v; want %v, %v", id, isTracked, isAsked, tracked, asked)
	}
}

// runs has the API work on a task for so long, and lists it in a group.
func (r *rig) runs(group, id string, d time.Duration) {
	r.sim.Put(kiesim.Task{ID: id, Model: "kling/v2", Duration: d})
	r.Apply(listing(group, id))
}

func TestACallbackHasItsTaskAskedAtOnce(t *testing.T) {
	bubble(t, withCallbacks(), func(t *testing.T, r *rig) {
		r.runs("image", "a", 25*time.Minute+10*time.Second)
		time.Sleep(25*time.Minute + 20*time.Second) // it is asked once a minute at this age
		before := r.sim.Queries("a")
		r.callback("a", true, true)
		time.Sleep(time.Millisecond)
		r.wantQueries("a", before+1)
		if k := find(t, r.Snapshot(), "a"); k.State != kie.StateSuccess {
			t.Errorf("%v", k.State)
		}
	})
}

func TestWhoLooksAtATaskSeesItsCallbacksAndWhenItIsAskedNext(t *testing.T) {
	s, queries := withCallbacks(), querylog.New()
	s.tracker.Queries = queries
	bubble(t, s, func(t *testing.T, r *rig) {
		r.runs("image", "a", time.Hour)
		time.Sleep(10 * time.Second)
		asked, _ := queries.Queries("main", "a")
		next := r.Next("main", "a")
		time.Sleep(time.Until(next.Due) - time.Millisecond)
		if now, _ := queries.Queries("main", "a"); len(now) != len(asked) {
			t.Errorf("asked before it was due")
		}
		r.callback("a", true, true)
		time.Sleep(10 * time.Second)
		now, _ := queries.Queries("main", "a")
		if len(now) < len(asked)+2 || !now[len(asked)].Callback || now[len(asked)+1].Callback {
			t.Errorf("after a callback: %+v", now[len(asked):])
		}
		r.callback("late", false, false)
		came := time.Now()
		if now, _ := queries.Queries("main", "late"); now != nil {
			t.Errorf("of a task that is not tracked: %v", now)
		}
		time.Sleep(10 * time.Second)
		r.runs("image", "late", time.Hour)
		if now, _ := queries.Queries("main", "late"); len(now) == 0 || !now[0].Callback || now[0].Ended.Sub(came).Abs() > time.Second {
			t.Errorf("of a task that was listed after its callback: %+v", now)
		}
		time.Sleep(time.Hour)
		if next := r.Next("main", "a"); !next.Due.IsZero() {
			t.Errorf("a finished task is asked at %v", next.Due)
		}
	})
}

func TestACallbackIsNoMoreThanAHint(t *testing.T) {
	bubble(t, withCallbacks(), func(t *testing.T, r *rig) {
		r.runs("image", "a", 2*time.Hour)
		r.runs("image", "done", 0)
		time.Sleep(time.Hour)
		tracked, before := r.tracked(), r.sim.Queries("a")
		for range 1000 {
			r.callback("a", true, true)
			r.callback("done", true, false)
			r.callback("unknown", false, false)
			if tracked, asked := r.Callback("other", "a"); tracked || asked {
				t.Error("another account's task is asked")
			}
			time.Sleep(10 * time.Millisecond)
		}
		r.wantGaps("a", 3, 60)
		if n := r.sim.Queries("a") - before; n > 4 {
			t.Errorf("asked %d times in ten seconds", n)
		}
		r.wantQueries("done", 1)
		r.wantQueries("unknown", 0)
		if k := find(t, r.Snapshot(), "a"); k.State != kie.StateGenerating || r.tracked() != tracked {
			t.Errorf("%v, %d tasks", k.State, r.tracked())
		}
	})
}

func TestACallbackDuringAQueryHasTheTaskAskedAgain(t *testing.T) {
	s := withCallbacks()
	s.api.Latency = 2 * time.Second
	bubble(t, s, func(t *testing.T, r *rig) {
		start := time.Now()
		r.sim.Inject(kiesim.Match{ID: "a", Times: 1}, kiesim.Fault{Code: 422, Msg: "recordInfo is null", Delay: time.Second})
		r.runs("image", "a", time.Second) // would be asked again after 15 s
		time.Sleep(1500 * time.Millisecond)
		r.callback("a", true, true)
		time.Sleep(8 * time.Second)
		if k := find(t, r.Snapshot(), "a"); k.State != kie.StateSuccess {
			t.Errorf("%v, asked at %v", k.State, r.queries("a", start))
		}
		r.wantQueries("a", 2)
	})
}

func TestACallbackDoesNotConfirmAFailureEarly(t *testing.T) {
	bubble(t, withCallbacks(), func(t *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{ID: "a"}, kiesim.Fault{Code: 501})
		r.runs("image", "a", time.Hour)
		time.Sleep(10 * time.Second)
		r.callback("a", true, true)
		time.Sleep(10 * time.Second)
		r.wantQueries("a", 1)
		time.Sleep(15 * time.Second)
		if k := find(t, r.Snapshot(), "a"); k.State != kie.StateFail || k.FailCode != "501" {
			t.Errorf("%+v", k)
		}
	})
}

func TestACallbackGoesBeforeWhatIsOnlyDue(t *testing.T) {
	s := withCallbacks()
	s.budget.Rate, s.budget.Concurrent = 1, 1
	bubble(t, s, func(_ *testing.T, r *rig) {
		for _, id := range ids("x", 100) {
			r.runs("image", id, time.Hour)
		}
		r.backlog("a")
		time.Sleep(10 * time.Second)
		before := r.sim.Queries("a")
		r.callback("a", true, true)
		time.Sleep(2 * time.Second)
		r.wantQueries("a", before+1)
	})
}

// finishing lists tasks one after the other in the group video, and returns how often each was asked and when it was known to
// be finished, in seconds after its end. Those of which lost says so get no callback.
func finishing(t *testing.T, r *rig, name string, n int, lost func(int) bool) (queries int, late float64) {
	t.Helper()
	const took = 100 * time.Second
	before := r.sim.Stats().Requests[kiesim.RecordInfo]
	delay := r.Snapshot().Groups[0].Detection.Sum()
	for i := range n {
		id := fmt.Sprint(name, i)
		r.runs("video", id, took)
		time.Sleep(took + time.Second)
		if !lost(i) {
			r.Callback("main", id)
		}
		time.Sleep(9 * time.Minute)
	}
	return r.sim.Stats().Requests[kiesim.RecordInfo] - before, (r.Snapshot().Groups[0].Detection.Sum() - delay) / float64(n)
}

func TestWhileCallbacksComeATaskIsAskedOnce(t *testing.T) {
	bubble(t, withCallbacks(), func(t *testing.T, r *rig) {
		none, all := func(int) bool { return false }, func(int) bool { return true }
		if n, _ := finishing(t, r, "before", 12, all); n < 5*12 {
			t.Errorf("%d queries for 12 tasks before a callback has come", n)
		}
		finishing(t, r, "first", 1, none)
		if n, late := finishing(t, r, "relied", 20, none); n != 20 || late > 1.5 {
			t.Errorf("%d queries for 20 tasks, known %.1f s after their ends", n, late)
		}
		if n, late := finishing(t, r, "lost", 20, func(i int) bool { return i%10 == 9 }); n != 20 || late > 5 {
			t.Errorf("%d queries for 20 tasks, two of them without callback, known %.1f s after their ends", n, late)
		}
		finishing(t, r, "doubted", 3, all)
		if n, late := finishing(t, r, "alone", 10, all); n < 5*10 || late > 8 {
			t.Errorf("%d queries for 10 tasks when callbacks come no more, known %.1f s after their ends", n, late)
		}
		finishing(t, r, "again", 1, none)
		if n, _ := finishing(t, r, "relied again", 10, none); n != 10 {
			t.Errorf("%d queries for 10 tasks when callbacks come again", n)
		}
	})
}

func TestTasksThatWaitForCallbacksArePolledWhenNoneCome(t *testing.T) {
	long := func(r *rig) {
		r.runs("video", "called", 0)
		time.Sleep(time.Second)
		r.Callback("main", "called")
		r.runs("video", "long", time.Hour)
		time.Sleep(time.Minute)
		r.wantQueries("long", 0)
	}
	for name, change := range map[string]func(r *rig){
		"tasks finish without": func(r *rig) {
			for _, id := range ids("x", 3) {
				r.runs("video", id, 0)
			}
			time.Sleep(time.Minute)
			for _, id := range ids("x", 3) {
				r.Probe(r.t.Context(), "main", id)
			}
		},
		"configured so": func(r *rig) {
			r.options.Groups[0].Webhook = false
			r.Reconfigure(r.options, nothing)
		},
		"dropped, and listed in another group": func(r *rig) {
			r.remove("long")
			r.Apply(listing("image", "long"))
		},
		"moved to another group": func(r *rig) {
			r.Apply(source.Change{Group: "image", Added: []source.Task{{ID: "long"}}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, withCallbacks(), func(_ *testing.T, r *rig) {
				long(r)
				change(r)
				time.Sleep(time.Second)
				r.wantQueries("long", 1)
				time.Sleep(10 * time.Minute)
				r.wantGaps("long", 3, 60)
			})
		})
	}
}

func TestATaskWhoseCallbackCameTooEarlyIsPolled(t *testing.T) {
	bubble(t, withCallbacks(), func(_ *testing.T, r *rig) {
		r.runs("video", "a", time.Hour)
		time.Sleep(time.Second)
		r.callback("a", true, true)
		time.Sleep(10 * time.Minute)
		r.wantGaps("a", 3, 60)
	})
}

func TestATaskThatNoCallbackNamesIsShownOverdueInTime(t *testing.T) {
	s := withCallbacks()
	s.tracker.Groups[0].Overdue = 2 * time.Minute
	bubble(t, s, func(t *testing.T, r *rig) {
		r.runs("video", "called", 0)
		time.Sleep(time.Second)
		r.Callback("main", "called")
		r.runs("video", "stuck", 10*time.Hour)
		time.Sleep(4 * time.Minute)
		if m := model(t, r.Snapshot(), "video", "kling/v2"); m.Overdue != 1 {
			t.Errorf("%d overdue, want 1", m.Overdue)
		}
		time.Sleep(5 * time.Hour)
		r.wantGaps("stuck", 60, 15*60+1)
	})
}

// ended has the API finish tasks of the group video, as data says beside that, and has each found so at once.
func ended(r *rig, prefix string, n int, data map[string]any) {
	for _, id := range ids(prefix, n) {
		r.sim.Put(kiesim.Task{ID: id, Model: "kling/v2", Fail: &kiesim.Failure{Code: "500"}, Data: data})
		r.Apply(listing("video", id))
		r.Probe(r.t.Context(), "main", id)
	}
}

func TestAnEndOfUnknownTimeIsNoMissedCallback(t *testing.T) {
	for name, data := range map[string]map[string]any{
		"failed, without completeTime":    {"completeTime": nil, "updateTime": nil},
		"failed, with completeTime 0":     {"completeTime": 0, "updateTime": nil},
		"succeeded, without completeTime": {"completeTime": nil, "updateTime": nil, "state": "success"},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, withCallbacks(), func(_ *testing.T, r *rig) {
				r.runs("video", "called", 0)
				time.Sleep(time.Second)
				r.Callback("main", "called")
				ended(r, "bad", 5, data)
				r.runs("video", "long", time.Hour)
				time.Sleep(4 * time.Minute)
				r.wantQueries("long", 0) // callbacks are relied on
			})
		})
	}
}

func TestATaskLastUpdatedLongAgoHasMissedItsCallback(t *testing.T) {
	bubble(t, withCallbacks(), func(_ *testing.T, r *rig) {
		r.runs("video", "called", 0)
		time.Sleep(time.Second)
		r.Callback("main", "called")
		ended(r, "bad", 3, map[string]any{"completeTime": nil, "updateTime": time.Now().Add(-time.Minute).UnixMilli()})
		r.runs("video", "long", time.Hour)
		time.Sleep(time.Minute)
		r.wantGaps("long", 3, 60)
	})
}

func TestAnOverdueTaskIsKnownToBeSoInTime(t *testing.T) {
	for _, overdue := range []time.Duration{2 * time.Second, 5 * time.Second, 45 * time.Second, 7 * time.Minute} {
		for _, group := range []string{"video", "image"} { // with callbacks, without
			t.Run(overdue.String()+" "+group, func(t *testing.T) {
				s := withCallbacks()
				s.tracker.Groups[0].Overdue, s.tracker.Groups[1].Overdue = overdue, overdue
				s.tracker.Bounds = schedule.Bounds{Min: 3 * time.Second, Max: 10 * time.Minute}
				bubble(t, s, func(t *testing.T, r *rig) {
					for _, id := range ids("done", 30) { // tasks usually take long, so an early query is worth little
						r.sim.Put(kiesim.Task{ID: id, Model: "kling/v2", Created: time.Now().Add(-time.Hour), Duration: time.Hour})
						r.Apply(listing(group, id))
					}
					time.Sleep(time.Second)
					r.Callback("main", ids("done", 1)[0])
					r.runs(group, "stuck", 10*time.Hour)
					time.Sleep(max(overdue, 3*time.Second) + time.Second)
					if m := model(t, r.Snapshot(), group, "kling/v2"); m.Overdue != 1 {
						t.Errorf("%d overdue, want 1", m.Overdue)
					}
					before := r.sim.Queries("stuck")
					time.Sleep(10 * time.Minute)
					if n := r.sim.Queries("stuck") - before; n > 12 {
						t.Errorf("asked %d times in the ten minutes after", n)
					}
				})
			})
		}
	}
}

func TestARateLimitLosesNoCallback(t *testing.T) {
	s := withCallbacks()
	s.budget = budget.Options{Rate: 1, Concurrent: 1}
	bubble(t, s, func(_ *testing.T, r *rig) {
		r.sim.Put(kiesim.Task{ID: "old", Created: time.Now().Add(-48 * time.Hour), Duration: 49 * time.Hour})
		r.list("old")
		time.Sleep(time.Minute)
		for _, id := range ids("busy", 50) { // which leave little to old tasks
			r.task(kiesim.Task{ID: id, Duration: time.Hour})
		}
		time.Sleep(2 * time.Minute)
		remove := r.sim.Inject(kiesim.Match{ID: "old"}, kiesim.Fault{Code: 429})
		before := r.sim.Queries("old")
		r.callback("old", true, true)
		time.Sleep(5 * time.Second)
		r.wantQueries("old", before+1) // and the gate is closed
		remove()
		time.Sleep(10 * time.Second)
		r.wantQueries("old", before+2)
	})
}
