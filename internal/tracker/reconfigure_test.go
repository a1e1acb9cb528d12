package tracker_test

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/simtest"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
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
	history := func(every time.Duration) (asked []float64, s *tracker.Snapshot) {
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
	if a.Finished != b.Finished || a.Finished[tracker.Succeeded] != 2 || a.OverdueAfter != b.OverdueAfter {
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
		waited := make(chan tracker.Scrape)
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
