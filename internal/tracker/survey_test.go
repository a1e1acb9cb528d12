package tracker

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/blocks"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/reader"
	"github.com/kie-exporter/kie_exporter/internal/records"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/tasks"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// waiting returns a tracker of tasks that were answered and are not finished.
func waiting(tb testing.TB, tasks, limit int) *shownBefore {
	tb.Helper()
	h := newHistory(0, tasks, limit)
	h.list(h.ids...)
	for _, id := range h.ids {
		k := h.tasks.Get(h.accounts[0].Name, id)
		k.Kind.Group.Account.Begin(k)
		created := kie.TimeOf(time.Now())
		h.learn(k.Kind.Group.Account, k, kie.Answer{Task: kie.Task{ID: id, Model: "m", State: kie.StateGenerating, Created: created}}, nil)
	}
	return h
}

func TestASnapshotHoldsTheLockForFewTasksAtATime(t *testing.T) {
	const many, most = 20_000, 1 << 13
	h := waiting(t, many, many)
	s := tasks.NewSurvey(time.Now())
	for more := true; more; {
		before := s.Len()
		more = visit(h.Tracker, s)
		if n := s.Len() - before; n > most {
			t.Fatalf("%d tasks were visited at once", n)
		}
	}
	h.finishAll(h.ids[:many/2]...)
	made, newest := make(map[*view.Block]bool), s.Newest()
	for complete := false; !complete; {
		var now view.Shown
		now, complete = h.tasks.Show(newest, h.Tracker.options.TaskSeries, reader.ShowAtATime, time.Now())
		read := 0
		for _, b := range now.Blocks {
			if !made[b] {
				made[b] = true
				read += b.Len()
			}
		}
		if read > most {
			t.Fatalf("%d tasks were read at once", read)
		}
		if n := len(now.Tasks()); complete && n != many {
			t.Errorf("%d tasks are shown, want %d", n, many)
		}
	}
	h.finishAll(h.ids[many/2:]...)
	if _, complete := h.tasks.Show(nil, h.Tracker.options.TaskSeries, reader.ShowAtATime, time.Now()); complete {
		t.Errorf("%d tasks that have changed were read at once", many/2)
	}
}

// visit has a survey visit its next portion, as a snapshot does.
func visit(t *Tracker, s *tasks.Survey) (more bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tasks.Visit(s, t.options.TaskSeries)
}

// Tasks change places when others go.
func TestATaskThatIsThereAllTheTimeIsSurveyedOnce(t *testing.T) {
	const many = 5 * 64 * blocks.PieceSize
	h := waiting(t, many, many)
	s := tasks.NewSurvey(time.Now())
	gone := make(map[string]bool)
	for visit(h.Tracker, s) {
		for range 200 {
			id := h.ids[h.IntN(many)]
			if gone[id] {
				continue
			}
			if gone[id] = true; h.IntN(2) == 0 {
				h.finishAll(id)
			} else {
				h.Apply(source.Change{Group: "video", Removed: []string{id}})
			}
		}
	}
	if h.tasks.IsSurveyed() {
		t.Error("the survey is over")
	}
	visits := make(map[string]int)
	for _, a := range s.Newest() {
		visits[a.ID]++
	}
	for _, id := range h.ids {
		if n := visits[id]; n != 1 && !gone[id] || n > 1 {
			t.Fatalf("%s was visited %d times", id, n)
		}
	}
}

// BenchmarkLock measures the longest that the lock is held while 1,000,000 tasks are listed, and while a snapshot is made of
// them. Of each hold it takes the shortest of all runs, for on a busy machine some last as long as another program runs.
func BenchmarkLock(b *testing.B) {
	const many = 1_000_000
	listed := make([]source.Task, many)
	for i := range listed {
		listed[i].ID = fmt.Sprintf("%032x", i)
	}
	for _, what := range []string{"pending", "new", "unfinished"} {
		b.Run(what, func(b *testing.B) {
			var listing, first, later holds
			for b.Loop() {
				h := newHistory(0, 0, 1000)
				a := &applying{Change: source.Change{Group: "video", Backlog: what == "pending"}, now: time.Now()}
				for part := range slices.Chunk(listed, applyAtATime) {
					listing.time(func() { h.addListed(a, part, records.Found{}) })
				}
				if what == "unfinished" {
					for _, k := range slices.Clone(h.tasks.Unfinished()) {
						k.Kind.Group.Account.Begin(k)
						h.learn(k.Kind.Group.Account, k, kie.Answer{Task: kie.Task{ID: k.ID, Model: "m", State: kie.StateWaiting, Created: 1}}, nil)
					}
				}
				first.snapshot(h.Tracker)
				later.snapshot(h.Tracker)
				listing.next, first.next, later.next = 0, 0, 0
			}
			b.ReportMetric(listing.longest(), "ms-listing")
			b.ReportMetric(first.longest(), "ms-first")
			b.ReportMetric(later.longest(), "ms-later")
		})
	}
}

// holds are how long the lock was held each time, in the same order in each run.
type holds struct {
	shortest []time.Duration
	next     int
}

func (h *holds) time(hold func()) {
	start := time.Now()
	hold()
	took := time.Since(start)
	if h.next == len(h.shortest) {
		h.shortest = append(h.shortest, took)
	}
	h.shortest[h.next] = min(h.shortest[h.next], took)
	h.next++
}

// snapshot does what Snapshot does.
func (h *holds) snapshot(t *Tracker) {
	s := tasks.NewSurvey(time.Now())
	for more := true; more; {
		h.time(func() { more = visit(t, s) })
	}
	newest := s.Newest()
	for complete := false; !complete; {
		h.time(func() {
			t.mu.Lock()
			defer t.mu.Unlock()
			now := time.Now()
			var shown view.Shown
			if shown, complete = t.tasks.Show(newest, t.options.TaskSeries, reader.ShowAtATime, now); complete {
				t.tasks.View(s, shown, now, t.options.HoldBack)
			}
		})
	}
}

func (h *holds) longest() (ms float64) { return slices.Max(h.shortest).Seconds() * 1000 }
