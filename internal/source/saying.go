// What an object of JSON or YAML tells of a task.

package source

import (
	"strings"
)

// saying is what an object tells of a task: an object of the producer's own, or an answer to createTask as it came.
type saying struct {
	id, inner piece // inner: under data
	model     string
	keyed     bool // it has a key for an id
	wrong     bool // the value of which is no text
	refused   bool // it has a code other than 200
}

func (s *saying) named() bool { return s.id.text+s.inner.text != "" }

// taskID returns the id that counts.
func (s *saying) taskID() piece {
	if s.id.text == "" {
		return s.inner
	}
	return s.id
}

// isIDKey reports whether a key names a task, in either spelling.
func isIDKey(key string) bool {
	return len(key) == len("taskId") && strings.EqualFold(key, "taskId") ||
		len(key) == len("task_id") && strings.EqualFold(key, "task_id")
}

// read goes over the value of a key.
func (s *saying) read(c *cursor, key string) error {
	switch {
	case isIDKey(key):
		return s.readID(c, key, &s.id)
	case strings.EqualFold(key, "model"):
		return s.readModel(c)
	case strings.EqualFold(key, "code"):
		return s.readCode(c)
	case strings.EqualFold(key, "data") && c.next() == '{':
		return c.object(func(key string) error { return s.readInner(c, key) })
	}
	return c.skip()
}

// readInner goes over the value of a key under data.
func (s *saying) readInner(c *cursor, key string) error {
	switch {
	case isIDKey(key):
		return s.readID(c, key, &s.inner)
	case strings.EqualFold(key, "model"):
		return s.readModel(c)
	}
	return c.skip()
}

// readID reads an id. taskId goes before task_id.
func (s *saying) readID(c *cursor, key string, id *piece) error {
	s.keyed = true
	if c.next() != '"' {
		s.wrong = s.wrong || c.next() != 'n' // null
		return c.skip()
	}
	text, err := c.string()
	if id.text == "" || key == "taskId" {
		*id = text
	}
	return err
}

func (s *saying) readModel(c *cursor) error {
	if c.next() != '"' {
		return c.skip()
	}
	model, err := c.string()
	if s.model == "" {
		s.model = model.text
	}
	return err
}

// readCode reads the code of an answer: a number, perhaps in quotes.
func (s *saying) readCode(c *cursor) error {
	var code piece
	var err error
	switch c.next() {
	case '"':
		code, err = c.string()
	case '{', '[':
		return c.skip()
	default:
		code, err = c.scalar()
	}
	s.refused = isRefusal(code.text)
	return err
}

// isRefusal reports whether a code is that of an answer that created no task.
func isRefusal(code string) bool { return isNumber(code) && code != "200" }
