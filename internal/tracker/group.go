// Groups, and the models in them.

package tracker

import (
	"maps"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/histogram"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/labels"
	"github.com/kie-exporter/kie_exporter/internal/learned"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/totals"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// group is a configured set of tasks.
type group struct {
	name      string
	limits    *labels.Limits
	account   *account
	kind      kind          // of its tasks that were not answered yet
	overdue   time.Duration // 0: learned
	webhook   bool          // callbacks are expected
	leaving   bool          // is in no configuration any more, and goes as soon as what moves to others has
	callbacks schedule.Callbacks
	tasks     int // tracked
	learned   *learned.Group
	totals    totals.Group
}

func newGroup(name string, known *learned.Group, limits *labels.Limits, histograms histogram.New) *group {
	g := &group{name: name, limits: limits, learned: known, totals: totals.NewGroup(histograms)}
	g.kind.group = g
	return g
}

// kind is the group and the model of a task. Tasks have the same one where both are the same; it is never written to.
type kind struct {
	group *group
	model *model // nil: not answered yet
}

type modelKey struct {
	group *group
	name  string
}

// model is a model in a group.
type model struct {
	group  *group
	name   string
	kind   kind
	tasks  map[kie.State]int // that are tracked now, by last answer
	coming int               // tasks that will be in the totals

	durations *schedule.Durations
	totals    totals.Model
}

func newModel(g *group, name string, histograms histogram.New) *model {
	m := &model{
		group: g, name: name, durations: g.learned.Model(name), tasks: make(map[kie.State]int), totals: totals.NewModel(histograms),
	}
	m.kind = kind{g, m}
	for _, s := range kie.States() {
		m.tasks[s] = 0
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

// isUsed reports whether a model has tasks, or totals that would be missed.
func (m *model) isUsed() bool {
	if m.coming > 0 || !m.totals.IsZero() {
		return true
	}
	for _, n := range m.tasks {
		if n > 0 {
			return true
		}
	}
	return false
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
			g.totals.Uncounted()
			return
		}
		m.totals.Count(f, k.failure()) // limited, unlike the code told
		if !f.Completed.IsZero() {
			g.totals.Detected(delay)
		}
	}
}

// failure returns the fail code of a failed task, as it is shown.
func (k *task) failure() string { return k.group.limits.Text(k.failCode) }

// view returns what is known of the tasks of a model, but for what the unfinished ones come to.
func (m *model) view(now time.Time, holdBack time.Duration) view.Model {
	s := view.Model{Group: m.group.name, Model: m.name, Tasks: maps.Clone(m.tasks), OverdueAfter: m.overdueAfter()}
	m.totals.Show(&s, now, holdBack)
	return s
}
