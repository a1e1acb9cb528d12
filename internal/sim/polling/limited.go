// The comparison of paces that docs/polling.md shows.

package polling

import (
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/pace"
)

// The settings that are simulated.
const (
	PacedRate = 2  // requests_per_second
	PacedMost = 10 // max_requests_per_second
)

// Case is a limit, and how much of it an application uses.
type Case struct {
	Limiter string
	Limit   float64 // requests a second
	Used    float64 // part of it
	Random  bool    // the application's requests are Poisson
}

// Cases returns what is simulated.
func Cases() (all []Case) {
	for _, limiter := range []string{Bucket, Sliding, Fixed} {
		for _, limit := range []float64{1.5, 3, 5, 10} {
			for _, used := range []float64{0, 0.5, 0.9} {
				all = append(all, Case{limiter, limit, used, false})
			}
		}
	}
	return append(all, Case{ShortWindow, 5, 0, false}, Case{ShortWindow, 5, 0.5, false}, Case{Bucket, 10, 0.5, true}, Case{Sliding, 10, 0.5, true})
}

func (c Case) scene() Scene {
	return Scene{Limiter: c.Limiter, Limit: Constant(c.Limit), Application: Traffic{PerSecond: c.Limit * c.Used, Random: c.Random}}
}

// Compared is what came of a case.
type Compared struct {
	Learned, Fixed Outcome
	Oracle         Outcome // at exactly what is free, and never refused
	Usable         float64 // part of what is free
	Within         Outcome // at what is usable, and never refused
}

// Compare simulates so many tasks, of which there is one for every three queries that are free.
func (c Case) Compare(tasks int) Compared {
	free := c.Limit * (1 - c.Used)
	run := func(o pace.Options, limiter string) Outcome {
		scene := c.scene()
		scene.Limiter = limiter
		return RunPaced(Workload(Models(), tasks, free/3, 1), pace.New(o), scene)
	}
	r := Compared{
		Learned: run(pace.Options{Rate: PacedRate, Most: PacedMost, Burst: 4}, c.Limiter),
		Fixed:   run(pace.Options{Rate: PacedRate, Burst: 4}, c.Limiter),
		Oracle:  run(pace.Options{Rate: free, Burst: 1}, Unlimited),
		Usable:  Usable(c.scene()),
	}
	if r.Usable > 0 {
		r.Within = run(pace.Options{Rate: free * r.Usable, Burst: 1}, Unlimited)
	}
	return r
}

// Fall is a limit of 10 a second that falls to another one.
type Fall struct {
	Limiter string
	To      float64
}

// FellAt is when a limit falls.
const FellAt = 30 * time.Minute

// Falls returns the falls that are simulated.
func Falls() (all []Fall) {
	for _, limiter := range []string{Bucket, Sliding, Fixed, ShortWindow} {
		for _, to := range []float64{5, 3, 1.5} {
			all = append(all, Fall{limiter, to})
		}
	}
	return all
}

// Run simulates a fall for ten minutes, with as many tasks as would need all that is free before.
func (f Fall) Run() Outcome {
	limit := func(at time.Duration) float64 {
		if at >= FellAt {
			return f.To
		}
		return 10
	}
	p := pace.New(pace.Options{Rate: PacedRate, Most: PacedMost, Burst: 4})
	tasks := Workload(Models(), 4000, 2, 1)
	for i, k := range tasks {
		k.Counts = i > 3000
	}
	return RunPaced(tasks, p, Scene{Limiter: f.Limiter, Limit: limit})
}

// Change simulates a limit that goes from 5 to 10, 3 and 5 again every two hours, and back.
func Change(limiter string) Outcome {
	limit := func(at time.Duration) float64 { return []float64{5, 10, 3}[int(at/(2*time.Hour))%3] }
	tasks := Workload(Models(), 80_000, 1.5, 1)
	return RunPaced(tasks, pace.New(pace.Options{Rate: PacedRate, Most: PacedMost, Burst: 4}), Scene{Limiter: limiter, Limit: limit})
}

// LimitTables returns what came of cases, falls and changes as Markdown tables.
func LimitTables(tasks int) string {
	cases, falls, changers := Cases(), Falls(), []string{Bucket, Sliding, Fixed}
	compared, fallen, changed := make([]Compared, len(cases)), make([]Outcome, len(falls)), make([]Outcome, len(changers))
	var runs sync.WaitGroup
	slots := make(chan struct{}, 2)
	each := func(n int, run func(i int)) {
		for i := range n {
			runs.Go(func() {
				slots <- struct{}{}
				defer func() { <-slots }()
				run(i)
			})
		}
	}
	each(len(cases), func(i int) { compared[i] = cases[i].Compare(tasks) })
	each(len(falls), func(i int) { fallen[i] = falls[i].Run() })
	each(len(changers), func(i int) { changed[i] = Change(changers[i]) })
	runs.Wait()
	return caseTable(cases, compared) + fallTable(falls, fallen) + changeTable(changers, changed)
}

func caseTable(cases []Case, compared []Compared) string {
	var b strings.Builder
	b.WriteString("| limit | requests/s | used by the application | refused ‰ | application's ‰ | part used | usable | mean | p99 | mean, of usable | fixed: mean | … p99 | … refused ‰ | … application's ‰ |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for i, c := range cases {
		r := &compared[i]
		random, within := "", "–"
		if c.Random {
			random = ", at random"
		}
		if r.Usable > 0 {
			within = fmt.Sprintf("%.2f", r.Learned.Mean()/r.Within.Mean())
		}
		fmt.Fprintf(&b, "| %s | %g | %.0f %%%s | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %s | %.2f | %.2f | %.1f | %.1f |\n",
			c.Limiter, c.Limit, 100*c.Used, random, r.Learned.OursRefused(), r.Learned.TheirsRefused(), r.Learned.PartUsed(), r.Usable,
			r.Learned.Mean()/r.Oracle.Mean(), r.Learned.Quantile(0.99)/r.Oracle.Quantile(0.99), within,
			r.Fixed.Mean()/r.Oracle.Mean(), r.Fixed.Quantile(0.99)/r.Oracle.Quantile(0.99), r.Fixed.OursRefused(), r.Fixed.TheirsRefused())
	}
	return b.String()
}

func fallTable(falls []Fall, fallen []Outcome) string {
	var b strings.Builder
	b.WriteString("\n| limit of 10 requests/s that falls | to | below it after | refused until none was for a minute | the last of these after |\n|---|---|---|---|---|\n")
	for i, f := range falls {
		below, refused, found := fallen[i].Settled(FellAt, f.To)
		fmt.Fprintf(&b, "| %s | %g | %.1f s | %d | %.0f s |\n", f.Limiter, f.To, below.Seconds(), refused, found.Seconds())
	}
	return b.String()
}

func changeTable(changers []string, changed []Outcome) string {
	var b strings.Builder
	b.WriteString("\n| limit of 5, 10, 3, … requests/s, each for two hours | refused ‰ | part used |\n|---|---|---|\n")
	for i, limiter := range changers {
		fmt.Fprintf(&b, "| %s | %.2f | %.2f |\n", limiter, changed[i].OursRefused(), changed[i].PartUsed())
	}
	return b.String()
}
