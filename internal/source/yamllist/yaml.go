// Package yamllist reads lists in YAML, within bounds of the time and memory that the parser takes.
package yamllist

import (
	"context"
	"errors"
	"io"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/source/bounded"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
)

// maxParts is how many names, texts, lists, mappings and comments a YAML list may have at most, besides ids in long runs. Each takes
// up to 320 bytes while it is parsed, what is let go of meanwhile included: 16 MiB for all.
const maxParts = 50_000

// MaxBytes is how long a list in YAML may be, which takes many times its size in memory while it is parsed.
const MaxBytes = 4 << 20

var (
	errParts     = errors.New("too many parts for YAML; a list of lines of ids or of JSON may be longer")
	errDirective = errors.New("a YAML directive, which no list needs")
	errAnchor    = errors.New("a YAML anchor or alias, which no list needs")
	errTag       = errors.New("a YAML tag, which no list needs")
)

// Parse reads a list of entries, ids or tasks in YAML, or a single entry.
func Parse(content string, h *parsed.List) error {
	return parseWithout(longRuns(content), content, h)
}

// list is a list that is being filled.
type list struct {
	*parsed.List
	runs map[int]run // lines whose ids are not parsed one by one
}

// parseWithout reads a list whose long runs are not parsed id by id, if they are what they look like.
func parseWithout(runs map[int]run, content string, into *parsed.List) error {
	h := &list{List: into}
	root, err := document(h, thinned(content, runs))
	if err == nil && root != nil && !allAreLists(root, runs) {
		runs = nil
		root, err = document(h, content)
	}
	if err != nil || root == nil {
		return err
	}
	h.runs = runs
	if err := plainNode(root); err != nil {
		return err
	}
	if root.Kind == yaml.MappingNode {
		return takeEntry(root, h)
	}
	if root.Kind != yaml.SequenceNode {
		return at(root, parsed.ErrNotEntries)
	}
	for _, element := range root.Content {
		if err := takeElement(element, h); err != nil {
			return err
		}
	}
	return nil
}

// document returns what the one document of a content holds; nil: nothing.
func document(h *list, content string) (*yaml.Node, error) {
	if err := plain(content); err != nil {
		return nil, err
	}
	return rootOf(h.Context(), content)
}

// plain refuses what would be slow or large to parse.
func plain(content string) error {
	line := 1
	begins := true // a line
	p := parts{mapping: strings.IndexByte(content, '{') >= 0}
	for i, c := range content {
		switch c {
		case '%':
			if begins {
				return parsed.At(line, errDirective)
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

// parts counts the parts of a YAML list before it is parsed: never fewer than it has.
type parts struct {
	total   int
	mapping bool // there is one in braces, where a name between commas has an empty value besides
	colon   bool // since the last comma
}

func (p *parts) count(c rune, rest string) {
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

// cleaned is an error of the YAML package without more than a little of what it quotes.
func cleaned(err error) error {
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return errors.New(kie.CleanLabel(err.Error()))
}

// rootOf returns what the one document holds; nil: nothing.
func rootOf(ctx context.Context, content string) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bounded.Reader{Ctx: ctx, Reader: strings.NewReader(content)})
	var doc, second yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, cleaned(err)
	}
	if err := dec.Decode(&second); err == nil {
		return nil, at(&second, parsed.ErrSecond)
	} else if !errors.Is(err, io.EOF) {
		return nil, cleaned(err)
	}
	if isNull(doc.Content[0]) {
		return nil, nil
	}
	return doc.Content[0], nil
}

func takeElement(element *yaml.Node, h *list) error {
	if element.Kind == yaml.MappingNode {
		return takeEntry(element, h)
	}
	if element.Kind != yaml.ScalarNode {
		return at(element, parsed.ErrNotEntries)
	}
	takeID(element, 0, h)
	return nil
}

func takeID(id *yaml.Node, attrs int, h *list) {
	if isNull(id) {
		h.Fault(id.Line, id.Value, parsed.ErrNoID)
		return
	}
	h.ID(parsed.Span{Text: id.Value, At: -1}, attrs, id.Line)
	if r, ok := h.runs[id.Line]; ok {
		r.amid(attrs, h)
	}
}

// fields is what the keys of a mapping attrs.
type fields struct {
	object
	tasks, labels *yaml.Node
	unknownKey    error // of its first key that is only right if it has a taskId
}

// takeEntry reads tasks with labels, or a single task.
func takeEntry(entry *yaml.Node, h *list) error {
	var o fields
	if err := o.readAll(entry); err != nil {
		return err
	}
	labels, err := labelsOf(o.labels)
	switch {
	case err != nil:
		return err
	case o.unknownKey == nil && !o.HasEndpoint():
		return at(entry, parsed.ErrEndpoint)
	case o.unknownKey == nil:
		return takeTasks(o.tasks, o.Endpoint, labels, h)
	case o.tasks != nil:
		return o.unknownKey
	case o.HasID() && !o.HasEndpoint():
		h.Fault(entry.Line, o.Endpoint, parsed.ErrEndpoint)
	case o.HasID():
		attrs, err := h.Describe(o.Hint(), o.Endpoint, labels)
		if err != nil {
			return err
		}
		h.ID(o.TaskID(), attrs, entry.Line)
	case o.Refused:
		h.Refused(entry.Line)
	case o.Keyed:
		h.Fault(entry.Line, "", parsed.ErrNoID)
	default:
		return o.unknownKey
	}
	return nil
}

// readAll reads every key and its value.
func (o *fields) readAll(entry *yaml.Node) error {
	for i := 0; i < len(entry.Content); i += 2 {
		key, value := entry.Content[i], entry.Content[i+1]
		switch {
		case key.Kind != yaml.ScalarNode:
			return at(key, parsed.ErrNotEntries)
		case key.Value == "tasks" && o.tasks == nil:
			o.tasks = value
		case key.Value == "labels" && o.labels == nil:
			o.labels = value
		case key.Value == "tasks" || key.Value == "labels":
			return at(key, parsed.ErrKeyTwice(key.Value))
		default:
			if o.unknownKey == nil && key.Value != "endpoint" {
				o.unknownKey = at(key, parsed.ErrUnknownKey(key.Value))
			}
			o.read(key.Value, value, false)
		}
	}
	return nil
}

// object is what a mapping tells of a task.
type object struct{ parsed.Object }

// read goes over the value of a key. An id is the text as it is written.
func (s *object) read(key string, value *yaml.Node, inner bool) {
	scalar := value.Kind == yaml.ScalarNode && !isNull(value)
	id := &s.ID
	if inner {
		id = &s.Inner
	}
	switch {
	case parsed.IsIDKey(key):
		s.Keyed = true
		if scalar && (id.Text == "" || key == "taskId") {
			*id = parsed.Span{Text: value.Value, At: -1}
		}
	case strings.EqualFold(key, "model") && scalar && s.Model == "":
		s.Model = value.Value
	case strings.EqualFold(key, "variant") && scalar && !inner:
		s.Variant = value.Value
	case strings.EqualFold(key, "endpoint") && scalar && !inner:
		s.Endpoint = value.Value
	case strings.EqualFold(key, "code") && scalar && !inner:
		s.Refused = parsed.IsRefusal(value.Value)
	case strings.EqualFold(key, "data") && value.Kind == yaml.MappingNode && !inner:
		for i := 0; i < len(value.Content); i += 2 {
			s.read(value.Content[i].Value, value.Content[i+1], true)
		}
	}
}

// takeTasks reads the tasks of an entry, if there are any.
func takeTasks(tasks *yaml.Node, endpoint string, labels map[string]string, h *list) error {
	if tasks == nil || isNull(tasks) {
		return nil
	}
	if tasks.Kind != yaml.SequenceNode {
		return at(tasks, parsed.ErrNoTasks)
	}
	attrs, err := h.Describe("", endpoint, labels)
	if err != nil {
		return err
	}
	for _, id := range tasks.Content {
		switch id.Kind {
		case yaml.ScalarNode:
			takeID(id, attrs, h)
		case yaml.MappingNode:
			if err := takeTask(id, attrs, h); err != nil {
				return err
			}
		default:
			return at(id, parsed.ErrNoTasks)
		}
	}
	return nil
}

// takeTask reads an object among the tasks of an entry, whose labels it has.
func takeTask(task *yaml.Node, attrs int, h *list) error {
	var s object
	for i := 0; i < len(task.Content); i += 2 {
		s.read(task.Content[i].Value, task.Content[i+1], false)
	}
	switch {
	case s.HasID() && s.Endpoint != "":
		h.Fault(task.Line, s.TaskID().Text, parsed.ErrInner)
	case s.HasID():
		h.ID(s.TaskID(), attrs, task.Line)
	case s.Refused:
		h.Refused(task.Line)
	default:
		return at(task, parsed.ErrNoTasks)
	}
	return nil
}

func labelsOf(labels *yaml.Node) (map[string]string, error) {
	if labels == nil || isNull(labels) {
		return nil, nil
	}
	if labels.Kind != yaml.MappingNode {
		return nil, at(labels, parsed.ErrNoLabels)
	}
	own := make(map[string]string)
	for i := 0; i < len(labels.Content); i += 2 {
		name, value := labels.Content[i], labels.Content[i+1]
		if name.Kind != yaml.ScalarNode || value.Kind != yaml.ScalarNode || isNull(value) {
			return nil, at(name, parsed.ErrNoLabels)
		}
		if err := parsed.AddLabel(own, name.Value, value.Value); err != nil {
			return nil, at(name, err)
		}
	}
	return own, nil
}

func isNull(n *yaml.Node) bool { return n.Kind == yaml.ScalarNode && n.ShortTag() == "!!null" }

func at(n *yaml.Node, err error) error { return parsed.At(n.Line, err) }
