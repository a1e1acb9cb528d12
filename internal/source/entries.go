// The formats of lists that hold together as a whole: entries of tasks and labels, in YAML or JSON.

package source

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

const (
	maxLabels    = 32 // of an entry
	maxLabelName = 64 // bytes
)

var (
	errNotUTF8    = errors.New("text is not UTF-8")
	errNotEntries = errors.New("want a list of {tasks: […], labels: {…}}")
	errSecond     = errors.New("more than one document")
	errNoLabels   = errors.New("want labels as names with values")
	errNoTasks    = errors.New("want a list of task ids")
)

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

// with returns traits with the labels of an entry over those of the group.
func (t *traits) with(labels map[string]string) *traits {
	if len(labels) == 0 {
		return t
	}
	merged := maps.Clone(t.labels)
	if merged == nil {
		merged = make(map[string]string, len(labels))
	}
	maps.Copy(merged, labels)
	return &traits{group: t.group, labels: merged, own: labels}
}

// over returns what a list says of an id whose group says now what base does.
func (t *traits) over(base *traits) *traits {
	moved := *base.with(t.own)
	moved.model = t.model
	return &moved
}

// addLabel adds a label of an entry, if it may be one.
func addLabel(labels map[string]string, name, value string) error {
	_, twice := labels[name]
	switch {
	case twice:
		return fmt.Errorf("label %q is there twice", name)
	case len(name) > maxLabelName || !labelName.MatchString(name) || strings.HasPrefix(name, "__"):
		return fmt.Errorf("%q can't be the name of a label", name)
	case value != "" && !kie.ValidID(value):
		return fmt.Errorf("label %q: value over 128 bytes or with control characters", name)
	case len(labels) >= maxLabels:
		return fmt.Errorf("more than %d labels", maxLabels)
	}
	labels[name] = value
	return nil
}

// parseYAML reads entries in YAML.
func parseYAML(content string, base *traits, visit func(item)) error {
	entries, err := yamlEntries(content)
	if err != nil {
		return err
	}
	tasks := make([]*yaml.Node, len(entries))
	of := make([]*traits, len(entries))
	for i, entry := range entries {
		if tasks[i], of[i], err = yamlEntry(entry, base); err != nil {
			return err
		}
	}
	for i, list := range tasks {
		if list == nil {
			continue
		}
		for _, id := range list.Content {
			it := check(item{line: id.Line, text: id.Value, traits: of[i]})
			if isNull(id) {
				it.err = errNoID
			}
			visit(it)
		}
	}
	return nil
}

// yamlEntries returns the elements of the one document's list.
func yamlEntries(content string) ([]*yaml.Node, error) {
	dec := yaml.NewDecoder(strings.NewReader(content))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	if err := dec.Decode(&second); err == nil {
		return nil, at(&second, errSecond)
	} else if !errors.Is(err, io.EOF) {
		return nil, err
	}
	root := doc.Content[0]
	if isNull(root) {
		return nil, nil
	}
	if root.Kind != yaml.SequenceNode {
		return nil, at(root, errNotEntries)
	}
	return root.Content, nil
}

// yamlEntry checks an entry and returns its list of tasks, nil if there is none, and what its labels say of them.
func yamlEntry(entry *yaml.Node, base *traits) (tasks *yaml.Node, of *traits, err error) {
	if entry.Kind != yaml.MappingNode {
		return nil, nil, at(entry, errNotEntries)
	}
	var labels *yaml.Node
	for i := 0; i < len(entry.Content); i += 2 {
		key, value := entry.Content[i], entry.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			return nil, nil, at(key, errNotEntries)
		case key.Value == "tasks" && tasks == nil:
			tasks = value
		case key.Value == "labels" && labels == nil:
			labels = value
		case key.Value == "tasks" || key.Value == "labels":
			return nil, nil, at(key, fmt.Errorf("key %q is there twice", key.Value))
		default:
			return nil, nil, at(key, fmt.Errorf("unknown key %q", key.Value))
		}
	}
	if err := yamlTasks(tasks); err != nil {
		return nil, nil, err
	}
	own, err := yamlLabels(labels)
	return tasks, base.with(own), err
}

// yamlTasks checks that tasks is a list of scalars, or nothing.
func yamlTasks(tasks *yaml.Node) error {
	if tasks == nil || isNull(tasks) {
		return nil
	}
	if tasks.Kind != yaml.SequenceNode {
		return at(tasks, errNoTasks)
	}
	for _, id := range tasks.Content {
		if id.Kind != yaml.ScalarNode {
			return at(id, errNoTasks)
		}
	}
	return nil
}

func yamlLabels(labels *yaml.Node) (map[string]string, error) {
	if labels == nil || isNull(labels) {
		return nil, nil
	}
	if labels.Kind != yaml.MappingNode {
		return nil, at(labels, errNoLabels)
	}
	own := make(map[string]string)
	for i := 0; i < len(labels.Content); i += 2 {
		name, value := labels.Content[i], labels.Content[i+1]
		if name.Kind != yaml.ScalarNode || value.Kind != yaml.ScalarNode || isNull(value) {
			return nil, at(name, errNoLabels)
		}
		if err := addLabel(own, name.Value, value.Value); err != nil {
			return nil, at(name, err)
		}
	}
	return own, nil
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func at(n *yaml.Node, err error) error { return fmt.Errorf("line %d: %w", n.Line, err) }

// parseJSON reads entries in JSON. It goes through the tokens twice, so that it need not hold them: first to check them
// and to learn the labels, which may come behind the tasks, then to visit the tasks.
func parseJSON(content string, base *traits, visit func(item)) error {
	if !utf8.ValidString(content) {
		return errNotUTF8
	}
	var of []*traits
	labels := func(own map[string]string) { of = append(of, base.with(own)) }
	if err := walkJSON(content, func(int, item) {}, labels); err != nil {
		return err
	}
	task := func(entry int, it item) {
		it.traits = of[entry]
		visit(it)
	}
	return walkJSON(content, task, func(map[string]string) {})
}

// walkJSON calls task for each id, with the number of its entry, and labels at the end of each entry.
func walkJSON(content string, task func(int, item), labels func(map[string]string)) error {
	w := jsonWalk{content: content, line: 1, dec: json.NewDecoder(strings.NewReader(content))}
	w.dec.UseNumber()
	err := w.list(errNotEntries, func(n int, token json.Token) error {
		if token != json.Delim('{') {
			return errNotEntries
		}
		own, err := w.entry(func(it item) { task(n, it) })
		labels(own)
		return err
	})
	if err == nil {
		if _, more := w.next(); !errors.Is(more, io.EOF) {
			err = errSecond
		}
	}
	if err != nil {
		return fmt.Errorf("line %d: %w", w.line, err)
	}
	return nil
}

// jsonWalk goes through the tokens of a JSON list.
type jsonWalk struct {
	dec     *json.Decoder
	content string
	offset  int64
	line    int // of the last token
}

func (w *jsonWalk) next() (json.Token, error) {
	token, err := w.dec.Token()
	now := min(w.dec.InputOffset(), int64(len(w.content)))
	w.line += strings.Count(w.content[w.offset:now], "\n")
	w.offset = now
	return token, err
}

// list reads a list, calling element with each element's number and first token; want is the error if it is none.
func (w *jsonWalk) list(want error, element func(int, json.Token) error) error {
	token, err := w.next()
	if err != nil {
		return err
	}
	if token != json.Delim('[') {
		return want
	}
	for n := 0; ; n++ {
		token, err := w.next()
		if err != nil {
			return err
		}
		if token == json.Delim(']') {
			return nil
		}
		if err := element(n, token); err != nil {
			return err
		}
	}
}

// object reads the rest of an object, calling value with each key, which the value follows.
func (w *jsonWalk) object(value func(key string) error) error {
	for {
		token, err := w.next()
		if err != nil {
			return err
		}
		key, ok := token.(string)
		if !ok {
			return nil // only its end is no key
		}
		if err := value(key); err != nil {
			return err
		}
	}
}

// entry reads the rest of an entry and returns its labels.
func (w *jsonWalk) entry(task func(item)) (map[string]string, error) {
	var own map[string]string
	seen := make(map[string]bool, 2)
	err := w.object(func(key string) error {
		if seen[key] {
			return fmt.Errorf("key %q is there twice", key)
		}
		seen[key] = true
		switch key {
		case "tasks":
			return w.list(errNoTasks, func(_ int, token json.Token) error { return w.task(token, task) })
		case "labels":
			own = make(map[string]string)
			return w.labels(own)
		}
		return fmt.Errorf("unknown key %q", key)
	})
	return own, err
}

func (w *jsonWalk) task(token json.Token, task func(item)) error {
	switch id := token.(type) {
	case string:
		task(check(item{line: w.line, text: id}))
	case json.Number:
		task(check(item{line: w.line, text: id.String()}))
	case json.Delim:
		return errNoTasks
	default: // null, true, false
		task(item{line: w.line, text: fmt.Sprint(id), err: errNoID})
	}
	return nil
}

func (w *jsonWalk) labels(own map[string]string) error {
	token, err := w.next()
	if err != nil {
		return err
	}
	if token != json.Delim('{') {
		return errNoLabels
	}
	return w.object(func(name string) error {
		token, err := w.next()
		if err != nil {
			return err
		}
		switch value := token.(type) {
		case string:
			return addLabel(own, name, value)
		case json.Number, bool:
			return addLabel(own, name, fmt.Sprint(value))
		}
		return errNoLabels
	})
}
