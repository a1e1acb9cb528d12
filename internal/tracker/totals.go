// What is counted over many tasks: by group, by group and model.

package tracker

import (
	"maps"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/histogram"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// group is a configured set of tasks.
type group struct {
	name      string
	bounds    *bounds
	account   *account
	family    family        // of its tasks that were not answered yet
	overdue   time.Duration // 0: learned
	webhook   bool          // callbacks are expected
	leaving   bool          // is in no configuration any more, and goes as soon as what moves to others has
	callbacks schedule.Callbacks
	tasks     int // tracked
	uncounted uint64
	detection recorded
	experience
}

func newGroup(name string, all *experience, b *bounds, histograms histogram.New) *group {
	g := &group{
		name:       name,
		bounds:     b,
		experience: newExperience(all),
		detection:  newRecorded(histograms, .5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600, 1800),
	}
	g.family.group = g
	return g
}

type modelKey struct {
	group *group
	name  string
}

// model counts the tasks of one group and model.
type model struct {
	group  *group
	name   string
	family family
	tasks  map[kie.State]int // that are tracked now, by last answer
	coming int               // tasks that will be in the totals

	durations *schedule.Durations

	shown     time.Time // when somebody first could see the totals; zero: not yet
	finished  [view.Outcomes]uint64
	latency   [view.Outcomes]recorded
	credits   [view.Outcomes]float64
	failedFor map[kie.Reason]uint64
	failCodes map[string]*failCode
	empty     uint64
}

type failCode struct {
	shown time.Time // like that of the model
	count uint64
}

func newModel(g *group, name string, histograms histogram.New) *model {
	m := &model{
		group: g, name: name,
		durations: g.of(name),
		tasks:     make(map[kie.State]int),
		failedFor: make(map[kie.Reason]uint64),
		failCodes: make(map[string]*failCode),
	}
	m.family = family{g, m}
	for _, s := range kie.States() {
		m.tasks[s] = 0
	}
	for _, r := range kie.Reasons() {
		m.failedFor[r] = 0
	}
	for i := range m.latency {
		m.latency[i] = newRecorded(histograms, 1, 2.5, 5, 10, 20, 30, 60, 120, 180, 300, 600, 900, 1800, 3600)
	}
	return m
}

// overdueAfter returns how old an unfinished task of this model may be.
func (m *model) overdueAfter() time.Duration {
	if m.group.overdue > 0 {
		return m.group.overdue
	}
	return m.durations.Overdue()
}

// counter returns what adds a finished task that is news to the totals of the group and model that it has now, unless it was counted
// by somebody else before.
func (k *task) counter(f *kie.Task, apiNow kie.Time) func(first bool) {
	m, g := k.model, k.group
	delay := max(0, apiNow.Sub(f.Completed))
	m.coming++
	return func(first bool) {
		m.coming--
		if !first {
			g.uncounted++
			return
		}
		m.count(k, f)
		if !f.Completed.IsZero() {
			g.detection.observe(delay, "")
		}
	}
}

func (m *model) count(k *task, f *kie.Task) {
	i := view.Succeeded
	if f.State == kie.StateFail {
		i = view.Failed
		m.failedFor[f.Reason]++
		m.failCode(k.failure()).count++ // bounded, unlike the one told
	} else if !f.HasResult {
		m.empty++
	}
	m.finished[i]++
	if latency, ok := f.Latency(); ok {
		m.latency[i].observe(latency, k.id)
	}
	if f.HasCredits {
		m.credits[i] += f.Credits
	}
}

func (m *model) failCode(code string) *failCode {
	f, ok := m.failCodes[code]
	if !ok {
		f = &failCode{}
		m.failCodes[code] = f
	}
	return f
}

// held reports whether the totals of a label set are still to show 0. A counter that is first seen with a value above 0 has
// no increase for Prometheus, so each is first shown with 0 for some time, counted from when somebody could see it.
func held(shown *time.Time, now time.Time, holdBack time.Duration) bool {
	if shown.IsZero() {
		*shown = now
	}
	return now.Sub(*shown) < holdBack
}

// recorded is a histogram, and its last copy until it changes.
type recorded struct {
	live histogram.Recorder
	zero *histogram.Histogram
	copy *histogram.Histogram // nil if live has changed since
}

func newRecorded(histograms histogram.New, buckets ...float64) recorded {
	r := recorded{live: histograms.Make(histogram.Options{Buckets: buckets, MostNative: 160, Exemplars: 10})}
	r.zero = r.copied()
	return r
}

// observe adds a duration, with the task as its exemplar where the id fits.
func (r *recorded) observe(d time.Duration, id string) {
	r.copy = nil
	r.live.Observe(d, id)
}

func (r *recorded) copied() *histogram.Histogram {
	if r.copy == nil {
		r.copy = r.live.Read()
	}
	return r.copy
}

// snapshot returns the totals as they are to be shown.
func (m *model) snapshot(now time.Time, holdBack time.Duration) view.Model {
	s := view.Model{
		Group: m.group.name, Model: m.name,
		Tasks: maps.Clone(m.tasks), OverdueAfter: m.overdueAfter(),
		FailedFor: make(map[kie.Reason]uint64, len(m.failedFor)),
	}
	hold := held(&m.shown, now, holdBack)
	for r, n := range m.failedFor {
		s.FailedFor[r] = unlessHeld(n, hold)
	}
	for i := range view.Outcomes {
		s.Finished[i] = unlessHeld(m.finished[i], hold)
		s.Credits[i] = unlessHeld(m.credits[i], hold)
		s.Latency[i] = m.latency[i].copied()
		if hold {
			s.Latency[i] = m.latency[i].zero
		}
	}
	s.EmptyResults = unlessHeld(m.empty, hold)
	for _, code := range slices.Sorted(maps.Keys(m.failCodes)) {
		f := m.failCodes[code]
		s.FailCodes = append(s.FailCodes, view.FailCode{Code: code, Count: unlessHeld(f.count, held(&f.shown, now, holdBack))})
	}
	return s
}

func unlessHeld[N uint64 | float64](n N, hold bool) N {
	if hold {
		return 0
	}
	return n
}
