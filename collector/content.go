// What one scrape shows, with the labels of each thing it is about.

package collector

import (
	"maps"
	"slices"
	"strings"

	dto "github.com/prometheus/client_model/go"

	"github.com/kie-exporter/kie_exporter/internal/question"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/internal/webhook"
)

// content is what one scrape shows.
type content struct {
	labelKeys []string
	tasks     []entity[view.Task] // sorted by group, model, id
	models    []entity[view.Model]
	groups    []entity[view.Group]
	accounts  []entity[view.Account]
	sources   []entity[source.Stat]
	callbacks []entity[webhook.Stat]
	pushes    []entity[source.PushStat]
	mailbox   map[question.Count]uint64
	overflows view.Overflows
	storage   store.Stats
	config    ConfigStatus
	shard     share.Shard
	replicas  *Replicas // nil: without Redis
	scrape    view.Scrape
	pairs     pairs
}

// entity is something that has series of its own, with the labels that all of them share.
type entity[T any] struct {
	subject      *T
	labels       []*dto.LabelPair // sorted by name
	countersOnly bool
}

// newContent returns what there is to show. What in does not tell, there is none of.
func newContent(known *view.Snapshot, in *Inputs) *content {
	p := pairs{}
	return &content{
		labelKeys: known.LabelKeys,
		tasks:     taskEntities(known.Tasks(), p),
		models: some(known.Models, func(m *view.Model) ([]*dto.LabelPair, bool) {
			return []*dto.LabelPair{p.pair("group", m.Group), p.pair("model", m.Model)}, m.CountersOnly
		}),
		groups: some(known.Groups, func(g *view.Group) ([]*dto.LabelPair, bool) {
			return []*dto.LabelPair{p.pair("group", g.Name)}, g.CountersOnly
		}),
		accounts: some(known.Accounts, func(a *view.Account) ([]*dto.LabelPair, bool) {
			return []*dto.LabelPair{p.pair("account", a.Name)}, a.CountersOnly
		}),
		sources: some(distinct(valueOf(in.Sources)), func(s *source.Stat) ([]*dto.LabelPair, bool) {
			withheld := slices.ContainsFunc(known.Groups, func(g view.Group) bool { return g.Name == s.Group && g.CountersOnly })
			return []*dto.LabelPair{p.pair("group", s.Group), p.pair("source", s.Source)}, withheld
		}),
		callbacks: entities(valueOf(in.Callbacks), func(s *webhook.Stat) []*dto.LabelPair {
			return []*dto.LabelPair{p.pair("account", s.Account)}
		}),
		pushes: entities(valueOf(in.Pushes), func(s *source.PushStat) []*dto.LabelPair {
			return []*dto.LabelPair{p.pair("group", s.Group)}
		}),
		mailbox:   valueOf(in.Mailbox),
		overflows: known.Overflows,
		storage:   known.Storage,
		config:    valueOf(in.Config),
		shard:     in.Shard,
		replicas:  valueOf(in.Replicas),
		pairs:     p,
	}
}

// valueOf returns what a function returns, and nothing if there is none.
func valueOf[T any](tell func() T) (nothing T) {
	if tell == nil {
		return nothing
	}
	return tell()
}

func entities[T any](all []T, labels func(*T) []*dto.LabelPair) []entity[T] {
	return some(all, func(one *T) ([]*dto.LabelPair, bool) { return labels(one), false })
}

// some returns entities of which there may be those without gauges.
func some[T any](all []T, of func(*T) (labels []*dto.LabelPair, countersOnly bool)) []entity[T] {
	es := make([]entity[T], len(all))
	for i := range all {
		es[i].subject = &all[i]
		es[i].labels, es[i].countersOnly = of(&all[i])
	}
	return es
}

// taskEntities makes the labels of all tasks in a few allocations. The tasks are sorted as a registry sorts their series,
// which leaves it little to do.
func taskEntities(tasks []view.Task, p pairs) []entity[view.Task] {
	name := new("task_id")
	ids := make([]dto.LabelPair, len(tasks))
	labels := make([]*dto.LabelPair, 0, 3*len(tasks))
	es := make([]entity[view.Task], len(tasks))
	for i := range tasks {
		t := &tasks[i]
		ids[i].Name, ids[i].Value = name, &t.ID
		labels = append(labels, p.pair("group", t.Group), p.pair("model", t.Model), &ids[i])
		es[i] = entity[view.Task]{subject: t, labels: labels[3*i : 3*i+3 : 3*i+3]}
	}
	slices.SortFunc(es, func(a, b entity[view.Task]) int {
		if c := compareKind(a.subject, b.subject); c != 0 {
			return c
		}
		return strings.Compare(a.subject.ID, b.subject.ID)
	})
	return es
}

// compareKind orders tasks by group and model.
func compareKind(a, b *view.Task) int {
	if c := strings.Compare(a.Group, b.Group); c != 0 {
		return c
	}
	return strings.Compare(a.Model, b.Model)
}

// distinct merges the sources of a group that have the same name as a label: nothing stops a file from being called
// "inline", or from having a name that is not UTF-8.
func distinct(stats []source.Stat) []source.Stat {
	merged := make([]source.Stat, 0, len(stats))
	for _, s := range stats {
		s.Source = strings.ToValidUTF8(s.Source, "\uFFFD")
		i := slices.IndexFunc(merged, func(m source.Stat) bool { return m.Group == s.Group && m.Source == s.Source })
		if i < 0 {
			merged = append(merged, s)
			continue
		}
		m := &merged[i]
		m.Tasks += s.Tasks
		m.Errors += s.Errors
		if s.LastSuccess.Before(m.LastSuccess) {
			m.LastSuccess = s.LastSuccess
		}
		if s.LastPush.After(m.LastPush) {
			m.LastPush = s.LastPush
		}
		m.Rejected = sum(m.Rejected, s.Rejected)
	}
	return merged
}

func sum(a, b map[source.Rejection]uint64) map[source.Rejection]uint64 {
	total := make(map[source.Rejection]uint64, len(a))
	maps.Copy(total, a)
	for reason, n := range b {
		total[reason] += n
	}
	return total
}
