// What an earlier process has learned from, as its records tell.

package learned

import (
	"cmp"
	"iter"
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

// LastSamples returns the last ones of each group and model among the records of tasks that were news, in the order learned, and when
// the last end of any task was learned.
func LastSamples(records iter.Seq2[string, store.Record]) (samples []Sample, latest kie.Time) {
	byModel, firsts := make(map[[2]string][]Sample), make(map[[2]string]Sample)
	for _, r := range records {
		latest = max(latest, r.Learned)
		took, ok := r.Latency()
		if !ok || !r.Counted {
			continue
		}
		key, s := [2]string{r.Group, r.Model}, Sample{Group: r.Group, Model: r.Model, Took: took, learned: r.Learned}
		if first, full := firsts[key]; full && s.compare(first) < 0 {
			continue // as most are of a long past
		}
		byModel[key] = append(byModel[key], s)
		if len(byModel[key]) >= 2*recent {
			byModel[key] = last(byModel[key])
			firsts[key] = byModel[key][0]
		}
	}
	for _, all := range byModel {
		samples = append(samples, last(all)...)
	}
	slices.SortFunc(samples, Sample.compare)
	return samples, latest
}

func (s Sample) compare(o Sample) int {
	return cmp.Or(cmp.Compare(s.learned, o.learned), cmp.Compare(s.Took, o.Took), cmp.Compare(s.Group, o.Group), cmp.Compare(s.Model, o.Model))
}

// last sorts samples, and returns those learned last.
func last(samples []Sample) []Sample {
	slices.SortFunc(samples, Sample.compare)
	return append(samples[:0], samples[max(0, len(samples)-recent):]...)
}
