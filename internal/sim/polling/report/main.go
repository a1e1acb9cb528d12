// Command report runs the simulation and writes its table and plots into the documentation.
package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"

	"github.com/kie-exporter/kie_exporter/internal/sim/polling"
)

// mark is the line of the document before and after a table.
func mark(table, place string) []byte { return fmt.Appendf(nil, "<!-- %s: %s -->\n", table, place) }

const (
	tasks = 20_000
	seeds = 5

	limitTasks = 4000

	variantTasks = 12_000
	variantSeeds = 2

	partSeeds = 2
)

func main() {
	if err := run("docs"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(docs string) error {
	results := make(map[float64][polling.Strategies]polling.Result)
	for _, rate := range polling.Rates() {
		results[rate] = polling.Compare(rate, tasks, seeds, polling.EveryTask, polling.Documented, polling.Unknown, polling.Known, polling.Called)
	}
	table := polling.Table(results)
	fmt.Print(table)
	limits := polling.LimitTables(limitTasks)
	fmt.Print(limits)
	variants := polling.VariantTable(variantTasks, variantSeeds)
	fmt.Print(variants)
	for name, table := range map[string]string{"simulation": table, "limits": limits, "variants": variants} {
		if err := insert(filepath.Join(docs, "polling.md"), name, table); err != nil {
			return err
		}
	}
	parts := polling.PartTable(tasks, partSeeds)
	fmt.Print(parts)
	if err := insert(filepath.Join(docs, "scaling.md"), "parts", parts); err != nil {
		return err
	}
	plots := filepath.Join(docs, "polling")
	if err := os.MkdirAll(plots, 0o755); err != nil { //nolint:gosec // documents are for everybody
		return err
	}
	for name, p := range map[string]plot{
		"delay-at-1.svg": delays(results[1]),
		"mean.svg":       means(results),
		"worth.svg":      worth(),
	} {
		if err := os.WriteFile(filepath.Join(plots, name), p.svg(), 0o644); err != nil { //nolint:gosec // documents are for everybody
			return err
		}
	}
	return nil
}

// insert replaces what is between the marks of a table.
func insert(path, name, table string) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	begin, end := mark(name, "begin"), mark(name, "end")
	before, rest, ok := bytes.Cut(text, begin)
	_, after, ok2 := bytes.Cut(rest, end)
	if !ok || !ok2 {
		return fmt.Errorf("%s has no place for the table %s", path, name)
	}
	text = bytes.Join([][]byte{before, begin, []byte(table), end, after}, nil)
	return os.WriteFile(path, text, 0o644) //nolint:gosec // documents are for everybody
}

// delays plots which part of the tasks is known after which delay.
func delays(results [polling.Strategies]polling.Result) plot {
	p := plot{title: "Known after, at 1 task/s", x: "seconds from a task's end", y: "% of tasks", maxX: 120, maxY: 100}
	for s, r := range results {
		var l line
		l.name = polling.Name(s)
		for i := 0; i <= 100; i++ {
			if d := r.Quantile(float64(i) / 100); d <= p.maxX {
				l.points = append(l.points, point{d, float64(i)})
			}
		}
		p.lines = append(p.lines, l)
	}
	return p
}

// means plots the mean delay over the rate.
func means(results map[float64][polling.Strategies]polling.Result) plot {
	p := plot{title: "Mean delay", x: "tasks created a second", y: "seconds", maxX: 2, maxY: 250}
	for s := range polling.Strategies {
		l := line{name: polling.Name(s)}
		for _, rate := range polling.Rates() {
			l.points = append(l.points, point{rate, results[rate][s].Mean()})
		}
		p.lines = append(p.lines, l)
	}
	return p
}

// worth plots what asking a task is worth that was never asked, by its age and model.
func worth() plot {
	p := plot{title: "Worth of asking a task that was not asked before", x: "age in seconds", y: "seconds of delay", maxX: 300, maxY: 100}
	for _, m := range polling.Models() {
		if m.Name == "edit" {
			continue
		}
		l := line{name: m.Name}
		worth := polling.Worth(m)
		for age := 0.0; age <= p.maxX; age += 0.2 {
			if w := worth(age); w <= p.maxY {
				l.points = append(l.points, point{age, w})
			}
		}
		p.lines = append(p.lines, l)
	}
	return p
}
