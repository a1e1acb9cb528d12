// Long runs of plain ids in a YAML list, which need no parsing one by one.

package yamllist

import (
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
)

// longRun is how many lines in a row make it worth while to leave most of them out.
const longRun = 16

// run is lines, one after the other, that hold a plain id each, at the same depth. The first and the last are parsed; if they are
// neighbours in a list then, all of them are in it.
type run struct {
	first, last int // lines
	from, to    int // the content between the first line and the last one
}

// itemIn returns how deep a line is, and where in it the id is; from is 0 if it holds no plain one, which means what it says.
func itemIn(line string) (depth, from, to int) {
	line = strings.TrimSuffix(line, "\r")
	item := strings.TrimLeft(line, " ")
	depth = len(line) - len(item)
	id, ok := strings.CutPrefix(item, "- ")
	if !ok || id == "" {
		return 0, 0, 0
	}
	from, to = depth+2, len(line)
	switch quote := id[0]; quote {
	case '"', '\'':
		if len(id) < 3 || id[len(id)-1] != quote {
			return 0, 0, 0
		}
		from, to = from+1, to-1
	case '-', '.': // of more meaning where no quote is before
		return 0, 0, 0
	}
	for i := from; i < to; i++ {
		if !isPlainByte(line[i]) {
			return 0, 0, 0
		}
	}
	if strings.EqualFold(line[from:to], "null") {
		return 0, 0, 0
	}
	return depth, from, to
}

// isPlainByte reports whether a byte means itself wherever it is in an id.
func isPlainByte(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || b == '_' || b == '-' || b == '.'
}

// lineAt returns the line at a place, and where the next one begins.
func lineAt(content string, at int) (line string, next int) {
	line, _, _ = strings.Cut(content[at:], "\n")
	return line, min(at+len(line)+1, len(content))
}

// longRuns finds the runs of a content, by their first lines.
func longRuns(content string) map[int]run {
	runs := make(map[int]run)
	for at, number := 0, 1; at < len(content); {
		line, next := lineAt(content, at)
		depth, id, _ := itemIn(line)
		r := run{first: number, last: number, from: next, to: at}
		for at, number = next, number+1; id > 0 && at < len(content); number++ {
			line, next := lineAt(content, at)
			if d, id, _ := itemIn(line); id == 0 || d != depth {
				break
			}
			r.last, r.to, at = number, at, next
		}
		if r.last-r.first >= longRun {
			runs[r.first] = r
		}
	}
	return runs
}

// thinned returns a content with empty lines in place of those amid runs.
func thinned(content string, runs map[int]run) string {
	if len(runs) == 0 {
		return content
	}
	length := len(content)
	for _, r := range runs {
		length += r.last - r.first - 1 - (r.to - r.from)
	}
	var b strings.Builder
	b.Grow(length)
	for at, number := 0, 1; at < len(content); number++ {
		_, next := lineAt(content, at)
		b.WriteString(content[at:next])
		at = next
		if r, ok := runs[number]; ok {
			for ; number < r.last-1; number++ {
				b.WriteByte('\n')
			}
			at = r.to
		}
	}
	return b.String()
}

// allAreLists reports whether each run is what it looks like: a part of a list, and not of a text of several lines.
func allAreLists(root *yaml.Node, runs map[int]run) bool {
	found := 0
	var look func(n *yaml.Node)
	look = func(n *yaml.Node) {
		for i, inner := range n.Content {
			r, begins := runs[inner.Line]
			if begins && n.Kind == yaml.SequenceNode && inner.Kind == yaml.ScalarNode && i+1 < len(n.Content) && n.Content[i+1].Line == r.last {
				found++
			}
			look(inner)
		}
	}
	look(root)
	return found == len(runs)
}

// amid takes the ids of a run that were not parsed.
func (r run) amid(attrs int, h *list) {
	for at, number := r.from, r.first+1; at < r.to; number++ {
		line, next := lineAt(h.Text(), at)
		_, from, to := itemIn(line)
		h.ID(parsed.Span{Text: line[from:to], At: at + from}, attrs, number)
		at = next
	}
}
