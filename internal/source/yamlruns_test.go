package source

import (
	"fmt"
	"strings"
	"testing"
)

// runsInOddPlaces are YAML texts with lines that look like ids of a list, and may be something else.
func runsInOddPlaces() map[string]string {
	ids := numbered("- id%d\n", 40)
	deeper := strings.ReplaceAll("\n"+strings.TrimSuffix(ids, "\n"), "\n", "\n  ")
	return map[string]string{
		"a list":                     ids,
		"without an end":             strings.TrimSuffix(ids, "\n"),
		"with CR":                    strings.ReplaceAll(ids, "\n", "\r\n"),
		"two lists":                  "- tasks:" + deeper + "\n  labels: {a: b}\n- tasks:" + deeper + "\n",
		"goes on on the next line":   ids + "  and more\n",
		"goes on before":             "- and\n  more\n" + ids,
		"a text of several lines":    "- tasks: [a]\n  labels:\n    a: b" + strings.ReplaceAll(deeper, "\n", "\n    ") + "\n",
		"a text kept as it is":       "- tasks: [a]\n  labels:\n    a: |" + strings.ReplaceAll(deeper, "\n", "\n    ") + "\n",
		"in quotes":                  "- \"a" + deeper + "\"\n",
		"below an id":                "- a" + deeper + "\n",
		"a list in a list":           "-" + deeper + "\n",
		"null amid":                  ids + "- null\n" + ids + "- ~\n" + ids,
		"quoted, and like a number":  numbered("- \"%d\"\n", 40) + numbered("- '%d'\n", 40) + numbered("- %d\n", 40) + numbered("- 0x%d\n", 40),
		"comments and empty lines":   ids + "# a comment\n\n" + ids + "- b # a comment\n" + ids,
		"another depth":              "- tasks:" + deeper + "\n" + ids,
		"objects beside":             "- tasks:" + deeper + "\n  - taskId: b" + deeper + "\n",
		"as an answer":               "data:\n" + ids,
		"tasks of the whole":         "tasks:\n" + ids + "labels: {a: b}\n",
		"a second document":          ids + "---\n" + ids,
		"a key twice":                "tasks:\n" + ids + "tasks:\n" + ids,
		"not closed":                 "- [\n" + ids,
		"a directive after the list": ids + "%TAG ! x\n",
		"an id that is too long":     ids + "- " + strings.Repeat("x", 200) + "\n" + numbered("- "+strings.Repeat("y", 150)+"%d\n", 30),
	}
}

// foundIn lists what a parser finds, with lines.
func foundIn(t *testing.T, parse parser, content string) string {
	t.Helper()
	h, err := harvested(t, parse, content)
	if err != nil {
		return err.Error()
	}
	var b strings.Builder
	for _, ids := range h.ids {
		for _, f := range ids {
			fmt.Fprintf(&b, "%d %s %v\n", h.line(f), h.text(f), h.said[f.of>>9])
		}
	}
	fmt.Fprint(&b, h.report.count, h.report.lines)
	return b.String()
}

func sameWithoutRuns(t *testing.T, content string) {
	t.Helper()
	each := func(content string, h *harvest) error { return parseWithout(nil, content, h) }
	if got, want := foundIn(t, parseYAML, content), foundIn(t, each, content); got != want {
		t.Errorf("%q: found\n%s\nwant\n%s", content, got, want)
	}
}

func TestLongRunsOfIDsAreReadAsIfEachWereParsed(t *testing.T) {
	for name, content := range runsInOddPlaces() {
		t.Run(name, func(t *testing.T) { sameWithoutRuns(t, content) })
	}
	if runs := longRuns(runsInOddPlaces()["a list"]); len(runs) != 1 {
		t.Errorf("%d long runs in a list of 40 ids", len(runs))
	}
}
