// Package collector shows what the exporter knows as Prometheus metrics.
package collector

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/kie-exporter/kie_exporter/internal/question"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/taskseries"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/internal/webhook"
)

// Collector is a prometheus.Collector of everything but the scrape itself. It keeps nothing between scrapes.
type Collector struct {
	inputs     Inputs
	families   []family // all that there may be
	aggregates []family // those that are not of single tasks
	chosen     atomic.Pointer[chosen]
}

// chosen are the families of a choice.
type chosen struct {
	taskseries.Choice
	families []family
}

// Inputs are where a Collector reads what it shows. Each is called once a scrape, possibly by several scrapes at a time.
type Inputs struct {
	Known   func() *view.Snapshot
	Sources func() []source.Stat
	Config  func() ConfigStatus

	Callbacks func() []webhook.Stat
	Pushes    func() []source.PushStat

	Mailbox func() map[question.Count]uint64 // what replicas ask each other; nil: there are no replicas

	Series func() taskseries.Choice // of single tasks; nil: all

	Shard    share.Shard      // that this process is
	Replicas func() *Replicas // nil, or it returns nil: without Redis
}

// ConfigStatus is what became of the last attempt to load the configuration.
type ConfigStatus struct {
	Successful  bool
	SucceededAt time.Time // the last success; zero: none yet
}

// New returns a collector of what in tells.
func New(in Inputs) *Collector {
	if in.Series == nil {
		in.Series = func() taskseries.Choice { return taskseries.Choice{} }
	}
	return &Collector{inputs: in, families: families(knownMetrics(taskseries.Choice{})), aggregates: families(aggregateMetrics())}
}

// Series returns which series single tasks have now.
func (c *Collector) Series() taskseries.Choice { return c.inputs.Series() }

// chosenFamilies returns the families of which there are series now. They are made anew when the choice is another one.
func (c *Collector) chosenFamilies() []family {
	choice := c.Series()
	if last := c.chosen.Load(); last != nil && last.Equal(choice) {
		return last.families
	}
	now := &chosen{choice, families(knownMetrics(choice))}
	c.chosen.Store(now)
	return now.families
}

// At returns a collector of the same, of what was known at one moment.
func (c *Collector) At(known *view.Snapshot) prometheus.Collector {
	return &momentCollector{inputs: c.inputs, known: known, families: c.chosenFamilies()}
}

// AggregatesAt returns a collector of the same but the series of single tasks.
func (c *Collector) AggregatesAt(known *view.Snapshot) prometheus.Collector {
	without := *known
	without.Shown = view.Shown{LabelKeys: known.LabelKeys}
	return &momentCollector{inputs: c.inputs, known: &without, families: c.aggregates}
}

// Describe implements prometheus.Collector.
func (c *Collector) Describe(ch chan<- *prometheus.Desc) { describe(c.families, ch) }

// Collect implements prometheus.Collector.
func (c *Collector) Collect(ch chan<- prometheus.Metric) {
	c.At(c.inputs.Known()).Collect(ch)
}

// momentCollector shows what was known at one moment.
type momentCollector struct {
	inputs   Inputs
	known    *view.Snapshot
	families []family
}

// Describe implements prometheus.Collector. It describes nothing, so that a registry for one scrape checks the samples alone.
func (*momentCollector) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (c *momentCollector) Collect(ch chan<- prometheus.Metric) {
	collect(c.families, newContent(c.known, &c.inputs), ch)
}

// scrapeCollector shows how one scrape went.
type scrapeCollector struct {
	scrape   view.Scrape
	families []family
}

// scrapeFamilies are the same for all scrapes.
var scrapeFamilies = sync.OnceValue(func() []family { return families(scrapeMetrics()) })

// ForScrape returns a collector of what is known of a scrape, for the answer to that scrape alone.
func ForScrape(s view.Scrape) prometheus.Collector {
	return &scrapeCollector{scrape: s, families: scrapeFamilies()}
}

// Describe implements prometheus.Collector.
func (c *scrapeCollector) Describe(ch chan<- *prometheus.Desc) { describe(c.families, ch) }

// Collect implements prometheus.Collector.
func (c *scrapeCollector) Collect(ch chan<- prometheus.Metric) {
	collect(c.families, &content{pairs: pairs{}, scrape: c.scrape}, ch)
}

// family is a metric with its descriptor.
type family struct {
	Metric
	desc *prometheus.Desc
}

func families(metrics []Metric) []family {
	all := make([]family, len(metrics))
	for i, m := range metrics {
		all[i] = family{Metric: m, desc: prometheus.NewDesc(m.Name, m.Help, m.Labels, nil)}
	}
	return all
}

func describe(families []family, ch chan<- *prometheus.Desc) {
	for _, f := range families {
		ch <- f.desc
	}
}

func collect(families []family, v *content, ch chan<- prometheus.Metric) {
	room := &slabs{}
	for _, f := range families {
		s := f.series(v, ch)
		s.slabs = room
		f.collect(v, s)
	}
}

// series returns where the samples of the family go. A registry knows a descriptor by its name, so one with more labels
// than were described is accepted.
func (f family) series(v *content, ch chan<- prometheus.Metric) *series {
	s := &series{ch: ch, counter: f.Type == Counter, desc: f.desc, names: f.Labels, pairs: v.pairs}
	if f.TaskLabels && len(v.labelKeys) > 0 {
		s.names = slices.Clone(f.Labels)
		for _, key := range v.labelKeys {
			s.names = append(s.names, taskLabelPrefix+key)
		}
		slices.Sort(s.names)
		s.desc = prometheus.NewDesc(f.Name, f.Help, s.names, nil)
	}
	return s
}
