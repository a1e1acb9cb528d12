package tracker_test

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/test/kit/program"
)

func (r *rig) remove(ids ...string) { r.Apply(source.Change{Group: "video", Removed: ids}) }

func TestARemovedTaskHasNoSeriesAndTotalsStay(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "done"})
		r.task(kiesim.Task{ID: "open", Duration: time.Hour})
		r.list("pending") // unknown to the API
		r.scrape()
		r.remove("done", "open", "pending", "never listed")
		s := r.scrape()
		m := model(t, s, "video", "kling/v2")
		if len(s.Tasks()) != 0 || r.tracked() != 0 || m.Tasks[kie.StateSuccess] != 0 || m.Tasks[kie.StateGenerating] != 0 {
			t.Errorf("%d tasks with series, %d tracked, %v by state", len(s.Tasks()), r.tracked(), m.Tasks)
		}
		if m.Finished[view.Succeeded] != 1 || !m.Oldest.IsZero() {
			t.Errorf("%d finished, oldest %v", m.Finished[view.Succeeded], m.Oldest)
		}
		n := len(r.sim.Requests())
		r.watch(10 * time.Minute)
		if len(r.sim.Requests()) != n {
			t.Error("a removed task is asked")
		}
	})
}

func TestATaskRemovedWhileItIsAskedStaysAway(t *testing.T) {
	bubble(t, setup{api: kiesim.Options{Latency: 2 * time.Second}}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a"})
		go r.Wait(t.Context())
		time.Sleep(time.Second)
		r.remove("a")
		s := r.watch(time.Minute)
		if len(s.Tasks()) != 0 || len(s.Models) != 0 {
			t.Errorf("tasks %v, models %v", s.Tasks(), s.Models)
		}
	})
}

func TestAMovedTaskKeepsWhatIsKnown(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "done"})
		r.task(kiesim.Task{ID: "open", Duration: 30 * time.Second})
		r.scrape()
		c := listing("image", "done", "open")
		c.Added[0].Labels = map[string]string{"team": "film"}
		r.Apply(c)
		s := r.watch(time.Minute)
		r.wantQueries("done", 1)
		if k := find(t, s, "done"); k.Group != "image" || k.Labels["team"] != "film" || k.State != kie.StateSuccess {
			t.Errorf("done: %+v", k)
		}
		if k := find(t, s, "open"); k.Group != "image" || k.State != kie.StateSuccess {
			t.Errorf("open: %+v", k)
		}
		from, to := model(t, s, "video", "kling/v2"), model(t, s, "image", "kling/v2")
		if from.Tasks[kie.StateSuccess] != 0 || to.Tasks[kie.StateSuccess] != 2 {
			t.Errorf("%d tasks in the old group, %d in the new one", from.Tasks[kie.StateSuccess], to.Tasks[kie.StateSuccess])
		}
		if from.Finished[view.Succeeded] != 1 || to.Finished[view.Succeeded] != 1 {
			t.Error("a total moved with its task, or was counted twice")
		}
		if len(s.LabelKeys) != 1 || s.LabelKeys[0] != "team" {
			t.Errorf("label keys %v", s.LabelKeys)
		}
	})
}

func TestTaskSeriesAreChosen(t *testing.T) {
	for _, test := range []struct {
		open, done, pending, limit      int
		wantOpen, wantDone, wantPending int
	}{
		{open: 3, done: 3, pending: 3, limit: 10, wantOpen: 3, wantDone: 3, wantPending: 3},
		{open: 20, done: 20, pending: 5, limit: 10, wantOpen: 5, wantDone: 5},
		{open: 20, done: 2, pending: 5, limit: 10, wantOpen: 8, wantDone: 2},
		{open: 2, done: 20, pending: 5, limit: 10, wantOpen: 2, wantDone: 8},
		{open: 2, done: 3, pending: 50, limit: 10, wantOpen: 2, wantDone: 3, wantPending: 5},
		{open: 2, done: 3, pending: 5, limit: 1, wantDone: 1},
	} {
		t.Run(fmt.Sprintf("%+v", test), func(t *testing.T) {
			bubble(t, setup{tracker: tracker.Options{TaskSeries: test.limit, Background: true}}, func(t *testing.T, r *rig) {
				for i, id := range ids("open", test.open) {
					r.task(kiesim.Task{ID: id, Created: time.Now().Add(-time.Duration(test.open-i) * time.Second), Duration: -1})
				}
				for i, id := range ids("done", test.done) {
					r.task(kiesim.Task{ID: id, Duration: time.Duration(i) * 25 * time.Second})
				}
				r.watch(15 * time.Minute)
				r.list(ids("pending", test.pending)...)
				s := r.scrape()
				count := map[string]int{}
				for _, k := range s.Tasks() {
					count[k.ID[:4]]++
				}
				if count["open"] != test.wantOpen || count["done"] != test.wantDone || count["pend"] != test.wantPending {
					t.Errorf("series of %v", count)
				}
				checkNewest(t, s, "open", test.open, test.wantOpen)
				checkNewest(t, s, "done", test.done, test.wantDone)
				shown := test.wantOpen + test.wantDone + test.wantPending
				if got, want := s.Groups[0].WithoutSeries, test.open+test.done+test.pending-shown; got != want {
					t.Errorf("%d tasks without series, want %d", got, want)
				}
			})
		})
	}
}

// checkNewest checks that the last ones of all are shown.
func checkNewest(t *testing.T, s *view.Snapshot, prefix string, all, shown int) {
	t.Helper()
	for _, id := range ids(prefix, all)[all-shown:] {
		find(t, s, id)
	}
}

func TestLabelValuesFromOutsideAreBounded(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Models: 3}}, func(t *testing.T, r *rig) {
		for i, id := range ids("m", 10) {
			r.task(kiesim.Task{ID: id, Model: fmt.Sprint("model", i)})
		}
		for i, id := range ids("f", 60) {
			r.task(kiesim.Task{ID: id, Model: "model0", Fail: &kiesim.Failure{Code: fmt.Sprint("CODE_", i)}})
		}
		r.task(kiesim.Task{ID: "nocode", Model: "model0", Fail: &kiesim.Failure{Code: ""}})
		labels := map[string]string{}
		for i := range 70 {
			labels[fmt.Sprint("key", i)] = "x"
		}
		c := listing("video", "labelled")
		c.Added[0].Labels = labels
		r.Apply(c)
		s := r.scrape()
		if len(s.Models) != 4 || model(t, s, "video", "other").Tasks[kie.StateSuccess] != 7 {
			t.Errorf("%d models, want 3 and other with 7 tasks", len(s.Models))
		}
		codes := 0
		for _, m := range s.Models {
			codes += len(m.Codes)
		}
		if codes != 52 { // 50, other, none
			t.Errorf("%d fail codes, want 52", codes)
		}
		if len(s.LabelKeys) != 64 {
			t.Errorf("%d label keys, want 64", len(s.LabelKeys))
		}
		if s.Overflows != (view.Overflows{Model: 7, Code: 10, LabelKey: 1}) {
			t.Errorf("overflows %+v", s.Overflows)
		}
	})
}

func TestOverdueIsWhatAnAnswerSaid(t *testing.T) {
	groups := []tracker.GroupOptions{{Name: "video", Account: "main", Overdue: 2 * time.Minute}}
	bubble(t, setup{tracker: tracker.Options{Groups: groups}}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a", Duration: 20 * time.Minute})
		if m := model(t, r.watch(time.Minute), "video", "kling/v2"); m.Overdue != 0 || m.OverdueAfter != 2*time.Minute {
			t.Errorf("%d overdue after a minute, threshold %v", m.Overdue, m.OverdueAfter)
		}
		remove := r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: 455}) // an outage makes no task overdue
		if m := model(t, r.watch(5*time.Minute), "video", "kling/v2"); m.Overdue != 0 {
			t.Error("a task is overdue though nobody knows")
		}
		remove()
		m := model(t, r.watch(5*time.Minute), "video", "kling/v2")
		if m.Overdue != 1 || m.Oldest != find(t, r.Snapshot(), "a").Created {
			t.Errorf("%d overdue after 11 minutes, oldest %v", m.Overdue, m.Oldest)
		}
		if m := model(t, r.watch(15*time.Minute), "video", "kling/v2"); m.Overdue != 0 || !m.Oldest.IsZero() {
			t.Errorf("%d overdue after the end, oldest %v", m.Overdue, m.Oldest)
		}
	})
}

func TestTheBalanceIsAskedForAndExpires(t *testing.T) {
	bubble(t, setup{credits: time.Minute, api: kiesim.Options{Credits: 100}}, func(t *testing.T, r *rig) {
		r.scrape()
		a := r.watch(time.Minute).Accounts[0]
		if !a.HasBalance || a.Balance != 100 || a.CreditsUsed != 0 {
			t.Fatalf("balance %v (%v), used %v", a.Balance, a.HasBalance, a.CreditsUsed)
		}
		for _, balance := range []float64{90, 70, 500, 480.5} { // topped up in between
			r.sim.SetCredits(balance)
			a = r.watch(2 * time.Minute).Accounts[0]
		}
		if a.Balance != 480.5 || a.CreditsUsed != 10+20+19.5 {
			t.Errorf("balance %v, used %v; want 480.5, 49.5", a.Balance, a.CreditsUsed)
		}
		if n := r.sim.Stats().Requests[kiesim.Credit]; n < 9 || n > 11 {
			t.Errorf("asked for the balance %d times in 9 minutes", n)
		}
		r.sim.Inject(kiesim.Match{Endpoint: kiesim.Credit}, kiesim.Fault{Code: 500})
		if a = r.watch(2 * time.Minute).Accounts[0]; !a.HasBalance {
			t.Error("the balance is gone before three intervals")
		}
		if a = r.watch(2 * time.Minute).Accounts[0]; a.HasBalance || a.CreditsUsed != 49.5 {
			t.Errorf("balance shown %v after three intervals without an answer, used %v", a.HasBalance, a.CreditsUsed)
		}
	})
}

func TestWithoutAnIntervalTheBalanceIsNeverAskedFor(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a", Duration: time.Hour})
		r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: 401})
		s := r.watch(10 * time.Minute)
		if n := r.sim.Stats().Requests[kiesim.Credit]; n != 0 || s.Accounts[0].AsksCredits {
			t.Errorf("asked for the balance %d times", n)
		}
	})
}

// Whatever is listed, removed, moved and answered, in whatever order: the sums agree.
func TestSumsAgree(t *testing.T) {
	for seed := range program.Fewer[uint64](3, 10) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			rnd := rand.New(rand.NewPCG(seed, 0))
			bubble(t, setup{tracker: tracker.Options{TaskSeries: 40}, api: kiesim.Options{Latency: 200 * time.Millisecond}}, func(t *testing.T, r *rig) {
				all := ids("t", 100)
				for _, id := range all {
					life := kiesim.Task{ID: id, Model: fmt.Sprint("m", rnd.IntN(3)), Duration: time.Duration(rnd.IntN(200)) * time.Second}
					if rnd.IntN(3) == 0 {
						life.Fail = &kiesim.Failure{Code: "500"}
					}
					r.sim.Put(life)
				}
				for range 150 {
					c := source.Change{Group: []string{"video", "image"}[rnd.IntN(2)], Backlog: rnd.IntN(2) == 0}
					for range rnd.IntN(10) {
						c.Added = append(c.Added, source.Task{ID: all[rnd.IntN(len(all))]})
					}
					for range rnd.IntN(8) {
						c.Removed = append(c.Removed, all[rnd.IntN(len(all))])
					}
					if rnd.IntN(10) == 0 {
						r.sim.Inject(kiesim.Match{Times: rnd.IntN(20)}, kiesim.Fault{Code: []int{429, 500, 401, 501}[rnd.IntN(4)]})
					}
					r.Apply(c)
					time.Sleep(time.Duration(rnd.IntN(3000)) * time.Millisecond)
					if rnd.IntN(4) == 0 {
						checkSums(t, r, r.scrape())
					}
				}
			})
		})
	}
}

func checkSums(t *testing.T, r *rig, s *view.Snapshot) {
	t.Helper()
	answered, pending, without := 0, 0, 0
	for _, m := range s.Models {
		for state, n := range m.Tasks {
			if n < 0 {
				t.Fatalf("%d tasks of %s are %v", n, m.Model, state)
			}
			answered += n
		}
	}
	for _, g := range s.Groups {
		pending += g.Pending
		without += g.WithoutSeries
	}
	if answered+pending != r.tracked() {
		t.Fatalf("%d answered, %d pending, %d tracked", answered, pending, r.tracked())
	}
	if len(s.Tasks())+without != r.tracked() || len(s.Tasks()) != min(r.tracked(), 40) {
		t.Fatalf("%d with series, %d without, %d tracked", len(s.Tasks()), without, r.tracked())
	}
}
