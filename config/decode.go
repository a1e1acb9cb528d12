// A small strict decoder of YAML: every error has a line and a path, and one error does not hide the next.

package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/units"
	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"
)

// decoder collects the problems of one file.
type decoder struct {
	file     string
	problems Errors
}

// value is a part of the file and the path that leads to it.
type value struct {
	node *yaml.Node
	path string
}

// key returns the path of a key of v.
func (v value) key(name string) string {
	if len(name) > 64 || !only(name, letters+digits+"_-") {
		name = quote(name)
	}
	if v.path == "" {
		return name
	}
	return v.path + "." + name
}

// reader takes a value over, or reports what is wrong with it.
type reader func(v value)

// fields are the settings that an object may have.
type fields map[string]reader

// parse returns the only document of text; ok is false if there is none.
func (d *decoder) parse(text []byte) (root value, ok bool) {
	stream := yaml.NewDecoder(bytes.NewReader(text))
	var first, second yaml.Node
	err := stream.Decode(&first)
	if errors.Is(err, io.EOF) {
		return value{node: &yaml.Node{}}, true
	}
	if err == nil {
		err = stream.Decode(&second)
	}
	switch {
	case err == nil:
		d.report(value{node: &second}, "is a second document; one file holds one")
		return value{}, false
	case !errors.Is(err, io.EOF):
		d.report(value{node: &yaml.Node{Line: failingLine(text, err)}}, "is not YAML: %s", withoutLine(err))
		return value{}, false
	}
	return value{node: first.Content[0]}, true
}

// failingLine returns the line at which the parser first fails with err.
// The line the parser tells is none, off by one, or where the surrounding list or mapping begins.
func failingLine(text []byte, err error) int {
	lines := bytes.SplitAfter(text, []byte("\n"))
	ends := make([]int, len(lines))
	for i, end := 0, 0; i < len(lines); i++ {
		end += len(lines[i])
		ends[i] = end
	}
	return 1 + sort.Search(len(ends)-1, func(i int) bool {
		stream := yaml.NewDecoder(bytes.NewReader(text[:ends[i]]))
		for {
			var node yaml.Node
			if e := stream.Decode(&node); e != nil {
				return e.Error() == err.Error()
			}
		}
	})
}

// withoutLine returns the text of a parser's error without the line it tells.
func withoutLine(err error) string {
	s := strings.TrimPrefix(err.Error(), "yaml: ")
	if _, after, ok := strings.Cut(s, ": "); ok && strings.HasPrefix(s, "line ") {
		return after
	}
	return s
}

// report adds a problem of v.
func (d *decoder) report(v value, format string, args ...any) {
	d.problems = append(d.problems, Problem{
		File: d.file, Line: v.node.Line, Field: v.path, Message: fmt.Sprintf(format, args...),
	})
}

// is reports whether v is of a kind; if not, a problem says that it must be what.
func (d *decoder) is(v value, kind yaml.Kind, what string) bool {
	switch {
	case v.node.Kind == yaml.AliasNode:
		d.report(v, "is an alias, which is not supported; write it out")
	case v.node.Style&yaml.TaggedStyle != 0:
		d.report(v, "has a tag, which is not supported")
	case v.node.Tag == "!!null":
		d.report(v, "has no value; it must be %s", what)
	case v.node.Kind != kind:
		d.report(v, "must be %s", what)
	default:
		return true
	}
	return false
}

// items yields what a list of at least that many items holds.
func (d *decoder) items(v value, least int) iter.Seq2[int, value] {
	return func(yield func(int, value) bool) {
		if !d.is(v, yaml.SequenceNode, "a list") {
			return
		}
		if len(v.node.Content) < least {
			d.report(v, "must have at least %d item", least)
		}
		for i, n := range v.node.Content {
			if !yield(i, value{n, fmt.Sprintf("%s[%d]", v.path, i)}) {
				return
			}
		}
	}
}

func (d *decoder) isMapping(v value) bool {
	return d.is(v, yaml.MappingNode, "a mapping of keys to values")
}

// pairs yields what the mapping v holds, each key once. The first value has the line of the key and the path of the second.
func (d *decoder) pairs(v value) iter.Seq2[value, value] {
	return func(yield func(value, value) bool) {
		seen := map[string]int{}
		for i := 0; i+1 < len(v.node.Content); i += 2 {
			key, val := v.node.Content[i], v.node.Content[i+1]
			at := value{key, v.key(key.Value)}
			if key.Kind != yaml.ScalarNode {
				d.report(value{key, v.path}, "has a key that is not plain text")
			} else if line, dup := seen[key.Value]; dup {
				d.report(at, "is there twice, first in line %d", line)
			} else {
				seen[key.Value] = key.Line
				if !yield(at, value{val, at.path}) {
					return
				}
			}
		}
	}
}

// object reads a mapping of known keys and returns the values that are there, or nil if v is no mapping.
func (d *decoder) object(v value, known fields) map[string]value {
	if !d.isMapping(v) {
		return nil
	}
	present := map[string]value{}
	for key, val := range d.pairs(v) {
		if read, ok := known[key.node.Value]; ok {
			present[key.node.Value] = val
			read(val)
		} else {
			d.report(key, "unknown key; known here: %s", strings.Join(slices.Sorted(maps.Keys(known)), ", "))
		}
	}
	return present
}

// scalar returns the text of v as it is written, whatever YAML takes it for.
func (d *decoder) scalar(v value, what string) (string, bool) {
	if !d.is(v, yaml.ScalarNode, what) {
		return "", false
	}
	return v.node.Value, true
}

// text reads a string that is not empty.
func (d *decoder) text(into *string) reader {
	return func(v value) {
		switch s, ok := d.scalar(v, "a text"); {
		case !ok:
		case s == "":
			d.report(v, "must not be empty")
		default:
			*into = s
		}
	}
}

// boolean reads true or false.
func (d *decoder) boolean(into *bool) reader {
	const what = "true or false"
	return func(v value) {
		switch s, ok := d.scalar(v, what); {
		case !ok:
		case v.node.Tag != "!!bool":
			d.report(v, "must be %s", what)
		default:
			*into = strings.EqualFold(s, "true")
		}
	}
}

// integer reads a whole decimal number from least to most.
func (d *decoder) integer(into *int, least, most int) reader {
	const what = "a whole number"
	return func(v value) {
		s, ok := d.scalar(v, what)
		if !ok {
			return
		}
		n, err := strconv.Atoi(s)
		switch {
		case v.node.Tag != "!!int" || err != nil:
			d.report(v, "must be %s (got %s)", what, quote(s))
		case n < least || n > most:
			d.report(v, "must be %d to %d (got %d)", least, most, n)
		default:
			*into = n
		}
	}
}

// size reads a number of bytes, with or without a unit, from least to most. As for Prometheus, KB, MB and GB are KiB, MiB and GiB.
func (d *decoder) size(into *units.Base2Bytes, least, most units.Base2Bytes) reader {
	const what = "a number of bytes, such as 64MiB"
	return func(v value) {
		s, ok := d.scalar(v, what)
		if !ok {
			return
		}
		text := s
		if only(text, digits) {
			text += "B"
		}
		switch n, err := units.ParseBase2Bytes(text); {
		case err != nil:
			d.report(v, "must be %s (got %s)", what, quote(s))
		case n < least || n > most:
			d.report(v, "must be %s to %s (got %s)", least, most, quote(s))
		default:
			*into = n
		}
	}
}

// rate reads a number greater than 0. Its range keeps the time between two requests far from overflow.
func (d *decoder) rate(into *float64) reader {
	const what, least, most = "a number", 0.001, 100_000
	return func(v value) {
		s, ok := d.scalar(v, what)
		if !ok {
			return
		}
		f, err := strconv.ParseFloat(s, 64)
		switch {
		case v.node.Tag != "!!int" && v.node.Tag != "!!float" || err != nil: // .inf and .nan are errors too
			d.report(v, "must be %s (got %s)", what, quote(s))
		case f <= 0:
			d.report(v, "must be greater than 0 (got %s)", quote(s))
		case f < least || f > most:
			d.report(v, "must be %g to %d (got %s)", least, most, quote(s))
		default:
			*into = f
		}
	}
}

// duration reads a time with a unit, from least to most.
func (d *decoder) duration(into *time.Duration, least, most time.Duration) reader {
	const what = "a time with a unit, such as 30s or 1m30s"
	return func(v value) {
		s, ok := d.scalar(v, what)
		if !ok {
			return
		}
		parsed, err := model.ParseDuration(s)
		switch got := time.Duration(parsed); {
		case err != nil:
			d.report(v, "must be %s (got %s)", what, quote(s))
		case got < least || got > most:
			d.report(v, "must be %s to %s (got %s)", model.Duration(least), model.Duration(most), quote(s))
		default:
			*into = got
		}
	}
}

// durationOrOff reads a time with a unit that is either 0 or from least to most.
func (d *decoder) durationOrOff(into *time.Duration, least, most time.Duration) reader {
	return func(v value) {
		got := *into
		d.duration(&got, 0, most)(v)
		if got != 0 && got < least {
			d.report(v, "must be 0s or %s to %s (got %s)", model.Duration(least), model.Duration(most), model.Duration(got))
			return
		}
		*into = got
	}
}

// quote returns what a user wrote, readable, and cut short.
func quote(s string) string {
	const most = 64
	if len(s) > most {
		return strconv.QuoteToASCII(s[:most]) + "…"
	}
	return readable(s)
}

// readable returns s, quoted if it would not stand out or not be safe to print.
func readable(s string) string {
	if q := strconv.Quote(s); q != `"`+s+`"` || s == "" || strings.ContainsRune(s, ' ') {
		return q
	}
	return s
}
