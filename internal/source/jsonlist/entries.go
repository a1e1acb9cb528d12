// The lists that hold together as a whole: ids, tasks, and entries of tasks and labels.

package jsonlist

import (
	"errors"
	"io"
	"unicode/utf8"

	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
)

var errNotUTF8 = errors.New("text is not UTF-8")

// Parse reads a list of entries, ids or tasks in JSON, or a single entry.
func Parse(content string, h *parsed.List) error {
	if !utf8.ValidString(content) {
		return errNotUTF8
	}
	w := list{cursor: cursor{text: content, line: 1, ended: h.Context().Err}, h: h}
	err := w.document()
	if err == nil {
		return nil
	}
	if !parsed.HasLine(err) {
		err = parsed.At(w.lineNow(), err)
	}
	return err
}

// list goes through a list in JSON.
type list struct {
	cursor
	h       *parsed.List
	scratch map[string]string // the labels of the entry at hand
}

// entry is what the keys of an object attrs.
type entry struct {
	object
	attrs      int // the index of what is said of its tasks; 0: it has none
	labels     map[string]string
	unknownKey error // of its first key that is only right if it has a taskId
}

func (w *list) document() error {
	var err error
	switch b := w.next(); {
	case b == '[':
		err = w.array(w.element)
	case b == '{':
		err = w.entry()
	case w.at == len(w.text):
		return io.ErrUnexpectedEOF
	default:
		return parsed.ErrNotEntries
	}
	if err != nil {
		return err
	}
	if w.next(); w.at < len(w.text) {
		return parsed.ErrSecond
	}
	return nil
}

// element reads an element of the list.
func (w *list) element() error {
	switch w.next() {
	case '{':
		return w.entry()
	case '[':
		return parsed.ErrNotEntries
	}
	return w.id(0)
}

// task reads an element of an entry's tasks.
func (w *list) task(attrs int) error {
	switch w.next() {
	case '{':
		return w.taskObject(attrs)
	case '[':
		return parsed.ErrNoTasks
	}
	return w.id(attrs)
}

func (w *list) id(attrs int) error {
	start, line := w.at, w.lineNow()
	if w.next() == '"' {
		id, err := w.string()
		if err != nil {
			return err
		}
		w.h.ID(id, attrs, line)
		return w.h.Spend(w.at - start)
	}
	word, err := w.scalar()
	if err != nil {
		return err
	}
	if parsed.IsNumber(word.Text) {
		w.h.ID(word, attrs, line)
	} else {
		w.h.Fault(line, word.Text, parsed.ErrNoID)
	}
	return w.h.Spend(w.at - start)
}

// taskObject reads an object among the tasks of an entry. The labels are the entry's; its model comes with the first answer.
func (w *list) taskObject(attrs int) error {
	line := w.lineNow()
	var s object
	err := w.object(func(key string) error { return s.read(&w.cursor, key) })
	switch {
	case err != nil:
		return err
	case s.HasID() && s.Endpoint != "":
		w.h.Fault(line, s.TaskID().Text, parsed.ErrInner)
	case s.HasID():
		w.h.ID(s.TaskID(), attrs, line)
	case s.Refused:
		w.h.Refused(line)
	default:
		return parsed.At(line, parsed.ErrNoTasks)
	}
	return nil
}

// entry reads an object: tasks with labels, or a single task.
func (w *list) entry() error {
	start, line := w.at, w.lineNow()
	var e entry
	if err := w.object(func(key string) error { return w.field(&e, key) }); err != nil {
		return err
	}
	switch {
	case e.unknownKey == nil && !e.HasEndpoint():
		return parsed.At(line, parsed.ErrEndpoint)
	case e.unknownKey == nil:
		if err := w.h.Fill(e.attrs, e.Endpoint, e.labels); err != nil {
			return err
		}
	case e.attrs > 0:
		return e.unknownKey
	case e.HasID() && !e.HasEndpoint():
		w.h.Fault(line, w.text[start:w.at], parsed.ErrEndpoint)
	case e.HasID():
		attrs, err := w.h.Describe(e.Hint(), e.Endpoint, e.labels)
		if err != nil {
			return err
		}
		w.h.ID(e.TaskID(), attrs, line)
	case e.Refused:
		w.h.Refused(line)
	case e.Keyed:
		w.h.Fault(line, w.text[start:w.at], parsed.ErrNoID)
	default:
		return e.unknownKey
	}
	return w.h.Spend(w.at - start)
}

func (w *list) field(e *entry, key string) (err error) {
	switch key {
	case "tasks":
		if e.attrs > 0 {
			return parsed.ErrKeyTwice(key)
		}
		if w.next() != '[' {
			return parsed.ErrNoTasks
		}
		if e.attrs, err = w.h.Reserve(); err != nil {
			return err
		}
		return w.array(func() error { return w.task(e.attrs) })
	case "labels":
		if e.labels != nil {
			return parsed.ErrKeyTwice(key)
		}
		if w.scratch == nil {
			w.scratch = make(map[string]string)
		}
		clear(w.scratch)
		e.labels = w.scratch
		return w.labels(e.labels)
	}
	if e.unknownKey == nil && key != "endpoint" {
		e.unknownKey = parsed.At(w.lineNow(), parsed.ErrUnknownKey(key))
	}
	return e.read(&w.cursor, key)
}

func (w *list) labels(own map[string]string) error {
	if w.next() != '{' {
		return parsed.ErrNoLabels
	}
	return w.object(func(name string) error {
		switch w.next() {
		case '"':
			value, err := w.string()
			if err != nil {
				return err
			}
			return parsed.AddLabel(own, name, value.Text)
		case '{', '[':
			return parsed.ErrNoLabels
		}
		value, err := w.scalar()
		if err == nil && value.Text == "null" {
			err = parsed.ErrNoLabels
		}
		if err != nil {
			return err
		}
		return parsed.AddLabel(own, name, value.Text)
	})
}
