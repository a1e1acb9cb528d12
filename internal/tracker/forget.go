// What is forgotten of label values that nothing uses any more, so that history does not take up their limits for ever.

package tracker

import (
	"maps"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// forgetEvery is the least time between two looks for models that nothing uses.
const forgetEvery = time.Second

// admit returns the label value for a model's name. Where there is no room for it, what nothing uses any more makes room; false:
// it is another than the name.
func (t *Tracker) admit(name string) (string, bool) {
	value, ok := t.bounds.model(name)
	if ok || time.Since(t.forgot) < forgetEvery {
		return value, ok
	}
	t.forgot = time.Now()
	t.forgetModels()
	return t.bounds.model(name)
}

// forgetModels forgets the models of which there is no task, and no total but 0, in a group that stays. Those that only a group
// has that is about to go are forgotten as names at once, and go with it.
func (t *Tracker) forgetModels() {
	used := make(map[string]struct{})
	for key, m := range t.models {
		switch {
		case key.group.leaving:
		case m.isUsed():
			used[key.name] = struct{}{}
		default:
			delete(t.models, key)
		}
	}
	gone := maps.Clone(t.bounds.models.values)
	maps.DeleteFunc(gone, func(name string, _ struct{}) bool { _, ok := used[name]; return ok })
	maps.DeleteFunc(t.bounds.models.values, func(name string, _ struct{}) bool { _, ok := gone[name]; return ok })
	t.forget(gone)
	for _, g := range t.groups {
		if !g.leaving {
			g.forget(gone)
		}
	}
	for _, f := range t.former {
		f.forget(gone)
	}
}

// isUsed reports whether a model has tasks, or totals that would be missed.
func (m *model) isUsed() bool {
	if m.coming > 0 || m.finished != [view.Outcomes]uint64{} {
		return true
	}
	for _, n := range m.tasks {
		if n > 0 {
			return true
		}
	}
	return false
}

// forget forgets what is known of some models.
func (e *experience) forget(models map[string]struct{}) {
	for name := range models {
		if d, ok := e.byModel[name]; ok {
			d.Retire()
			delete(e.byModel, name)
		}
	}
}

// forgetFailCodes makes room for other fail codes, if there is none, where no tracked task has one and no total is counted by it.
// A task that was dropped, and comes back, has another then.
func (t *Tracker) forgetFailCodes() {
	codes := &t.bounds.failCodes
	if codes.room() >= 0 {
		return
	}
	used := make([]bool, len(*codes))
	for _, m := range t.models {
		for text := range m.failCodes {
			if at := slices.Index(*codes, text); at >= 0 {
				used[at] = true
			}
		}
	}
	for _, k := range t.finished {
		if k != nil {
			used[k.failCode] = true
		}
	}
	for k := range t.unlisted.tasks.All() {
		if k.state == kie.StateFail && !used[k.failCode] && k.failCode >= codesGiven {
			k.failCode = codeOther
		}
	}
	for at := int(codesGiven); at < len(*codes); at++ {
		if !used[at] {
			(*codes)[at] = "" // for the next one
		}
	}
}

// forgetLabelKeys makes room for other label keys, if there is none, where no tracked task and no group has one.
func (t *Tracker) forgetLabelKeys() {
	keys := &t.bounds.labelKeys
	if len(keys.values) < keys.limit {
		return
	}
	before := keys.values
	keys.values = make(map[string]struct{})
	keep := func(labels map[string]string) {
		for key := range labels {
			if _, ok := before[key]; ok {
				keys.values[key] = struct{}{}
			}
		}
	}
	for _, o := range t.options.Groups {
		keep(o.Labels)
	}
	for k := range t.tasks.All() {
		if len(keys.values) == len(before) {
			return
		}
		keep(k.labels)
	}
	t.bounds.lastKeys = slices.Sorted(maps.Keys(keys.values))
}
