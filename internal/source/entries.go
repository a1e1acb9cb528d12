// The formats of lists that hold together as a whole: ids, tasks, and entries of tasks and labels, in JSON.

package source

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"strings"
	"unicode/utf8"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

const (
	maxLabels    = 32 // of an entry
	maxLabelName = 64 // bytes
)

var (
	errNotUTF8    = errors.New("text is not UTF-8")
	errNotEntries = errors.New("want a list of {tasks: […], labels: {…}}, of task ids, or of objects with a taskId")
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
	if len(t.labels) == 0 {
		return &traits{group: t.group, labels: labels, own: labels}
	}
	merged := maps.Clone(t.labels)
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
		return fmt.Errorf("label %s is there twice", quoted(name))
	case len(name) > maxLabelName || !labelName.MatchString(name) || strings.HasPrefix(name, "__"):
		return fmt.Errorf("%s can't be the name of a label", quoted(name))
	case value != "" && !kie.ValidID(value):
		return fmt.Errorf("label %s: value over 128 bytes or with control characters", quoted(name))
	case len(labels) >= maxLabels:
		return fmt.Errorf("more than %d labels", maxLabels)
	}
	labels[name] = value
	return nil
}

func errUnknownKey(key string) error {
	return fmt.Errorf("unknown key %s: %w", quoted(key), errNotEntries)
}

func errKeyTwice(key string) error { return fmt.Errorf("key %s is there twice", quoted(key)) }

// located is an error with its line.
type located struct {
	line int
	err  error
}

func (e *located) Error() string { return fmt.Sprintf("line %d: %v", e.line, e.err) }

func (e *located) Unwrap() error { return e.err }

// parseJSON reads a list of entries, ids or tasks in JSON, or a single entry.
func parseJSON(content string, h *harvest) error {
	if !utf8.ValidString(content) {
		return errNotUTF8
	}
	w := jsonList{cursor: cursor{text: content, line: 1, ended: h.ctx.Err}, h: h}
	err := w.list()
	if err == nil {
		return nil
	}
	if _, ok := errors.AsType[*located](err); !ok {
		err = &located{w.lineNow(), err}
	}
	return err
}

// jsonList goes through a list in JSON.
type jsonList struct {
	cursor
	h       *harvest
	scratch map[string]string // the labels of the entry at hand
}

// jsonEntry is what the keys of an object said.
type jsonEntry struct {
	saying
	said    int // the place of what is said of its tasks; 0: it has none
	labels  map[string]string
	foreign error // of its first key that is only right if it has a taskId
}

func (w *jsonList) list() error {
	var err error
	switch b := w.next(); {
	case b == '[':
		err = w.array(w.element)
	case b == '{':
		err = w.entry()
	case w.at == len(w.text):
		return io.ErrUnexpectedEOF
	default:
		return errNotEntries
	}
	if err != nil {
		return err
	}
	if w.next(); w.at < len(w.text) {
		return errSecond
	}
	return nil
}

// element reads an element of the list.
func (w *jsonList) element() error {
	switch w.next() {
	case '{':
		return w.entry()
	case '[':
		return errNotEntries
	}
	return w.id(0)
}

// task reads an element of an entry's tasks.
func (w *jsonList) task(said int) error {
	switch w.next() {
	case '{':
		return w.taskObject(said)
	case '[':
		return errNoTasks
	}
	return w.id(said)
}

func (w *jsonList) id(said int) error {
	start, line := w.at, w.lineNow()
	if w.next() == '"' {
		id, err := w.string()
		if err != nil {
			return err
		}
		w.h.id(id, said, line)
		return w.h.spend(w.at - start)
	}
	word, err := w.scalar()
	if err != nil {
		return err
	}
	if isNumber(word.text) {
		w.h.id(word, said, line)
	} else {
		w.h.fault(line, word.text, errNoID)
	}
	return w.h.spend(w.at - start)
}

// taskObject reads an object among the tasks of an entry. The labels are the entry's; its model will be told by the first answer.
func (w *jsonList) taskObject(said int) error {
	line := w.lineNow()
	var s saying
	err := w.object(func(key string) error { return s.read(&w.cursor, key) })
	switch {
	case err != nil:
		return err
	case s.named():
		w.h.id(s.taskID(), said, line)
	case s.refused:
		w.h.refused(line)
	default:
		return &located{line, errNoTasks}
	}
	return nil
}

// entry reads an object: tasks with labels, or a single task.
func (w *jsonList) entry() error {
	start, line := w.at, w.lineNow()
	var e jsonEntry
	if err := w.object(func(key string) error { return w.field(&e, key) }); err != nil {
		return err
	}
	switch {
	case e.foreign == nil:
		if err := w.h.fill(e.said, e.labels); err != nil {
			return err
		}
	case e.said > 0:
		return e.foreign
	case e.named():
		said, err := w.h.say(e.model, e.labels)
		if err != nil {
			return err
		}
		w.h.id(e.taskID(), said, line)
	case e.refused:
		w.h.refused(line)
	case e.keyed:
		w.h.fault(line, w.text[start:w.at], errNoID)
	default:
		return e.foreign
	}
	return w.h.spend(w.at - start)
}

func (w *jsonList) field(e *jsonEntry, key string) (err error) {
	switch key {
	case "tasks":
		if e.said > 0 {
			return errKeyTwice(key)
		}
		if w.next() != '[' {
			return errNoTasks
		}
		if e.said, err = w.h.reserve(); err != nil {
			return err
		}
		return w.array(func() error { return w.task(e.said) })
	case "labels":
		if e.labels != nil {
			return errKeyTwice(key)
		}
		if w.scratch == nil {
			w.scratch = make(map[string]string)
		}
		clear(w.scratch)
		e.labels = w.scratch
		return w.labels(e.labels)
	}
	if e.foreign == nil {
		e.foreign = &located{w.lineNow(), errUnknownKey(key)}
	}
	return e.read(&w.cursor, key)
}

func (w *jsonList) labels(own map[string]string) error {
	if w.next() != '{' {
		return errNoLabels
	}
	return w.object(func(name string) error {
		switch w.next() {
		case '"':
			value, err := w.string()
			if err != nil {
				return err
			}
			return addLabel(own, name, value.text)
		case '{', '[':
			return errNoLabels
		}
		value, err := w.scalar()
		if err == nil && value.text == "null" {
			err = errNoLabels
		}
		if err != nil {
			return err
		}
		return addLabel(own, name, value.text)
	})
}
