// Snapshots, and what is looked up without one.

package tracker

import (
	"math"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/tasks"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

const (
	// snapshotInterval is the least time between two snapshots.
	snapshotInterval = time.Second
	// showAtATime is how many tasks a snapshot reads anew while it holds the lock, about.
	showAtATime = 4096
)

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
		t.show(v, func(now time.Time, shown view.Shown) {
			s = &snapshot{t.buildLocked(now, shown, v), t.changes.Load()}
			t.last.Store(s)
		})
	}
	return s.Snapshot
}

// Shown returns which tasks have series now. To look at them so does not count as having seen totals.
func (t *Tracker) Shown() (s view.Shown) {
	t.surveying.Lock()
	defer t.surveying.Unlock()
	t.show(t.survey(), func(_ time.Time, shown view.Shown) { s = shown })
	return s
}

// Changes returns a number that grows with everything that a new snapshot would show.
func (t *Tracker) Changes() uint64 { return t.changes.Load() }

func (s *snapshot) isFresh() bool { return s != nil && time.Since(s.At) < snapshotInterval }

// survey returns what the unfinished tasks come to. One at a time: whoever calls it holds surveying.
func (t *Tracker) survey() *tasks.Survey {
	v := tasks.NewSurvey(time.Now())
	for t.visit(v) {
	}
	return v
}

// visit has a survey visit its next portion; false: it was the last.
func (t *Tracker) visit(v *tasks.Survey) (more bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tasks.Visit(v, t.options.TaskSeries)
}

// show calls seen, with the lock held, with which tasks have series. Before that it reads those that have changed, some at
// a time.
func (t *Tracker) show(v *tasks.Survey, seen func(time.Time, view.Shown)) {
	newest := v.Newest()
	patience := v.Limit()/showAtATime + 16
	for !t.tryShow(newest, patience > 0, seen) {
		patience--
	}
}

// tryShow does what show does unless more than some tasks have changed, and it may give up for that.
func (t *Tracker) tryShow(newest []tasks.Aged, mayGiveUp bool, seen func(time.Time, view.Shown)) bool {
	room := math.MaxInt
	if mayGiveUp {
		room = showAtATime
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	shown, complete := t.tasks.Show(newest, t.options.TaskSeries, room, now)
	if complete {
		seen(now, shown)
	}
	return complete
}

// buildLocked returns what is known now, which tasks have series among it.
func (t *Tracker) buildLocked(now time.Time, shown view.Shown, v *tasks.Survey) *view.Snapshot {
	s := &view.Snapshot{Shown: shown, At: now, Overflows: t.tasks.Limits.Overflows, Storage: t.store.Stats()}
	s.Models, s.Groups = t.tasks.View(v, shown, now, t.options.HoldBack)
	for _, a := range t.accounts {
		s.Accounts = append(s.Accounts, a.Dispatcher.View(now, v.Due(a.Account)))
	}
	return s
}
