// Texts and truth values.

package settings

import (
	"errors"
	"maps"
	"reflect"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/kie-exporter/kie_exporter/internal/settings/document"
)

// show returns the node of a value, which hides itself if it is a secret.
func show(v any) (*yaml.Node, error) {
	node := &yaml.Node{}
	return node, node.Encode(v)
}

// AnyText is a text that is not empty.
var AnyText = Text[string]{
	What:  "a text",
	Parse: func(s string) (string, error) { return s, NotEmpty(s) },
	Form:  map[string]any{"minLength": 1},
}

// NotEmpty returns what is wrong with a text that is empty.
func NotEmpty(s string) error {
	if s == "" {
		return errors.New("must not be empty")
	}
	return nil
}

// Text is a type whose values are written as a text of one line.
type Text[T any] struct {
	What  string                    // what a value must be, such as "a name"
	Parse func(s string) (T, error) // its error is a problem's message; it shows s only if s can't be a secret

	Shown  func(T) any    // what is shown; nil: nothing. Left out: the value itself
	ID     func(T) string // two values with the same one are the same, for lists without double items
	Secret bool           // a value may be one, and is in no problem
	Noun   string         // for the documentation; left out: What without its article
	Form   map[string]any // what else a JSON Schema can say of it
}

// Read implements Type.
func (t Text[T]) Read(d *Decoder, v document.Value, into reflect.Value) bool {
	s, ok := d.Scalar(v, t.What)
	if !ok {
		return false
	}
	parsed, err := t.Parse(s)
	if err != nil {
		d.Report(v, "%s", err)
		return false
	}
	into.Set(reflect.ValueOf(parsed).Convert(into.Type()))
	return true
}

// Show implements Type.
func (t Text[T]) Show(from reflect.Value) (*yaml.Node, error) {
	if t.Shown == nil {
		return show(from.Interface())
	}
	shown := t.Shown(from.Interface().(T))
	if shown == nil {
		return nil, nil //nolint:nilnil // nothing is shown
	}
	return show(shown)
}

// Word implements Leaf.
func (t Text[T]) Word() string {
	if t.Noun != "" {
		return t.Noun
	}
	return strings.TrimPrefix(strings.TrimPrefix(t.What, "a "), "an ")
}

// Range implements Leaf.
func (t Text[T]) Range() string {
	if values, ok := t.Form["enum"].([]string); ok {
		return "one of " + strings.Join(values, ", ")
	}
	return ""
}

// Schema implements Leaf. What YAML takes for a number or a truth value is text, too.
func (t Text[T]) Schema() map[string]any {
	schema := map[string]any{"type": []string{"string", "number", "boolean"}}
	maps.Copy(schema, t.Form)
	return schema
}

// identity tells a value from others of its list, and whether it may be a secret.
func (t Text[T]) identity(v reflect.Value) (id string, secret bool) {
	return t.ID(v.Interface().(T)), t.Secret
}

// boolType is true or false.
type boolType struct{}

const trueOrFalse = "true or false"

func (boolType) Read(d *Decoder, v document.Value, into reflect.Value) bool {
	s, ok := d.Scalar(v, trueOrFalse)
	switch {
	case !ok:
		return false
	case v.Tag() != "!!bool":
		d.Report(v, "must be %s", trueOrFalse)
		return false
	}
	into.SetBool(strings.EqualFold(s, "true"))
	return true
}

func (boolType) Show(from reflect.Value) (*yaml.Node, error) { return show(from.Bool()) }
func (boolType) Word() string                                { return trueOrFalse }
func (boolType) Range() string                               { return "" }
func (boolType) Schema() map[string]any                      { return map[string]any{"type": "boolean"} }

// Never is a type of what may be false only; the text says why.
type Never string

// Read implements Type.
func (t Never) Read(d *Decoder, v document.Value, _ reflect.Value) bool {
	var set bool
	ok := boolType{}.Read(d, v, reflect.ValueOf(&set).Elem())
	if set {
		d.Report(v, "is not possible: %s", string(t))
	}
	return ok && !set
}

// Show implements Type.
func (t Never) Show(reflect.Value) (*yaml.Node, error) { return show(false) }

// Word implements Leaf.
func (t Never) Word() string { return trueOrFalse }

// Range implements Leaf.
func (t Never) Range() string { return "false" }

// Schema implements Leaf.
func (t Never) Schema() map[string]any { return map[string]any{"const": false} }

// Refused is the type of a setting that somebody may expect and that is not taken; the text is the problem's message.
type Refused string

// Read implements Type.
func (t Refused) Read(d *Decoder, v document.Value, _ reflect.Value) bool {
	d.Report(v, "%s", string(t))
	return false
}

// Show implements Type.
func (t Refused) Show(reflect.Value) (*yaml.Node, error) { return nil, nil } //nolint:nilnil // nothing is shown
