package budget_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// keepAsking has several ask about a task as fast as they may until ctx ends, as if each query were worth a minute.
func (r *rig) keepAsking(ctx context.Context, askers *sync.WaitGroup) {
	for range 3 {
		askers.Go(func() {
			for {
				p, err := r.Acquire(ctx)
				if err != nil {
					return
				}
				p.Worth(60)
				_, _ = p.Record(ctx, kie.Jobs, "a")
			}
		})
	}
}

// window returns how many requests were sent from one time to another, and how many of them were refused.
func (r *rig) window(from, to time.Time) (sent, refused float64) {
	for _, q := range r.sim.Requests() {
		if !q.At.Before(from) && q.At.Before(to) {
			sent++
			if q.Code == 429 {
				refused++
			}
		}
	}
	return sent, refused
}

// An account whose limit is 6 requests a second, of which an application uses one.
func TestALearnedPaceAgainstAnAPIThatRefuses(t *testing.T) {
	bubble(t, budget.Options{Rate: 2, Most: 10, Concurrent: 4}, func(t *testing.T, r *rig) {
		r.sim.SetRequestsPerSecond(6)
		_ = r.ask(t, "a")
		ctx, stop := context.WithCancel(t.Context())
		var askers sync.WaitGroup
		r.keepAsking(ctx, &askers)
		var theirs, theirsRefused atomic.Int64
		askers.Go(func() {
			for ; ctx.Err() == nil; time.Sleep(time.Second) {
				theirs.Add(1)
				if _, err := r.client.Record(ctx, kie.Jobs, "a"); kie.ClassOf(err) == kie.ClassRateLimited {
					theirsRefused.Add(1)
				}
			}
		})
		time.Sleep(5 * time.Minute) // to find the limit
		began, before := time.Now(), theirsRefused.Load()
		time.Sleep(20 * time.Minute)
		synctest.Wait()
		sent, refused := r.window(began, time.Now())
		if perSecond := (sent - refused) / 1200; perSecond < 1+0.85*5 || refused > sent*2/1000 || theirsRefused.Load()-before > theirs.Load()/2000+1 {
			t.Errorf("%.2f requests a second passed, %g of %g were refused, and %d of the application's %d", perSecond, refused, sent, theirsRefused.Load()-before, theirs.Load())
		}
		if s := r.Stats(); s.PaceConfigured != 10 || s.PaceLearned < 4.5 || s.PaceLearned > 6 || s.Pace > s.PaceLearned*1.02 {
			t.Errorf("pace %.2f, learned %.2f, configured %g", s.Pace, s.PaceLearned, s.PaceConfigured)
		}

		r.sim.SetRequestsPerSecond(3)
		fell := time.Now()
		time.Sleep(20 * time.Second)
		synctest.Wait()
		if sent, _ := r.window(fell.Add(10*time.Second), time.Now()); sent > 30 {
			t.Errorf("%g requests in the ten seconds that begin ten seconds after the limit fell to 3 a second", sent)
		}
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		if _, refused := r.window(fell, time.Now()); refused > 10 {
			t.Errorf("%g requests were refused after the limit fell", refused)
		}

		stop()
		askers.Wait()
		requests := r.sim.Requests()
		for i := range requests {
			for j := i; j < min(len(requests), i+200); j++ {
				span := requests[j].At.Sub(requests[i].At).Seconds()
				if n, most := j-i+1, 4+10*span+span+1; float64(n) > most+1e-6 { // and the application's
					t.Fatalf("%d requests in %.3f s", n, span)
				}
			}
		}
	})
}

func TestOneRefusalIsGivenWayToAtOnce(t *testing.T) {
	bubble(t, budget.Options{Rate: 2, Most: 10, Concurrent: 4}, func(t *testing.T, r *rig) {
		_ = r.ask(t, "a")
		ctx, stop := context.WithCancel(t.Context())
		var askers sync.WaitGroup
		r.keepAsking(ctx, &askers)
		time.Sleep(10 * time.Minute)
		if s := r.Stats(); s.Pace != 10 || s.PaceLearned != 0 {
			t.Errorf("pace %g, learned %g, though nothing was refused", s.Pace, s.PaceLearned)
		}
		r.sim.SetRequestsPerSecond(1)
		time.Sleep(time.Second)
		refusedAt := time.Now()
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if sent, _ := r.window(refusedAt, time.Now()); sent > 0 {
			t.Errorf("%g requests were sent right after a refusal", sent)
		}
		if s := r.Stats(); s.Pace > 2.5 {
			t.Errorf("pace %g after a refusal", s.Pace)
		}
		stop()
		askers.Wait()
	})
}

func TestAReloadChangesTheMaximum(t *testing.T) {
	bubble(t, budget.Options{Rate: 2, Most: 10, Concurrent: 4}, func(t *testing.T, r *rig) {
		_ = r.ask(t, "a")
		ctx, stop := context.WithCancel(t.Context())
		var askers sync.WaitGroup
		r.keepAsking(ctx, &askers)
		options := func(most float64) budget.Options {
			return budget.Options{Client: r.client, Key: r.current, Rate: 2, Most: most, Concurrent: 4}
		}
		for _, most := range []float64{10, 4, 0, 20} {
			r.Reconfigure(options(most))
			time.Sleep(time.Second)
			changed, want := time.Now(), max(2, most)
			time.Sleep(5 * time.Minute)
			synctest.Wait()
			if s := r.Stats(); s.Pace != want || s.PaceConfigured != want {
				t.Errorf("pace %g, configured %g, want %g", s.Pace, s.PaceConfigured, want)
			}
			if sent, _ := r.window(changed, time.Now()); sent > 4+want*300 {
				t.Errorf("%g requests in five minutes at %g a second", sent, want)
			}
		}
		stop()
		askers.Wait()
	})
}
