package budget_test

import (
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
)

func TestNobodyAsksWithoutTheRight(t *testing.T) {
	var right atomic.Bool
	bubble(t, budget.Options{Rate: 2, Concurrent: 4, Right: right.Load}, func(t *testing.T, r *rig) {
		asked := make(chan time.Duration)
		start := time.Now()
		go func() {
			_ = r.ask(t, "a")
			asked <- time.Since(start)
		}()
		if _, err := r.AcquireProbe(t.Context(), budget.Probe{ID: "p", Due: func() bool { return false }}); !errors.Is(err, budget.ErrNoRight) {
			t.Errorf("a probe without the right: %v", err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		if n := len(r.sim.Requests()); n > 0 {
			t.Errorf("%d requests were sent without the right", n)
		}
		right.Store(true)
		if took := <-asked; took > time.Minute+10*time.Second {
			t.Errorf("asked after %v, the right came after a minute", took)
		}
	})
}

func TestARightThatEndsBeforeTheRequestIsSentIsSeen(t *testing.T) {
	var right atomic.Bool
	right.Store(true)
	bubble(t, budget.Options{Rate: 2, Concurrent: 1, Right: right.Load}, func(t *testing.T, r *rig) {
		for _, send := range []func(p *budget.Permit) error{
			func(p *budget.Permit) error { _, err := p.Record(t.Context(), kie.Jobs, "a"); return err },
			func(p *budget.Permit) error { _, err := p.Credit(t.Context()); return err },
			func(p *budget.Permit) error { _, err := p.ModelHealth(t.Context(), "m"); return err },
		} {
			p, err := r.Acquire(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			right.Store(false)
			if err := send(p); !errors.Is(err, budget.ErrNoRight) || !kie.Cancelled(err) {
				t.Errorf("got %v", err)
			}
			right.Store(true) // the permit is free again: else the next one never comes
		}
		if n := len(r.sim.Requests()); n > 0 {
			t.Errorf("%d requests were sent", n)
		}
		r.wantClosed(t, kie.ClassOK)
	})
}

func TestWhoTakesOverBeginsWithoutABurst(t *testing.T) {
	bubble(t, budget.Options{Rate: 2, Concurrent: 4, Empty: true}, func(t *testing.T, r *rig) {
		for i, want := range []time.Duration{500 * time.Millisecond, 500 * time.Millisecond} {
			if got := r.waits(t, string(rune('a'+i))); !within20Percent(got, want) {
				t.Errorf("request %d waits %v, want %v", i, got, want)
			}
		}
	})
}
