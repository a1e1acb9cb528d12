// Package jsonlist reads lists in JSON: documents that hold together as a whole, and streams of values as programs append them.
package jsonlist

import (
	"errors"
	"io"
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
)

const (
	maxValue = 1 << 20 // bytes of a value in a stream
	record   = 0x1e    // the byte before each value of a JSON text sequence
)

var (
	errNoTask = errors.New("not a JSON object with a taskId")
	errLong   = errors.New("a JSON value longer than 1 MiB")
)

// stream is JSON values, one after the other.
type stream struct {
	cursor  // in the content up to where the value at hand may go
	content string
	h       *parsed.List
	items   []streamItem // of the value at hand

	suspect int  // up to here goes a broken value
	inside  bool // what follows may be the rest of one, where a string may be anything, such as the URL of a result
	amid    bool // the content begins amid a line
}

// StreamState is what matters of the values before a part of a stream. The zero StreamState is that of its beginning.
type StreamState struct {
	suspect      int
	inside, amid bool
}

// streamItem is a task that a value names, or why it names none.
type streamItem struct {
	object
	err error
}

// ParseLines reads JSON values, each on a line of its own or not. After something broken it goes on at the next line. What it
// finds does not depend on what comes behind it, so that ids read once are read again when the file has grown.
func ParseLines(content string, h *parsed.List) error {
	_, err := ParsePart(content, h, StreamState{})
	return err
}

// ParsePart reads a part of a stream that begins where another one ended, and returns what matters of it for the next.
func ParsePart(content string, h *parsed.List, from StreamState) (StreamState, error) {
	s := stream{cursor: cursor{line: 1 + h.LinesBefore()}, content: content, h: h, suspect: from.suspect, inside: from.inside, amid: from.amid}
	err := s.read()
	end := len(content) - h.Left()
	return StreamState{suspect: max(0, s.suspect-end), inside: s.inside, amid: !s.begins(end)}, err
}

// read goes over all values.
func (s *stream) read() error {
	for s.between() {
		start := s.at
		s.text, s.depth, s.items = s.content[:min(len(s.content), start+maxValue)], 0, s.items[:0]
		line := s.lineNow()
		err := s.value()
		looked := s.at - start
		if s.unsettled(start, err) && s.h.Waits(s.content[start:]) {
			return nil
		}
		if err == nil {
			err = s.take(start, line)
		} else {
			s.broken(start, line, err)
			err = nil
		}
		if err == nil {
			err = s.h.Spend(looked)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// between goes over what may be between values, and reports whether one follows.
func (s *stream) between() bool {
	s.text = s.content
	for {
		switch {
		case s.next() == record:
			s.at++
		case strings.HasPrefix(s.text[s.at:], parsed.Mark):
			s.at += len(parsed.Mark)
		default:
			return s.at < len(s.text)
		}
	}
}

// value goes over the value at this place.
func (s *stream) value() error {
	switch s.next() {
	case '{':
		return s.task()
	case '[':
		err := s.array(s.element)
		if len(s.items) == 0 {
			s.items = append(s.items, streamItem{err: errNoTask})
		}
		return err
	case '"':
		id, err := s.string()
		if err == nil && !s.whole() {
			err = errSyntax // a part of something
		}
		s.items = append(s.items, streamItem{object: named(id)})
		return err
	}
	_, err := s.scalar()
	s.items = append(s.items, streamItem{err: errNoTask})
	return err
}

// element goes over an element of an array of tasks.
func (s *stream) element() error {
	switch s.next() {
	case '{':
		return s.task()
	case '"':
		id, err := s.string()
		s.items = append(s.items, streamItem{object: named(id)})
		return err
	}
	s.items = append(s.items, streamItem{err: errNoTask})
	return s.skip()
}

// task goes over an object.
func (s *stream) task() error {
	s.items = append(s.items, streamItem{})
	item := &s.items[len(s.items)-1] // the objects within it are no items
	err := s.object(func(key string) error { return item.read(&s.cursor, key) })
	if item.Wrong || !item.HasID() && !item.Refused {
		item.err = errNoTask
	}
	return err
}

// whole reports whether the string that ends here is a value of its own: on its line nothing is behind it but further ones.
func (s *stream) whole() bool {
	behind := s.behind()
	return behind == "" || strings.IndexByte("\n\"{[", behind[0]) >= 0
}

// behind returns what follows this place, without blanks.
func (s *stream) behind() string { return strings.TrimLeft(s.content[s.at:], " \t\r\x1e") }

// begins reports whether a line begins at this place.
func (s *stream) begins(at int) bool {
	before := strings.TrimSuffix(s.content[:at], parsed.Mark)
	if before == "" {
		return !s.amid
	}
	return before[len(before)-1] == '\n' || before[len(before)-1] == record
}

// unsettled reports whether what comes behind the content may change what the value is that begins at start.
func (s *stream) unsettled(start int, err error) bool {
	switch {
	case err == nil: // an object and an array tell their own end
		return s.content[start] != '{' && s.content[start] != '[' && s.behind() == ""
	case s.cutOff(err):
		return true
	}
	return strings.IndexByte(s.content[start:], '\n') < 0
}

// cutOff reports whether the content ends amid a value.
func (s *stream) cutOff(err error) bool {
	return errors.Is(err, io.ErrUnexpectedEOF) && len(s.text) == len(s.content)
}

// take takes what the value that begins at start and ends here tells.
func (s *stream) take(start, line int) error {
	kind := s.content[start]
	if kind != '"' && start >= s.suspect && s.begins(start) {
		s.inside = false
	}
	for i := range s.items {
		item := &s.items[i]
		if s.inside && kind != '{' {
			item.err = errNoTask
		}
		switch {
		case item.err != nil && start < s.suspect: // reported already
		case item.err != nil:
			s.h.Fault(line, s.content[start:s.at], item.err)
		case !item.HasID():
			s.h.Refused(line)
		case !item.HasEndpoint():
			s.h.Fault(line, s.content[start:s.at], parsed.ErrEndpoint)
		default:
			attrs, err := s.h.Describe(item.Hint(), item.Endpoint, nil)
			if err != nil {
				return err
			}
			s.h.ID(item.TaskID(), attrs, line)
		}
	}
	return nil
}

// broken goes on behind the line on which a broken value begins, or to the end if only the rest of the value may be missing:
// then what it holds are no values of their own.
func (s *stream) broken(start, line int, err error) {
	rest := s.content[start:]
	if s.cutOff(err) {
		s.h.Fault(line, rest, err)
		s.at = len(s.content)
		return
	}
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errLong
	}
	end := strings.IndexByte(rest, '\n')
	if end < 0 {
		end = len(rest)
	}
	if start >= s.suspect {
		s.h.Fault(line, rest[:end], err)
	}
	s.suspect = max(s.suspect, s.at)
	s.inside = s.inside || s.depth > 0
	s.at = start + end
}
