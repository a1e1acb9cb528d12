// Lists in YAML.

package source

import (
	"context"
	"errors"
	"io"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// maxParts is how many names, texts, lists, mappings and comments a YAML list may have at most, besides ids in long runs. Each takes
// up to 320 bytes while it is parsed, what is let go of meanwhile included: 16 MiB for all.
const maxParts = 50_000

var (
	errParts     = errors.New("too many parts for YAML; a list of lines of ids or of JSON may be longer")
	errDirective = errors.New("a YAML directive, which no list needs")
	errAnchor    = errors.New("a YAML anchor or alias, which no list needs")
	errTag       = errors.New("a YAML tag, which no list needs")
)

// parseYAML reads a list of entries, ids or tasks in YAML, or a single entry.
func parseYAML(content string, h *harvest) error {
	return parseWithout(longRuns(content), content, h)
}

// parseWithout reads a list whose long runs are not parsed id by id, if they are what they look like.
func parseWithout(runs map[int]run, content string, h *harvest) error {
	root, err := parsedYAML(h, thinned(content, runs))
	if err == nil && root != nil && !allAreLists(root, runs) {
		runs = nil
		root, err = parsedYAML(h, content)
	}
	if err != nil || root == nil {
		return err
	}
	h.runs = runs
	if err := plainNode(root); err != nil {
		return err
	}
	if root.Kind == yaml.MappingNode {
		return yamlEntry(root, h)
	}
	if root.Kind != yaml.SequenceNode {
		return at(root, errNotEntries)
	}
	for _, element := range root.Content {
		if err := yamlElement(element, h); err != nil {
			return err
		}
	}
	return nil
}

// parsedYAML returns what the one document of a content holds; nil: nothing.
func parsedYAML(h *harvest, content string) (*yaml.Node, error) {
	if err := plainYAML(content); err != nil {
		return nil, err
	}
	return yamlRoot(h.ctx, content)
}

// plainYAML refuses what would be slow or large to parse.
func plainYAML(content string) error {
	line := 1
	begins := true // a line
	p := yamlParts{mapping: strings.IndexByte(content, '{') >= 0}
	for i, c := range content {
		switch c {
		case '%':
			if begins {
				return &located{line, errDirective}
			}
		case '\n':
			line++
		default:
			p.count(c, content[i+1:])
		}
		begins = c == '\n' || c == '\r' || c == '\u0085' || c == '\u2028' || c == '\u2029'
	}
	if p.total > maxParts {
		return errParts
	}
	return nil
}

// yamlParts counts the parts of a YAML list before it is parsed: never fewer than it has.
type yamlParts struct {
	total   int
	mapping bool // there is one in braces, where a name between commas has an empty value besides
	colon   bool // since the last comma
}

func (p *yamlParts) count(c rune, rest string) {
	switch c {
	case '-':
		if rest == "" || strings.IndexByte(" \t\r\n", rest[0]) >= 0 {
			p.total++
		}
	case '[', '{':
		p.total++
	case '#': // a comment is put together byte by byte
		p.total += 3
	case ':': // a name and a value
		p.total += 2
		p.colon = true
	case '?': // the same, in a mapping of their own
		p.total += 3
	case ',':
		p.total++
		if p.mapping && !p.colon {
			p.total++
		}
		p.colon = false
	}
}

// plainNode refuses what is more than lists, names and texts.
func plainNode(n *yaml.Node) error {
	switch {
	case n.Anchor != "" || n.Kind == yaml.AliasNode:
		return at(n, errAnchor)
	case n.Style&yaml.TaggedStyle != 0:
		return at(n, errTag)
	}
	for _, inner := range n.Content {
		if err := plainNode(inner); err != nil {
			return err
		}
	}
	return nil
}

// yamlError is an error of the YAML package without more than a little of what it quotes.
func yamlError(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return errors.New(kie.CleanLabel(err.Error()))
}

// yamlRoot returns what the one document holds; nil: nothing.
func yamlRoot(ctx context.Context, content string) (*yaml.Node, error) {
	dec := yaml.NewDecoder(reader{ctx, strings.NewReader(content)})
	var doc, second yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, yamlError(err)
	}
	if err := dec.Decode(&second); err == nil {
		return nil, at(&second, errSecond)
	} else if !errors.Is(err, io.EOF) {
		return nil, yamlError(err)
	}
	if isNull(doc.Content[0]) {
		return nil, nil
	}
	return doc.Content[0], nil
}

func yamlElement(element *yaml.Node, h *harvest) error {
	if element.Kind == yaml.MappingNode {
		return yamlEntry(element, h)
	}
	if element.Kind != yaml.ScalarNode {
		return at(element, errNotEntries)
	}
	yamlID(element, 0, h)
	return nil
}

func yamlID(id *yaml.Node, said int, h *harvest) {
	if isNull(id) {
		h.fault(id.Line, id.Value, errNoID)
		return
	}
	h.id(piece{id.Value, -1}, said, id.Line)
	if r, ok := h.runs[id.Line]; ok {
		r.amid(said, h)
	}
}

// yamlObject is what the keys of a mapping said.
type yamlObject struct {
	saying
	tasks, labels *yaml.Node
	foreign       error // of its first key that is only right if it has a taskId
}

// yamlEntry reads tasks with labels, or a single task.
func yamlEntry(entry *yaml.Node, h *harvest) error {
	var o yamlObject
	if err := o.readAll(entry); err != nil {
		return err
	}
	labels, err := yamlLabels(o.labels)
	switch {
	case err != nil:
		return err
	case o.foreign == nil:
		return yamlTasks(o.tasks, labels, h)
	case o.tasks != nil:
		return o.foreign
	case o.named():
		said, err := h.say(o.model, labels)
		if err != nil {
			return err
		}
		h.id(o.taskID(), said, entry.Line)
	case o.refused:
		h.refused(entry.Line)
	case o.keyed:
		h.fault(entry.Line, "", errNoID)
	default:
		return o.foreign
	}
	return nil
}

// readAll reads every key and its value.
func (o *yamlObject) readAll(entry *yaml.Node) error {
	for i := 0; i < len(entry.Content); i += 2 {
		key, value := entry.Content[i], entry.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			return at(key, errNotEntries)
		case key.Value == "tasks" && o.tasks == nil:
			o.tasks = value
		case key.Value == "labels" && o.labels == nil:
			o.labels = value
		case key.Value == "tasks" || key.Value == "labels":
			return at(key, errKeyTwice(key.Value))
		default:
			if o.foreign == nil {
				o.foreign = at(key, errUnknownKey(key.Value))
			}
			o.readYAML(key.Value, value, false)
		}
	}
	return nil
}

// readYAML does what read does, for a key in YAML. An id there is the text as it is written.
func (s *saying) readYAML(key string, value *yaml.Node, inner bool) {
	scalar := value.Kind == yaml.ScalarNode && !isNull(value)
	id := &s.id
	if inner {
		id = &s.inner
	}
	switch {
	case isIDKey(key):
		s.keyed = true
		if scalar && (id.text == "" || key == "taskId") {
			*id = piece{value.Value, -1}
		}
	case strings.EqualFold(key, "model") && scalar && s.model == "":
		s.model = value.Value
	case strings.EqualFold(key, "code") && scalar && !inner:
		s.refused = isRefusal(value.Value)
	case strings.EqualFold(key, "data") && value.Kind == yaml.MappingNode && !inner:
		for i := 0; i < len(value.Content); i += 2 {
			s.readYAML(value.Content[i].Value, value.Content[i+1], true)
		}
	}
}

// yamlTasks reads the tasks of an entry, if there are any.
func yamlTasks(tasks *yaml.Node, labels map[string]string, h *harvest) error {
	if tasks == nil || isNull(tasks) {
		return nil
	}
	if tasks.Kind != yaml.SequenceNode {
		return at(tasks, errNoTasks)
	}
	said, err := h.say("", labels)
	if err != nil {
		return err
	}
	for _, id := range tasks.Content {
		switch id.Kind {
		case yaml.ScalarNode:
			yamlID(id, said, h)
		case yaml.MappingNode:
			if err := yamlTask(id, said, h); err != nil {
				return err
			}
		default:
			return at(id, errNoTasks)
		}
	}
	return nil
}

// yamlTask reads an object among the tasks of an entry, whose labels it has.
func yamlTask(task *yaml.Node, said int, h *harvest) error {
	var s saying
	for i := 0; i < len(task.Content); i += 2 {
		s.readYAML(task.Content[i].Value, task.Content[i+1], false)
	}
	switch {
	case s.named():
		h.id(s.taskID(), said, task.Line)
	case s.refused:
		h.refused(task.Line)
	default:
		return at(task, errNoTasks)
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

func at(n *yaml.Node, err error) error { return &located{n.Line, err} }
