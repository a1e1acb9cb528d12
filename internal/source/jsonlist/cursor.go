// Going through JSON without a copy. Unlike encoding/json it tells a text that is cut off from one that is broken.

package jsonlist

import (
	"encoding/json"
	"errors"
	"io"
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
)

// MaxDepth is how deep JSON may be nested. It also bounds how often a byte of a broken list is looked at.
const MaxDepth = 32

var (
	errSyntax = errors.New("not JSON")
	errDeep   = errors.New("JSON nested too deep")
)

// cursor is a place in a text. Its methods go over one thing each. The error of a text that only lacks its end
// is io.ErrUnexpectedEOF.
type cursor struct {
	text  string
	at    int
	depth int

	ended  func() error // reports whether there is no more time; nil: there always is
	looked int          // up to here it was asked

	counted int // up to here lines were counted
	line    int // number of that line
}

// lineNow returns the number of the line.
func (c *cursor) lineNow() int {
	c.line += strings.Count(c.text[c.counted:c.at], "\n")
	c.counted = c.at
	return c.line
}

// next goes over white space and returns the byte that follows; 0 at the end.
func (c *cursor) next() byte {
	for ; c.at < len(c.text); c.at++ {
		switch b := c.text[c.at]; b {
		case ' ', '\t', '\r', '\n':
		default:
			return b
		}
	}
	return 0
}

// unexpected is the error of what is at this place.
func (c *cursor) unexpected() error {
	if c.at >= len(c.text) {
		return io.ErrUnexpectedEOF
	}
	return errSyntax
}

// skip goes over a value of any kind.
func (c *cursor) skip() error {
	var err error
	switch c.next() {
	case '{':
		err = c.object(func(string) error { return c.skip() })
	case '[':
		err = c.array(func() error { return c.skip() })
	case '"':
		_, _, err = c.rawString()
	default:
		_, err = c.scalar()
	}
	return err
}

// object goes over an object. It calls value at the value of each key, to go over it.
func (c *cursor) object(value func(key string) error) error {
	more, err := c.enter('{', '}')
	for more && err == nil {
		var key parsed.Span
		if c.next() != '"' {
			return c.unexpected()
		}
		if key, err = c.string(); err != nil {
			return err
		}
		if c.next() != ':' {
			return c.unexpected()
		}
		c.at++
		if err = value(key.Text); err != nil {
			return err
		}
		more, err = c.more('}')
	}
	return err
}

// array goes over an array. It calls element at each element, to go over it.
func (c *cursor) array(element func() error) error {
	more, err := c.enter('[', ']')
	for more && err == nil {
		c.next()
		if err = element(); err != nil {
			return err
		}
		more, err = c.more(']')
	}
	return err
}

// enter goes over the bracket that begins an object or an array, and reports whether it has members.
func (c *cursor) enter(begin, end byte) (bool, error) {
	switch {
	case c.next() != begin:
		return false, c.unexpected()
	case c.depth == MaxDepth:
		return false, errDeep
	}
	c.at++
	if c.next() == end {
		c.at++
		return false, nil
	}
	c.depth++
	return true, nil
}

// more goes over what is behind a member, and reports whether another one follows.
func (c *cursor) more(end byte) (bool, error) {
	if err := c.look(); err != nil {
		return false, err
	}
	switch c.next() {
	case ',':
		c.at++
		return true, nil
	case end:
		c.at++
		c.depth--
		return false, nil
	}
	return false, c.unexpected()
}

// look reports now and then whether there is no more time.
func (c *cursor) look() error {
	if c.ended == nil || c.at-c.looked < parsed.Stride {
		return nil
	}
	c.looked = c.at
	return c.ended()
}

// string goes over a string and returns what it means.
func (c *cursor) string() (parsed.Span, error) {
	start := c.at
	raw, escaped, err := c.rawString()
	if err != nil || len(raw) > parsed.MaxMeant || !escaped {
		return parsed.Span{Text: raw, At: start + 1}, err
	}
	var text string
	if err := json.Unmarshal([]byte(c.text[start:c.at]), &text); err != nil {
		return parsed.Span{}, errSyntax
	}
	return parsed.Span{Text: text, At: -1}, nil
}

// special are the bytes within a string that are more than themselves.
var special = func() (all [256]bool) {
	for b := range byte(' ') {
		all[b] = true
	}
	all['"'], all['\\'] = true, true
	return all
}()

// rawString goes over a string and returns what is between its quotes, and whether some of it is escaped.
func (c *cursor) rawString() (raw string, escaped bool, err error) {
	text, start := c.text, c.at+1
	for at := start; at < len(text); at++ {
		if !special[text[at]] {
			continue
		}
		switch c.at = at; text[at] {
		case '"':
			c.at++
			return text[start:at], escaped, nil
		case '\\':
			if err := c.escape(); err != nil {
				return "", false, err
			}
			at, escaped = c.at, true
		default:
			return "", false, errSyntax
		}
	}
	c.at = len(text)
	return "", false, io.ErrUnexpectedEOF
}

// escape goes to the last byte of an escape.
func (c *cursor) escape() error {
	c.at++
	if c.at == len(c.text) {
		return io.ErrUnexpectedEOF
	}
	if c.text[c.at] != 'u' {
		if strings.IndexByte(`"\/bfnrt`, c.text[c.at]) < 0 {
			return errSyntax
		}
		return nil
	}
	for range 4 {
		c.at++
		if c.at == len(c.text) {
			return io.ErrUnexpectedEOF
		}
		if strings.IndexByte("0123456789abcdefABCDEF", c.text[c.at]) < 0 {
			return errSyntax
		}
	}
	return nil
}

// scalar goes over a number, true, false or null and returns it as written.
func (c *cursor) scalar() (parsed.Span, error) {
	start := c.at
	for c.at < len(c.text) && isScalar(c.text[c.at]) {
		c.at++
	}
	word := parsed.Span{Text: c.text[start:c.at], At: start}
	switch word.Text {
	case "true", "false", "null":
		return word, nil
	}
	if parsed.IsNumber(word.Text) {
		return word, nil
	}
	if c.at == len(c.text) && mayBecomeScalar(word.Text) {
		return parsed.Span{}, io.ErrUnexpectedEOF
	}
	c.at = start
	return parsed.Span{}, errSyntax
}

func isScalar(b byte) bool {
	return b >= '0' && b <= '9' || b >= 'a' && b <= 'z' || b == '-' || b == '+' || b == '.' || b == 'E'
}

// mayBecomeScalar reports whether word begins a scalar that goes on.
func mayBecomeScalar(word string) bool {
	for _, whole := range []string{"true", "false", "null"} {
		if strings.HasPrefix(whole, word) {
			return true
		}
	}
	return parsed.IsNumber(word + "0") // all but the digits that it ends with is there
}
