// What an earlier process has learned from, as its records tell.

package learned

import (
	"cmp"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

// recent is how many durations of a model are learned again at the start: as many as are remembered.
const recent = 1000

// Sample is how long a task took, and of which group and model it was.
type Sample struct {
	Group, Model string
	Took         time.Duration

	learned kie.Time
}

// Samples gathers durations from records of tasks that were news: the last ones of each group and model. The zero one is empty.
type Samples struct {
	byModel map[[2]string]*samplesOf
	one     *samplesOf // that had the last one
	latest  kie.Time
}

// samplesOf is those of a group and a model, a bounded number of the last ones among them.
type samplesOf struct {
	group, model string
	all          []Sample
	first        Sample // none before it is one of the last
	full         bool
}

// Add takes a record.
func (s *Samples) Add(r *store.Record) {
	s.latest = max(s.latest, r.Learned)
	took, ok := r.Latency()
	if !ok || !r.Counted {
		return
	}
	if s.one == nil || s.one.group != r.Group || s.one.model != r.Model {
		s.one = s.samplesOf(r.Group, r.Model)
	}
	s.one.add(Sample{Group: r.Group, Model: r.Model, Took: took, learned: r.Learned})
}

func (s *Samples) samplesOf(group, model string) *samplesOf {
	key := [2]string{group, model}
	of := s.byModel[key]
	if of == nil {
		if s.byModel == nil {
			s.byModel = make(map[[2]string]*samplesOf)
		}
		of = &samplesOf{group: group, model: model}
		s.byModel[key] = of
	}
	return of
}

func (of *samplesOf) add(s Sample) {
	if of.full && s.compare(of.first) < 0 {
		return // as most are of a long past
	}
	of.all = append(of.all, s)
	if len(of.all) >= 2*recent {
		of.all = last(of.all)
		of.first, of.full = of.all[0], true
	}
}

// Merge adds what others gathered.
func (s *Samples) Merge(o *Samples) {
	s.latest = max(s.latest, o.latest)
	for key, of := range o.byModel {
		own := s.samplesOf(key[0], key[1])
		for _, sample := range of.all {
			own.add(sample)
		}
	}
}

// Last returns the last ones of each group and model, in the order learned, and when the last end of any task was learned.
func (s *Samples) Last() (samples []Sample, latest kie.Time) {
	for _, of := range s.byModel {
		samples = append(samples, last(of.all)...)
	}
	slices.SortFunc(samples, Sample.compare)
	return samples, s.latest
}

func (s Sample) compare(o Sample) int {
	return cmp.Or(cmp.Compare(s.learned, o.learned), cmp.Compare(s.Took, o.Took), cmp.Compare(s.Group, o.Group), cmp.Compare(s.Model, o.Model))
}

// last sorts samples, and returns those learned last.
func last(samples []Sample) []Sample {
	slices.SortFunc(samples, Sample.compare)
	return append(samples[:0], samples[max(0, len(samples)-recent):]...)
}
