// Package settings reads a strict YAML file into structs whose fields declare the settings, and shows them again.
//
// A setting is an exported field with a yaml tag. Its tags say the rest:
//
//	yaml:"max_wait"        its key; with ",omitempty" it is not shown while it is empty
//	default:"5s"           what it is when it is left out, as the file would say it
//	unset:"learned"        for the documentation: what happens when it is left out, in words
//	range:"0s..1m"         its least and its most, both allowed; for numbers, times and sizes
//	or:"0s"                0 is allowed, too, besides a range of times
//	items:"1..2"           how many items a list may have; either side may be missing
//	unique:"true"          no two items of a list may be the same
//	format:"name"          one of the formats that the declaration brings along; of a list or mapping, that of its values
//	key:"label_name"       the format of a mapping's keys
//	required:"true"        it must be given; "checked": a check of the declaration's own says so
//	any:"ids"              of the settings with this word at least one must be given, and not be empty
//	example:"[a]"          its value in the example, where that is not the default
//	sample:"[a]"           likewise, but commented out
//
// The field's comment is what the documentation, the example and the schema for editors say of it: the first paragraph is what it
// means, and the example shows the others as well. What concerns several settings is checked by a method Check of their struct.
package settings

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/kie-exporter/kie_exporter/internal/settings/document"
)

// Type is the type of a setting: how its value is read, shown and described.
type Type interface {
	// Read takes v over into a value of Go, or reports what is wrong with it and returns false.
	Read(d *Decoder, v document.Value, into reflect.Value) bool
	// Show returns a value as a file could hold it, but for secrets; nil leaves it out.
	Show(from reflect.Value) (*yaml.Node, error)
}

// Leaf is a type whose values have no settings inside.
type Leaf interface {
	Type
	Word() string           // what it is, in a word or two
	Range() string          // what a value may be, in words; empty: there is no more to say
	Schema() map[string]any // the same in JSON Schema
}

// Formats are types that tags name.
type Formats map[string]Type

// Setting is one field of a struct.
type Setting struct {
	Name     string // its key
	Type     Type
	Required bool
	Optional bool // an object that there is not unless it is given

	Default, Unset, Example, Sample, Any string // the tags of these names

	Owner, Field string // the struct and the field that have its comment

	checked   bool // that it is there is checked elsewhere
	omitEmpty bool
	initial   *document.Value // the default; nil: none
}

// Refused reports whether the setting is known, but not taken.
func (s *Setting) Refused() bool {
	_, refused := s.Type.(Refused)
	return refused
}

// Struct is the type of an object, whose keys are the settings that a struct declares.
type Struct struct {
	Settings []*Setting
	check    func(o *Object, into reflect.Value)
}

// Checker is implemented by structs that check several of their settings against each other, after all have been read.
type Checker interface{ Check(o *Object) }

// Declare returns the settings that the struct T declares. It panics if the declaration is wrong, which no file can make it.
func Declare[T any](formats Formats) *Struct {
	return declare(reflect.TypeFor[T](), formats)
}

// DeclareOther returns the settings of the struct T, which is somebody else's, as D declares them with fields of the same names.
func DeclareOther[T, D any](formats Formats, check func(o *Object, into *T)) *Struct {
	s := declare(reflect.TypeFor[D](), formats)
	target := reflect.TypeFor[T]()
	for _, setting := range s.Settings {
		if _, ok := target.FieldByName(setting.Field); !ok && !setting.Refused() {
			panic(fmt.Sprintf("%s has no field %s", target, setting.Field))
		}
	}
	s.check = func(o *Object, into reflect.Value) {
		if check != nil {
			check(o, into.Addr().Interface().(*T))
		}
	}
	return s
}

func declare(of reflect.Type, formats Formats) *Struct {
	s := &Struct{}
	for _, field := range reflect.VisibleFields(of) {
		if name, options, _ := strings.Cut(field.Tag.Get("yaml"), ","); name != "" {
			setting := settingOf(field, formats)
			setting.Name, setting.Owner, setting.omitEmpty = name, of.Name(), options == "omitempty"
			if n := len(field.Index) - 1; n > 0 {
				setting.Owner = of.FieldByIndex(field.Index[:n]).Type.Name() // the embedded one
			}
			s.Settings = append(s.Settings, setting)
		}
	}
	return s
}

// settingOf returns what the tags of a field say.
func settingOf(field reflect.StructField, formats Formats) *Setting {
	tag := field.Tag.Get
	setting := &Setting{
		Field: field.Name, Type: typeOf(field.Type, field.Tag, formats), Default: tag("default"), Unset: tag("unset"),
		Example: tag("example"), Sample: tag("sample"), Any: tag("any"), Required: tag("required") != "", checked: tag("required") == "checked",
		Optional: field.Type.Kind() == reflect.Pointer && tag("format") == "",
	}
	if setting.Default != "" {
		initial := must(document.Scalar(field.Name, setting.Default))
		setting.initial = &initial
		setting.setDefault(reflect.New(field.Type).Elem())
	}
	return setting
}

// setDefault takes the default over.
func (s *Setting) setDefault(into reflect.Value) {
	d := NewDecoder("")
	if !s.Type.Read(d, *s.initial, into) {
		panic(fmt.Sprintf("default of %s: %v", s.Field, d.Err()))
	}
}

// SetDefaults makes a struct what an empty object would make it.
func (s *Struct) SetDefaults(into any) { s.setDefaults(reflect.ValueOf(into).Elem()) }

func (s *Struct) setDefaults(into reflect.Value) {
	for _, setting := range s.Settings {
		if setting.initial != nil {
			setting.setDefault(into.FieldByName(setting.Field))
		} else if inner, ok := setting.Type.(*Struct); ok {
			if field := into.FieldByName(setting.Field); field.Kind() == reflect.Struct {
				inner.setDefaults(field)
			}
		}
	}
}

// Read implements Type.
func (s *Struct) Read(d *Decoder, v document.Value, into reflect.Value) bool {
	if into.Kind() == reflect.Pointer {
		into.Set(reflect.New(into.Type().Elem()))
		s.setDefaults(into.Elem())
		into = into.Elem()
	}
	return s.readObject(d, v, into) != nil
}

// ReadObject reads a mapping of these settings into the struct that into points to, which holds the defaults.
// It returns nil if v is no mapping.
func (s *Struct) ReadObject(d *Decoder, v document.Value, into any) *Object {
	return s.readObject(d, v, reflect.ValueOf(into).Elem())
}

func (s *Struct) readObject(d *Decoder, v document.Value, into reflect.Value) *Object {
	if !d.Mapping(v) {
		return nil
	}
	o := &Object{d: d, value: v, present: map[string]document.Value{}, before: d.Problems()}
	for key, val := range d.Pairs(v) {
		if setting := s.setting(key.Text()); setting != nil {
			o.present[setting.Name] = val
			setting.Type.Read(d, val, into.FieldByName(setting.Field))
		} else {
			d.Report(key, "unknown key; known here: %s", strings.Join(s.names(), ", "))
		}
	}
	s.checkRequired(o, into)
	if s.check != nil {
		s.check(o, into)
	} else if checker, ok := reflect.TypeAssert[Checker](into.Addr()); ok {
		checker.Check(o)
	}
	return o
}

// checkRequired sees that what must be given is.
func (s *Struct) checkRequired(o *Object, into reflect.Value) {
	for _, setting := range s.Settings {
		if setting.Required && !setting.checked && !o.IsSet(setting.Name) {
			o.Report(setting.Name, "must be given")
		}
	}
	var words []string
	for _, setting := range s.Settings {
		if setting.Any != "" && !empty(into.FieldByName(setting.Field)) {
			return
		} else if setting.Any != "" {
			words = append(words, setting.Name)
		}
	}
	if len(words) > 0 && o.Clean() {
		o.d.Report(o.value, "has neither %s", strings.Join(words, ", nor "))
	}
}

func (s *Struct) setting(name string) *Setting {
	if i := slices.IndexFunc(s.Settings, func(setting *Setting) bool { return setting.Name == name }); i >= 0 {
		return s.Settings[i]
	}
	return nil
}

// names returns the keys that an object may have, sorted.
func (s *Struct) names() []string {
	names := make([]string, len(s.Settings))
	for i, setting := range s.Settings {
		names[i] = setting.Name
	}
	slices.Sort(names)
	return names
}

// YAML returns a struct's settings as a file could hold them, complete with defaults, but for secrets.
func (s *Struct) YAML(of any) (*yaml.Node, error) { return s.Show(reflect.ValueOf(of).Elem()) }

// Show implements Type.
func (s *Struct) Show(from reflect.Value) (*yaml.Node, error) {
	if from.Kind() == reflect.Pointer {
		from = from.Elem()
	}
	object := &yaml.Node{Kind: yaml.MappingNode}
	for _, setting := range s.Settings {
		field := from.FieldByName(setting.Field)
		if setting.Refused() || setting.omitEmpty && empty(field) {
			continue
		}
		shown, err := setting.Type.Show(field)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", setting.Name, err)
		}
		if shown != nil && (!setting.omitEmpty || shown.Kind != yaml.SequenceNode || len(shown.Content) > 0) {
			object.Content = append(object.Content, &yaml.Node{Kind: yaml.ScalarNode, Value: setting.Name}, shown)
		}
	}
	return object, nil
}

// empty reports whether a value is as good as none.
func empty(v reflect.Value) bool {
	if v.Kind() == reflect.Slice || v.Kind() == reflect.Map {
		return v.Len() == 0
	}
	return v.IsZero()
}
