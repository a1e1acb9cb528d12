// How many label values the far side may bring into the world.

package tracker

import (
	"maps"
	"slices"
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

const (
	maxFailCodes = 50
	maxLabelKeys = 64
	overflow     = "other"
)

// bounds admit label values until their number is reached; what comes later is "other", and counted.
type bounds struct {
	models    distinct
	failCodes failCodes
	labelKeys distinct
	overflows view.Overflows
	lastKeys  []string // sorted copy of labelKeys
}

// failCodes are the fail codes that were admitted. The first ones are there from the start.
type failCodes []string

// code is one of them.
type code uint8

// The codes that are there from the start.
const (
	codeAbsent code = iota // of tasks that have not failed
	codeNone
	codeOther
	codesGiven
)

func newFailCodes() failCodes {
	return failCodes{codeAbsent: "", codeNone: kie.NoCode, codeOther: overflow}
}

// of returns the code that reads so, if need be a new one; false: there is no room for it.
func (f *failCodes) of(text string) (code, bool) {
	at := slices.Index(*f, text)
	if at < 0 {
		if at = f.room(); at < 0 {
			return codeOther, false
		}
		(*f)[at] = strings.Clone(text) // the answer it is from is not to be kept for it
	}
	return code(at), true //nolint:gosec // there are at most maxFailCodes more than codesGiven
}

// room returns a place for another code; negative: there is none.
func (f *failCodes) room() int {
	for at := int(codesGiven); at < len(*f); at++ {
		if (*f)[at] == "" {
			return at
		}
	}
	if len(*f) == maxFailCodes+int(codesGiven) {
		return -1
	}
	*f = append(*f, "")
	return len(*f) - 1
}

// failure returns the fail code of a failed task.
func (k *task) failure() string { return k.group.bounds.failCodes[k.failCode] }

// distinct is a set that stops growing at a limit.
type distinct struct {
	limit  int
	values map[string]struct{}
}

func newBounds(models int) bounds {
	set := func(limit int) distinct { return distinct{limit, make(map[string]struct{})} }
	return bounds{models: set(models), failCodes: newFailCodes(), labelKeys: set(maxLabelKeys)}
}

// admits reports whether the value is in the set, or had room in it.
func (d distinct) admits(value string) bool {
	if _, ok := d.values[value]; ok {
		return true
	}
	if len(d.values) >= d.limit {
		return false
	}
	d.values[value] = struct{}{}
	return true
}

// model returns the label value for a model's name; false: it is another than the name.
func (b *bounds) model(name string) (string, bool) {
	if name == "" || name == overflow || b.models.admits(name) {
		return name, true
	}
	return overflow, false
}

// failCode returns the code to show of a failed task whose code the API gave so.
func (b *bounds) failCode(text string) code {
	if text == "" {
		return codeNone
	}
	c, ok := b.failCodes.of(text)
	if !ok {
		b.overflows.FailCode++
	}
	return c
}

// admitLabels takes the keys of a task's labels; false: some are beyond the limit and not shown.
func (b *bounds) admitLabels(labels map[string]string) bool {
	before, all := len(b.labelKeys.values), true
	for key := range labels {
		all = b.labelKeys.admits(key) && all
	}
	if len(b.labelKeys.values) != before {
		b.lastKeys = slices.Sorted(maps.Keys(b.labelKeys.values))
	}
	return all
}
