package tracker_test

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/pace"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
)

func TestAScrapeShowsTheAnswersItWaitedFor(t *testing.T) {
	bubble(t, setup{api: kiesim.Options{Latency: 300 * time.Millisecond}}, func(t *testing.T, r *rig) {
		for _, id := range ids("t", 20) {
			r.task(kiesim.Task{ID: id, Duration: time.Hour, InFlight: "waiting"})
		}
		start := time.Now()
		s := r.scrape()
		if took := time.Since(start); took > time.Second {
			t.Errorf("the scrape took %v, want three rounds of 300ms", took)
		}
		for _, id := range ids("t", 20) {
			if k := find(t, s, id); k.State != kie.StateWaiting {
				t.Errorf("%s is %v, want waiting", id, k.State)
			}
		}
	})
}

func TestAScrapeSoonAfterAnotherIsUpToDateToo(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		r.scrape()
		time.Sleep(100 * time.Millisecond)
		r.task(kiesim.Task{ID: "a", Duration: time.Hour})
		if k := find(t, r.scrape(), "a"); k.State != kie.StateGenerating {
			t.Errorf("a is %v, want generating", k.State)
		}
	})
}

func TestSnapshotsAreMadeAtMostOnceASecond(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		first := r.Snapshot()
		r.task(kiesim.Task{ID: "a"})
		time.Sleep(999 * time.Millisecond)
		if r.Snapshot() != first {
			t.Error("another snapshot within a second")
		}
		time.Sleep(time.Millisecond)
		if r.Snapshot() == first {
			t.Error("the same snapshot after a second")
		}
	})
}

func TestAScrapeWithNothingDueWaitsForNothing(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a", Duration: time.Hour})
		r.scrape()
		time.Sleep(2 * time.Second)
		if w := r.Wait(t.Context()); w.Waited != 0 || w.Incomplete {
			t.Errorf("waited %v, incomplete %v, though nothing was due", w.Waited, w.Incomplete)
		}
	})
}

func TestAScrapeEndsAtItsDeadlineAndServesWhatIsKnown(t *testing.T) {
	for name, deadline := range map[string]time.Duration{"its own": 2 * time.Second, "max_wait": time.Hour} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{}, func(t *testing.T, r *rig) {
				r.task(kiesim.Task{ID: "a", Duration: time.Hour})
				r.scrape()
				r.sim.Inject(kiesim.Match{}, kiesim.Fault{Hang: true})
				time.Sleep(4 * time.Second)
				ctx, cancel := context.WithTimeout(t.Context(), deadline)
				defer cancel()
				w := r.Wait(ctx)
				if want := min(deadline, 5*time.Second); w.Waited != want || !w.Incomplete {
					t.Errorf("waited %v, incomplete %v; want %v, true", w.Waited, w.Incomplete, want)
				}
				if k := find(t, r.Snapshot(), "a"); k.State != kie.StateGenerating {
					t.Errorf("a is %v, want its last state", k.State)
				}
			})
		})
	}
}

func TestAClosedGateEndsTheWait(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: 455, Delay: time.Second})
		r.list(ids("t", 20)...)
		if w := r.Wait(t.Context()); w.Waited != time.Second || !w.Incomplete {
			t.Errorf("waited %v, incomplete %v; want 1s, true", w.Waited, w.Incomplete)
		}
		time.Sleep(10 * time.Second)
		if w := r.Wait(t.Context()); w.Waited != 0 || !w.Incomplete {
			t.Errorf("waited %v, incomplete %v, though the gate is closed", w.Waited, w.Incomplete)
		}
	})
}

func TestAScrapeWaitsForQueriesThatAreUnderWayAlready(t *testing.T) {
	bubble(t, setup{api: kiesim.Options{Latency: 2 * time.Second}}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a", Duration: time.Hour})
		go r.Wait(t.Context())
		time.Sleep(time.Second)
		if w := r.Wait(t.Context()); w.Waited != time.Second || w.Incomplete {
			t.Errorf("waited %v, incomplete %v; want 1s, false", w.Waited, w.Incomplete)
		}
	})
}

func TestAnyNumberOfScrapersCostsNoMoreQueriesThanOne(t *testing.T) {
	queries := func(scrapers int) (n int) {
		bubble(t, setup{budget: budget.Options{Rate: 2, Concurrent: 4}}, func(_ *testing.T, r *rig) {
			for _, id := range ids("t", 10) {
				r.task(kiesim.Task{ID: id, Duration: time.Hour})
			}
			var all sync.WaitGroup
			for range scrapers {
				all.Go(func() { r.watch(10 * time.Minute) })
			}
			all.Wait()
			n = r.sim.Stats().Requests[kiesim.RecordInfo]
		})
		return n
	}
	one, many := queries(1), queries(7)
	if one != many {
		t.Errorf("%d queries with one scraper, %d with seven", one, many)
	}
}

func TestNobodyScrapesNobodyAsks(t *testing.T) {
	bubble(t, setup{credits: time.Minute}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a", Duration: 10 * time.Hour})
		time.Sleep(time.Hour)
		if n := len(r.sim.Requests()); n != 0 {
			t.Fatalf("%d requests before the first scrape", n)
		}
		start := time.Now()
		r.scrape()
		time.Sleep(time.Hour)
		requests := r.sim.Requests()
		if last := requests[len(requests)-1].At.Sub(start); last > 5*time.Minute || last < 4*time.Minute {
			t.Errorf("the last request came %v after the only scrape, want just under 5m", last)
		}
		before := r.sim.Queries("a")
		r.scrape()
		r.wantQueries("a", before+1)
	})
}

func TestInTheBackgroundTasksAreAskedWithoutScrapes(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a", Duration: time.Hour})
		time.Sleep(2 * time.Hour)
		if k := find(t, r.Snapshot(), "a"); k.State != kie.StateSuccess {
			t.Errorf("a is %v, want success", k.State)
		}
	})
}

func TestARemovedTaskHoldsUpNoScrape(t *testing.T) {
	bubble(t, setup{budget: budget.Options{Rate: 0.1, Concurrent: 1}}, func(t *testing.T, r *rig) {
		r.list("a", "b")
		r.sim.Put(kiesim.Task{ID: "b"})
		time.AfterFunc(time.Second, func() {
			c := listing("video")
			c.Removed = []string{"a", "b"}
			r.Apply(c)
		})
		if w := r.Wait(t.Context()); w.Waited > time.Second || w.Incomplete {
			t.Errorf("waited %v, incomplete %v; want 1s, false", w.Waited, w.Incomplete)
		}
	})
}

func TestShutdownEndsWhatIsUnderWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, setup{})
		r.sim.Inject(kiesim.Match{}, kiesim.Fault{Hang: true})
		r.list(ids("t", 100)...)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			r.Run(ctx)
		}()
		go r.Wait(ctx)
		time.Sleep(time.Second)
		start := time.Now()
		stop()
		<-done
		if took := time.Since(start); took != 0 {
			t.Errorf("it took %v to stop", took)
		}
	})
}

// stuck is a pace far away that does not answer.
type stuck struct{}

func (stuck) Take(ctx context.Context) time.Duration {
	<-ctx.Done()
	return time.Second
}

func (stuck) Slow()                    {}
func (stuck) Worth(float64)            {}
func (stuck) Reconfigure(pace.Options) {}
func (stuck) Allowed() float64         { return 1 }
func (stuck) Knee() float64            { return 0 }
func (stuck) Recall(float64)           {}

func TestAScrapeDoesNotWaitForAPaceFarAway(t *testing.T) {
	bubble(t, setup{budget: budget.Options{Rate: 1, Concurrent: 1, Pace: stuck{}}}, func(t *testing.T, r *rig) {
		r.list("a")
		s := r.Wait(t.Context())
		if s.Waited != 5*time.Second || !s.Incomplete {
			t.Errorf("a scrape waited %v, incomplete: %t; want the 5s that it may at the most", s.Waited, s.Incomplete)
		}
		start := time.Now()
		if s := r.Snapshot(); s.Accounts[0].Due != 1 || s.Accounts[0].Requests.Pace != 1 {
			t.Errorf("%+v", s.Accounts[0])
		}
		if n, _ := r.Count("main"); n != 1 {
			t.Errorf("%d tasks are tracked", n)
		}
		if took := time.Since(start); took > 0 {
			t.Errorf("a look took %v", took)
		}
	})
}

func TestAScrapeThatHasWaitedShowsWhatItWaitedFor(t *testing.T) {
	bubble(t, setup{api: kiesim.Options{Latency: 100 * time.Millisecond}}, func(t *testing.T, r *rig) {
		r.scrape()
		r.task(kiesim.Task{ID: "a"})
		r.Wait(t.Context())
		if k := find(t, r.Snapshot(), "a"); k.State != kie.StateSuccess {
			t.Errorf("%+v", k)
		}
	})
}

// What it shows may be a second old, whatever changes meanwhile, such as a reload.
func TestAScrapeWithNothingToWaitForIsAnsweredAtOnce(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a"})
		r.scrape()
		r.remove("a")
		began := time.Now()
		r.Wait(t.Context())
		if took := time.Since(began); took != 0 {
			t.Errorf("it took %v", took)
		}
	})
}
