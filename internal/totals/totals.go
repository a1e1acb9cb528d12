// Package totals counts the tasks that finished while they were watched, which are news: by group, by group and model. It is told of each one once,
// and shows 0 for a while where nobody could have seen a counter yet.
package totals

import (
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/histogram"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// Group is what is counted of a group beside its models. Not safe for concurrent use.
type Group struct {
	uncounted uint64
	evicted   uint64
	dropped   uint64 // unfinished
	detection durations
}

// NewGroup returns the totals of a group of which nothing was counted.
func NewGroup(histograms histogram.New) Group {
	return Group{detection: newDurations(histograms, .5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600, 1800)}
}

// Uncounted counts a finished task that is no news.
func (g *Group) Uncounted() { g.uncounted++ }

// Evicted counts a task that left memory to make room.
func (g *Group) Evicted() { g.evicted++ }

// DroppedUnfinished counts a task that left its lists before its end was known.
func (g *Group) DroppedUnfinished() { g.dropped++ }

// Detected takes how long after its end a task that is news was known to be finished.
func (g *Group) Detected(delay time.Duration) { g.detection.observe(delay, "") }

// Show has a snapshot tell the totals.
func (g *Group) Show(to *view.Group) {
	to.Uncounted, to.Evicted, to.DroppedUnfinished = g.uncounted, g.evicted, g.dropped
	to.Detection = g.detection.read()
}

// Model counts the finished tasks that are news of a group and model. Not safe for concurrent use.
type Model struct {
	shown     time.Time // when somebody first could see the totals; zero: not yet
	finished  [view.Outcomes]uint64
	latency   [view.Outcomes]durations
	credits   [view.Outcomes]float64
	failedFor map[kie.Reason]uint64
	failCodes map[string]*failCode
	empty     uint64
	untimed   [view.Outcomes]uint64
}

type failCode struct {
	shown time.Time // like that of the model
	count uint64
}

// NewModel returns the totals of a model of which nothing was counted.
func NewModel(histograms histogram.New) Model {
	m := Model{failedFor: make(map[kie.Reason]uint64), failCodes: make(map[string]*failCode)}
	for _, r := range kie.Reasons() {
		m.failedFor[r] = 0
	}
	for i := range m.latency {
		m.latency[i] = newDurations(histograms, 1, 2.5, 5, 10, 20, 30, 60, 120, 180, 300, 600, 900, 1800, 3600)
	}
	return m
}

// Count counts a finished task. Code is how its fail code is shown, of which there are not too many.
func (m *Model) Count(f *kie.Task, code string) {
	i := view.Succeeded
	if f.State == kie.StateFail {
		i = view.Failed
		m.failedFor[f.Reason]++
		m.failCode(code).count++
	} else if !f.HasResult {
		m.empty++
	}
	m.finished[i]++
	if latency, ok := f.Latency(); ok {
		m.latency[i].observe(latency, f.ID)
	} else {
		m.untimed[i]++
	}
	if f.HasCredits {
		m.credits[i] += f.Credits
	}
}

func (m *Model) failCode(code string) *failCode {
	f, ok := m.failCodes[code]
	if !ok {
		f = &failCode{}
		m.failCodes[code] = f
	}
	return f
}

// IsZero reports whether nothing was counted.
func (m *Model) IsZero() bool { return m.finished == [view.Outcomes]uint64{} }

// Codes yields the fail codes that were counted.
func (m *Model) Codes() iter.Seq[string] { return maps.Keys(m.failCodes) }

// Show has a snapshot tell the totals, and notes that they can be seen from now on. A counter that is first seen with a value above 0 has
// no increase for Prometheus, so each is first shown with 0 for some time, counted from when somebody could see it.
func (m *Model) Show(to *view.Model, now time.Time, holdBack time.Duration) {
	hold := isHeld(&m.shown, now, holdBack)
	to.FailedFor = make(map[kie.Reason]uint64, len(m.failedFor))
	for r, n := range m.failedFor {
		to.FailedFor[r] = unlessHeld(n, hold)
	}
	for i := range view.Outcomes {
		to.Finished[i] = unlessHeld(m.finished[i], hold)
		to.Credits[i] = unlessHeld(m.credits[i], hold)
		to.WithoutLatency[i] = unlessHeld(m.untimed[i], hold)
		to.Latency[i] = m.latency[i].read()
		if hold {
			to.Latency[i] = m.latency[i].zero
		}
	}
	to.EmptyResults = unlessHeld(m.empty, hold)
	for _, code := range slices.Sorted(maps.Keys(m.failCodes)) {
		f := m.failCodes[code]
		to.Codes = append(to.Codes, view.CodeCount{Code: code, Count: unlessHeld(f.count, isHeld(&f.shown, now, holdBack))})
	}
}

// isHeld reports whether the totals of a label set are still to show 0.
func isHeld(shown *time.Time, now time.Time, holdBack time.Duration) bool {
	if shown.IsZero() {
		*shown = now
	}
	return now.Sub(*shown) < holdBack
}

func unlessHeld[N uint64 | float64](n N, hold bool) N {
	if hold {
		return 0
	}
	return n
}

// durations is a histogram, and its last copy until it changes.
type durations struct {
	live histogram.Recorder
	zero histogram.Histogram
	copy histogram.Histogram // nil if live has changed since
}

func newDurations(histograms histogram.New, buckets ...float64) durations {
	d := durations{live: histograms.Make(histogram.Options{Buckets: buckets, MostNative: 160, Exemplars: 10})}
	d.zero = d.read()
	return d
}

// observe adds a duration, with the task as its exemplar where the id fits.
func (d *durations) observe(took time.Duration, id string) {
	d.copy = nil
	d.live.Observe(took, id)
}

func (d *durations) read() histogram.Histogram {
	if d.copy == nil {
		d.copy = d.live.Read()
	}
	return d.copy
}
