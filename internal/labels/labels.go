// Package labels limits how many different models and fail codes of answers, and label keys of lists, are shown. Up to a limit they are
// admitted as they come; what comes later is "other", or left out. What nothing uses any more can make room.
package labels

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

const (
	maxCodes = 50
	maxKeys  = 64
)

// Limits admit models, fail codes and the keys of tasks' labels. Not safe for concurrent use.
type Limits struct {
	Overflows view.Overflows // of tasks that had something that was not admitted

	models   set
	codes    set
	keys     set
	lastKeys []string // sorted copy of keys
}

// New returns limits of which nothing is used, with so many models.
func New(models int) Limits {
	return Limits{models: newSet(models), codes: newSet(maxCodes), keys: newSet(maxKeys)}
}

// SetModels changes how many models there may be. Those that are admitted already stay.
func (l *Limits) SetModels(limit int) { l.models.limit = limit }

// Model returns the label value for a model's name; false: it is another than the name.
func (l *Limits) Model(name string) (string, bool) {
	if name == "" || name == kie.Other || l.models.admits(name) {
		return name, true
	}
	return kie.Other, false
}

// KeepModels forgets every model but those, and returns those that it forgot.
func (l *Limits) KeepModels(used map[string]struct{}) (gone map[string]struct{}) {
	return l.models.keep(used)
}

// AdmitKeys takes the keys of a task's labels; false: some are beyond the limit and not shown.
func (l *Limits) AdmitKeys(labels map[string]string) bool {
	before, all := len(l.keys.values), true
	for key := range labels {
		all = l.keys.admits(key) && all
	}
	if len(l.keys.values) != before {
		l.sortKeys()
	}
	return all
}

// Keys returns the keys that were admitted, sorted. They are never written to.
func (l *Limits) Keys() []string { return l.lastKeys }

func (l *Limits) sortKeys() { l.lastKeys = slices.Sorted(maps.Keys(l.keys.values)) }

// KeepKeys forgets every key but those of some labels, if there is no room for others.
func (l *Limits) KeepKeys(used iter.Seq[map[string]string]) {
	if !l.keys.isFull() {
		return
	}
	before := l.keys.values
	l.keys.values = make(map[string]struct{})
	for labels := range used {
		for key := range labels {
			if _, ok := before[key]; ok {
				l.keys.values[key] = struct{}{}
			}
		}
		if len(l.keys.values) == len(before) {
			break
		}
	}
	l.sortKeys()
}

// set is a set that stops growing at a limit.
type set struct {
	limit  int
	values map[string]struct{}
}

func newSet(limit int) set { return set{limit, make(map[string]struct{})} }

// admits reports whether the value is in the set, or had room in it.
func (s set) admits(value string) bool {
	if _, ok := s.values[value]; ok {
		return true
	}
	if s.isFull() {
		return false
	}
	s.values[strings.Clone(value)] = struct{}{} // the answer that it is from is not to be kept for it
	return true
}

func (s set) isFull() bool { return len(s.values) >= s.limit }

// keep forgets every value but those, and returns what it forgot.
func (s set) keep(used map[string]struct{}) (gone map[string]struct{}) {
	gone = make(map[string]struct{})
	for value := range s.values {
		if _, ok := used[value]; !ok {
			gone[value] = struct{}{}
			delete(s.values, value)
		}
	}
	return gone
}
