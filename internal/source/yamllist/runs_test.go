package yamllist

import (
	"fmt"
	"hash/maphash"
	"strings"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
	"github.com/kie-exporter/kie_exporter/test/kit/lists"
)

// harvested is what a parser finds in a content.
func harvested(tb testing.TB, parse func(string, *parsed.List) error, content string) (*parsed.List, error) {
	tb.Helper()
	h := parsed.New(parsed.Options{IDs: 100_000_000, Seed: maphash.MakeSeed()})
	h.Begin(tb.Context(), content)
	err := parse(content, h)
	return h, err
}

// foundIn lists what a parser finds, with lines.
func foundIn(t *testing.T, parse func(string, *parsed.List) error, content string) string {
	t.Helper()
	h, err := harvested(t, parse, content)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	parsed.Each(h, func(attrs *parsed.Attrs) *parsed.Attrs { return attrs }, func(f parsed.Found, id string, attrs *parsed.Attrs) {
		fmt.Fprintf(&b, "%d %s %v\n", h.Line(f), id, attrs)
	})
	fmt.Fprint(&b, h.Report().Count, h.Report().Lines)
	return b.String()
}

func sameWithoutRuns(t *testing.T, content string) {
	t.Helper()
	each := func(content string, h *parsed.List) error { return parseWithout(nil, content, h) }
	if got, want := foundIn(t, Parse, content), foundIn(t, each, content); got != want {
		t.Errorf("%q: found\n%s\nwant\n%s", content, got, want)
	}
}

// FuzzLongRuns: ids in long runs are those that are found when each is parsed.
func FuzzLongRuns(f *testing.F) {
	for _, seed := range []string{
		"- tasks: [a, 0x1F, ~]\n  labels: {team: film}\n", "---\n", "- &a tasks\n- *a", "- tasks:\n  - |\n    a\n", "- {tasks: [a]}\n---\n",
	} {
		f.Add(seed)
	}
	for _, content := range lists.LongRuns() {
		f.Add(content)
	}
	f.Fuzz(sameWithoutRuns)
}

func TestLongRunsOfIDsAreReadAsIfEachWereParsed(t *testing.T) {
	for name, content := range lists.LongRuns() {
		t.Run(name, func(t *testing.T) { sameWithoutRuns(t, content) })
	}
	if runs := longRuns(lists.LongRuns()["a list"]); len(runs) != 1 {
		t.Errorf("%d long runs in a list of 40 ids", len(runs))
	}
}
