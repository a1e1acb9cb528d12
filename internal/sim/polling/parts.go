// What it costs that an account is cut into parts, which docs/scaling.md shows.

package polling

import (
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/share"
)

// Parts returns into how many parts an account is cut.
func Parts() []int { return []int{1, 2, 4, 10} }

// PartRates returns the tasks created a second that are simulated, against two queries a second of the whole account.
func PartRates() []float64 { return []float64{0.5, 1, 1.5} }

// RunParts spends the budget of an account that is cut into parts: each has its tasks and its part of the budget, and learns by itself.
func RunParts(tasks []*Task, parts int, s func() Strategy) (r Result) {
	of := make([][]*Task, parts)
	for i, k := range tasks {
		part := share.Of("task_"+strconv.Itoa(i), parts)
		of[part] = append(of[part], k)
	}
	for _, own := range of {
		r.Add(run(own, s(), time.Duration(parts)*Slot))
	}
	return r
}

// PartTable returns what came of it as a Markdown table: the mean delay of one part, and by how much it is longer with more.
func PartTable(tasks, seeds int) string {
	var b strings.Builder
	b.WriteString("| tasks/s | model | 1 part, mean delay |")
	for _, parts := range Parts()[1:] {
		fmt.Fprintf(&b, " %d parts |", parts)
	}
	b.WriteString("\n|---|---|---|" + strings.Repeat("---|", len(Parts())-1) + "\n")
	for _, rate := range PartRates() {
		for _, known := range []bool{false, true} {
			fmt.Fprintf(&b, "| %.1f | %s |", rate, map[bool]string{false: "unknown", true: "known"}[known])
			whole := 0.0
			for i, r := range CompareParts(rate, tasks, seeds, known, Parts()...) {
				if i == 0 {
					whole = r.Mean()
					fmt.Fprintf(&b, " %.1f s |", whole)
					continue
				}
				fmt.Fprintf(&b, " %+.0f %% |", 100*(r.Mean()/whole-1))
			}
			b.WriteString("\n")
		}
	}
	return b.String()
}

// CompareParts runs the exporter's strategy on the same workloads, one for each seed from 1, with an account in so many parts.
func CompareParts(rate float64, tasks, seeds int, known bool, parts ...int) []Result {
	results := make([]Result, len(parts))
	var wg sync.WaitGroup
	slots := make(chan struct{}, 2)
	for i, n := range parts {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			for seed := range seeds {
				results[i].Add(RunParts(Workload(Models(), tasks, rate, uint64(seed)+1), n, func() Strategy { return Ours(known) }))
			}
		})
	}
	wg.Wait()
	return results
}
