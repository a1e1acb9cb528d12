package tracker_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
)

func TestAProbeAsksNowAndFinishedTasksNever(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		r.sim.Put(kiesim.Task{ID: "stranger", Model: "m", Duration: time.Minute, Credits: 3})
		for _, want := range []kie.State{kie.StateGenerating, kie.StateSuccess, kie.StateSuccess} {
			p := r.Probe(t.Context(), "main", "stranger")
			if p.Err != nil || p.Task.State != want || p.Task.Model != "m" {
				t.Errorf("%+v, want state %v", p, want)
			}
			time.Sleep(2 * time.Minute)
		}
		if p := r.Probe(t.Context(), "main", "stranger"); p.Asked || took(p.Task) != time.Minute || p.Task.Credits != 3 {
			t.Errorf("from memory: %+v", p)
		}
		r.wantQueries("stranger", 2)
		if s := r.scrape(); len(s.Tasks()) != 0 || len(s.Models) != 0 {
			t.Errorf("a probe leaves something behind: %+v", s)
		}
	})
}

func TestAProbeRemembersATaskThatIsListedNoLonger(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "done"})
		r.task(kiesim.Task{ID: "open", Duration: time.Minute})
		r.scrape()
		r.Apply(source.Change{Group: "video", Removed: []string{"done", "open"}})
		time.Sleep(2 * time.Minute)
		for range 3 {
			for _, id := range []string{"done", "open"} {
				if p := r.Probe(t.Context(), "main", id); p.Err != nil || p.Task.State != kie.StateSuccess {
					t.Errorf("%+v", p)
				}
			}
		}
		r.wantQueries("done", 1)
		r.wantQueries("open", 2)
	})
}

func TestWhatAProbeLearnsOfATrackedTaskCounts(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a", Duration: time.Minute})
		r.scrape()
		time.Sleep(10 * time.Minute) // nobody looks
		p := r.Probe(t.Context(), "main", "a")
		if p.Err != nil || p.Task.State != kie.StateSuccess || p.Task.Group != "video" {
			t.Errorf("%+v", p)
		}
		before := r.sim.Queries("a")
		r.watch(2 * time.Minute)
		r.wantQueries("a", before)
		wantTotals(t, r, 1, 0)
	})
}

func TestAProbeDoesNotWaitForAClosedGateAndOpensIt(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		r.sim.Put(kiesim.Task{ID: "a"})
		remove := r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: 455})
		if p := r.Probe(t.Context(), "main", "a"); kie.ClassOf(p.Err) != kie.ClassMaintenance || p.Task.QueryError != kie.ClassMaintenance {
			t.Errorf("%+v", p)
		}
		remove()
		start := time.Now()
		if p := r.Probe(t.Context(), "main", "a"); !errors.Is(p.Err, budget.ErrClosed) || p.Asked || time.Since(start) != 0 {
			t.Errorf("a closed gate: %+v after %v", p, time.Since(start))
		}
		time.Sleep(2 * time.Minute)
		if p := r.Probe(t.Context(), "main", "a"); p.Err != nil {
			t.Errorf("the gate stays closed though only probes are made: %+v", p)
		}
	})
}

func TestProbesKeepToTheBudgetAndTheirDeadline(t *testing.T) {
	bubble(t, setup{budget: budget.Options{Rate: 1, Concurrent: 2}}, func(t *testing.T, r *rig) {
		r.sim.Put(kiesim.Task{ID: "a", Duration: time.Hour})
		start, failed := time.Now(), 0
		for range 20 {
			ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
			if p := r.Probe(ctx, "main", "a"); p.Err != nil {
				failed++
			}
			cancel()
		}
		took := time.Since(start)
		if most := 2 + int(took.Seconds()); r.sim.Queries("a") > most || failed == 0 || took > 10*time.Second {
			t.Errorf("%d queries in %v, %d probes failed", r.sim.Queries("a"), took, failed)
		}
		if p := r.Probe(t.Context(), "other", "a"); !errors.Is(p.Err, tracker.ErrNoAccount) {
			t.Errorf("%+v", p)
		}
	})
}

func TestAProbeOfATaskThatIsBeingAskedLosesNothing(t *testing.T) {
	bubble(t, setup{api: kiesim.Options{Latency: 2 * time.Second}}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a", Duration: time.Hour})
		go r.Wait(t.Context())
		time.Sleep(time.Second)
		if p := r.Probe(t.Context(), "main", "a"); p.Err != nil || p.Task.State != kie.StateGenerating || p.Task.Group != "video" {
			t.Errorf("%+v", p)
		}
		if k := find(t, r.watch(time.Minute), "a"); k.State != kie.StateGenerating {
			t.Errorf("%+v", k)
		}
	})
}

func TestAProbeRemembersWhatAnEarlierProcessLearned(t *testing.T) {
	inAWorld(t, func(t *testing.T, w *world) {
		w.process(func(r *rig) {
			r.task(kiesim.Task{ID: "a", Fail: &kiesim.Failure{Code: "500", Msg: "timed out"}})
			time.Sleep(time.Minute)
		})
		before := w.api.Queries("a")
		w.process(func(r *rig) {
			if p := r.Probe(t.Context(), "main", "a"); p.Asked || p.Task.State != kie.StateFail || p.Task.FailCode != "500" {
				t.Errorf("%+v", p)
			}
		})
		if n := w.api.Queries("a"); n != before {
			t.Errorf("asked %d times more", n-before)
		}
	})
}

func TestProbesThatWaitedAskNothingThatFinishedMeanwhile(t *testing.T) {
	for name, listed := range map[string]bool{"listed": true, "in no list": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{budget: budget.Options{Rate: 1, Concurrent: 1}}, func(t *testing.T, r *rig) {
				r.sim.Put(kiesim.Task{ID: "a", Model: "m"})
				if listed {
					r.list("a")
				}
				var probes sync.WaitGroup
				for range 5 {
					probes.Go(func() {
						if p := r.Probe(t.Context(), "main", "a"); p.Err != nil || p.Task.State != kie.StateSuccess {
							t.Errorf("%+v", p)
						}
					})
				}
				probes.Wait()
				r.wantQueries("a", 1)
			})
		})
	}
}

func TestProbesDoNotConfirmAFailureEarly(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a", Duration: time.Hour})
		r.sim.Inject(kiesim.Match{ID: "a"}, kiesim.Fault{Code: 408})
		for _, final := range []bool{false, false, true} {
			if p := r.Probe(t.Context(), "main", "a"); p.Task.State.Finished() != final {
				t.Errorf("%v, finished want %v", p.Task.State, final)
			}
			time.Sleep(16 * time.Second)
		}
	})
}

func TestAGivenUpTaskThatAProbeFindsIsAskedAgain(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		r.list("late")
		time.Sleep(9 * 24 * time.Hour)
		r.sim.Put(kiesim.Task{ID: "late", Model: "m", Duration: 10 * time.Minute})
		r.Probe(t.Context(), "main", "late")
		time.Sleep(2 * time.Hour)
		if k := find(t, r.Snapshot(), "late"); k.State != kie.StateSuccess {
			t.Errorf("late is %v, want success", k.State)
		}
	})
}

func TestProbesDoNotMakeATaskRestLonger(t *testing.T) {
	for name, fault := range map[string]kiesim.Fault{"not found": {Code: 404}, "fault": {Code: 400}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
				r.sim.Inject(kiesim.Match{ID: "a"}, fault)
				r.list("a")
				time.Sleep(2 * time.Minute)
				for range 30 {
					r.Probe(t.Context(), "main", "a")
					time.Sleep(time.Second)
				}
				n := r.sim.Queries("a")
				time.Sleep(13 * time.Minute)
				if r.sim.Queries("a") == n {
					t.Error("not asked in 13 minutes after some probes")
				}
			})
		})
	}
}

func TestProbesShareTheQueryThatIsUnderWay(t *testing.T) {
	for name, listed := range map[string]bool{"the dispatcher's": true, "another probe's": false} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{api: kiesim.Options{Latency: 2 * time.Second}}, func(t *testing.T, r *rig) {
				r.sim.Put(kiesim.Task{ID: "a", Model: "m"})
				if listed {
					r.list("a")
					go r.Wait(t.Context())
					time.Sleep(time.Second)
				}
				var probes sync.WaitGroup
				for range 5 {
					probes.Go(func() {
						if p := r.Probe(t.Context(), "main", "a"); p.Err != nil || !p.Asked || p.Task.State != kie.StateSuccess || p.Took != 2*time.Second {
							t.Errorf("%+v", p)
						}
					})
				}
				probes.Wait()
				r.wantQueries("a", 1)
			})
		})
	}
}

func TestAProbeThatGivesUpDoesNotTakeOthersAlong(t *testing.T) {
	bubble(t, setup{api: kiesim.Options{Latency: 2 * time.Second}}, func(t *testing.T, r *rig) {
		r.sim.Put(kiesim.Task{ID: "a", Model: "m"})
		hasty, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		var probes sync.WaitGroup
		probes.Go(func() {
			if p := r.Probe(hasty, "main", "a"); p.Err == nil {
				t.Errorf("%+v", p)
			}
		})
		time.Sleep(500 * time.Millisecond)
		if p := r.Probe(t.Context(), "main", "a"); p.Err != nil || p.Task.State != kie.StateSuccess {
			t.Errorf("%+v", p)
		}
		probes.Wait()
	})
}

func TestWhatWasLearnedWhileATaskWasInNoListIsNotAskedWhenItIs(t *testing.T) {
	drop := source.Change{Group: "video", Removed: []string{"a"}}
	probe := func(t *testing.T, r *rig) {
		t.Helper()
		if p := r.Probe(t.Context(), "main", "a"); p.Err != nil || p.Task.State != kie.StateSuccess {
			t.Errorf("%+v", p)
		}
	}
	for name, test := range map[string]struct {
		learn   func(t *testing.T, r *rig)
		queries int
	}{
		"probed before it was listed": {func(t *testing.T, r *rig) {
			t.Helper()
			time.Sleep(time.Minute)
			probe(t, r)
		}, 1},
		"probed after it was dropped": {func(t *testing.T, r *rig) {
			t.Helper()
			r.list("a")
			r.scrape()
			r.Apply(drop)
			time.Sleep(time.Minute)
			probe(t, r)
		}, 2},
		"dropped while it was asked": {func(t *testing.T, r *rig) {
			t.Helper()
			time.Sleep(time.Minute)
			r.list("a")
			go r.Wait(t.Context())
			time.Sleep(time.Second)
			r.Apply(drop)
			time.Sleep(2 * time.Second)
		}, 1},
		"listed while it was probed, and another query would fail": {func(t *testing.T, r *rig) {
			t.Helper()
			time.Sleep(time.Minute)
			go probe(t, r)
			time.Sleep(time.Second)
			r.sim.Inject(kiesim.Match{ID: "a"}, kiesim.Fault{Code: 500, Delay: 2 * time.Second})
			r.list("a")
			r.scrape()
		}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{api: kiesim.Options{Latency: 2 * time.Second}}, func(t *testing.T, r *rig) {
				r.sim.Put(kiesim.Task{ID: "a", Model: "kling/v2", Duration: 50 * time.Second})
				test.learn(t, r)
				r.list("a")
				s := r.watch(10 * time.Minute)
				if k := find(t, s, "a"); k.State != kie.StateSuccess || took(k) != 50*time.Second {
					t.Errorf("%+v", k)
				}
				r.wantQueries("a", test.queries)
				wantTotals(t, r, 1, 0)
			})
		})
	}
}

func TestABadTaskThatIsProbedDoesNotKeepTheAccountClosed(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{ID: "bad"}, kiesim.Fault{Code: 455})
		r.sim.Put(kiesim.Task{ID: "good"})
		r.Probe(t.Context(), "main", "bad")
		for end := time.Now().Add(time.Minute); ; time.Sleep(15 * time.Second) {
			r.Probe(t.Context(), "main", "bad")
			if p := r.Probe(t.Context(), "main", "good"); p.Err == nil {
				return
			}
			if time.Now().After(end) {
				t.Fatal("good can't be asked")
			}
		}
	})
}

func TestATaskThatClosedTheGateMayOpenItWhereNoOtherIsProbed(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		remove := r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: 455})
		r.Probe(t.Context(), "main", "a")
		remove()
		r.sim.Put(kiesim.Task{ID: "a"})
		time.Sleep(90 * time.Second)
		if p := r.Probe(t.Context(), "main", "a"); p.Err != nil {
			t.Errorf("%+v", p)
		}
	})
}

func TestAProbeTriesARefusedKeyWithTheCreditCall(t *testing.T) {
	bubble(t, setup{credits: time.Minute, api: kiesim.Options{Credits: 10}}, func(t *testing.T, r *rig) {
		remove := r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: 401})
		r.Probe(t.Context(), "main", "bad")
		time.Sleep(2 * time.Minute)
		r.Probe(t.Context(), "main", "a")
		r.wantQueries("a", 0)
		remove()
		r.sim.Put(kiesim.Task{ID: "a"})
		r.sim.Put(kiesim.Task{ID: "b"})
		time.Sleep(2 * time.Minute) // every other trial is about a task, which is a here
		for _, id := range []string{"a", "b"} {
			if p := r.Probe(t.Context(), "main", id); p.Err != nil {
				t.Errorf("%+v", p)
			}
		}
		if n := r.sim.Stats().Requests[kiesim.Credit]; n != 1 {
			t.Errorf("%d credit calls, want 1", n)
		}
	})
}

func TestAProbeByAnotherAccountThanTheTasksIsAskedOnItsOwn(t *testing.T) {
	bubble(t, setup{api: kiesim.Options{Latency: 2 * time.Second}}, func(t *testing.T, r *rig) {
		r.sim.Put(kiesim.Task{ID: "dropped", Model: "m"})
		r.sim.Put(kiesim.Task{ID: "moved", Model: "m"})
		r.list("dropped")
		r.scrape()
		r.Apply(source.Change{Group: "video", Removed: []string{"dropped"}})
		r.list("moved")
		go r.Wait(t.Context())
		time.Sleep(time.Second)
		o := r.options
		o.Accounts = append(o.Accounts[:1:1], r.account("second"))
		o.Groups = []tracker.GroupOptions{{Name: "video", Account: "main"}, {Name: "image", Account: "second"}}
		r.Reconfigure(o, func() { r.Apply(listing("image", "moved")) })
		for _, id := range []string{"moved", "dropped"} {
			if p := r.Probe(t.Context(), "second", id); p.Err != nil || p.Task.State != kie.StateSuccess || p.Waited > time.Second {
				t.Errorf("%+v", p)
			}
			r.wantQueries(id, 2)
		}
	})
}

func TestAProbeTellsTheAnswerAboutATaskThatWasDroppedMeanwhile(t *testing.T) {
	bubble(t, setup{api: kiesim.Options{Latency: 2 * time.Second}}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a"})
		var probes sync.WaitGroup
		for range 2 {
			probes.Go(func() {
				if p := r.Probe(t.Context(), "main", "a"); p.Err != nil || p.Task.State != kie.StateSuccess {
					t.Errorf("%+v", p)
				}
			})
		}
		time.Sleep(time.Second)
		r.remove("a")
		probes.Wait()
		r.wantQueries("a", 1)
	})
}

func TestATaskIsNeverAskedTwiceAtATime(t *testing.T) {
	probe := func(r *rig, wait *sync.WaitGroup) {
		wait.Go(func() {
			if p := r.Probe(r.t.Context(), "main", "a"); p.Err != nil || p.Task.State != kie.StateSuccess {
				r.t.Errorf("%+v", p)
			}
		})
		time.Sleep(500 * time.Millisecond)
	}
	asked := func(r *rig) {
		r.list("a")
		go r.Wait(r.t.Context())
		time.Sleep(500 * time.Millisecond)
	}
	for name, test := range map[string]func(r *rig, wait *sync.WaitGroup){
		"asked, dropped, probed": func(r *rig, wait *sync.WaitGroup) {
			asked(r)
			r.remove("a")
			probe(r, wait)
			probe(r, wait)
		},
		"asked, dropped, listed again, probed": func(r *rig, wait *sync.WaitGroup) {
			asked(r)
			r.remove("a")
			r.list("a")
			probe(r, wait)
		},
		"asked, dropped and forgotten, listed again": func(r *rig, _ *sync.WaitGroup) {
			o := r.options
			o.Accounts = append(o.Accounts[:1:1], r.account("second"))
			o.Groups = []tracker.GroupOptions{{Name: "video", Account: "main"}, {Name: "image", Account: "second"}}
			r.Reconfigure(o, nothing)
			asked(r)
			r.remove("a")
			for part := range slices.Chunk(ids("x", 110_000), 10_000) {
				r.Apply(listing("image", part...))
				r.Apply(source.Change{Group: "image", Removed: part})
			}
			r.list("a")
		},
		"probed, listed": func(r *rig, wait *sync.WaitGroup) {
			probe(r, wait)
			r.list("a")
			go r.Wait(r.t.Context())
		},
		"probed, listed with a backlog": func(r *rig, wait *sync.WaitGroup) {
			probe(r, wait)
			r.backlog("a")
			go r.Wait(r.t.Context())
		},
		"probed, listed, dropped, listed": func(r *rig, wait *sync.WaitGroup) {
			probe(r, wait)
			r.list("a")
			r.remove("a")
			probe(r, wait)
			r.list("a")
			go r.Wait(r.t.Context())
		},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{api: kiesim.Options{Latency: 3 * time.Second}}, func(t *testing.T, r *rig) {
				r.sim.Put(kiesim.Task{ID: "a", Model: "m"})
				var wait sync.WaitGroup
				test(r, &wait)
				wait.Wait()
				time.Sleep(10 * time.Second)
				r.wantQueries("a", 1)
				if n := r.Snapshot().Accounts[0].Requests.InFlight; n != 0 {
					t.Errorf("%d requests in flight", n)
				}
			})
		})
	}
}

func TestATaskOfAnotherReplicaIsNeitherProbedNorHeardOf(t *testing.T) {
	ours := func(id string) bool { return strings.HasPrefix(id, "ours") }
	bubble(t, setup{account: tracker.AccountOptions{Name: "main", Has: ours}}, func(t *testing.T, r *rig) {
		r.sim.Put(kiesim.Task{ID: "ours"})
		r.task(kiesim.Task{ID: "theirs", Duration: time.Hour}) // which its source is about to take back
		r.scrape()
		before := r.sim.Queries("theirs")
		if p := r.Probe(t.Context(), "main", "theirs"); !errors.Is(p.Err, tracker.ErrElsewhere) || p.Asked {
			t.Errorf("%+v", p)
		}
		r.callback("theirs", false, false)
		r.wantQueries("theirs", before)
		if p := r.Probe(t.Context(), "main", "ours"); p.Err != nil || p.Task.State != kie.StateSuccess {
			t.Errorf("%+v", p)
		}
		r.options.Accounts[0].Has = nil
		r.Reconfigure(r.options, func() {})
		r.callback("theirs", true, true)
		if p := r.Probe(t.Context(), "main", "theirs"); p.Err != nil {
			t.Errorf("%+v", p)
		}
	})
}
