// What somebody who may write a list can cost: time, memory and log.

package source

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"sort"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"
)

func TestAListIsReadAndParsedOutsideTheLock(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "l.jsonl")
	if err := os.WriteFile(path, []byte(created("a")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	set, err := New([]Group{{Name: "g", Files: []Pattern{{Written: path, Path: path}}}}, tasks(10), newTracked(t), discard())
	if err != nil {
		t.Fatal(err)
	}
	outside, calls := set.ledger.outside, 0
	set.ledger.outside = func(slow func()) {
		outside(func() {
			calls++
			set.Survey() // would wait for ever
			slow()
		})
	}
	if err := set.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if calls != 2 {
		t.Errorf("%d times outside the lock, want 2: to read and to parse", calls)
	}
	if r := set.Survey()[0]; r.IDs != 1 {
		t.Errorf("report %+v", r)
	}
}

// costly are lists that are made to be slow.
func costly() map[string]string {
	fill := func(part string, size int) string { return strings.Repeat(part, size/len(part)) }
	return map[string]string{
		"directives.yml": fill("%TAG !a! tag:x\n", maxYAML), "other directives.yml": "# x\n" + fill("%X y\n", maxYAML-8),
		"keys.yml": "- " + fill("a: b\n  ", maxYAML-8), "flow.yml": "[" + fill("a,", maxYAML-8), "comments.yml": fill("- a # x\n# y\n", maxYAML),
		"nested.yml": fill("- ", maxYAML), "anchors.yml": fill("- &a b\n", maxYAML), "blocks.yml": fill("- |\n  a\n", maxYAML),
		"begun.jsonl": fill("[[],\n", 1<<20), "nested.jsonl": fill("[", 1<<20), "keys.jsonl": fill(`{"a":`+"\n", 1<<20), "strings.jsonl": fill(`"a":`+"\n", 1<<20),
		"ids in a line.jsonl": fill(`"task_12345678" `, 1<<20),
		"quotes.jsonl":        fill(`"`+"\n", 1<<20), "blanks.jsonl": fill(" ", 1<<20), "deep.jsonl": fill(strings.Repeat("[", maxDepth-1)+"1,\n", 1<<20), "braces.jsonl": fill("{}", 1<<20),
		"nested.json": fill("[", 1<<20), "keys.json": "[{" + fill(`"a":1,`, 1<<20), "key.json": `[{"` + fill("a", 4<<20) + `":1}]`, "escapes.json": `["` + fill(`\u0061`, 1<<20) + `"]`,
		"bad.txt": fill("\x00\n", 1<<20), "line.txt": fill("x", 1<<20), "invisible.txt": fill("\u200b", 1<<20),
	}
}

func TestNoListTakesLongToReadOrFillsTheLog(t *testing.T) {
	for name, content := range costly() {
		t.Run(name, func(t *testing.T) {
			format, err := formatOf(name)
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			h, err := harvested(t, format.parse, content)
			if took := time.Since(start); took > gatherTime+time.Second {
				t.Errorf("it took %v", took)
			}
			if err != nil && len(err.Error()) > 300 {
				t.Errorf("%d bytes of error: %.100q", len(err.Error()), err)
			}
			if err := h.report.err; err != nil && len(err.Error()) > 300 {
				t.Errorf("%d bytes of report: %.100q", len(err.Error()), err)
			}
		})
	}
}

func TestParsingEndsWithItsContextAndAfterTenSeconds(t *testing.T) {
	for name, content := range costly() {
		format, err := formatOf(name)
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(20*time.Millisecond, cancel)
		start := time.Now()
		h := newHarvest(ctx, &list{}, newLedger(tasks(1)))
		err = h.gatherWithin(content, format)
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("%s: it took %v to end (%v)", name, took, err)
		}
		cancel()
	}
	synctest.Test(t, func(t *testing.T) {
		h := newHarvest(t.Context(), &list{}, newLedger(tasks(1)))
		err := h.gatherWithin("", format{parse: func(_ string, h *harvest) error {
			for {
				time.Sleep(time.Second)
				if err := h.spend(stride); err != nil {
					return err
				}
			}
		}})
		if !errors.Is(err, errLate) {
			t.Errorf("error %v", err)
		}
	})
}

func TestAReadTakesThreeTimesItsTextInMemoryAtMost(t *testing.T) {
	const size = 4 << 20
	ids := numbered("%032x\n", size/33)
	contents := map[string]string{
		"ids.txt": ids, "ids.jsonl": numbered(`{"taskId":"%032x"}`+"\n", size/46), "ids.json": `["` + strings.ReplaceAll(strings.TrimSuffix(ids, "\n"), "\n", `","`) + `"]`,
		"packed.txt.gz": ids,
	}
	for name, content := range costly() {
		if filepath.Ext(name) != ".yml" { // bounded by their size and their parts instead
			contents[name] = content
		}
	}
	for name, content := range contents {
		file := content
		if strings.HasSuffix(name, ".gz") {
			file = packed(t, content)
		}
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		format, err := formatOf(name)
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		read, _, err := slurp(t.Context(), filepath.Dir(path), path, format.within(maxFile), &guard{})
		if err != nil {
			t.Fatal(err)
		}
		h := newHarvest(t.Context(), &list{}, newLedger(tasks(1)))
		_ = h.gatherWithin(read, format) // many are no lists
		runtime.ReadMemStats(&after)
		// All that was allocated, even what was let go of at once.
		if times := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(content)); times > 3 {
			t.Errorf("%s: %.1f times its text", name, times)
		}
	}
}

func TestParsingLooksForItsEndWithinOneThing(t *testing.T) {
	fill := strings.Repeat
	for name, content := range map[string]string{
		"an object.json": `[{"x":1` + fill(`,"x":1`, stride/4) + `}]`, "an array.json": `[{"x":[1` + fill(",1", stride) + `]}]`,
		"ids.json": `["a"` + fill(`,"a"`, stride/4) + `]`, "lines.txt": fill("a\n", stride/4), "values.jsonl": fill(`"a"`+"\n", stride/4),
	} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		format, err := formatOf(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := format.parse(content, newHarvest(ctx, &list{}, newLedger(tasks(1)))); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: read to its end: %v", name, err)
		}
	}
}

// To take off what is around an id takes time, and what is as long as that is no id.
func TestAnIDIsLookedForInALittleTextAlone(t *testing.T) {
	for name, content := range map[string]string{
		"l.txt": strings.Repeat("\u200b", maxRaw) + "a\n", "l.json": `["` + strings.Repeat("\u200b", maxRaw) + `a"]`,
	} {
		ids, invalid, logs := listed(t, name, content)
		if ids != "" || invalid != 1 || !strings.Contains(logs, errNoID.Error()) {
			t.Errorf("%s: tracked %q, %d invalid: %s", name, ids, invalid, logs)
		}
	}
}

func TestWhatAListSaysOfIDsTakesNoMoreThanItsText(t *testing.T) {
	const size = 24 << 20
	alike, differing, models := `{"tasks":["a"],"labels":{"a":"b"}},`, `{"tasks":["a"],"labels":{"a":"%07x"}},`, `{"taskId":"a","model":"%07x"}`+"\n"
	long := `{"taskId":"a","model":"` + strings.Repeat("x", 1000) + `%07x"}` + "\n"
	for name, content := range map[string]string{
		"labels.json": "[" + numbered(differing, size/len(differing)) + `"z"]`, "alike.json": "[" + strings.Repeat(alike, size/len(alike)) + `"z"]`,
		"nothing.json": "[" + strings.Repeat(`{"tasks":[],"labels":{"a":"b"}},`, size/32) + `"z"]`,
		"models.jsonl": numbered(models, size/len(models)), "long.jsonl": numbered(long, size/len(long)), "short.txt": strings.Repeat("a\n", size/2),
	} {
		format, err := formatOf(name)
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		h := newHarvest(t.Context(), &list{}, newLedger(Limits{Tasks: 1, Bytes: maxFile, IDs: million}))
		err = h.gatherWithin(content, format)
		if err == nil {
			h.each(&traits{labels: map[string]string{"c": "d"}}, func(found, string, *traits) {})
		}
		runtime.ReadMemStats(&after)
		if refused := errors.Is(err, errSaid); refused != (name == "labels.json" || name == "models.jsonl") {
			t.Errorf("%s: %v", name, err)
		}
		// The text itself is the third part.
		if times := (float64(after.TotalAlloc-before.TotalAlloc) - leastCost) / float64(len(content)); times > 2 {
			t.Errorf("%s: %.1f times its text", name, times)
		}
	}
}

func TestLabelsKeepNoListInMemory(t *testing.T) {
	content := `[{"tasks":["a"],"labels":{"name":"value"}}]`
	h, err := harvested(t, parseJSON, content)
	if err != nil {
		t.Fatal(err)
	}
	within := func(part string) bool {
		start, at := uintptr(unsafe.Pointer(unsafe.StringData(content))), uintptr(unsafe.Pointer(unsafe.StringData(part))) //nolint:gosec // looks at addresses alone
		return at >= start && at < start+uintptr(len(content))
	}
	for name, value := range h.said[1].own {
		if within(name) || within(value) {
			t.Errorf("%s=%s is a part of the list", name, value)
		}
	}
}

func TestAYAMLListTakesThreeTimesItsTextAnd16MiBAtMost(t *testing.T) {
	fill := func(part string, size int) string { return strings.Repeat(part, size/len(part)) }
	for name, shape := range map[string]func(size int) string{
		"ids":      func(size int) string { return numbered("- %032x\n", size/35) },
		"short":    func(size int) string { return fill("- a\n", size) },
		"nothing":  func(size int) string { return fill("-\n", size) },
		"keys":     func(size int) string { return "- " + fill("a: b\n  ", size) },
		"names":    func(size int) string { return fill("a:\n", size) },
		"flow":     func(size int) string { return "[" + fill("a,", size) + "]" },
		"lists":    func(size int) string { return "[" + fill("[],", size) + "]" },
		"pairs":    func(size int) string { return "[" + fill("a: b,", size) + "]" },
		"set":      func(size int) string { return "{" + fill("a,", size) + "}" },
		"quoted":   func(size int) string { return "{" + fill(`":",`, size) + "}" },
		"mixed":    func(size int) string { return "{a: b," + fill("a,", size) + "}" },
		"asked":    func(size int) string { return fill("? a\n", size) },
		"comments": func(size int) string { return fill("- a # x\n# y\n", size) },
		"entries":  func(size int) string { return fill("- {tasks: [a], labels: {x: y}}\n", size) },
		"texts":    func(size int) string { return fill("- |\n  a\n", size) },
	} {
		const step = maxYAML / 256
		size := step * sort.Search(256, func(n int) bool { return n > 0 && plainYAML(thin(shape(step*(n+1)-16))) != nil })
		content := shape(size - 16)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = harvested(t, parseYAML, content) // some are no lists
		runtime.ReadMemStats(&after)
		// All that was allocated, even what was let go of at once.
		took := uint64(len(content)) + after.TotalAlloc - before.TotalAlloc
		if took > 3*uint64(len(content))+16<<20 {
			t.Errorf("%s: %d bytes take %d KiB", name, size, took>>10)
		}
	}
}

// thin is what of a YAML list is parsed.
func thin(content string) string { return thinned(content, longRuns(content)) }

func TestAYAMLListOf4MiBMayHaveAsManyIDsAsFit(t *testing.T) {
	for name, list := range map[string]struct {
		content string
		ids     int
	}{
		"a line each":     {numbered("- %032x\n", maxYAML/35), maxYAML / 35},
		"with CR":         {numbered("- %032x\r\n", maxYAML/36), maxYAML / 36},
		"in quotes":       {numbered("- \"%032x\"\n", maxYAML/37), maxYAML / 37},
		"an entry":        {"- tasks:\n" + numbered("  - %032x\n", maxYAML/37-1), maxYAML/37 - 1},
		"beside the name": {"tasks:\n" + numbered("- %032x\n", maxYAML/35-1), maxYAML/35 - 1},
		"in one":          {"[" + numbered("%032x,\n", maxParts-10) + "]", maxParts - 10},
	} {
		h, err := harvested(t, parseYAML, list.content)
		n := 0
		for _, ids := range h.ids {
			n += len(ids)
		}
		if err != nil || n != list.ids || h.report.count != 0 {
			t.Errorf("%s: %d ids of %d, %v", name, n, list.ids, err)
		}
	}
}
