// What is told of a soak.

package soak_test

import (
	"fmt"
	"maps"
	"os"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// The lines of a document between which the results are.
const (
	reportBegins = "<!-- Results of `make soak`; what is between here and the end mark is generated. -->"
	reportEnds   = "<!-- End of results. -->"
)

// report logs the results and puts them into the plan's document.
func (w *world) report(t *testing.T) {
	t.Helper()
	text := w.results()
	t.Log("\n" + text)
	if w.plan.report == "" || t.Failed() {
		return
	}
	putResults(t, w.plan.report, reportBegins, reportEnds, text)
}

// putResults puts results between the marks of a document.
func putResults(t *testing.T, path, begins, ends, text string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(content), begins)
	_, after, ended := strings.Cut(rest, ends)
	if !found || !ended {
		t.Fatalf("%s lacks the marks between which results go", path)
	}
	content = []byte(before + begins + "\n\n" + text + "\n" + ends + after)
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// results returns the results in Markdown.
func (w *world) results() string {
	var b strings.Builder
	fmt.Fprintf(&b, "A soak of %v with seed %d, on %s/%s with %d processors, Go %s.\n\n",
		time.Since(w.verdict.start).Round(time.Second), w.plan.seed, runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), strings.TrimPrefix(runtime.Version(), "go"))
	table(&b, "what was promised", "looked at", "broken", func(row func(cells ...any)) {
		for _, p := range promises() {
			looked, broken := w.verdict.counts(p)
			row(p, looked, broken)
		}
	})
	table(&b, "what happened", "", "", func(row func(cells ...any)) {
		for _, f := range w.figures() {
			row(f.name, f.value)
		}
	})
	table(&b, "what was done", "times", "", func(row func(cells ...any)) {
		done := w.done()
		for _, name := range slices.Sorted(maps.Keys(done)) {
			row(name, done[name])
		}
	})
	return strings.TrimSuffix(b.String(), "\n")
}

// table writes a table; a column without a title is left out unless it is the second.
func table(b *strings.Builder, first, second, third string, fill func(row func(cells ...any))) {
	heads := []any{first, second}
	if third != "" {
		heads = append(heads, third)
	}
	row := func(cells ...any) {
		for _, c := range cells {
			fmt.Fprintf(b, "| %v ", c)
		}
		b.WriteString("|\n")
	}
	row(heads...)
	b.WriteString(strings.Repeat("|---", len(heads)) + "|\n")
	fill(row)
	b.WriteString("\n")
}

type figure struct{ name, value string }

// figures returns the numbers that are not how often something was done.
func (w *world) figures() []figure {
	asked, repeated, peak := w.api.counts()
	finished, counted := 0, 0
	for _, r := range w.kept {
		if r.State.Finished() {
			finished++
		}
		if r.Counted {
			counted++
		}
	}
	slowest := max(w.scrapers[0].slowest.Load(), w.scrapers[1].slowest.Load())
	f := []figure{
		{"processes", strconv.Itoa(w.processes)},
		{"tasks created", strconv.Itoa(w.book.len())},
		{"known as finished in the end; counted, each once", fmt.Sprintf("%d; %d", finished, counted)},
		{"requests to the API; asked again because the answer had been lost", fmt.Sprintf("%d; %d", asked, repeated)},
		{fmt.Sprintf("most requests of an account in a second, at %d per second and %d at a time", accountRate, accountConcurrent), strconv.Itoa(peak)},
		{"scrapes, OpenMetrics and text; after their timeout; the slowest", fmt.Sprintf("%d, %d; %d; %v",
			w.scrapers[0].scrapes.Load(), w.scrapers[1].scrapes.Load(), w.scrapers[0].late.Load()+w.scrapers[1].late.Load(),
			time.Duration(slowest).Round(time.Millisecond))},
		{"looks at the whole list as JSON", strconv.Itoa(w.looker.looks)},
		{"most resident memory", mebibytes(w.usage.most(func(g gauge) float64 { return g.resident }))},
		{"most goroutines; open files", fmt.Sprintf("%v; %v", w.usage.most(func(g gauge) float64 { return g.goroutines }), w.usage.most(func(g gauge) float64 { return g.openFiles }))},
	}
	if g, ok := w.usage.growth(); ok {
		f = append(f,
			figure{"longest life of a process", g.lived.Round(time.Second).String()},
			figure{"its heap early; late", mebibytes(g.early.heap) + "; " + mebibytes(g.late.heap)},
			figure{"its resident memory early; late", mebibytes(g.early.resident) + "; " + mebibytes(g.late.resident)},
			figure{"its goroutines early; late", fmt.Sprintf("%v; %v", g.early.goroutines, g.late.goroutines)},
			figure{"its open files early; late", fmt.Sprintf("%v; %v", g.early.openFiles, g.late.openFiles)},
		)
	}
	return f
}

func mebibytes(bytes float64) string { return fmt.Sprintf("%.1f MiB", bytes/(1<<20)) }

// done returns how often each thing was done: by the operator, to lists, and by the API's faults.
func (w *world) done() map[string]int {
	done := map[string]int{}
	for _, d := range storm() {
		done[string(d)] = 0
	}
	maps.Copy(done, w.deeds)
	w.mu.Lock()
	defer w.mu.Unlock()
	for manner, n := range w.manners {
		done["list "+manner] = n
	}
	for manner, n := range w.server.counts() {
		done["list by HTTP: "+manner] = n
	}
	for kind, n := range w.caller.counts() {
		done["callback: "+string(kind)] = n
	}
	for _, what := range []push{plainly, hinted, guessed} {
		done["id: "+string(what)] = 0
	}
	for what, n := range w.pusher.counts() {
		done["id: "+string(what)] = n
	}
	if w.plan.long() {
		done["id: "+string(forgotten)] += 0
	}
	for what, n := range w.streamer.counts() {
		done["stream of "+what] = n
	}
	for name, n := range w.api.Stats().Mixed {
		done["answer: "+name] = n
	}
	return done
}
