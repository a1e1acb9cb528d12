package tracker_test

import (
	"context"
	"math"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

func TestFinishedTaskIsNeverQueriedAgain(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "good"})
		r.task(kiesim.Task{ID: "bad", Fail: &kiesim.Failure{Code: "500", Msg: "timed out"}})
		r.task(kiesim.Task{ID: "later", Duration: 100 * time.Second})
		s := r.watch(3 * time.Hour)
		r.wantQueries("good", 1)
		r.wantQueries("bad", 1)
		if k := find(t, s, "later"); k.State != kie.StateSuccess || took(k) != 100*time.Second {
			t.Errorf("later is %v with latency %v, want success with 100s", k.State, took(k))
		}
		n := r.sim.Queries("later")
		r.watch(3 * time.Hour)
		r.wantQueries("later", n)
	})
}

func TestAnUnfinishedTaskIsAskedByItsAge(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		start := time.Now()
		r.task(kiesim.Task{ID: "a", Duration: 72 * time.Hour})
		time.Sleep(26*time.Hour + 10*time.Minute)
		at := r.queries("a", start)
		for i := 1; i < len(at); i++ {
			age, gap := at[i-1], at[i]-at[i-1]
			var want float64
			switch {
			case age < 30:
				want = 3
			case age < 120:
				want = 7
			case age < 900:
				want = 20
			case age < 24*3600:
				want = 60
			default:
				want = 3600
			}
			if gap != want {
				t.Fatalf("asked at %gs and %gs of age, want %gs between", age, at[i], want)
			}
		}
		if last := at[len(at)-1]; last < 25*3600 {
			t.Errorf("last asked at %gs of age", last)
		}
	})
}

func TestTheIntervalsAreHeld(t *testing.T) {
	o := tracker.Options{Background: true, Bounds: schedule.Bounds{Min: 10 * time.Second, Max: 15 * time.Second}}
	bubble(t, setup{tracker: o}, func(_ *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a", Duration: 72 * time.Hour})
		r.watch(time.Hour)
		r.wantGaps("a", 10, 15)
	})
}

func TestTheBudgetIsHeldWhateverIsTracked(t *testing.T) {
	bubble(t, setup{budget: budget.Options{Rate: 2, Concurrent: 4}, credits: time.Minute}, func(t *testing.T, r *rig) {
		r.backlog(ids("old", 300)...)
		for _, id := range ids("new", 300) {
			r.task(kiesim.Task{ID: id, Duration: time.Hour})
		}
		r.watch(10 * time.Minute)
		requests := r.sim.Requests()
		for i := range requests {
			for j := i; j < len(requests); j += 7 {
				window := requests[j].At.Sub(requests[i].At).Seconds()
				if n, most := j-i+1, 4+2*window; float64(n) > most+1e-6 {
					t.Fatalf("%d requests in %gs, at most %g are allowed", n, window, most)
				}
			}
		}
		if n := len(requests); n < 1150 {
			t.Errorf("%d requests in 10 minutes with plenty to ask, want about 1200", n)
		}
	})
}

// order returns the ids in the order in which they were first asked.
func (r *rig) order() (ids []string) {
	for _, q := range r.sim.Requests() {
		if q.Endpoint == kiesim.RecordInfo && !slices.Contains(ids, q.ID) {
			ids = append(ids, q.ID)
		}
	}
	return ids
}

func TestABacklogIsAskedLastListedFirst(t *testing.T) {
	bubble(t, setup{budget: budget.Options{Rate: 10, Concurrent: 1}}, func(t *testing.T, r *rig) {
		old := ids("old", 30)
		for _, id := range old {
			r.sim.Put(kiesim.Task{ID: id, Created: time.Now().Add(-time.Hour)})
		}
		r.backlog(old...)
		r.watch(15 * time.Second)
		slices.Reverse(old)
		if got := r.order(); !slices.Equal(got, old) {
			t.Errorf("asked in the order %v", got)
		}
	})
}

func TestABacklogTakesAQuarterWhileOthersAreDue(t *testing.T) {
	bubble(t, setup{budget: budget.Options{Rate: 2, Concurrent: 1}}, func(t *testing.T, r *rig) {
		for _, id := range ids("old", 2000) {
			r.sim.Put(kiesim.Task{ID: id, Created: time.Now().Add(-time.Hour)})
		}
		r.backlog(ids("old", 2000)...)
		for _, id := range ids("new", 500) {
			r.task(kiesim.Task{ID: id, Duration: time.Hour})
		}
		r.watch(5 * time.Minute)
		var old, all int
		for _, q := range r.sim.Requests() {
			if all++; strings.HasPrefix(q.ID, "old") {
				old++
			}
		}
		if share := float64(old) / float64(all); share > .25 || share < .24 {
			t.Errorf("the backlog took %.3f of the queries, want a quarter", share)
		}
	})
}

func TestHopelessTasksTakeATwentiethWhileOthersAreDue(t *testing.T) {
	bubble(t, setup{budget: budget.Options{Rate: 2, Concurrent: 1}}, func(t *testing.T, r *rig) {
		for i, id := range ids("old", 400) {
			if i%2 == 0 { // the others are unknown to the API
				r.sim.Put(kiesim.Task{ID: id, Created: time.Now().Add(-48 * time.Hour), Duration: -1})
			}
		}
		r.list(ids("old", 400)...)
		r.watch(30 * time.Minute) // time enough to find out
		for _, id := range ids("new", 2000) {
			r.sim.Put(kiesim.Task{ID: id, Model: "kling/v2", Duration: time.Hour})
		}
		r.list(ids("new", 2000)...)
		from := len(r.sim.Requests())
		r.watch(30 * time.Minute)
		var old, all int
		for _, q := range r.sim.Requests()[from:] {
			if all++; strings.HasPrefix(q.ID, "old") {
				old++
			}
		}
		if share := float64(old) / float64(all); share > .05 || share < .03 {
			t.Errorf("hopeless tasks took %.3f of the queries, want nearly a twentieth", share)
		}
	})
}

func TestATaskNotFoundIsAskedLessAndLess(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		start := time.Now()
		r.list("ghost")
		time.Sleep(2 * time.Second)
		if s := r.Snapshot(); failing(s, kie.ClassNotFound) != 0 || find(t, s, "ghost").QueryError != kie.ClassOK {
			t.Error("an error is shown during the grace")
		}
		time.Sleep(90 * time.Second)
		if s := r.Snapshot(); failing(s, kie.ClassNotFound) != 1 || find(t, s, "ghost").QueryError != kie.ClassNotFound {
			t.Error("no error is shown after the grace")
		}
		time.Sleep(30 * 24 * time.Hour)
		got := r.queries("ghost", start)
		want := []float64{0, 15, 45, 75, 90}
		for wait := 600.; want[len(want)-1] < 7*24*3600; wait = min(2*wait, 24*3600) {
			want = append(want, want[len(want)-1]+wait)
		}
		if !slices.Equal(got, want) {
			t.Errorf("asked after\n%v seconds, want\n%v", got, want)
		}
		if failing(r.Snapshot(), kie.ClassNotFound) != 1 {
			t.Error("a task given up is forgotten")
		}
	})
}

func TestATaskTooOldToBeOnRecordIsNotAskedAgain(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a", Created: time.Now().Add(-59 * 24 * time.Hour), Duration: -1})
		time.Sleep(36 * time.Hour)
		r.sim.Remove("a")
		time.Sleep(2 * time.Hour)
		n := r.sim.Queries("a")
		time.Sleep(48 * time.Hour)
		r.wantQueries("a", n)
		if k := find(t, r.Snapshot(), "a"); k.State != kie.StateGenerating || k.QueryError != kie.ClassNotFound {
			t.Errorf("a is %v with error %v, want its last state and not_found", k.State, k.QueryError)
		}
	})
}

func TestATaskGivenUpIsNeitherOverdueNorTheOldest(t *testing.T) {
	for name, age := range map[string]time.Duration{"not found for a week": time.Hour, "older than records are kept": 59 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
				r.task(kiesim.Task{ID: "lost", Created: time.Now().Add(-age), Duration: -1})
				time.Sleep(36 * time.Hour)
				r.sim.Remove("lost")
				time.Sleep(2 * time.Hour)
				if m := model(t, r.Snapshot(), "video", "kling/v2"); age == time.Hour && (m.Overdue != 1 || m.Oldest.IsZero()) {
					t.Errorf("a task that is still asked: %d overdue, the oldest of %v", m.Overdue, m.Oldest)
				}
				time.Sleep(9 * 24 * time.Hour)
				s := r.Snapshot()
				m, k := model(t, s, "video", "kling/v2"), find(t, s, "lost")
				if m.Overdue != 0 || !m.Oldest.IsZero() || k.Overdue || !k.GivenUp {
					t.Errorf("%d overdue, the oldest of %v; the task: %+v", m.Overdue, m.Oldest, k)
				}
				if m.Tasks[kie.StateGenerating] != 1 || k.State != kie.StateGenerating || failing(s, kie.ClassNotFound) != 1 {
					t.Errorf("its last state is forgotten: %v", m.Tasks)
				}
				r.sim.Put(kiesim.Task{ID: "lost", Model: "kling/v2", Created: time.Now().Add(-age), Duration: -1})
				r.Probe(t.Context(), "main", "lost")
				time.Sleep(2 * time.Second)
				if m := model(t, r.Snapshot(), "video", "kling/v2"); m.Overdue != 1 || m.Oldest.IsZero() {
					t.Errorf("known to the API again: %d overdue, the oldest of %v", m.Overdue, m.Oldest)
				}
			})
		})
	}
}

func TestATaskThatAppearsDuringTheGraceIsAnOrdinaryOne(t *testing.T) {
	bubble(t, setup{api: kiesim.Options{Grace: 40 * time.Second}}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a", Duration: 50 * time.Second})
		s := r.watch(2 * time.Minute)
		if k := find(t, s, "a"); k.State != kie.StateSuccess || k.QueryError != kie.ClassOK {
			t.Errorf("a is %v with error %v", k.State, k.QueryError)
		}
		if m := model(t, s, "video", "kling/v2"); m.Finished[view.Succeeded] != 1 {
			t.Error("a was not counted")
		}
	})
}

func TestFailureInTheEnvelopeNeedsASecondAnswer(t *testing.T) {
	for _, code := range []int{408, 501} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
				start := time.Now()
				r.sim.Inject(kiesim.Match{ID: "a"}, kiesim.Fault{Code: code})
				r.task(kiesim.Task{ID: "a", Duration: time.Hour})
				time.Sleep(20 * time.Second)
				if k := find(t, r.Snapshot(), "a"); k.State.Finished() || k.QueryError != kie.ClassTaskFailed {
					t.Errorf("after one answer a is %v with error %v", k.State, k.QueryError)
				}
				time.Sleep(time.Hour)
				s := r.Snapshot()
				if k := find(t, s, "a"); k.State != kie.StateFail || k.FailCode != strconv.Itoa(code) || k.FailedAt.IsZero() || took(k) >= 0 {
					t.Errorf("after two answers: %+v", k)
				}
				if m := model(t, s, "video", ""); m.Finished[view.Failed] != 1 {
					t.Error("the failure was not counted")
				}
				if got := r.queries("a", start); !slices.Equal(got, []float64{0, 30}) {
					t.Errorf("asked after %v seconds, want 0 and 30", got)
				}
			})
		})
	}
}

func TestAWithdrawnFailureIsNone(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a", Duration: time.Hour})
		for range 3 {
			r.sim.Inject(kiesim.Match{ID: "a", Times: 1}, kiesim.Fault{Code: 501})
			time.Sleep(time.Minute)
		}
		if k := find(t, r.Snapshot(), "a"); k.State != kie.StateGenerating || k.QueryError != kie.ClassOK {
			t.Errorf("a is %v with error %v", k.State, k.QueryError)
		}
	})
}

func TestBareStatus501IsNoFailureOfTheTask(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a", Duration: time.Hour})
		r.sim.Inject(kiesim.Match{ID: "a", Times: 4}, kiesim.Fault{Status: http.StatusNotImplemented})
		time.Sleep(2 * time.Minute)
		if k := find(t, r.Snapshot(), "a"); k.State != kie.StateGenerating {
			t.Errorf("a is %v", k.State)
		}
	})
}

// faults are outcomes that concern one task, as an API gives them.
func faults() map[string]kiesim.Fault {
	return map[string]kiesim.Fault{
		"bad_request": {Code: 400}, "other": {Code: 409}, "credits": {Code: 402}, "disabled": {Code: 505},
		"server": {Code: 500}, "transport": {Reset: true}, "timeout": {Hang: true}, "decode": {Body: "<html>"},
		"too_large": {Body: strings.Repeat("x", 5<<20)}, "redirect": {Status: 302},
		"mismatch": {Body: `{"code":200,"data":{"taskId":"another","state":"success"}}`},
	}
}

func TestAFaultBacksOffThatTaskAlone(t *testing.T) {
	for class, fault := range faults() {
		t.Run(class, func(t *testing.T) {
			bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
				r.task(kiesim.Task{ID: "bad", Duration: 10 * time.Hour})
				r.task(kiesim.Task{ID: "good", Duration: 10 * time.Hour})
				time.Sleep(time.Second)
				remove := r.sim.Inject(kiesim.Match{ID: "bad"}, fault)
				from := time.Now()
				time.Sleep(2 * time.Hour)
				checkBackoff(t, r.queries("bad", from), fault.Hang)
				s := r.Snapshot()
				if k := find(t, s, "bad"); k.State != kie.StateGenerating || k.QueryError.String() != class {
					t.Errorf("bad is %v with error %v, want its last state and %s", k.State, k.QueryError, class)
				}
				if failing(s, find(t, s, "bad").QueryError) != 1 {
					t.Error("the fault is not counted in the group")
				}
				if n := r.sim.Queries("good"); n < 140 {
					t.Errorf("the other task was asked %d times in 2 hours", n)
				}
				remove()
				time.Sleep(15 * time.Minute)
				if k := find(t, r.Snapshot(), "bad"); k.QueryError != kie.ClassOK {
					t.Errorf("the error %v stays after an answer", k.QueryError)
				}
			})
		})
	}
}

// checkBackoff checks the gaps between the queries of a task from its first fault on: 5 s doubling to 10 min, ± 20 %.
func checkBackoff(t *testing.T, at []float64, hangs bool) {
	t.Helper()
	want := 5.
	for i := 1; i < len(at); i++ {
		if at[i-1] < 0 {
			continue
		}
		gap := at[i] - at[i-1]
		if hangs {
			gap -= 10 // the time-out
		}
		if gap < want*.8-.001 || gap > want*1.2+.001 {
			t.Errorf("the %d. retry came %gs after the last query, want %gs ± 20 %%", i, gap, want)
		}
		want = min(2*want, 600)
	}
	if want != 600 {
		t.Errorf("the back-off came to %gs in 2 hours", want)
	}
}

func TestNoBackoffGrowsWhileTheGateIsClosed(t *testing.T) {
	for class, fault := range map[string]kiesim.Fault{"auth": {Code: 401}, "server": {Code: 500}, "rate_limited": {Code: 429}, "maintenance": {Code: 455}} {
		t.Run(class, func(t *testing.T) {
			bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
				for _, id := range ids("t", 10) {
					r.task(kiesim.Task{ID: id, Duration: 10 * time.Hour})
				}
				time.Sleep(time.Second)
				remove := r.sim.Inject(kiesim.Match{}, fault)
				time.Sleep(2 * time.Hour)
				remove()
				time.Sleep(6 * time.Minute) // the longest that a gate stays closed
				s := r.Snapshot()
				if since := time.Since(s.Groups[0].OldestAnswer); since > 90*time.Second {
					t.Errorf("a task has waited %v for its answer after the trouble was over", since)
				}
			})
		})
	}
}

func TestARateLimitTouchesNoTask(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: 429})
		r.list("a")
		s := r.scrape()
		if k := find(t, s, "a"); k.QueryError != kie.ClassOK || s.Accounts[0].Due != 1 {
			t.Errorf("error %v, %d due; want none, 1", k.QueryError, s.Accounts[0].Due)
		}
	})
}

// A task whose queries always fail must not be the trial for ever.
func TestAPoisonTaskDoesNotKeepTheGateClosed(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		for _, id := range ids("poison", 20) {
			r.list(id)
			r.sim.Inject(kiesim.Match{ID: id}, kiesim.Fault{Code: 500})
		}
		time.Sleep(time.Minute)
		r.task(kiesim.Task{ID: "good", Duration: 2 * time.Minute})
		time.Sleep(21 * time.Minute) // a minute at the most for each of the others, which may be tried once
		if k := find(t, r.Snapshot(), "good"); k.State != kie.StateSuccess {
			t.Errorf("good is %v, want success", k.State)
		}
	})
}

func TestNothingIsAskedTwiceAtATime(t *testing.T) {
	bubble(t, setup{api: kiesim.Options{Latency: 9 * time.Second}, tracker: tracker.Options{Background: true}}, func(_ *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a", Duration: time.Hour})
		time.Sleep(time.Hour)
		r.wantGaps("a", 9+3, math.Inf(1)) // what a query takes, and min_interval
	})
}

func TestTwoThousandFinishedTasksAreAskedOnceWithFiveScrapers(t *testing.T) {
	bubble(t, setup{
		api: kiesim.Options{Latency: 50 * time.Millisecond}, budget: budget.Options{Rate: 10000, Concurrent: 8},
	}, func(t *testing.T, r *rig) {
		all := ids("t", 2000)
		for _, id := range all {
			r.sim.Put(kiesim.Task{ID: id})
		}
		r.backlog(all...)
		start := time.Now()
		var scrapers sync.WaitGroup
		for range 5 {
			scrapers.Go(func() {
				for r.Snapshot().Groups[0].Pending > 0 {
					r.Wait(t.Context())
				}
			})
		}
		scrapers.Wait()
		if took, ideal := time.Since(start), 2000*50*time.Millisecond/8; took > ideal*105/100 {
			t.Errorf("it took %v until all were known, ideally %v", took, ideal)
		}
		if s := r.sim.Stats(); s.MaxInFlight != 8 || s.Requests[kiesim.RecordInfo] != 2000 {
			t.Errorf("at most %d in flight, %d requests", s.MaxInFlight, s.Requests[kiesim.RecordInfo])
		}
		for _, id := range all {
			r.wantQueries(id, 1)
		}
	})
}

func TestARevokedKeyStopsTheQueriesAndANewOneStartsThem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := setup{api: kiesim.Options{Keys: []string{"key-of-a-test"}}, tracker: tracker.Options{Background: true}, credits: time.Minute}
		r := newRig(t, s)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { r.Run(ctx) })
		defer running.Wait()
		defer stop()
		for _, id := range ids("t", 50) {
			r.task(kiesim.Task{ID: id, Duration: 10 * time.Hour})
		}
		time.Sleep(time.Minute)
		r.sim.SetKeys("another")
		time.Sleep(30 * time.Second)
		from := len(r.sim.Requests())
		time.Sleep(time.Hour)
		if n := len(r.sim.Requests()) - from; n > 61 {
			t.Errorf("%d requests in an hour with a refused key, want a trial a minute", n)
		}
		shown := r.Snapshot()
		if a := shown.Accounts[0]; a.Requests.Up || a.Requests.Closed != kie.ClassAuth {
			t.Errorf("up %v, closed for %v", a.Requests.Up, a.Requests.Closed)
		}
		if n := model(t, shown, "video", "kling/v2").Tasks[kie.StateGenerating]; n != 50 {
			t.Errorf("the last state of %d tasks is left, want 50", n)
		}
		r.sim.SetKeys("key-of-a-test")
		time.Sleep(5 * time.Minute)
		if a := r.Snapshot().Accounts[0]; !a.Requests.Up || a.Requests.Closed != kie.ClassOK {
			t.Errorf("up %v, closed for %v after the key was accepted again", a.Requests.Up, a.Requests.Closed)
		}
	})
}
