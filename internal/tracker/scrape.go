// How a scrape wakes the dispatchers and waits for what they learn.

package tracker

import (
	"context"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/dispatch"
	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// awakeFor is how long after a scrape the dispatchers go on asking.
const awakeFor = 5 * time.Minute

// Wait wakes the dispatchers and returns when every task that is due now was asked, the account's gate has closed, MaxWait
// is over or ctx has ended. A snapshot taken then shows what was learned meanwhile: a scrape that had to wait waits until there may be another.
func (t *Tracker) Wait(ctx context.Context) (s view.Scrape) {
	start := time.Now()
	waiters, waits, most := t.arrive(start)
	limited, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for a, w := range waiters {
		select {
		case <-w.Done:
		case <-limited.Done():
			t.abandon(a, w)
		}
		s.Incomplete = s.Incomplete || !w.Asked
	}
	if waits && most > 0 {
		t.AwaitFresh(ctx)
	}
	s.Waited = time.Since(start)
	return s
}

// arrive notes a scrape with every account, and returns whether it has to wait for one, and how long it may.
func (t *Tracker) arrive(now time.Time) (waiters map[*entry.Account]*dispatch.Waiter, waits bool, most time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.awakeUntil = now.Add(awakeFor)
	waiters = make(map[*entry.Account]*dispatch.Waiter, len(t.accounts))
	for _, a := range t.accounts {
		w := a.Waiting.Add(now)
		waiters[a.Account] = w
		a.Release()
		waits = waits || !w.IsDone()
		a.Dispatcher.Wake()
	}
	return waiters, waits, t.options.MaxWait
}

// abandon forgets a scrape that waits for an account no longer.
func (t *Tracker) abandon(a *entry.Account, w *dispatch.Waiter) {
	t.mu.Lock()
	defer t.mu.Unlock()
	a.Waiting.Remove(w)
}
