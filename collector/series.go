// Samples on their way to a registry, made with as little as possible.

package collector

import (
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"

	"github.com/kie-exporter/kie_exporter/internal/histogram"
)

// series sends the samples of one metric.
type series struct {
	ch      chan<- prometheus.Metric
	lines   *lines // gauges go there instead, if it is set
	counter bool   // else a gauge or a histogram
	desc    *prometheus.Desc
	names   []string         // of all labels, sorted
	shared  []*dto.LabelPair // of the entity at hand, sorted by name
	pairs   pairs
	slabs   *slabs
	own     []string // for rows to use
	zeroOne [2]*dto.Gauge
}

// put sends one sample: the values of the labels that are not the entity's are own, in the order of their names.
func (s *series) put(value float64, own ...string) {
	if s.lines != nil {
		s.lines.put(s.names, s.shared, own, value)
		return
	}
	m := s.slabs.samples.next()
	m.desc, m.labels = s.desc, s.labels(own)
	if s.counter {
		m.counter = s.slabs.counters.next()
		m.counter.Value = s.slabs.values.put(value)
	} else {
		m.gauge = s.gauge(value)
	}
	s.ch <- m
}

// gauge returns value as a gauge. Most gauges are 0 or 1: those share one each.
func (s *series) gauge(value float64) *dto.Gauge {
	if value != 0 && value != 1 {
		g := s.slabs.gauges.next()
		g.Value = s.slabs.values.put(value)
		return g
	}
	shared := &s.zeroOne[int(value)]
	if *shared == nil {
		*shared = &dto.Gauge{Value: new(value)}
	}
	return *shared
}

// histogram sends h as it is; nil, as of those that count nothing, is no sample.
func (s *series) histogram(h histogram.Histogram, own ...string) {
	if counted, ok := h.(Counted); ok {
		s.ch <- &sample{desc: s.desc, labels: s.labels(own), histogram: counted.DTO}
	}
}

// labels returns the labels of a sample, sorted by name as registries want them.
func (s *series) labels(own []string) []*dto.LabelPair {
	if len(own) == 0 {
		return s.shared
	}
	all := s.slabs.labels.some(len(s.names))
	shared := s.shared
	for _, name := range s.names {
		if len(shared) > 0 && shared[0].GetName() == name {
			all, shared = append(all, shared[0]), shared[1:]
		} else {
			all, own = append(all, s.pairs.pair(name, own[0])), own[1:]
		}
	}
	return all
}

// sample implements prometheus.Metric by pointing to what is there already. Exactly one of its values is set.
type sample struct {
	desc      *prometheus.Desc
	labels    []*dto.LabelPair
	gauge     *dto.Gauge
	counter   *dto.Counter
	histogram *dto.Histogram
}

// Desc implements prometheus.Metric.
func (s *sample) Desc() *prometheus.Desc { return s.desc }

// Write implements prometheus.Metric.
func (s *sample) Write(m *dto.Metric) error {
	m.Label, m.Gauge, m.Counter, m.Histogram = s.labels, s.gauge, s.counter, s.histogram
	return nil
}

// slabs are where the parts of one collection's samples lie, many to an allocation.
type slabs struct {
	samples  slab[sample]
	gauges   slab[dto.Gauge]
	counters slab[dto.Counter]
	values   slab[float64]
	labels   slab[*dto.LabelPair]
}

// slab is room for some values of a type.
type slab[T any] []T

// some returns an empty slice with room for n values.
func (s *slab[T]) some(n int) []T {
	if len(*s) < n {
		*s = make([]T, max(n, 128))
	}
	room := (*s)[:0:n]
	*s = (*s)[n:]
	return room
}

func (s *slab[T]) next() *T { return &s.some(1)[:1][0] }

func (s *slab[T]) put(value T) *T {
	p := s.next()
	*p = value
	return p
}

// pairs holds the label pairs of one scrape that several samples have in common, by name and value.
type pairs map[[2]string]*dto.LabelPair

func (p pairs) pair(name, value string) *dto.LabelPair {
	key := [2]string{name, value}
	pair := p[key]
	if pair == nil {
		pair = &dto.LabelPair{Name: new(name), Value: new(value)}
		p[key] = pair
	}
	return pair
}
