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

	perTask = 3. // queries that are free
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

// Learn simulates so many tasks, of which there is one for every three queries that are free, at a pace that is learned.
func (c Case) Learn(tasks int) Outcome {
	return c.run(tasks, pace.Options{Rate: PacedRate, Most: PacedMost, Burst: 4}, c.Limiter)
}

// Oracle simulates who asks at exactly what is free, and is never refused.
func (c Case) Oracle(tasks int) Outcome {
	return c.run(tasks, pace.Options{Rate: c.Free(), Burst: 1}, Unlimited)
}

// Free returns how many requests a second the application leaves on average.
func (c Case) Free() float64 { return c.Limit * (1 - c.Used) }

func (c Case) run(tasks int, o pace.Options, limiter string) Outcome {
	scene := c.scene()
	scene.Limiter = limiter
	return RunPaced(Workload(Models(), tasks, c.Free()/perTask, 1), pace.New(o), scene)
}

// Compare simulates these, and what comes of other paces.
func (c Case) Compare(tasks int) (r Compared) {
	r.Learned, r.Oracle = c.Learn(tasks), c.Oracle(tasks)
	r.Fixed = c.run(tasks, pace.Options{Rate: PacedRate, Burst: 4}, c.Limiter)
	if r.Usable = Usable(c.scene()); r.Usable > 0 {
		r.Within = c.run(tasks, pace.Options{Rate: c.Free() * r.Usable, Burst: 1}, Unlimited)
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

// Change simulates a limit that goes from 5 to 10, 3 and 5 again every two hours, and what comes of knowing it.
func Change(limiter string) (learned, known Outcome) {
	limit := func(at time.Duration) float64 { return []float64{5, 10, 3}[int(at/(2*time.Hour))%3] }
	run := func(p Pacer, limiter string) Outcome {
		return RunPaced(Workload(Models(), 80_000, 1.5, 1), p, Scene{Limiter: limiter, Limit: limit})
	}
	return run(pace.New(pace.Options{Rate: PacedRate, Most: PacedMost, Burst: 4}), limiter), run(&knowing{limit: limit}, Unlimited)
}

// LimitTables returns what came of cases, falls and changes as Markdown tables.
func LimitTables(tasks int) string {
	cases, falls, changers := Cases(), Falls(), []string{Bucket, Sliding, Fixed}
	compared, fallen, changed := make([]Compared, len(cases)), make([]Outcome, len(falls)), make([][2]Outcome, len(changers))
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
	each(len(changers), func(i int) { changed[i][0], changed[i][1] = Change(changers[i]) })
	runs.Wait()
	return caseTable(cases, compared) + "\n" + unseenTable(cases, compared) + "\n" + frontierTable() + fallTable(falls, fallen) + changeTable(changers, changed)
}

func caseTable(cases []Case, compared []Compared) string {
	var b strings.Builder
	b.WriteString("| limit | requests/s | used by the application | refused ‰ | application's ‰ | part used | usable | mean | p99 | mean, of usable | fixed: mean | … p99 | … refused ‰ | … application's ‰ |\n")
	b.WriteString("|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for i, c := range cases {
		r := &compared[i]
		within := "–"
		if r.Usable > 0 {
			within = fmt.Sprintf("%.2f", r.Learned.Mean()/r.Within.Mean())
		}
		fmt.Fprintf(&b, "| %s | %g | %.0f %%%s | %.2f | %.2f | %.2f | %.2f | %.2f | %.2f | %s | %.2f | %.2f | %.1f | %.1f |\n",
			c.Limiter, c.Limit, 100*c.Used, atRandom(c), r.Learned.OursRefused(), r.Learned.TheirsRefused(), r.Learned.PartOf(&r.Oracle), r.Usable,
			r.Learned.Mean()/r.Oracle.Mean(), r.Learned.Quantile(0.99)/r.Oracle.Quantile(0.99), within,
			r.Fixed.Mean()/r.Oracle.Mean(), r.Fixed.Quantile(0.99)/r.Oracle.Quantile(0.99), r.Fixed.OursRefused(), r.Fixed.TheirsRefused())
	}
	return b.String()
}

func fallTable(falls []Fall, fallen []Outcome) string {
	var b strings.Builder
	b.WriteString("\n| limit of 10 requests/s that falls | to | below it after | refused until none was for a minute | the last of these after | the next after |\n|---|---|---|---|---|---|\n")
	for i, f := range falls {
		s := fallen[i].Settled(FellAt, f.To)
		fmt.Fprintf(&b, "| %s | %g | %.1f s | %d | %.0f s | %.0f s |\n", f.Limiter, f.To, s.Below.Seconds(), s.Refused, s.Last.Seconds(), s.Found.Seconds())
	}
	return b.String()
}

func changeTable(changers []string, changed [][2]Outcome) string {
	var b strings.Builder
	b.WriteString("\n| limit of 5, 10, 3, … requests/s, each for two hours | refused ‰ | part used |\n|---|---|---|\n")
	for i, limiter := range changers {
		fmt.Fprintf(&b, "| %s | %.2f | %.2f |\n", limiter, changed[i][0].OursRefused(), changed[i][0].PartOf(&changed[i][1]))
	}
	return b.String()
}
