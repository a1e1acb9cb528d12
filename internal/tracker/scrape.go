// How a scrape wakes the dispatchers and waits for what they learn.

package tracker

import (
	"context"
	"math"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/dispatch"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

const (
	// awakeFor is how long after a scrape the dispatchers go on asking.
	awakeFor = 5 * time.Minute
	// snapshotInterval is the least time between two snapshots.
	snapshotInterval = time.Second
)

// Wait wakes the dispatchers and returns when every task that is due now was asked, the account's gate has closed, MaxWait
// is over or ctx has ended. A snapshot taken then shows what was learned meanwhile.
func (t *Tracker) Wait(ctx context.Context) view.Scrape {
	start := time.Now()
	var s view.Scrape
	waiters, most := t.arrive(start)
	limited, cancel := context.WithTimeout(ctx, most)
	defer cancel()
	for a, w := range waiters {
		select {
		case <-w.Done:
		case <-limited.Done():
			a.abandon(w)
		}
		s.Incomplete = s.Incomplete || !w.Asked
	}
	t.awaitFresh(ctx)
	s.Waited = time.Since(start)
	return s
}

// arrive notes a scrape with every account, and returns how long it may wait.
func (t *Tracker) arrive(now time.Time) (map[*account]*dispatch.Waiter, time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.awakeUntil = now.Add(awakeFor)
	waiters := make(map[*account]*dispatch.Waiter, len(t.accounts))
	for _, a := range t.accounts {
		waiters[a] = a.waiting.Add(now)
		a.release()
		a.dispatcher.Wake()
	}
	return waiters, t.options.MaxWait
}

// abandon forgets a scrape that waits no longer.
func (a *account) abandon(w *dispatch.Waiter) {
	a.tracker.mu.Lock()
	defer a.tracker.mu.Unlock()
	a.waiting.Remove(w)
}

// release lets the scrapes go for which nothing is left to wait. The tracker's lock must be held.
func (a *account) release() {
	if len(a.waiting) == 0 {
		return
	}
	first, due := a.earliestUnasked()
	a.waiting.Release(first, due, a.budget.Closed() != kie.ClassOK)
}

// earliestUnasked returns the time since when the first task is due that has no answer since, those being asked included.
func (a *account) earliestUnasked() (time.Time, bool) {
	first, due := a.queue.Earliest()
	for k := range a.asking {
		if !k.marks.has(markRemoved) && (!due || k.unfinished.Due.Before(first)) {
			first, due = k.unfinished.Due, true
		}
	}
	return first, due
}

// awaitFresh waits until a snapshot may be made that shows what was learned since the last one.
func (t *Tracker) awaitFresh(ctx context.Context) {
	last := t.last.Load()
	if last == nil || last.changes == t.changes.Load() {
		return
	}
	timer := time.NewTimer(time.Until(last.At.Add(snapshotInterval)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Snapshot returns what is known, at most a second old.
func (t *Tracker) Snapshot() *view.Snapshot {
	if s := t.last.Load(); s.isFresh() {
		return s.Snapshot
	}
	t.surveying.Lock()
	defer t.surveying.Unlock()
	s := t.last.Load()
	if !s.isFresh() {
		v := t.survey()
		t.showing(v, func(now time.Time, shows view.Shown) {
			s = &snapshot{t.build(now, shows, &v.sum), t.changes.Load()}
			t.last.Store(s)
		})
	}
	return s.Snapshot
}

// Shown returns which tasks have series now. To look at them so does not count as having seen totals.
func (t *Tracker) Shown() (s view.Shown) {
	t.surveying.Lock()
	defer t.surveying.Unlock()
	t.showing(t.survey(), func(_ time.Time, shows view.Shown) { s = shows })
	return s
}

// showing calls seen, with the lock held, with which tasks have series. Before that it reads those that have changed, some at
// a time.
func (t *Tracker) showing(v *survey, seen func(time.Time, view.Shown)) {
	newest := v.newest.Sorted()
	patience := v.limit/showAtATime + 16
	for !t.tryShowing(newest, patience > 0, seen) {
		patience--
	}
}

// tryShowing does what showing does unless more than some tasks have changed, and it may give up for that.
func (t *Tracker) tryShowing(newest []aged, mayGiveUp bool, seen func(time.Time, view.Shown)) bool {
	room := math.MaxInt
	if mayGiveUp {
		room = showAtATime
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	shows, complete := t.show(now, newest, room)
	if complete {
		seen(now, shows)
	}
	return complete
}

// Changes returns a number that grows with everything that a new snapshot would show.
func (t *Tracker) Changes() uint64 { return t.changes.Load() }

func (s *snapshot) isFresh() bool { return s != nil && time.Since(s.At) < snapshotInterval }
