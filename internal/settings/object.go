// What has been read, for checks of several settings.

package settings

import "github.com/kie-exporter/kie_exporter/internal/settings/document"

// Decoder reads settings from a document.
type Decoder struct {
	*document.Document
	objects map[string][]*Object // those of lists, by the path of the list
}

// NewDecoder returns a decoder of the file of that name; it is empty for what is in no file.
func NewDecoder(file string) *Decoder {
	return &Decoder{Document: document.New(file), objects: map[string][]*Object{}}
}

// Objects returns the objects of the list at a path, in step with the slice that it was read into.
func (d *Decoder) Objects(path string) []*Object { return d.objects[path] }

// Object is a mapping that has been read: where its settings are, for checks of several of them.
type Object struct {
	d       *Decoder
	value   document.Value
	present map[string]document.Value
	before  int // problems that there were when its reading began
}

// Absent returns the object at a path where the file has none.
func (d *Decoder) Absent(path string) *Object { return &Object{d: d, value: document.Outside(path)} }

// Path returns the path that leads to o.
func (o *Object) Path() string { return o.value.Path() }

// IsSet reports whether a setting is there.
func (o *Object) IsSet(name string) bool {
	_, ok := o.present[name]
	return ok
}

// Clean reports whether nothing was wrong with o so far.
func (o *Object) Clean() bool { return o.d.Problems() == o.before }

// At returns a setting, or where it should be.
func (o *Object) At(name string) document.Value {
	if v, ok := o.present[name]; ok {
		return v
	}
	return o.value.Missing(name)
}

// Report adds a problem of a setting, or of o as a whole if name is empty.
func (o *Object) Report(name, format string, args ...any) {
	at := o.value
	if name != "" {
		at = o.At(name)
	}
	o.d.Report(at, format, args...)
}
