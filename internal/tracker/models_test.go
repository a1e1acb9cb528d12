package tracker_test

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
)

// asksModels is an account that asks how models fare.
func asksModels(interval time.Duration) tracker.AccountOptions {
	return tracker.AccountOptions{Name: "main", ModelsInterval: interval}
}

// manyModels are models that the simulated API knows.
func manyModels(n int) (all []kiesim.Model) {
	for i := range n {
		all = append(all, kiesim.Model{Name: fmt.Sprintf("maker/v%d", i), FailureRatio: 0.25, Weight: 1})
	}
	return all
}

// modelRequests returns the requests about models.
func (r *rig) modelRequests() (all []kiesim.Request) {
	for _, q := range r.sim.Requests() {
		if q.Endpoint == kiesim.ModelHealth {
			all = append(all, q)
		}
	}
	return all
}

func TestModelsThatAreTrackedAreAskedAboutOneASecond(t *testing.T) {
	s := setup{
		api: kiesim.Options{Models: manyModels(5)}, account: asksModels(5 * time.Minute), tracker: tracker.Options{Background: true},
	}
	bubble(t, s, func(t *testing.T, r *rig) {
		for i, m := range manyModels(4) { // nobody tracks the fifth
			r.task(kiesim.Task{ID: strconv.Itoa(i), Model: m.Name, Duration: time.Hour})
		}
		r.task(kiesim.Task{ID: "odd", Model: "../../chat", Duration: time.Hour})
		r.task(kiesim.Task{ID: "unknown", Model: "unknown", Duration: time.Hour})
		time.Sleep(2*time.Hour - time.Minute)
		perModel, last := map[string]int{}, time.Time{}
		for _, q := range r.modelRequests() {
			perModel[q.ID]++
			if since := q.At.Sub(last); since < time.Second {
				t.Errorf("two requests within %v", since)
			}
			if last = q.At; q.Code == 429 {
				t.Error("one was refused as too fast")
			}
		}
		if perModel["maker/v4"]+perModel["../../chat"] > 0 || perModel["maker/v0"] < 22 || perModel["maker/v0"] > 24 || perModel["unknown"] != 2 {
			t.Errorf("in 2 h, every 5 min: %v", perModel)
		}
		now := r.Snapshot().Accounts[0]
		if len(now.Models) != 4 || now.Models[3].Model != "maker/v3" || now.Models[3].Success != 0.75 || time.Since(now.Models[3].End.Time()) > 15*time.Minute {
			t.Errorf("%+v", now.Models)
		}
		if n := now.Requests.Requests[kie.ModelHealth]; n[kie.ClassNotFound] != 2 || n[kie.ClassOK] < 80 || now.Requests.Closed != kie.ClassOK {
			t.Errorf("requests %v", n)
		}
	})
}

// What is too old to say how a model fares is not shown, whatever the reason.
func TestHowAModelFaresGoesWhenItIsTooOld(t *testing.T) {
	for name, fault := range map[string]kiesim.Fault{
		"the API fails":          {Code: 500},
		"it tells nonsense":      {Body: `{"code":200,"data":{"points":7}}`},
		"it refuses as too fast": {Code: 429},
		"it refuses the key":     {Code: 401},
		"it hangs":               {Hang: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := setup{api: kiesim.Options{Models: manyModels(1)}, account: asksModels(time.Minute), tracker: tracker.Options{Background: true}}
			bubble(t, s, func(t *testing.T, r *rig) {
				r.task(kiesim.Task{ID: "a", Model: "maker/v0", Duration: 10 * time.Hour})
				time.Sleep(10 * time.Minute)
				if n := len(r.Snapshot().Accounts[0].Models); n != 1 {
					t.Fatalf("%d models", n)
				}
				before, asked := r.Snapshot().Accounts[0].Requests.Pace, len(r.modelRequests())
				remove := r.sim.Inject(kiesim.Match{Endpoint: kiesim.ModelHealth}, fault)
				time.Sleep(2 * time.Minute)
				if n := len(r.Snapshot().Accounts[0].Models); n != 1 {
					t.Error("it goes at the first failure")
				}
				time.Sleep(3 * time.Minute)
				account := r.Snapshot().Accounts[0]
				if len(account.Models) != 0 {
					t.Errorf("still %+v", account.Models)
				}
				if account.Requests.Closed != kie.ClassOK || !account.Requests.Up || account.Requests.Pace != before {
					t.Errorf("tasks suffer: %+v", account.Requests)
				}
				if n := len(r.modelRequests()) - asked; n < 3 || n > 6 {
					t.Errorf("%d requests in 5 min", n)
				}
				remove()
				time.Sleep(3 * time.Minute)
				if n := len(r.Snapshot().Accounts[0].Models); n != 1 {
					t.Error("it does not come back")
				}
			})
		})
	}
}

// Tasks go first: where they take the whole budget no model is asked about, and where they leave some none of them waits for that.
func TestModelsAreAskedAboutWithWhatTasksLeave(t *testing.T) {
	for name, tt := range map[string]struct {
		budget budget.Options
		tasks  int
		asked  bool
	}{
		"nothing is left":   {budget.Options{Rate: 1, Concurrent: 2}, 100, false},
		"one at a time":     {budget.Options{Rate: 1, Concurrent: 1}, 100, false},
		"something is left": {budget.Options{Rate: 4, Concurrent: 2}, 20, true},
		"much is left":      {budget.Options{Rate: 2, Concurrent: 1}, 2, true},
	} {
		t.Run(name, func(t *testing.T) {
			delays := map[time.Duration]float64{}
			for _, interval := range []time.Duration{0, time.Minute} {
				s := setup{
					api: kiesim.Options{Models: manyModels(3), Latency: 300 * time.Millisecond}, account: asksModels(interval), budget: tt.budget,
					tracker: tracker.Options{Background: true},
				}
				bubble(t, s, func(t *testing.T, r *rig) {
					for i := range tt.tasks {
						r.task(kiesim.Task{ID: strconv.Itoa(i), Model: fmt.Sprintf("maker/v%d", i%3), Duration: time.Hour})
					}
					time.Sleep(10 * time.Minute) // each is asked at least once a minute, if it may
					if n := len(r.modelRequests()); (n > 0) != (tt.asked && interval > 0) {
						t.Errorf("%d requests about models every %v", n, interval)
					}
					for i := range tt.tasks {
						delays[interval] += float64(r.sim.Queries(strconv.Itoa(i)))
					}
				})
			}
			if with, without := delays[time.Minute], delays[0]; with < 0.97*without {
				t.Errorf("%v queries about tasks, %v where models are not asked about", with, without)
			}
		})
	}
}

// Whoever sets no interval sends no such request, and nobody does while nobody scrapes.
func TestModelsAreNotAskedAboutUnlessSomebodyWantsIt(t *testing.T) {
	s := setup{api: kiesim.Options{Models: manyModels(1)}, account: asksModels(time.Minute)}
	bubble(t, s, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a", Model: "maker/v0", Duration: 10 * time.Hour})
		time.Sleep(time.Hour)
		if n := len(r.modelRequests()); n > 0 {
			t.Errorf("%d requests though nobody scrapes", n)
		}
		for range 10 {
			r.Wait(t.Context())
			time.Sleep(time.Minute)
		}
		if n := len(r.modelRequests()); n < 5 || n > 11 {
			t.Errorf("%d requests in 10 min of scrapes", n)
		}
		o := r.options
		o.Accounts[0].ModelsInterval = 0
		r.Reconfigure(o, nothing)
		before := len(r.modelRequests())
		for range 10 {
			r.Wait(t.Context())
			time.Sleep(time.Minute)
		}
		if n := len(r.modelRequests()) - before; n > 0 || len(r.Snapshot().Accounts[0].Models) > 0 {
			t.Errorf("%d requests, %v shown after a reload that wants none", n, r.Snapshot().Accounts[0].Models)
		}
	})
}
