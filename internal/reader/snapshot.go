// Snapshots.

package reader

import (
	"context"
	"math"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/tasks"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

const (
	// snapshotInterval is the least time between two snapshots.
	snapshotInterval = time.Second
	// ShowAtATime is how many tasks a snapshot reads anew while it holds the lock, about.
	ShowAtATime = 4096
)

// Snapshot returns what is known, at most a second old.
func (r *Reader) Snapshot() *view.Snapshot {
	if s := r.last.Load(); s.isFresh() {
		return s.Snapshot
	}
	r.surveying.Lock()
	defer r.surveying.Unlock()
	s := r.last.Load()
	if !s.isFresh() {
		v := r.survey()
		r.show(v, func(now time.Time, shown view.Shown) {
			s = &snapshot{r.buildLocked(now, shown, v), r.changes.Load()}
			r.last.Store(s)
		})
	}
	return s.Snapshot
}

// Shown returns which tasks have series now. To look at them so does not count as having seen totals.
func (r *Reader) Shown() (s view.Shown) {
	r.surveying.Lock()
	defer r.surveying.Unlock()
	r.show(r.survey(), func(_ time.Time, shown view.Shown) { s = shown })
	return s
}

// AwaitFresh waits until a snapshot may be made that shows what was learned since the last one.
func (r *Reader) AwaitFresh(ctx context.Context) {
	last := r.last.Load()
	if last == nil || last.changes == r.changes.Load() {
		return
	}
	timer := time.NewTimer(time.Until(last.At.Add(snapshotInterval)))
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}

// Discard has the next snapshot be made anew, however young the last one is: what that one shows may be another process's now.
func (r *Reader) Discard() {
	r.surveying.Lock()
	defer r.surveying.Unlock()
	r.last.Store(nil)
}

func (s *snapshot) isFresh() bool { return s != nil && time.Since(s.At) < snapshotInterval }

// survey returns what the unfinished tasks come to. The caller holds surveying.
func (r *Reader) survey() *tasks.Survey {
	v := tasks.NewSurvey(time.Now())
	for r.visit(v) {
	}
	return v
}

// visit has a survey visit its next portion; false: it was the last.
func (r *Reader) visit(v *tasks.Survey) (more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tasks.Visit(v, r.state().TaskSeries)
}

// show calls seen, with the lock held, with which tasks have series. Before that it reads those that have changed, some at
// a time.
func (r *Reader) show(v *tasks.Survey, seen func(time.Time, view.Shown)) {
	newest := v.Newest()
	patience := v.Limit()/ShowAtATime + 16
	for !r.tryShow(newest, patience > 0, seen) {
		patience--
	}
}

// tryShow does what show does. If it may give up, it reads ShowAtATime tasks at most, and returns false if more have changed.
func (r *Reader) tryShow(newest []tasks.Aged, mayGiveUp bool, seen func(time.Time, view.Shown)) bool {
	room := math.MaxInt
	if mayGiveUp {
		room = ShowAtATime
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	now := time.Now()
	shown, complete := r.tasks.Show(newest, r.state().TaskSeries, room, now)
	if complete {
		seen(now, shown)
	}
	return complete
}

// buildLocked returns what is known now, which tasks have series among it.
func (r *Reader) buildLocked(now time.Time, shown view.Shown, v *tasks.Survey) *view.Snapshot {
	state := r.state()
	s := &view.Snapshot{Shown: shown, At: now, Overflows: r.tasks.Limits.Overflows, Storage: state.Storage}
	s.Models, s.Groups = r.tasks.View(v, shown, now, state.HoldBack)
	for _, a := range state.Accounts {
		s.Accounts = append(s.Accounts, a.Dispatcher.View(now, v.Due(a)))
	}
	return s
}
