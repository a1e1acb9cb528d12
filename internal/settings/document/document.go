// Package document reads one YAML file strictly: what it holds has a line and a path, every problem names them, and one does not hide
// the next. Aliases, tags and keys that are there twice are problems.
package document

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"
	"sort"
	"strings"

	"gopkg.in/yaml.v3"
)

// Document is one file, and what is wrong with it.
type Document struct {
	file     string
	problems Problems
}

// New returns the document of the file of that name; it is empty for what is in no file.
func New(file string) *Document { return &Document{file: file} }

// Err returns all problems, of type Problems and in the order of their lines, or nil if there are none.
func (d *Document) Err() error { return d.problems.err() }

// Problems returns how many problems there are so far.
func (d *Document) Problems() int { return len(d.problems) }

// Value is a part of the file and the path that leads to it.
type Value struct {
	node *yaml.Node
	path string
}

// Outside is where something should be that is in no line of the file.
func Outside(path string) Value { return Value{&yaml.Node{}, path} }

// IsEmpty reports whether there is nothing, be it that the file is empty.
func (v Value) IsEmpty() bool { return v.node.IsZero() || v.node.Tag == "!!null" }

// IsMapping reports whether v is a mapping.
func (v Value) IsMapping() bool { return v.node.Kind == yaml.MappingNode }

// Path returns the path that leads to v, such as accounts[0].timeout.
func (v Value) Path() string { return v.path }

// Text returns what is written where v is a scalar.
func (v Value) Text() string { return v.node.Value }

// Tag returns what YAML takes v for, such as !!int.
func (v Value) Tag() string { return v.node.Tag }

// Len returns how many items the list v has.
func (v Value) Len() int { return len(v.node.Content) }

// Item returns an item of the list v.
func (v Value) Item(i int) Value { return Value{v.node.Content[i], fmt.Sprintf("%s[%d]", v.path, i)} }

// Has reports whether a mapping has a setting of that name.
func (v Value) Has(name string) bool {
	for i := 0; v.IsMapping() && i+1 < v.Len(); i += 2 {
		if v.node.Content[i].Value == name {
			return true
		}
	}
	return false
}

// Missing returns where a key of v should be.
func (v Value) Missing(name string) Value { return Value{v.node, v.key(name)} }

// Scalar returns the scalar that a text would be if it stood at a path.
func Scalar(path, text string) (Value, error) {
	var node yaml.Node
	if err := yaml.Unmarshal([]byte(text), &node); err != nil {
		return Value{}, err
	}
	return Value{node.Content[0], path}, nil
}

// key returns the path of a key of v.
func (v Value) key(name string) string {
	if len(name) > 64 || !Only(name, Letters+Digits+"_-") {
		name = Quote(name)
	}
	if v.path == "" {
		return name
	}
	return v.path + "." + name
}

// Parse returns the only document of text; ok is false if there is none.
func (d *Document) Parse(text []byte) (root Value, ok bool) {
	stream := yaml.NewDecoder(bytes.NewReader(text))
	var first, second yaml.Node
	err := stream.Decode(&first)
	if errors.Is(err, io.EOF) {
		return Outside(""), true
	}
	if err == nil {
		err = stream.Decode(&second)
	}
	switch {
	case err == nil:
		d.Report(Value{node: &second}, "is a second document; one file holds one")
		return Value{}, false
	case !errors.Is(err, io.EOF):
		d.Report(Value{node: &yaml.Node{Line: failingLine(text, err)}}, "is not YAML: %s", withoutLine(err))
		return Value{}, false
	}
	return Value{node: first.Content[0]}, true
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

// Report adds a problem of v.
func (d *Document) Report(v Value, format string, args ...any) {
	d.problems = append(d.problems, Problem{
		File: d.file, Line: v.node.Line, Field: v.path, Message: fmt.Sprintf(format, args...),
	})
}

// is reports whether v is of a kind; if not, a problem says that it must be what.
func (d *Document) is(v Value, kind yaml.Kind, what string) bool {
	switch {
	case v.node.Kind == yaml.AliasNode:
		d.Report(v, "is an alias, which is not supported; write it out")
	case v.node.Style&yaml.TaggedStyle != 0:
		d.Report(v, "has a tag, which is not supported")
	case v.node.Tag == "!!null":
		d.Report(v, "has no value; it must be %s", what)
	case v.node.Kind != kind:
		d.Report(v, "must be %s", what)
	default:
		return true
	}
	return false
}

// Mapping reports whether v is a mapping; if not, that is a problem.
func (d *Document) Mapping(v Value) bool {
	return d.is(v, yaml.MappingNode, "a mapping of keys to values")
}

// List reports whether v is a list; if not, that is a problem.
func (d *Document) List(v Value) bool { return d.is(v, yaml.SequenceNode, "a list") }

// Scalar returns the text of v as it is written, whatever YAML takes it for.
func (d *Document) Scalar(v Value, what string) (string, bool) {
	if !d.is(v, yaml.ScalarNode, what) {
		return "", false
	}
	return v.node.Value, true
}

// Pairs yields what the mapping v holds, each key once. The first value has the line of the key and the path of the second.
func (d *Document) Pairs(v Value) iter.Seq2[Value, Value] {
	return func(yield func(Value, Value) bool) {
		seen := map[string]int{}
		for i := 0; i+1 < len(v.node.Content); i += 2 {
			key, val := v.node.Content[i], v.node.Content[i+1]
			at := Value{key, v.key(key.Value)}
			if key.Kind != yaml.ScalarNode {
				d.Report(Value{key, v.path}, "has a key that is not plain text")
			} else if line, dup := seen[key.Value]; dup {
				d.Report(at, "is there twice, first in line %d", line)
			} else {
				seen[key.Value] = key.Line
				if !yield(at, Value{val, at.path}) {
					return
				}
			}
		}
	}
}

// Encode returns a node as the text of a file.
func Encode(node *yaml.Node) ([]byte, error) {
	var text bytes.Buffer
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	if err := encoder.Encode(node); err != nil {
		return nil, err
	}
	return text.Bytes(), encoder.Close()
}
