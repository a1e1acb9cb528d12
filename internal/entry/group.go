// Groups, and the models in them.

package entry

import (
	"maps"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/histogram"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/labels"
	"github.com/kie-exporter/kie_exporter/internal/learned"
	"github.com/kie-exporter/kie_exporter/internal/life"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/totals"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// NewGroup returns a group without tasks.
func NewGroup(name string, known *learned.Group, limits *labels.Limits, histograms histogram.New) *Group {
	g := &Group{Name: name, limits: limits, Learned: known, Totals: totals.NewGroup(histograms)}
	g.unanswered.Group = g
	return g
}

// NewModel returns a model of a group, without tasks.
func NewModel(g *Group, name string, histograms histogram.New) *Model {
	m := &Model{
		Group: g, Name: name, Durations: g.Learned.Model(name), Tasks: make(map[kie.State]int), Totals: totals.NewModel(histograms),
	}
	m.answered = Kind{Group: g, Model: m}
	for _, s := range kie.AnsweredStates() {
		m.Tasks[s] = 0
	}
	return m
}

// kind returns what tasks of the group have in common that were not answered yet.
func (g *Group) kind(own string) *Kind {
	if own == "" {
		return &g.unanswered
	}
	return g.own.intern(Kind{Group: g, Own: own})
}

// kind returns what tasks of the model have in common of which those of that fail code, or with that endpoint of their own, have another.
func (m *Model) kind(failCode, own string) *Kind {
	if failCode == "" && own == "" {
		return &m.answered
	}
	return m.others.intern(Kind{Group: m.Group, Model: m, Code: failCode, Own: own})
}

// ForgetCodes forgets what tasks had in common that failed with a code that is admitted no longer. No task has such a code any more.
func (m *Model) ForgetCodes() {
	maps.DeleteFunc(m.others, func(k Kind, _ *Kind) bool { return k.Code != "" && !m.Group.limits.HasCode(k.Code) })
}

// ForgetCode has a failed task whose code is admitted no longer have failed with another one.
func (k *Task) ForgetCode() {
	if k.State == kie.StateFail && !k.Kind.Group.limits.HasCode(k.Kind.Code) {
		k.Kind = k.Kind.Model.kind(kie.Other, k.Kind.Own)
	}
}

// Enter makes a task one of a group's, and of a model if it was answered. It keeps its fail code and the endpoint of its own.
func (k *Task) Enter(g *Group, m *Model) {
	if m == nil {
		k.Kind = g.kind(k.Kind.Own)
	} else {
		k.Kind = m.kind(k.Kind.Code, k.Kind.Own)
	}
}

// SetOwn has a task of a group asked about at an endpoint of its own; empty: at that of its group.
func (k *Task) SetOwn(own string) {
	if m := k.Kind.Model; m == nil {
		k.Kind = k.Kind.Group.kind(own)
	} else {
		k.Kind = m.kind(k.Kind.Code, own)
	}
}

// AskedAt returns the endpoint that tasks are asked about at which have one of their own or, if that is empty, none.
func (g *Group) AskedAt(own string) kie.Endpoint {
	if e, ok := kie.EndpointNamed(own); ok {
		return e
	}
	return g.Endpoint
}

// Relies reports whether the group's tasks are polled as a safety net only.
func (g *Group) Relies() bool { return g.Webhook && g.Callbacks.Relied() }

// CallbackCame takes the news of the first callback about one of the group's tasks.
func (g *Group) CallbackCame() {
	was := g.Relies()
	g.Callbacks.Came()
	g.logRelies(was)
}

// CallbackMissed takes the news that one of the group's tasks has finished, without a callback, so long ago or less. It reports
// whether that is one too many, so that the group's tasks are to be polled as others are.
func (g *Group) CallbackMissed(ago time.Duration) (polled bool) {
	was := g.Relies()
	g.Callbacks.Missed(ago)
	g.logRelies(was)
	return was && !g.Relies()
}

// logRelies logs that the group relies on callbacks now, or does so no longer.
func (g *Group) logRelies(was bool) {
	switch log := g.Account.Log; {
	case g.Relies() && !was:
		log.Info("Callbacks come, tasks are polled as a safety net", "group", g.Name)
	case was && !g.Relies():
		log.Warn("Tasks finish without callbacks, they are polled again", "group", g.Name)
	}
}

// Rules returns when the group's tasks are asked of which so much is known.
func (g *Group) Rules(b schedule.Bounds, d *schedule.Durations) life.Rules {
	r := life.Rules{Bounds: b, Durations: d, Overdue: g.Overdue, Learned: g.Overdue == 0, Relies: g.Relies()}
	if r.Learned {
		r.Overdue = d.Overdue()
	}
	return r
}

// IsUsed reports whether a model has tasks, or totals that would be missed.
func (m *Model) IsUsed() bool {
	if m.coming > 0 || !m.Totals.IsZero() {
		return true
	}
	for _, n := range m.Tasks {
		if n > 0 {
			return true
		}
	}
	return false
}

// View returns what is known of the tasks of a model, but for what the unfinished ones come to.
func (m *Model) View(now time.Time, holdBack time.Duration) view.Model {
	overdueAfter := m.Group.Rules(schedule.Bounds{}, m.Durations).Overdue
	s := view.Model{Group: m.Group.Name, Model: m.Name, Tasks: maps.Clone(m.Tasks), OverdueAfter: overdueAfter}
	m.Totals.Show(&s, now, holdBack)
	return s
}
