// How much memory a list in YAML takes.

package yamllist

import (
	"runtime"
	"sort"
	"strings"
	"testing"

	"github.com/kie-exporter/kie_exporter/test/kit/lists"
	"github.com/kie-exporter/kie_exporter/test/kit/program"
)

func TestAYAMLListTakesThreeTimesItsTextAnd16MiBAtMost(t *testing.T) {
	fill := func(part string, size int) string { return strings.Repeat(part, size/len(part)) }
	steps := program.Fewer(16, 256) // in which the longest that is read is looked for
	step := MaxBytes / steps
	for name, shape := range map[string]func(size int) string{
		"ids":      func(size int) string { return lists.Numbered("- %032x\n", size/35) },
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
		size := step * sort.Search(steps, func(n int) bool { return n > 0 && plain(thin(shape(step*(n+1)-16))) != nil })
		content := shape(size - 16)
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, _ = harvested(t, Parse, content) // some are no lists
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
		"a line each":     {lists.Numbered("- %032x\n", MaxBytes/35), MaxBytes / 35},
		"with CR":         {lists.Numbered("- %032x\r\n", MaxBytes/36), MaxBytes / 36},
		"in quotes":       {lists.Numbered("- \"%032x\"\n", MaxBytes/37), MaxBytes / 37},
		"an entry":        {"- tasks:\n" + lists.Numbered("  - %032x\n", MaxBytes/37-1), MaxBytes/37 - 1},
		"beside the name": {"tasks:\n" + lists.Numbered("- %032x\n", MaxBytes/35-1), MaxBytes/35 - 1},
		"in one":          {"[" + lists.Numbered("%032x,\n", maxParts-10) + "]", maxParts - 10},
	} {
		h, err := harvested(t, Parse, list.content)
		n := h.Count()
		if err != nil || n != list.ids || h.Report().Count != 0 {
			t.Errorf("%s: %d ids of %d, %v", name, n, list.ids, err)
		}
	}
}
