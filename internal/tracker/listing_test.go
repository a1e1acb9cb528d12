package tracker_test

import (
	"context"
	"fmt"
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

// A task may change groups, and its group the account, be dropped and come back while its query is under way: it is still one task.
func TestListsMayChangeWhileATaskIsAsked(t *testing.T) {
	move := func(r *rig, groups ...string) {
		at := "video"
		for _, g := range groups {
			switch g {
			case "":
				r.Apply(source.Change{Group: at, Removed: []string{"a"}})
			case "second", "main": // an account
				r.options.Groups = slices.Clone(r.options.Groups)
				r.options.Groups[0].Account, r.options.Groups[1].Account = g, g
				r.Reconfigure(r.options, nothing)
			default:
				r.Apply(listing(g, "a"))
				at = g
			}
		}
	}
	for _, path := range [][]string{
		{"image"},
		{"image", "video"},
		{"", "video"},
		{"", "image"},
		{"", "image", "", "video"},
		{"image", "", "video"},
		{"second", "image"},
		{"second", "main", "image"},
		{"second", "", "video"},
		{"", "second", "image"},
		{"second", "image", "main", "", "video"},
	} {
		for _, life := range []time.Duration{0, time.Hour} {
			t.Run(fmt.Sprint(path, life), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					r := twoAccounts(t)
					defer r.work()()
					r.task(kiesim.Task{ID: "a", Duration: life})
					time.Sleep(time.Second) // of the two that an answer takes
					move(r, path...)
					time.Sleep(10 * time.Minute)
					s := r.Snapshot()
					if k := find(t, s, "a"); k.Group != path[len(path)-1] || k.State == kie.StateUnknown {
						t.Errorf("a is %v in group %s", k.State, k.Group)
					}
					if s := r.sim.Stats(); s.MaxInFlight != 1 {
						t.Errorf("%d queries at a time", s.MaxInFlight)
					}
					if n := r.sim.Queries("a"); life == 0 && n != 1 || n > 60 {
						t.Errorf("asked %d times", n)
					}
				})
			})
		}
	}
}

func TestAnIDInTheListsOfTwoAccountsIsTwoTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := twoAccounts(t)
		defer r.work()()
		r.task(kiesim.Task{ID: "a", Duration: time.Minute})
		r.Apply(listing("other", "a"))
		time.Sleep(2 * time.Minute)
		asked := r.sim.Queries("a")
		groups := func() (all []string) {
			for k := range r.All() {
				if k.ID != "a" || k.State != kie.StateSuccess {
					t.Errorf("%+v", k)
				}
				all = append(all, k.Account+" "+k.Group)
			}
			slices.Sort(all)
			return all
		}
		if got := groups(); !slices.Equal(got, []string{"main video", "second other"}) {
			t.Errorf("tasks of %q", got)
		}
		if n := len(r.Snapshot().Tasks()); n != 2 {
			t.Errorf("%d tasks have series", n)
		}
		r.Apply(source.Change{Group: "other", Removed: []string{"a"}})
		if got := groups(); !slices.Equal(got, []string{"main video"}) {
			t.Errorf("after it is in one list: tasks of %q", got)
		}
		r.Apply(listing("other", "a"))
		time.Sleep(2 * time.Minute)
		if got := groups(); len(got) != 2 || r.sim.Queries("a") != asked {
			t.Errorf("it is back: tasks of %q, %d queries more", got, r.sim.Queries("a")-asked)
		}
	})
}

// A source that was read before a reload may be done after the tracker has begun with it.
func TestWhatAGroupLetsGoIsOnlyWhatItHas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := twoAccounts(t)
		r.list("a", "b")
		r.Apply(listing("other", "a"))
		has := func(want ...string) {
			t.Helper()
			var got []string
			for k := range r.All() {
				got = append(got, k.Group+" "+k.ID)
			}
			if slices.Sort(got); !slices.Equal(got, want) {
				t.Errorf("tracked: %q, want %q", got, want)
			}
		}
		r.Apply(source.Change{Group: "image", Removed: []string{"a", "b"}})
		has("other a", "video a", "video b")
		r.options.Groups = slices.Clone(r.options.Groups)
		r.options.Groups[0].Account = "second" // which has one of them already
		r.Reconfigure(r.options, func() {
			has("other a", "video b")
			r.Apply(source.Change{Group: "video", Removed: []string{"a"}})
		})
		has("other a", "video b")
	})
}

func TestATaskThatOneAccountDoesNotKnowIsAskedAtOnceByAnother(t *testing.T) {
	for given, after := range map[bool]time.Duration{false: 26 * time.Hour, true: 30 * 24 * time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			r := twoAccounts(t)
			defer r.work()()
			r.list("a")
			time.Sleep(after)
			if k := find(t, r.Snapshot(), "a"); k.QueryError != kie.ClassNotFound || k.GivenUp != given {
				t.Fatalf("after %v: %+v", after, k)
			}
			r.sim.Put(kiesim.Task{ID: "a", Model: "m"})
			r.options.Groups = slices.Clone(r.options.Groups)
			r.options.Groups[0].Account = "second"
			r.Reconfigure(r.options, nothing)
			time.Sleep(10 * time.Second)
			if k := find(t, r.Snapshot(), "a"); k.GivenUp || k.State != kie.StateSuccess || k.Account != "second" {
				t.Errorf("%+v", k)
			}
		})
	}
}

// twoAccounts is a rig whose group other is of another account.
func twoAccounts(t *testing.T) *rig {
	t.Helper()
	groups := []tracker.GroupOptions{{Name: "video", Account: "main"}, {Name: "image", Account: "main"}, {Name: "other", Account: "second"}}
	s := setup{api: kiesim.Options{Latency: 2 * time.Second}, tracker: tracker.Options{Groups: groups, Background: true}}
	sim, client := simtest.New(t, s.api)
	for _, name := range []string{"main", "second"} {
		s.tracker.Accounts = append(s.tracker.Accounts, tracker.AccountOptions{
			Name:   name,
			Budget: budget.New(budget.Options{Client: client, Key: func() string { return simtest.Key }, Rate: 1000, Concurrent: 4}),
		})
	}
	r := newRig(t, s)
	r.sim, r.options.Groups, r.options.Accounts = sim, groups, s.tracker.Accounts
	return r
}

func TestATaskListedAgainIsKnown(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "done"})
		r.task(kiesim.Task{ID: "open", Duration: 2 * time.Minute})
		r.scrape()
		r.remove("done", "open")
		r.watch(time.Minute)
		r.list("done", "open")
		s := r.watch(3 * time.Minute)
		r.wantQueries("done", 1)
		if m := model(t, s, "video", "kling/v2"); m.Finished[view.Succeeded] != 2 || m.Tasks[kie.StateSuccess] != 2 {
			t.Errorf("%d counted, %d tracked; want 2, 2", m.Finished[view.Succeeded], m.Tasks[kie.StateSuccess])
		}
	})
}

func TestANewlyListedLabelIsShown(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a"})
		r.scrape()
		r.Apply(source.Change{Group: "video", Added: []source.Task{{ID: "a", Labels: map[string]string{"team": "web"}}}})
		s := r.scrape()
		if k := find(t, s, "a"); k.Labels["team"] != "web" || k.State != kie.StateSuccess {
			t.Errorf("%+v", k)
		}
		r.wantQueries("a", 1)
	})
}

func TestWithoutTimeToWaitAScrapeWithNothingDueIsComplete(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{MaxWait: time.Nanosecond}}, func(t *testing.T, r *rig) {
		ctx, cancel := context.WithTimeout(t.Context(), 0)
		defer cancel()
		for range 100 {
			if w := r.Wait(ctx); w.Incomplete {
				t.Fatal("incomplete with nothing due")
			}
		}
	})
}

func TestMinIntervalHoldsWhateverTheOutcome(t *testing.T) {
	o := tracker.Options{Background: true, Bounds: schedule.Bounds{Min: 2 * time.Minute, Max: 5 * time.Minute}}
	for name, fault := range map[string]kiesim.Fault{
		"fault": {Code: 500}, "not found": {Code: 422, Msg: "recordInfo is null"}, "doubt": {Code: 501}, "gate": {Code: 455},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{tracker: o}, func(_ *testing.T, r *rig) {
				r.sim.Inject(kiesim.Match{}, fault)
				r.list("a")
				time.Sleep(time.Hour)
				r.wantGaps("a", 120, math.Inf(1))
			})
		})
	}
}

func TestATaskThatNeverGotAnAnswerGetsOldToo(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: 400})
		r.list("a")
		time.Sleep(30 * time.Hour)
		n := r.sim.Queries("a")
		time.Sleep(10 * time.Hour)
		if got := r.sim.Queries("a") - n; got > 10 {
			t.Errorf("asked %d times in 10 hours, want at most 10", got)
		}
	})
}

func TestAnOverflowIsCountedOnceATask(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true, Models: 1}}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a", Duration: time.Hour})
		time.Sleep(time.Minute)
		r.task(kiesim.Task{ID: "b", Model: "another", Duration: time.Hour})
		time.Sleep(10 * time.Minute)
		if n := r.Snapshot().Overflows.Model; n != 1 {
			t.Errorf("%d overflows of one task", n)
		}
	})
}

func TestAnswersBeforeTheGraceDoNotEndATaskForGood(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a", Duration: 9 * 24 * time.Hour})
		time.Sleep(8 * 24 * time.Hour)
		r.sim.Inject(kiesim.Match{Times: 1}, kiesim.Fault{Code: 404})
		time.Sleep(48 * time.Hour)
		if k := find(t, r.Snapshot(), "a"); k.State != kie.StateSuccess {
			t.Errorf("a is %v, want success: one answer that it is not found is no reason to give up", k.State)
		}
	})
}

func TestLargeNumberOfReturnsOfATaskPushesNoOtherOut(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	bubble(t, setup{}, func(_ *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a"})
		r.task(kiesim.Task{ID: "flapping"})
		r.scrape()
		flap := func(id string) {
			r.remove(id)
			r.list(id)
		}
		flap("a")
		for range 99_999 { // with no look at all tasks each time
			r.Tracker.Apply(source.Change{Group: "video", Removed: []string{"flapping"}})
			r.Tracker.Apply(listing("video", "flapping"))
		}
		flap("a")
		r.watch(time.Minute)
		r.wantQueries("a", 1)
	})
}
