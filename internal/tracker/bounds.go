// How many label values the far side may bring into the world.

package tracker

import (
	"maps"
	"slices"
)

const (
	maxFailCodes = 50
	maxLabelKeys = 64
	overflow     = "other"
	noFailCode   = "none"
)

// bounds admit label values until their number is reached; what comes later is "other", and counted.
type bounds struct {
	models    distinct
	failCodes distinct
	labelKeys distinct
	overflows Overflows
	lastKeys  []string // sorted copy of labelKeys
}

// distinct is a set that stops growing at a limit.
type distinct struct {
	limit  int
	values map[string]struct{}
}

func newBounds(models int) bounds {
	set := func(limit int) distinct { return distinct{limit, make(map[string]struct{})} }
	return bounds{models: set(models), failCodes: set(maxFailCodes), labelKeys: set(maxLabelKeys)}
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

// failCode returns the label value for a fail code.
func (b *bounds) failCode(code string) string {
	switch {
	case code == "", code == noFailCode:
		return noFailCode
	case code == overflow || b.failCodes.admits(code):
		return code
	}
	b.overflows.FailCode++
	return overflow
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
