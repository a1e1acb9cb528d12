package budget_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/simtest"
)

// rig is an account with a simulated API behind it.
type rig struct {
	*budget.Account
	sim    *kiesim.Server
	client *kie.Client
	key    atomic.Value
}

// current returns the key in force.
func (r *rig) current() string { return r.key.Load().(string) }

func newRig(t *testing.T, o budget.Options) *rig {
	t.Helper()
	r := &rig{}
	r.key.Store("first")
	r.sim, r.client = simtest.New(t, kiesim.Options{Record: true})
	o.Client, o.Key, o.Histograms = r.client, r.current, collector.NewHistogram
	if o.Rate == 0 {
		o.Rate, o.Concurrent = 1000, 1
	}
	r.Account = budget.New(o)
	return r
}

// ask spends one permit on a task that the API knows.
func (r *rig) ask(t *testing.T, id string) error {
	t.Helper()
	r.sim.Put(kiesim.Task{ID: id, Duration: time.Hour})
	p, err := r.Acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = p.Record(t.Context(), kie.Jobs, id)
	return err
}

// waits lets the bubble's time tell how long a request took, which is how long it had to wait.
func (r *rig) waits(t *testing.T, id string) time.Duration {
	t.Helper()
	start := time.Now()
	_ = r.ask(t, id)
	return time.Since(start)
}

func (r *rig) wantClosed(t *testing.T, want kie.Class) {
	t.Helper()
	if got := r.Closed(); got != want {
		t.Fatalf("gate closed for %v, want %v", got, want)
	}
}

func bubble(t *testing.T, o budget.Options, test func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { test(t, newRig(t, o)) })
}

func within20Percent(d, of time.Duration) bool { return d >= of*8/10 && d <= of*12/10 }

func TestNoWindowSeesMoreThanBurstPlusRate(t *testing.T) {
	bubble(t, budget.Options{Rate: 2, Concurrent: 4}, func(t *testing.T, r *rig) {
		for i := range 300 {
			if i == 100 {
				time.Sleep(time.Minute) // the burst is there again, and no more than that
			}
			if err := r.ask(t, "a"); err != nil {
				t.Fatal(err)
			}
		}
		requests := r.sim.Requests()
		for i := range requests {
			for j := i; j < len(requests); j++ {
				window := requests[j].At.Sub(requests[i].At)
				if n, most := j-i+1, 4+2*window.Seconds(); float64(n) > most+1e-6 {
					t.Fatalf("%d requests in %v, at most %g are allowed", n, window, most)
				}
			}
		}
		if took := time.Since(requests[0].At); took > 60*time.Second+time.Duration(300/2)*time.Second {
			t.Errorf("300 requests took %v: the budget is not used up", took)
		}
	})
}

// In real time, for in a bubble nobody's idea of the time is ever late.
func TestAnyNumberOfWaitersGetsNoMoreThanTheRate(t *testing.T) {
	_, client := simtest.New(t, kiesim.Options{})
	a := budget.New(budget.Options{Client: client, Key: func() string { return simtest.Key }, Rate: 2000, Concurrent: 8})
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	var permits atomic.Int64
	var waiters sync.WaitGroup
	start := time.Now()
	for range 500 {
		waiters.Go(func() {
			for {
				p, err := a.Acquire(ctx)
				if err != nil {
					return
				}
				permits.Add(1)
				_, _ = p.Credit(ctx)
			}
		})
	}
	waiters.Wait()
	if took, n := time.Since(start), permits.Load(); float64(n) > 8+2000*took.Seconds() {
		t.Errorf("%d permits in %v at 2000 a second", n, took)
	}
}

func TestNeverMoreInFlightThanAllowed(t *testing.T) {
	bubble(t, budget.Options{Rate: 1000, Concurrent: 3}, func(t *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{}, kiesim.Fault{Delay: time.Second})
		for i := range 9 {
			p, err := r.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			go func() { _, _ = p.Record(t.Context(), kie.Jobs, strconv.Itoa(i)) }()
		}
		time.Sleep(5 * time.Second)
		if s := r.sim.Stats(); s.MaxInFlight != 3 {
			t.Errorf("%d requests in flight, want 3", s.MaxInFlight)
		}
		if n := r.Stats().InFlight; n != 0 {
			t.Errorf("%d requests in flight at the end", n)
		}
	})
}

func TestRateLimitedClosesTheGateForFiveSecondsDoubling(t *testing.T) {
	bubble(t, budget.Options{}, func(t *testing.T, r *rig) {
		remove := r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: 429, Msg: "Your call frequency is too high."})
		_ = r.ask(t, "a")
		for _, want := range []time.Duration{5, 10, 20, 40, 80, 160, 300, 300} {
			r.wantClosed(t, kie.ClassRateLimited)
			if got := r.waits(t, "b"); !within20Percent(got, want*time.Second) && got != want*time.Second {
				t.Errorf("waited %v, want %v ± 20 %%", got, want*time.Second)
			}
		}
		remove()
		_ = r.ask(t, "c")
		r.wantClosed(t, kie.ClassOK)
		r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: 429})
		_ = r.ask(t, "a")
		if got := r.waits(t, "b"); !within20Percent(got, 5*time.Second) {
			t.Errorf("after an opening the gate was closed for %v, want 5s ± 20 %%", got)
		}
	})
}

func TestRetryAfterIsClamped(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"31536000":   5 * time.Minute,
		"9223372037": 5 * time.Minute,
		"7":          7 * time.Second,
		"-5":         0, "0": 0, "abc": 0,
		"Mon, 23 Nov 2020 12:00:00 GMT": 0,
		"Mon, 23 Nov 2099 12:00:00 GMT": 5 * time.Minute,
	} {
		t.Run(header, func(t *testing.T) {
			bubble(t, budget.Options{}, func(t *testing.T, r *rig) {
				r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: 429, Header: http.Header{"Retry-After": {header}}})
				_ = r.ask(t, "a")
				got := r.waits(t, "b")
				if want == 0 && within20Percent(got, 5*time.Second) {
					return // as if the header were absent
				}
				if got != want {
					t.Errorf("waited %v, want %v", got, want)
				}
			})
		})
	}
}

// Where the API or something before it is overloaded, it may say how long.
func TestRetryAfterOfAServerFaultIsHonouredInTheSameBounds(t *testing.T) {
	for header, want := range map[string]time.Duration{
		"31536000": 5 * time.Minute, "120": 2 * time.Minute, "7": 7 * time.Second, "1": time.Second, "Mon, 23 Nov 2099 12:00:00 GMT": 5 * time.Minute,
		"0": 0, "-5": 0, "abc": 0,
	} {
		for name, fault := range map[string]kiesim.Fault{
			"503": {Code: 503}, "500": {Code: 500}, "page 503": {Status: 503, Body: "<html>"}, "page 500": {Status: 500, Body: "<html>"},
		} {
			t.Run(name+" "+header, func(t *testing.T) {
				bubble(t, budget.Options{}, func(t *testing.T, r *rig) {
					fault.Header = http.Header{"Retry-After": {header}}
					r.sim.Inject(kiesim.Match{}, fault)
					for i := range 5 {
						_ = r.ask(t, strconv.Itoa(i))
					}
					r.wantClosed(t, kie.ClassServer)
					for range 3 { // the trials that fail, too
						got := r.waits(t, "b")
						if want != 0 && got != want || want == 0 && (got < 4*time.Second || got > 24*time.Second) {
							t.Errorf("waited %v, want %v", got, want)
						}
					}
				})
			})
		}
	}
}

func TestRetryAfterOfATrialIsHonouredWhateverClosedTheGate(t *testing.T) {
	bubble(t, budget.Options{}, func(t *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{Times: 1}, kiesim.Fault{Code: 455})
		_ = r.ask(t, "a")
		r.sim.Inject(kiesim.Match{Times: 1}, kiesim.Fault{Status: 503, Header: http.Header{"Retry-After": {"200"}}})
		_ = r.ask(t, "b")
		if got := r.waits(t, "c"); got != 200*time.Second {
			t.Errorf("waited %v, want 200s", got)
		}
	})
}

func TestACancelledTrialDoesNotProlongTheGate(t *testing.T) {
	for _, code := range []int{429, 401, 455, 500} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			bubble(t, budget.Options{}, func(t *testing.T, r *rig) {
				remove := r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: code})
				for i := 0; r.Closed() == kie.ClassOK || i < 8; i++ { // a few levels up, where the next trial is far off
					_ = r.ask(t, strconv.Itoa(i))
				}
				remove()
				p, err := r.Acquire(t.Context())
				if err != nil || !p.IsTrial() {
					t.Fatal(err, "or no trial")
				}
				ctx, cancel := context.WithCancel(t.Context())
				cancel()
				if _, err := p.Record(ctx, kie.Jobs, "b"); !kie.Cancelled(err) {
					t.Fatal(err)
				}
				if got := r.waits(t, "c"); got > time.Second {
					t.Errorf("the next trial waited for %v", got)
				}
				r.wantClosed(t, kie.ClassOK)
			})
		})
	}
}

func TestGivingUpTrialsAgainAndAgainIsNoFlood(t *testing.T) {
	bubble(t, budget.Options{Rate: 100, Concurrent: 10}, func(t *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: 429, Delay: 10 * time.Millisecond})
		_ = r.ask(t, "a")
		before, end := len(r.sim.Requests()), time.Now().Add(time.Minute)
		for time.Now().Before(end) {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Millisecond)
			if p, err := r.Acquire(ctx); err == nil {
				_, _ = p.Record(ctx, kie.Jobs, "b")
			}
			cancel()
		}
		if n := len(r.sim.Requests()) - before; n > 60 {
			t.Errorf("%d requests in a minute while the gate was closed", n)
		}
	})
}

func TestPagesOfSomethingElseCloseTheGate(t *testing.T) {
	for _, status := range []int{400, 402, 403, 404, 405, 408, 409, 410, 421, 422, 433, 451, 455, 501, 502, 505} {
		t.Run(strconv.Itoa(status), func(t *testing.T) {
			bubble(t, budget.Options{}, func(t *testing.T, r *rig) {
				r.sim.Inject(kiesim.Match{}, kiesim.Fault{Status: status, Body: "<html>"})
				for i := range 5 {
					r.wantClosed(t, kie.ClassOK)
					_ = r.ask(t, strconv.Itoa(i))
				}
				r.wantClosed(t, kie.ClassServer)
				if r.Up() {
					t.Error("the API seems to work")
				}
			})
		})
	}
	for status, class := range map[int]kie.Class{401: kie.ClassAuth, 429: kie.ClassRateLimited} {
		bubble(t, budget.Options{}, func(t *testing.T, r *rig) {
			r.sim.Inject(kiesim.Match{}, kiesim.Fault{Status: status, Body: "<html>"})
			_ = r.ask(t, "a")
			r.wantClosed(t, class)
		})
	}
}

func TestFloodOf429NeverTurnsIntoMoreQueries(t *testing.T) {
	bubble(t, budget.Options{Rate: 2, Concurrent: 4}, func(t *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: 429, Delay: 300 * time.Millisecond})
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		for i := 0; ; i++ {
			p, err := r.Acquire(ctx)
			if err != nil {
				break
			}
			go func() { _, _ = p.Record(ctx, kie.Jobs, strconv.Itoa(i)) }()
		}
		synctest.Wait()
		// Four at once, then trials after 5, 10, 20 … 300 s.
		if n := len(r.sim.Requests()); n < 15 || n > 24 {
			t.Errorf("%d requests in an hour of 429, want about 20", n)
		}
	})
}

func TestPaceIsHalvedAndRecovers(t *testing.T) {
	bubble(t, budget.Options{Rate: 10, Concurrent: 2}, func(t *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{Times: 1}, kiesim.Fault{Code: 430})
		_ = r.ask(t, "a")
		if got := r.Stats().Pace; got != 5 {
			t.Errorf("pace %g after 430, want 5", got)
		}
		time.Sleep(2 * time.Minute)
		if got := r.Stats().Pace; got != 7 {
			t.Errorf("pace %g two minutes later, want 7", got)
		}
		time.Sleep(time.Hour)
		if got := r.Stats().Pace; got != 10 {
			t.Errorf("pace %g an hour later, want 10", got)
		}
		_ = r.ask(t, "b") // the trial, which opens the gate
		for range 6 {
			r.sim.Inject(kiesim.Match{Times: 1}, kiesim.Fault{Code: 405})
			_ = r.ask(t, "a")
		}
		if got := r.Stats().Pace; got < 1 || got > 3 {
			t.Errorf("pace %g after six times 405, want it not below a tenth", got)
		}
	})
}

func TestConcurrentRefusalsHalveThePaceOnce(t *testing.T) {
	bubble(t, budget.Options{Rate: 8, Concurrent: 4}, func(t *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: 429, Delay: time.Second})
		for i := range 4 {
			p, err := r.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			go func() { _, _ = p.Record(t.Context(), kie.Jobs, strconv.Itoa(i)) }()
		}
		time.Sleep(1100 * time.Millisecond)
		if got := r.Stats().Pace; got < 4 || got > 4.1 {
			t.Errorf("pace %g after four refusals of requests under way together, want 4", got)
		}
	})
}

func TestFiveFaultsInARowOnDifferentTasksCloseTheGate(t *testing.T) {
	faults := map[string]kiesim.Fault{
		"server":    {Code: 500, Msg: "Server exception, please try again later"},
		"transport": {Reset: true},
		"timeout":   {Hang: true},
		"decode":    {Body: "<html>"},
	}
	for class, fault := range faults {
		t.Run(class, func(t *testing.T) {
			bubble(t, budget.Options{}, func(t *testing.T, r *rig) {
				remove := r.sim.Inject(kiesim.Match{}, fault)
				for i := range 5 {
					r.wantClosed(t, kie.ClassOK)
					_ = r.ask(t, strconv.Itoa(i))
				}
				if got := r.Closed().String(); got != class {
					t.Fatalf("gate closed for %s, want %s", got, class)
				}
				for _, want := range []time.Duration{5, 10, 20, 40, 60, 60} {
					start := time.Now()
					p, err := r.Acquire(t.Context())
					if err != nil {
						t.Fatal(err)
					}
					if got := time.Since(start); !within20Percent(got, want*time.Second) {
						t.Errorf("waited %v for a trial, want %v ± 20 %%", got, want*time.Second)
					}
					_, _ = p.Record(t.Context(), kie.Jobs, "other")
				}
				remove()
				_ = r.ask(t, "other")
				r.wantClosed(t, kie.ClassOK)
			})
		})
	}
}

// Faults of tasks about which the API never answered close an account only while it answers about no other.
func TestTasksNeverAnsweredAboutCloseAnAccountOnlyIfNoneIs(t *testing.T) {
	bubble(t, budget.Options{}, func(t *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{}, kiesim.Fault{Status: 500})
		unproven := func(ids ...string) {
			for _, id := range ids {
				p, err := r.Acquire(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				p.Unproven()
				_, _ = p.Record(t.Context(), kie.Jobs, id)
			}
		}
		r.sim.Inject(kiesim.Match{ID: "good"}, kiesim.Fault{Delay: time.Millisecond})
		_ = r.ask(t, "good")
		unproven("1", "2", "3", "4", "5", "6", "7")
		r.wantClosed(t, kie.ClassOK)
		time.Sleep(time.Minute)
		unproven("8")
		r.wantClosed(t, kie.ClassServer)
		r.waits(t, "good")
		r.wantClosed(t, kie.ClassOK)
		unproven("1", "2", "3", "4", "5")
		for i := range 4 {
			_ = r.ask(t, "fails"+strconv.Itoa(i))
		}
		r.wantClosed(t, kie.ClassOK)
		_ = r.ask(t, "fails4")
		r.wantClosed(t, kie.ClassServer)
	})
}

func TestOnePoisonTaskNeverClosesAnAccount(t *testing.T) {
	bubble(t, budget.Options{}, func(t *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{ID: "poison"}, kiesim.Fault{Status: 500})
		for i := range 100 {
			_ = r.ask(t, "poison")
			if i%7 == 0 {
				_ = r.ask(t, strconv.Itoa(i))
			}
			r.wantClosed(t, kie.ClassOK)
		}
	})
}

func TestAnOutcomeOfAnotherKindEndsARowOfFaults(t *testing.T) {
	bubble(t, budget.Options{}, func(t *testing.T, r *rig) {
		for i := range 20 {
			if i%5 != 4 {
				r.sim.Inject(kiesim.Match{Times: 1}, kiesim.Fault{Code: 500})
			}
			_ = r.ask(t, strconv.Itoa(i))
			r.wantClosed(t, kie.ClassOK)
		}
	})
}

func TestRefusalsCloseTheGateWithATrialAMinute(t *testing.T) {
	for _, test := range []struct {
		code  int
		class kie.Class
		tasks int // that must be refused before it closes
	}{
		{401, kie.ClassAuth, 1},
		{433, kie.ClassKeyLimit, 1},
		{455, kie.ClassMaintenance, 1},
		{402, kie.ClassCredits, 3},
		{505, kie.ClassDisabled, 3},
	} {
		t.Run(test.class.String(), func(t *testing.T) {
			bubble(t, budget.Options{}, func(t *testing.T, r *rig) {
				remove := r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: test.code})
				for range 5 * (test.tasks - 1) {
					_ = r.ask(t, "the same again and again")
					r.wantClosed(t, kie.ClassOK)
				}
				if test.tasks == 3 {
					_ = r.ask(t, "second")
				}
				_ = r.ask(t, "last")
				for range 5 {
					r.wantClosed(t, test.class)
					if got := r.waits(t, "other"); got != time.Minute {
						t.Errorf("waited %v for a trial, want a minute", got)
					}
				}
				remove()
				_ = r.ask(t, "other")
				r.wantClosed(t, kie.ClassOK)
			})
		})
	}
}

func TestAChangedKeyOpensTheGate(t *testing.T) {
	for _, code := range []int{401, 433, 402, 505} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			bubble(t, budget.Options{}, func(t *testing.T, r *rig) {
				remove := r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: code})
				for i := range 3 {
					if r.Closed() == kie.ClassOK {
						_ = r.ask(t, strconv.Itoa(i))
					}
				}
				remove()
				time.AfterFunc(12*time.Second, func() { r.key.Store("second") })
				if got := r.waits(t, "other"); got < 12*time.Second || got > 20*time.Second {
					t.Errorf("asked %v after the gate closed, want it soon after the key changed at 12s", got)
				}
				r.wantClosed(t, kie.ClassOK)
			})
		})
	}
}

func TestAnotherKeyDoesNotOpenAGateClosedForOverload(t *testing.T) {
	bubble(t, budget.Options{}, func(t *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: 455})
		_ = r.ask(t, "a")
		r.key.Store("second")
		if got := r.waits(t, "b"); got != time.Minute {
			t.Errorf("waited %v, want a minute", got)
		}
	})
}

func TestAKeyIsTriedWithTheCreditCall(t *testing.T) {
	bubble(t, budget.Options{}, func(t *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: 401})
		_ = r.ask(t, "a")
		p, err := r.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if !p.IsTrial() || !p.PrefersCredit() {
			t.Error("the trial of a refused key is not the credit call")
		}
		_, _ = p.Credit(t.Context())
		r.wantClosed(t, kie.ClassAuth)
	})
}

// A gateway that serves tasks but refuses the balance must neither close the gate nor keep it closed.
func TestARefusedCreditCallAloneDoesNotStopTheTasks(t *testing.T) {
	bubble(t, budget.Options{}, func(t *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{Endpoint: kiesim.Credit}, kiesim.Fault{Code: 401})
		p, err := r.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = p.Credit(t.Context())
		r.wantClosed(t, kie.ClassOK)

		r.sim.Inject(kiesim.Match{Times: 1}, kiesim.Fault{Code: 401})
		_ = r.ask(t, "a")
		for trials := 0; r.Closed() != kie.ClassOK; trials++ {
			if trials == 2 {
				t.Fatal("the gate sticks")
			}
			p, err := r.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if p.PrefersCredit() {
				_, _ = p.Credit(t.Context())
			} else {
				_, _ = p.Record(t.Context(), kie.Jobs, "a")
			}
		}
	})
}

func TestTheTrialAvoidsTheTasksThatClosedTheGate(t *testing.T) {
	bubble(t, budget.Options{}, func(t *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: 500})
		for i := range 5 {
			_ = r.ask(t, strconv.Itoa(i))
		}
		for i := range 3 {
			p, err := r.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for j := range 5 + i {
				if !p.Avoids(strconv.Itoa(j)) {
					t.Errorf("trial %d does not avoid task %d", i, j)
				}
			}
			if p.Avoids("another") {
				t.Error("the trial avoids a task that has done nothing")
			}
			_, _ = p.Record(t.Context(), kie.Jobs, strconv.Itoa(5+i)) // fails too, and is avoided from then on
		}
	})
}

func TestOnlyOneTrialAtATime(t *testing.T) {
	bubble(t, budget.Options{Rate: 1000, Concurrent: 4}, func(t *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{Times: 1}, kiesim.Fault{Code: 455})
		_ = r.ask(t, "a")
		trial, err := r.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		acquired := make(chan *budget.Permit)
		go func() {
			p, _ := r.Acquire(t.Context())
			acquired <- p
		}()
		time.Sleep(time.Hour)
		select {
		case <-acquired:
			t.Fatal("a request passes while the trial is under way")
		default:
		}
		_, _ = trial.Record(t.Context(), kie.Jobs, "a")
		(<-acquired).Release()
	})
}

func TestWhateverBecomesOfTheTrialTheGateMoves(t *testing.T) {
	endings := map[string]func(p *budget.Permit, ctx context.Context, cancel func()){
		"released": func(p *budget.Permit, _ context.Context, _ func()) { p.Release() },
		"cancelled": func(p *budget.Permit, ctx context.Context, cancel func()) {
			cancel()
			_, _ = p.Record(ctx, kie.Jobs, "b")
		},
		"cancelled while under way": func(p *budget.Permit, ctx context.Context, cancel func()) {
			time.AfterFunc(time.Second, cancel)
			_, _ = p.Record(ctx, kie.Jobs, "hangs")
		},
		"failed otherwise": func(p *budget.Permit, ctx context.Context, _ func()) { _, _ = p.Record(ctx, kie.Jobs, "hangs") },
		"not found":        func(p *budget.Permit, ctx context.Context, _ func()) { _, _ = p.Record(ctx, kie.Jobs, "unknown") },
	}
	for name, end := range endings {
		for _, code := range []int{429, 401, 433, 455, 402, 505, 500} {
			t.Run(fmt.Sprintf("%s/%d", name, code), func(t *testing.T) {
				bubble(t, budget.Options{}, func(t *testing.T, r *rig) {
					r.sim.Inject(kiesim.Match{ID: "hangs"}, kiesim.Fault{Hang: true})
					remove := r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: code})
					for i := 0; r.Closed() == kie.ClassOK; i++ {
						_ = r.ask(t, strconv.Itoa(i))
					}
					remove()
					ctx, cancel := context.WithCancel(t.Context())
					defer cancel()
					p, err := r.Acquire(ctx)
					if err != nil {
						t.Fatal(err)
					}
					end(p, ctx, cancel)
					start := time.Now()
					_ = r.ask(t, "good")
					_ = r.ask(t, "good")
					r.wantClosed(t, kie.ClassOK)
					if took := time.Since(start); took > 3*time.Minute {
						t.Errorf("it took %v until the gate was open", took)
					}
				})
			})
		}
	}
}

func TestAnAnswerToAnOlderQueryDoesNotMoveTheGate(t *testing.T) {
	bubble(t, budget.Options{Rate: 1000, Concurrent: 2}, func(t *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{ID: "slow"}, kiesim.Fault{Delay: 3 * time.Second})
		r.sim.Put(kiesim.Task{ID: "slow", Duration: time.Hour})
		slow, err := r.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		done := make(chan error)
		go func() {
			_, err := slow.Record(t.Context(), kie.Jobs, "slow")
			done <- err
		}()
		synctest.Wait()
		r.sim.Inject(kiesim.Match{ID: "a"}, kiesim.Fault{Code: 455})
		_ = r.ask(t, "a")
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		r.wantClosed(t, kie.ClassMaintenance)
	})
}

func TestUp(t *testing.T) {
	for _, test := range []struct {
		name  string
		fault kiesim.Fault
		up    bool
	}{
		{"ok", kiesim.Fault{}, true},
		{"not found", kiesim.Fault{Code: 422, Msg: "recordInfo is null"}, true},
		{"credits", kiesim.Fault{Code: 402}, true},
		{"rate limited", kiesim.Fault{Code: 429}, true},
		{"task failed", kiesim.Fault{Code: 501}, true},
		{"auth", kiesim.Fault{Code: 401}, false},
		{"key limit", kiesim.Fault{Code: 433}, false},
		{"maintenance", kiesim.Fault{Code: 455}, false},
		{"disabled", kiesim.Fault{Code: 505}, false},
		{"server", kiesim.Fault{Code: 500}, false},
		{"bare status", kiesim.Fault{Status: 404}, false},
		{"decode", kiesim.Fault{Body: "<html>"}, false},
		{"transport", kiesim.Fault{Reset: true}, false},
		{"timeout", kiesim.Fault{Hang: true}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			bubble(t, budget.Options{}, func(t *testing.T, r *rig) {
				if r.Stats().Asked {
					t.Error("asked before the first request")
				}
				r.sim.Inject(kiesim.Match{}, test.fault)
				_ = r.ask(t, "a")
				if s := r.Stats(); !s.Asked || s.Up != test.up {
					t.Errorf("asked %v, up %v; want true, %v", s.Asked, s.Up, test.up)
				}
			})
		})
	}
}

func TestRequestsAreCountedByEndpointAndClass(t *testing.T) {
	bubble(t, budget.Options{}, func(t *testing.T, r *rig) {
		_ = r.ask(t, "a")
		p, err := r.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Credit(t.Context()); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if p, err = r.Acquire(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, _ = p.Record(ctx, kie.Jobs, "a") // given up by us: tells nothing about the API
		s := r.Stats()
		for _, e := range kie.Endpoints() {
			var sum uint64
			for _, n := range s.Requests[e] {
				sum += n
			}
			if asked := e == kie.Jobs || e == kie.Credit; !asked {
				if sum != 0 || s.Uses(e) {
					t.Errorf("%v was not asked, and is shown", e)
				}
				continue
			}
			if sum != 1 || s.Requests[e][kie.ClassOK] != 1 || s.Duration[e].Count() != 1 {
				t.Errorf("%v: %d requests, %v; want one ok", e, sum, s.Duration[e])
			}
		}
	})
}
