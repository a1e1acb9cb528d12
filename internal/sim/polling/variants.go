// What it would bring to know more of a task than its model.

package polling

import (
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

// Mix is models whose tasks come in variants, such as videos of 5 s and of 10 s.
type Mix struct {
	Name     string
	Variants []Model // each with its share of all tasks
	of       []int   // the model of each
}

// Mixes returns the mixes that are simulated. Durations of one variant spread as much as makes those of its model spread about as much as in Models.
func Mixes() []Mix {
	second := time.Second
	return []Mix{
		{"the workload above: images of 1K, 2K and 4K, videos of 5 and 10 s", []Model{
			{"speech", 0.15, 5 * second / 2, 0.2},
			{"image 1K", 0.20, 24 * second, 0.4},
			{"image 2K", 0.15, 38 * second, 0.4},
			{"image 4K", 0.10, 62 * second, 0.4},
			{"video 5 s", 0.20, 120 * second, 0.25},
			{"video 10 s", 0.15, 210 * second, 0.25},
			{"edit", 0.05, 600 * second, 0.3},
		}, []int{0, 1, 1, 1, 2, 2, 3}},
		{"one model of videos of 5 and 10 s", []Model{
			{"video 5 s", 0.6, 120 * second, 0.25}, {"video 10 s", 0.4, 210 * second, 0.25},
		}, []int{0, 0}},
		{"one model of videos of 4, 8 and 15 s in 480p, 720p and 1080p", nineVideos(), []int{0, 0, 0, 0, 0, 0, 0, 0, 0}},
		{"one model of images of 1K, 2K and 4K", []Model{
			{"image 1K", 0.45, 24 * second, 0.4}, {"image 2K", 0.35, 38 * second, 0.4}, {"image 4K", 0.2, 62 * second, 0.4},
		}, []int{0, 0, 0}},
	}
}

func nineVideos() (all []Model) {
	for i, length := range []float64{4, 8, 15} {
		for j, factor := range []float64{0.7, 1, 1.6} {
			share := []float64{0.5, 0.35, 0.15}[i] * []float64{0.3, 0.5, 0.2}[j]
			all = append(all, Model{fmt.Sprintf("video %g s, %s", length, []string{"480p", "720p", "1080p"}[j]), share, seconds(40 + 14*length*factor), 0.25})
		}
	}
	return all
}

// variants is ours where the source names a task's model, and its variant if that is known, too.
type variants struct {
	*Learning
	mix    Mix
	known  bool
	models map[int]*schedule.Durations
	each   map[int]*schedule.Durations
}

func newVariants(m Mix, known bool) *variants {
	return &variants{Learning: Ours(true), mix: m, known: known, models: map[int]*schedule.Durations{}, each: map[int]*schedule.Durations{}}
}

// durations returns those that a task goes by.
func (v *variants) durations(k *Task) *schedule.Durations {
	of := v.mix.of[k.Model]
	m, ok := v.models[of]
	if !ok {
		m = schedule.NewDurations(v.group)
		v.models[of] = m
	}
	if !v.known {
		return m
	}
	d, ok := v.each[k.Model]
	if !ok {
		d = schedule.NewVariant(m)
		v.each[k.Model] = d
	}
	return d
}

// List implements Strategy.
func (v *variants) List(k *Task, now time.Time) {
	k.item = schedule.Item{Seen: now, Born: k.Born, Due: now, Lane: schedule.LaneHot, Durations: v.durations(k)}
	v.queue.Put(k, &k.item)
}

// Answer implements Strategy.
func (v *variants) Answer(k *Task, finished bool, now time.Time) {
	d := v.durations(k)
	if finished {
		d.Observe(k.Duration)
		return
	}
	k.item.Durations, k.item.Answered, k.item.Lane = d, now, schedule.LaneHot
	k.item.Due = now.Add(d.Interval(v.bounds, now.Sub(k.Born)))
	v.queue.Put(k, &k.item)
}

// Compare returns what comes of the mix where the model of each task is known, and where its variant is, too.
func (m Mix) Compare(rate float64, tasks, seeds int) (model, variant Result) {
	for seed := range uint64(seeds) { //nolint:gosec // a few
		run := func(known bool) Result {
			return Run(Workload(m.Variants, tasks, rate, seed+1), newVariants(m, known))
		}
		model.Add(run(false))
		variant.Add(run(true))
	}
	return model, variant
}

// VariantTable returns what it brings to know the variant, as a Markdown table.
func VariantTable(tasks, seeds int) string {
	var b strings.Builder
	b.WriteString("| mix | tasks/s | mean, model known | mean, variant known, too | gain | p99 | p99, variant known |\n|---|---|---|---|---|---|---|\n")
	for _, m := range Mixes() {
		for _, rate := range Rates() {
			model, variant := m.Compare(rate, tasks, seeds)
			fmt.Fprintf(&b, "| %s | %.1f | %.1f s | %.1f s | %.0f %% | %.0f s | %.0f s |\n", m.Name, rate, model.Mean(), variant.Mean(),
				math.Round(100*(1-variant.Mean()/model.Mean())), model.Quantile(0.99), variant.Quantile(0.99))
		}
	}
	return b.String()
}
