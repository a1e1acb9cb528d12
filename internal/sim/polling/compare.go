// The comparison that docs/polling.md shows.

package polling

import (
	"fmt"
	"strings"
	"sync"
	"time"
)

// Rates returns the tasks created a second that are simulated, against two queries a second.
func Rates() []float64 { return []float64{0.5, 1, 1.5, 1.8} }

// The strategies that are compared.
const (
	EveryTask = iota // every task every 15 s
	Documented
	Unknown // ours, the model unknown before the first answer
	Known   // ours, the model named by the source
	Called  // ours, with callbacks
	Strategies
)

// Name returns what a strategy is called in the table.
func Name(strategy int) string {
	return [Strategies]string{"every 15 s", "documented plan", "ours, model unknown", "ours, model known", "ours, callbacks"}[strategy]
}

func newStrategy(strategy int) Strategy {
	switch strategy {
	case EveryTask:
		return Every(15 * time.Second)
	case Documented:
		return Plan()
	case Called:
		return WithCallbacks()
	default:
		return Ours(strategy == Known)
	}
}

// Compare runs the strategies on the same workloads, one for each seed from 1, at most two at a time.
func Compare(rate float64, tasks, seeds int, strategies ...int) [Strategies]Result {
	var results [Strategies]Result
	var wg sync.WaitGroup
	slots := make(chan struct{}, 2)
	for _, strategy := range strategies {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			for seed := range seeds {
				results[strategy].Add(Run(Workload(Models(), tasks, rate, uint64(seed)+1), newStrategy(strategy)))
			}
		})
	}
	wg.Wait()
	return results
}

// Table returns the comparison as a Markdown table. Ratios are to the documented plan.
func Table(results map[float64][Strategies]Result) string {
	var b strings.Builder
	b.WriteString("| tasks/s | strategy | queries a task | mean | p50 | p90 | p99 | max | mean ÷ plan | p99 ÷ plan | max ÷ plan | least mean |")
	b.WriteString(" … with the plan's max |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, rate := range Rates() {
		plan := results[rate][Documented]
		for s, r := range results[rate] {
			least, punctual := "", ""
			if s == Unknown || s == Known {
				least = fmt.Sprintf("%.1f s", Bound(Models(), rate, s == Known, 0))
				punctual = fmt.Sprintf("%.1f s", Bound(Models(), rate, s == Known, plan.Quantile(1)))
			}
			fmt.Fprintf(&b, "| %.1f | %s | %.2f | %.1f s | %.1f s | %.1f s | %.1f s | %.1f s | %.2f | %.2f | %.2f | %s | %s |\n",
				rate, Name(s), r.PerTask(), r.Mean(), r.Quantile(0.5), r.Quantile(0.9), r.Quantile(0.99), r.Quantile(1),
				r.Mean()/plan.Mean(), r.Quantile(0.99)/plan.Quantile(0.99), r.Quantile(1)/plan.Quantile(1), least, punctual)
		}
	}
	return b.String()
}
