// The types that fields of Go have by themselves, and lists and mappings of others.

package settings

import (
	"fmt"
	"maps"
	"math"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/alecthomas/units"
	"gopkg.in/yaml.v3"

	"github.com/kie-exporter/kie_exporter/internal/settings/document"
)

// typeOf returns the type of a field, by its tags and its type in Go.
func typeOf(field reflect.Type, tag reflect.StructTag, formats Formats) Type {
	format := tag.Get("format")
	switch {
	case field.Kind() == reflect.Slice:
		least, most := bounds(tag, "items")
		return &List{
			Item: typeOf(field.Elem(), reflect.StructTag(`format:"`+format+`"`), formats), Unique: tag.Get("unique") != "",
			Least: number(least, 0), Most: number(most, math.MaxInt),
		}
	case field.Kind() == reflect.Map:
		return &Map{Key: named(tag.Get("key"), formats).(Text[string]), Value: typeOf(field.Elem(), reflect.StructTag(`format:"`+format+`"`), formats)}
	case format != "":
		return named(format, formats)
	}
	least, most := bounds(tag, "range")
	switch field {
	case reflect.TypeFor[time.Duration]():
		return durationType{least, most, tag.Get("or")}
	case reflect.TypeFor[units.Base2Bytes]():
		return sizeType{least, most}
	}
	switch field.Kind() { //nolint:exhaustive // a declaration with another one is refused
	case reflect.String:
		return AnyText
	case reflect.Bool:
		return boolType{}
	case reflect.Int:
		return intType{least, most}
	case reflect.Float64:
		return floatType{least, most}
	case reflect.Struct:
		return declare(field, formats)
	case reflect.Pointer:
		return declare(field.Elem(), formats)
	}
	panic(fmt.Sprintf("a setting of type %s needs a format", field))
}

func named(format string, formats Formats) Type {
	t, ok := formats[format]
	if !ok {
		panic(fmt.Sprintf("there is no format %q", format))
	}
	return t
}

// bounds returns both sides of a tag such as 1..10.
func bounds(tag reflect.StructTag, key string) (least, most string) {
	least, most, _ = strings.Cut(tag.Get(key), "..")
	return least, most
}

func number(s string, missing int) int {
	if s == "" {
		return missing
	}
	n, err := strconv.Atoi(s)
	if err != nil {
		panic(err)
	}
	return n
}

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
		return errEmpty
	}
	return nil
}

// Text is a type whose values are written as a text of one line.
type Text[T any] struct {
	What  string                    // what a value must be, such as "a name"
	Parse func(s string) (T, error) // its error is a problem's message; it shows s only if s can't be a secret

	Shown  func(T) any       // what is shown; nil: nothing. Left out: the value itself
	Same   func(a, b T) bool // for lists without double items
	Secret bool              // a value may be one, and is in no problem
	Noun   string            // for the documentation; left out: What without its article
	Form   map[string]any    // what else a JSON Schema can say of it
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
		return strings.Join(values, ", ")
	}
	return ""
}

// Schema implements Leaf. What YAML takes for a number or a truth value is text, too.
func (t Text[T]) Schema() map[string]any {
	schema := map[string]any{"type": []string{"string", "number", "boolean"}}
	maps.Copy(schema, t.Form)
	return schema
}

// twice reports whether a is among the items before it.
func (t Text[T]) twice(a reflect.Value, before reflect.Value) bool {
	for i := range before.Len() {
		if t.Same(a.Interface().(T), before.Index(i).Interface().(T)) {
			return true
		}
	}
	return false
}

func (t Text[T]) isSecret() bool { return t.Secret }

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

// List is the type of a slice.
type List struct {
	Item        Type
	Least, Most int // items
	Unique      bool
}

// Bounded reports whether there is a most.
func (t *List) Bounded() bool { return t.Most < math.MaxInt }

// Read implements Type.
func (t *List) Read(d *Decoder, v document.Value, into reflect.Value) bool {
	if !d.List(v) {
		return false
	}
	if v.Len() < t.Least {
		d.Report(v, "must have at least %d item", t.Least)
	}
	for i := range v.Len() {
		if i == t.Most {
			d.Report(v, "must have at most %d items", t.Most)
			break
		}
		t.readItem(d, v.Item(i), v.Path(), into)
	}
	return true
}

// uniquer is a type whose values can be compared.
type uniquer interface {
	twice(a, before reflect.Value) bool
	isSecret() bool
}

// readItem appends an item to the list at a path.
func (t *List) readItem(d *Decoder, v document.Value, path string, into reflect.Value) {
	item := reflect.New(into.Type().Elem()).Elem()
	if object, ok := t.Item.(*Struct); ok && item.Kind() == reflect.Struct {
		object.setDefaults(item)
		read := object.readObject(d, v, item)
		if read == nil {
			return
		}
		d.objects[path] = append(d.objects[path], read)
	} else if !t.Item.Read(d, v, item) {
		return
	} else if t.Unique {
		switch u := t.Item.(uniquer); {
		case !u.twice(item, into):
		case u.isSecret():
			d.Report(v, "is listed already")
			return
		default:
			d.Report(v, "is listed already (%s)", document.Quote(v.Text()))
			return
		}
	}
	into.Set(reflect.Append(into, item))
}

// Show implements Type.
func (t *List) Show(from reflect.Value) (*yaml.Node, error) {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for i := range from.Len() {
		item, err := t.Item.Show(from.Index(i))
		if err != nil {
			return nil, err
		}
		list.Content = append(list.Content, item)
	}
	return list, nil
}

// Map is the type of a mapping whose keys are free.
type Map struct {
	Key   Text[string]
	Value Type
}

// Read implements Type.
func (t *Map) Read(d *Decoder, v document.Value, into reflect.Value) bool {
	if !d.Mapping(v) {
		return false
	}
	read := reflect.MakeMap(into.Type())
	for key, val := range d.Pairs(v) {
		name := reflect.New(into.Type().Key()).Elem()
		if _, err := t.Key.Parse(key.Text()); err != nil {
			d.Report(key, "%s", err)
			continue
		}
		name.SetString(key.Text())
		value := reflect.New(into.Type().Elem()).Elem()
		if t.Value.Read(d, val, value) {
			read.SetMapIndex(name, value)
		}
	}
	into.Set(read)
	return true
}

// Show implements Type. Keys are sorted.
func (t *Map) Show(from reflect.Value) (*yaml.Node, error) {
	shown := map[string]*yaml.Node{}
	for _, key := range from.MapKeys() {
		value, err := t.Value.Show(from.MapIndex(key))
		if err != nil {
			return nil, err
		}
		shown[key.String()] = value
	}
	return show(shown)
}

// Wrapped returns the type of a W that is a T inside.
func Wrapped[W, T any](inner Type, wrap func(T) W, unwrap func(W) T) Wrapper {
	return Wrapper{Type: inner, read: func(d *Decoder, v document.Value, into reflect.Value) bool {
		var value T
		ok := inner.Read(d, v, reflect.ValueOf(&value).Elem())
		if ok {
			into.Set(reflect.ValueOf(wrap(value)))
		}
		return ok
	}, show: func(from reflect.Value) (*yaml.Node, error) {
		return inner.Show(reflect.ValueOf(unwrap(from.Interface().(W))))
	}}
}

// Wrapper is a type whose values are those of another one inside.
type Wrapper struct {
	Type
	read func(d *Decoder, v document.Value, into reflect.Value) bool
	show func(from reflect.Value) (*yaml.Node, error)
}

// Read implements Type.
func (w Wrapper) Read(d *Decoder, v document.Value, into reflect.Value) bool {
	return w.read(d, v, into)
}

// Show implements Type.
func (w Wrapper) Show(from reflect.Value) (*yaml.Node, error) { return w.show(from) }
