// Lists and mappings of other types.

package settings

import (
	"math"
	"reflect"

	"gopkg.in/yaml.v3"

	"github.com/kie-exporter/kie_exporter/internal/settings/document"
)

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
	seen := map[string]bool{}
	for i := range v.Len() {
		if i == t.Most {
			d.Report(v, "must have at most %d items", t.Most)
			break
		}
		if item := reflect.New(into.Type().Elem()).Elem(); t.readItem(d, v.Item(i), v.Path(), item) && !t.twice(d, v.Item(i), item, seen) {
			into.Set(reflect.Append(into, item))
		}
	}
	return true
}

// readItem reads an item of the list at a path.
func (t *List) readItem(d *Decoder, v document.Value, path string, item reflect.Value) bool {
	object, ok := t.Item.(*Struct)
	if !ok {
		return t.Item.Read(d, v, item)
	}
	object.setDefaults(item)
	read := object.readObject(d, v, item)
	if read != nil {
		d.objects[path] = append(d.objects[path], read)
	}
	return read != nil
}

// twice reports an item that was seen before, if there should be none.
func (t *List) twice(d *Decoder, v document.Value, item reflect.Value, seen map[string]bool) bool {
	if !t.Unique {
		return false
	}
	id, secret := t.Item.(interface {
		identity(v reflect.Value) (string, bool)
	}).identity(item)
	before := seen[id]
	seen[id] = true
	switch {
	case before && secret:
		d.Report(v, "is listed already")
	case before:
		d.Report(v, "is listed already (%s)", document.Quote(v.Text()))
	}
	return before
}

// Show implements Type. Items of which nothing is shown are left out.
func (t *List) Show(from reflect.Value) (*yaml.Node, error) {
	list := &yaml.Node{Kind: yaml.SequenceNode}
	for i := range from.Len() {
		item, err := t.Item.Show(from.Index(i))
		if err != nil {
			return nil, err
		}
		if item != nil {
			list.Content = append(list.Content, item)
		}
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
		if _, err := t.Key.Parse(key.Text()); err != nil {
			d.Report(key, "%s", err)
			continue
		}
		value := reflect.New(into.Type().Elem()).Elem()
		if t.Value.Read(d, val, value) {
			read.SetMapIndex(reflect.ValueOf(key.Text()), value)
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
