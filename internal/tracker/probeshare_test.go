// Whoever probes takes nothing that tracked tasks need.

package tracker_test

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

// flood probes tasks that nobody tracks, 40 at a time, for as long, and returns a function that waits for the end.
func (r *rig) flood(d time.Duration) (wait func()) {
	var all sync.WaitGroup
	end := time.Now().Add(d)
	for i := range 40 {
		all.Go(func() {
			for n := 0; time.Now().Before(end); n++ {
				if p := r.Probe(r.t.Context(), "main", fmt.Sprintf("stranger%d-%d", i, n)); !p.Asked {
					time.Sleep(time.Second)
				}
			}
		})
	}
	return all.Wait
}

// asked returns how many queries were about tracked tasks, and about others.
func (r *rig) asked() (tracked, strangers int) {
	for _, q := range r.sim.Requests() {
		switch {
		case q.Endpoint != kiesim.RecordInfo:
		case len(q.ID) > 8 && q.ID[:8] == "stranger":
			strangers++
		default:
			tracked++
		}
	}
	return tracked, strangers
}

func TestProbesGetAQuarterOfTheBudgetWhileTasksAreDue(t *testing.T) {
	defaults := budget.Options{Rate: 2, Concurrent: 4}
	for name, api := range map[string]kiesim.Options{"as ever": {Latency: 320 * time.Millisecond}, "slow": {Latency: 8 * time.Second}} {
		t.Run(name, func(t *testing.T) {
			bubble(t, setup{api: api, budget: defaults}, func(t *testing.T, r *rig) {
				for _, id := range ids("t", 200) {
					r.task(kiesim.Task{ID: id, Duration: time.Hour})
				}
				wait := r.flood(4 * time.Minute)
				r.watch(4 * time.Minute)
				wait()
				tracked, strangers := r.asked()
				if tracked < 3*strangers-8 || strangers < 20 { // but for the burst of the start
					t.Errorf("%d queries about tracked tasks and %d probes", tracked, strangers)
				}
			})
		})
	}
}

func TestProbesMayHaveTheBudgetWhileNothingIsDue(t *testing.T) {
	bubble(t, setup{budget: budget.Options{Rate: 2, Concurrent: 4}}, func(t *testing.T, r *rig) {
		r.backlog(ids("t", 100)...) // which nobody asks about, as nobody scrapes
		r.flood(time.Minute)()
		if _, strangers := r.asked(); strangers < 115 {
			t.Errorf("%d probes in a minute, want all of the 2 a second", strangers)
		}
	})
}

func TestProbesOfUnlistedTasksDoNotCloseTheGate(t *testing.T) {
	for _, code := range []int{500, 402, 505} {
		t.Run(strconv.Itoa(code), func(t *testing.T) {
			bubble(t, setup{}, func(t *testing.T, r *rig) {
				r.task(kiesim.Task{ID: "a", Duration: time.Hour})
				r.scrape()
				for i := range 20 {
					id := fmt.Sprintf("stranger%d", i)
					r.sim.Inject(kiesim.Match{ID: id}, kiesim.Fault{Code: code})
					if p := r.Probe(t.Context(), "main", id); !p.Asked || kie.ClassOf(p.Err) == kie.ClassOK {
						t.Fatalf("probe %d: %+v", i, p)
					}
				}
				if reason := r.options.Accounts[0].Budget.Closed(); reason != kie.ClassOK {
					t.Errorf("the gate is closed: %v", reason)
				}
			})
		})
	}
}

func TestAProbeOfAnUnlistedTaskKeepsNoGateClosed(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		for _, id := range ids("t", 10) {
			r.task(kiesim.Task{ID: id, Duration: time.Hour})
		}
		remove := r.sim.Inject(kiesim.Match{}, kiesim.Fault{Code: 500})
		r.watch(30 * time.Second)
		if r.options.Accounts[0].Budget.Closed() == kie.ClassOK {
			t.Fatal("the gate is open")
		}
		remove()
		for i := range 200 {
			r.sim.Inject(kiesim.Match{ID: fmt.Sprintf("stranger%d", i)}, kiesim.Fault{Code: 500})
			r.Probe(t.Context(), "main", fmt.Sprintf("stranger%d", i))
			if i%10 == 0 {
				go r.Wait(t.Context())
			}
			time.Sleep(time.Second / 2)
		}
		if reason := r.options.Accounts[0].Budget.Closed(); reason != kie.ClassOK {
			t.Errorf("closed after the API works for 100 s: %v", reason)
		}
	})
}

// Somebody who lists ids on which the API fails would otherwise close the gate for everybody, and have each trial spent on the next of them.
func TestIDsOnWhichTheAPIFailsKeepNoGateClosedForOthers(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		good := ids("good", 10)
		for _, id := range good {
			r.task(kiesim.Task{ID: id, Duration: 24 * time.Hour})
		}
		r.watch(time.Minute)
		bad := ids("bad", 100)
		for _, id := range bad {
			r.sim.Inject(kiesim.Match{ID: id}, kiesim.Fault{Code: 500})
		}
		r.list(bad...)
		start := time.Now()
		for range 5 {
			r.watch(2 * time.Minute)
			asked := map[string]int{}
			for _, q := range r.sim.Requests() {
				if q.At.After(start) {
					asked[q.ID]++
				}
			}
			start = time.Now()
			if reason := r.options.Accounts[0].Budget.Closed(); reason != kie.ClassOK {
				t.Errorf("%v: the gate is closed: %v", start, reason)
			}
			for _, id := range good {
				if asked[id] < 2 {
					t.Errorf("%v: %s was asked %d times in 2 minutes, %d others were", start, id, asked[id], len(asked)-len(good))
				}
			}
		}
	})
}
