package budget_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/pace"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

// far is a pace that takes its time, once it is slow: to give rights, and to hear of outcomes.
type far struct {
	takes time.Duration
	asked int // for rights, while slow
	heard int // of outcomes
}

func (f *far) Take(ctx context.Context) time.Duration {
	if f.takes > 0 {
		f.asked++
	}
	if !f.wait(ctx) {
		return time.Second
	}
	return 0
}

func (f *far) Slow() {
	f.heard++
	f.wait(context.Background())
}

func (f *far) Reconfigure(pace.Options) {}

func (f *far) Worth(float64) {}

func (f *far) Knee() float64 { return 0 }

func (f *far) Recall(float64) {}

func (f *far) Allowed() float64 { return 7 }

func (f *far) wait(ctx context.Context) bool {
	select {
	case <-time.After(f.takes):
		return true
	case <-ctx.Done():
		return false
	}
}

func TestNobodyButWhoWantsAPermitWaitsForAPaceFarAway(t *testing.T) {
	pace := &far{}
	bubble(t, budget.Options{Rate: 2, Concurrent: 3, Pace: pace}, func(t *testing.T, r *rig) {
		held, err := r.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pace.takes = time.Hour
		ctx, stop := context.WithTimeout(t.Context(), time.Minute)
		defer stop()
		refused := make(chan error)
		for range 3 { // of which one asks, and the others wait for their turn
			go func() {
				_, err := r.Acquire(ctx)
				refused <- err
			}()
		}
		synctest.Wait()
		start := time.Now()
		if s := r.Stats(); s.Pace != 7 || s.Closed != kie.ClassOK || r.Closed() != kie.ClassOK || !r.Up() {
			t.Errorf("%+v", s)
		}
		if held.Avoids("a") || held.IsTrial() {
			t.Error("the permit is a trial")
		}
		held.Release()
		if took := time.Since(start); took > 0 {
			t.Errorf("who only looked waited %v", took)
		}
		for range 3 {
			if err := <-refused; !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("who gave up got %v", err)
			}
		}
		if took := time.Since(start); took != time.Minute || pace.asked != 1 {
			t.Errorf("who gave up waited %v, and the pace was asked %d times at once", took, pace.asked)
		}
	})
}

func TestARightThatComesWhenTheGateHasClosedIsLost(t *testing.T) {
	pace := &far{}
	bubble(t, budget.Options{Rate: 2, Concurrent: 2, Pace: pace}, func(t *testing.T, r *rig) {
		r.sim.Inject(kiesim.Match{Times: 1}, kiesim.Fault{Code: 429})
		first, err := r.Acquire(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		pace.takes = 100 * time.Millisecond
		second := make(chan *budget.Permit)
		go func() {
			p, err := r.Acquire(t.Context())
			if err != nil {
				t.Error(err)
			}
			second <- p
		}()
		synctest.Wait()
		start := time.Now()
		if _, err := first.Record(t.Context(), kie.Jobs, "a"); kie.ClassOf(err) != kie.ClassRateLimited {
			t.Fatal(err)
		}
		r.wantClosed(t, kie.ClassRateLimited)
		p := <-second
		if waited := time.Since(start); waited < 4*time.Second || !p.IsTrial() {
			t.Errorf("a permit came %v after the gate closed", waited)
		}
		p.Release()
		if pace.asked != 2 || pace.heard != 1 {
			t.Errorf("%d rights were taken for one request, and %d outcomes told; want 2 and 1", pace.asked, pace.heard)
		}
	})
}
