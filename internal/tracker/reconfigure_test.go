package tracker_test

import (
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/test/kit/simtest"
)

func nothing() {}

// account returns another account of the same API.
func (r *rig) account(name string) tracker.AccountOptions {
	r.t.Helper()
	client := simtest.Client(r.t, r.sim)
	return tracker.AccountOptions{Name: name, Budget: budget.New(budget.Options{
		Client: client, Key: func() string { return simtest.Key }, Rate: 1000, Concurrent: 8,
	})}
}

func TestAReconfigurationOfTheSameChangesNothing(t *testing.T) {
	history := func(every time.Duration) (asked []float64, s *view.Snapshot) {
		bubble(t, setup{tracker: tracker.Options{Background: true}}, func(_ *testing.T, r *rig) {
			start := time.Now()
			r.task(kiesim.Task{ID: "done", Duration: 20 * time.Second})
			r.task(kiesim.Task{ID: "long", Duration: 10 * time.Minute})
			for end := time.Now().Add(12 * time.Minute); time.Now().Before(end); time.Sleep(every) {
				r.Reconfigure(r.options, nothing)
			}
			asked, s = slices.Concat(r.queries("done", start), r.queries("long", start)), r.Snapshot()
		})
		return asked, s
	}
	want, before := history(12 * time.Minute)
	got, after := history(time.Second + time.Millisecond)
	if !slices.Equal(got, want) {
		t.Errorf("asked at %v, without reconfigurations at %v", got, want)
	}
	b, a := model(t, before, "video", "kling/v2"), model(t, after, "video", "kling/v2")
	if a.Finished != b.Finished || a.Finished[view.Succeeded] != 2 || a.OverdueAfter != b.OverdueAfter {
		t.Errorf("known after: %+v\nwithout: %+v", a, b)
	}
}

func TestATaskMovesToAnotherGroupAndAccountWithAllThatIsKnownOfIt(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "done"})
		r.task(kiesim.Task{ID: "long", Duration: time.Hour})
		r.task(kiesim.Task{ID: "hangs", Duration: time.Hour})
		time.Sleep(time.Minute)
		r.sim.Inject(kiesim.Match{ID: "hangs"}, kiesim.Fault{Hang: true})
		time.Sleep(20 * time.Second) // for a query that hangs; it times out after 10 s, and one of them is under way
		r.wantQueries("done", 1)
		o := r.options
		o.Accounts = []tracker.AccountOptions{r.account("other")}
		o.Groups = []tracker.GroupOptions{{Name: "film", Account: "other"}}
		start := time.Now()
		r.Reconfigure(o, func() { r.Apply(listing("film", "done", "long", "hangs")) })
		if took := time.Since(start); took != 0 {
			t.Errorf("it took %v to retire an account", took)
		}
		before := r.sim.Queries("long")
		time.Sleep(2 * time.Minute)
		s := r.Snapshot()
		if k := find(t, s, "done"); k.Group != "film" || k.Account != "other" || k.State != kie.StateSuccess {
			t.Errorf("done became %+v", k)
		}
		if k := find(t, s, "long"); k.State != kie.StateGenerating || r.sim.Queries("long") == before {
			t.Errorf("long is asked no more: %+v", k)
		}
		if k := find(t, s, "hangs"); k.QueryError != kie.ClassTimeout {
			t.Errorf("hangs is asked no more: %+v", k)
		}
		r.wantQueries("done", 1)
		if len(s.Accounts) != 1 || len(s.Groups) != 1 || len(s.Models) != 1 {
			t.Errorf("still there: %d accounts, %d groups, %d models", len(s.Accounts), len(s.Groups), len(s.Models))
		}
	})
}

func TestAGroupThatIsNoMoreGoesWithItsTasks(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a", Duration: time.Hour})
		r.Apply(listing("image", "b"))
		r.sim.Put(kiesim.Task{ID: "b", Model: "m"})
		r.scrape()
		o := r.options
		o.Groups = o.Groups[:1]
		r.Reconfigure(o, nothing)
		s := r.scrape()
		if len(s.Tasks()) != 1 || len(s.Models) != 1 || r.tracked() != 1 {
			t.Errorf("still there: %d tasks with series, %d models, %d tracked", len(s.Tasks()), len(s.Models), r.tracked())
		}
		r.Reconfigure(r.options, func() { r.Apply(listing("image", "b")) })
		r.watch(time.Minute)
		r.wantQueries("b", 1) // it is still known
	})
}

func TestAScrapeDoesNotWaitForAnAccountThatIsNoMore(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{}, kiesim.Fault{Hang: true})
		r.list("a")
		waited := make(chan view.Scrape)
		go func() { waited <- r.Wait(t.Context()) }()
		time.Sleep(time.Second)
		o := r.options
		o.Accounts = []tracker.AccountOptions{r.account("other")}
		o.Groups = []tracker.GroupOptions{{Name: "video", Account: "other"}}
		r.Reconfigure(o, nothing)
		if w := <-waited; w.Waited != time.Second {
			t.Errorf("waited %v, want 1s", w.Waited)
		}
	})
}

func TestAnAccountThatComesIsAskedAtOnce(t *testing.T) {
	bubble(t, setup{}, func(_ *testing.T, r *rig) {
		r.scrape()
		o := r.options
		o.Accounts = append(slices.Clone(o.Accounts), r.account("other"))
		o.Groups = append(slices.Clone(o.Groups), tracker.GroupOptions{Name: "film", Account: "other"})
		r.sim.Put(kiesim.Task{ID: "a", Model: "m"})
		r.Reconfigure(o, func() {
			r.Apply(source.Change{Group: "film", Backlog: true, Added: []source.Task{{ID: "a"}}})
		})
		synctest.Wait()
		r.wantQueries("a", 1)
	})
}

func TestABalanceIsKeptWhenItsIntervalChanges(t *testing.T) {
	bubble(t, setup{api: kiesim.Options{Credits: 100}, credits: time.Hour, tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		time.Sleep(time.Minute)
		o := r.options
		o.Accounts = slices.Clone(o.Accounts)
		o.Accounts[0].CreditsInterval = time.Minute
		r.Reconfigure(o, nothing)
		if a := r.Snapshot().Accounts[0]; !a.HasBalance || a.Balance != 100 {
			t.Errorf("the balance is gone: %+v", a)
		}
		time.Sleep(2*time.Minute + time.Second)
		if n := r.sim.Stats().Requests[kiesim.Credit]; n != 3 {
			t.Errorf("asked for the balance %d times, want 3", n)
		}
	})
}

func TestChangedBoundsReachTasksThatAreScheduled(t *testing.T) {
	bounds := func(least, most time.Duration) schedule.Bounds { return schedule.Bounds{Min: least, Max: most} }
	const s, m, h = time.Second, time.Minute, time.Hour
	for _, test := range []struct {
		name          string
		before, after schedule.Bounds
		age           time.Duration // when it is listed, and asked first
		at, again     time.Duration // from then until the reload, and until it is asked again
	}{
		{"lower max_interval", bounds(s, m), bounds(s, 10*s), h, s, 10 * s},
		{"lower max_interval, long after the last query", bounds(s, m), bounds(s, 10*s), h, 40 * s, 40 * s},
		{"higher max_interval", bounds(s, 10*s), bounds(s, m), h, s, m},
		{"lower min_interval", bounds(50*s, m), bounds(3*s, m), 5 * m, s, 20 * s},
		{"higher min_interval", bounds(3*s, m), bounds(50*s, m), 5 * m, s, 50 * s},
		{"task of more than a day", bounds(s, 3*h), bounds(s, 2*h), 30 * h, s, 2 * h},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, setup{tracker: tracker.Options{Background: true, Bounds: test.before}}, func(t *testing.T, r *rig) {
				start := time.Now()
				r.task(kiesim.Task{ID: "a", Created: start.Add(-test.age), Duration: 100 * h})
				time.Sleep(test.at)
				o := r.options
				o.Bounds = test.after
				r.Reconfigure(o, nothing)
				time.Sleep(test.again - test.at + 10*time.Millisecond)
				if at := r.queries("a", start); len(at) != 2 || math.Round(at[1]) != test.again.Seconds() {
					t.Errorf("asked after %v s, want 0 and %v", at, test.again.Seconds())
				}
			})
		})
	}
}

func TestNoReloadHasATaskAskedWithinMinInterval(t *testing.T) {
	o := tracker.Options{Background: true, Bounds: schedule.Bounds{Min: 10 * time.Second, Max: time.Minute}}
	bubble(t, setup{tracker: o}, func(_ *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "fine", Duration: 10 * time.Hour})
		r.task(kiesim.Task{ID: "faulty", Duration: 10 * time.Hour})
		r.list("unknown")
		r.sim.Inject(kiesim.Match{ID: "faulty"}, kiesim.Fault{Code: 500})
		for i := range 1000 {
			o := r.options
			o.Groups = slices.Clone(o.Groups)
			o.Groups[0].Overdue = time.Duration(i%7) * time.Minute
			o.Groups[0].Webhook = i%3 == 0
			o.Bounds.Max = time.Duration(20+i%11) * time.Second
			r.Reconfigure(o, nothing)
			time.Sleep(1300 * time.Millisecond)
		}
		r.wantGaps("fine", 10, 32)
		r.wantGaps("faulty", 10, 721)
		r.wantGaps("unknown", 10, 601)
	})
}

func TestARaisedMinIntervalHoldsForATaskThatBacksOff(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(_ *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{ID: "a", Times: 1}, kiesim.Fault{Code: 500})
		r.task(kiesim.Task{ID: "a", Duration: time.Hour})
		time.Sleep(time.Second)
		o := r.options
		o.Bounds.Min = 50 * time.Second
		r.Reconfigure(o, nothing)
		time.Sleep(10 * time.Minute)
		r.wantGaps("a", 49.9, 60)
	})
}

func TestAChangedOverdueReachesTasksAtTheReload(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a", Created: time.Now().Add(-10 * time.Minute), Duration: time.Hour})
		time.Sleep(time.Second)
		for _, overdue := range []time.Duration{5 * time.Minute, 20 * time.Minute, time.Minute, 0} {
			o := r.options
			o.Groups = slices.Clone(o.Groups)
			o.Groups[0].Overdue = overdue
			r.Reconfigure(o, nothing)
			time.Sleep(time.Second) // as old as a snapshot may be
			want := overdue > 0 && overdue < 10*time.Minute
			if s := r.Snapshot(); find(t, s, "a").Overdue != want || (model(t, s, "video", "kling/v2").Overdue == 1) != want {
				t.Errorf("overdue after %v: %v shown", overdue, !want)
			}
		}
		r.wantQueries("a", 1)
	})
}

func TestAChangedOverdueReachesTasksThatWaitForCallbacks(t *testing.T) {
	bubble(t, withCallbacks(), func(t *testing.T, r *rig) {
		r.runs("video", "first", 10*time.Hour)
		r.callback("first", true, true) // from now on they are relied on
		start := time.Now()
		r.runs("video", "a", 10*time.Hour)
		time.Sleep(10 * time.Second)
		o := r.options
		o.Groups = slices.Clone(o.Groups)
		o.Groups[0].Overdue = 40 * time.Second
		r.Reconfigure(o, nothing)
		time.Sleep(time.Minute)
		if at := r.queries("a", start); len(at) != 1 || at[0] != 40.1 {
			t.Errorf("asked after %v s, want 40.1", at)
		}
	})
}
