package jsonlist

import (
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
)

// object is what an object tells of a task.
type object struct{ parsed.Object }

// named is an object that tells an id alone.
func named(id parsed.Span) object { return object{parsed.Object{ID: id}} }

// read goes over the value of a key.
func (o *object) read(c *cursor, key string) error {
	switch {
	case parsed.IsIDKey(key):
		return o.readID(c, key, &o.ID)
	case isKey(key, "model"):
		return o.readModel(c)
	case isKey(key, "variant"):
		return o.readVariant(c)
	case isKey(key, "code"):
		return o.readCode(c)
	case isKey(key, "endpoint"):
		return o.readEndpoint(c)
	case isKey(key, "data") && c.next() == '{':
		return c.object(func(key string) error { return o.readInner(c, key) })
	}
	return c.skip()
}

// isKey reports whether a key is a name of ASCII, in either case.
func isKey(key, name string) bool {
	return key == name || len(key) == len(name) && strings.EqualFold(key, name)
}

// readInner goes over the value of a key under data.
func (o *object) readInner(c *cursor, key string) error {
	switch {
	case parsed.IsIDKey(key):
		return o.readID(c, key, &o.Inner)
	case isKey(key, "model"):
		return o.readModel(c)
	}
	return c.skip()
}

// readID reads an id. taskId goes before task_id.
func (o *object) readID(c *cursor, key string, id *parsed.Span) error {
	o.Keyed = true
	if c.next() != '"' {
		o.Wrong = o.Wrong || c.next() != 'n' // null
		return c.skip()
	}
	text, err := c.string()
	if id.Text == "" || key == "taskId" {
		*id = text
	}
	return err
}

func (o *object) readModel(c *cursor) error {
	if c.next() != '"' {
		return c.skip()
	}
	model, err := c.string()
	if o.Model == "" {
		o.Model = model.Text
	}
	return err
}

func (o *object) readVariant(c *cursor) error {
	if c.next() != '"' {
		return c.skip()
	}
	variant, err := c.string()
	o.Variant = variant.Text
	return err
}

func (o *object) readEndpoint(c *cursor) error {
	if c.next() != '"' {
		return c.skip()
	}
	word, err := c.string()
	o.Endpoint = word.Text
	return err
}

// readCode reads the code of an answer: a number, perhaps in quotes.
func (o *object) readCode(c *cursor) error {
	var code parsed.Span
	var err error
	switch c.next() {
	case '"':
		code, err = c.string()
	case '{', '[':
		return c.skip()
	default:
		code, err = c.scalar()
	}
	o.Refused = parsed.IsRefusal(code.Text)
	return err
}
