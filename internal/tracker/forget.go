// What is forgotten of label values that nothing uses any more, so that history does not take up their limits for ever.

package tracker

import (
	"iter"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/labels"
)

// forgetEvery is the least time between two looks for models that nothing uses.
const forgetEvery = time.Second

// admit returns the label value for a model's name. Where there is no room for it, what nothing uses any more makes room; false:
// it is another than the name.
func (t *Tracker) admit(name string) (string, bool) {
	value, ok := t.limits.Model(name)
	if ok || time.Since(t.forgot) < forgetEvery {
		return value, ok
	}
	t.forgot = time.Now()
	t.forgetModels()
	return t.limits.Model(name)
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
	gone := t.limits.KeepModels(used)
	t.learned.ForgetModels(gone, func(group string) bool { return t.byGroup[group].leaving })
}

// forgetFailCodes makes room for other fail codes, if there is none, where no tracked task has one and no total is counted by it.
// A task that was dropped, and comes back, has another then.
func (t *Tracker) forgetFailCodes() {
	if !t.limits.IsFull() {
		return
	}
	var used labels.Codes
	for _, m := range t.models {
		for text := range m.totals.FailCodes() {
			used.AddText(&t.limits, text)
		}
	}
	for _, k := range t.finished {
		if k != nil {
			used[k.failCode] = true
		}
	}
	for k := range t.unlisted.tasks.All() {
		if k.state == kie.StateFail && !used.Has(k.failCode) {
			k.failCode = labels.CodeOther
		}
	}
	t.limits.KeepCodes(&used)
}

// allLabels yields the labels of all groups and tasks.
func (t *Tracker) allLabels() iter.Seq[map[string]string] {
	return func(yield func(map[string]string) bool) {
		for _, o := range t.options.Groups {
			if !yield(o.Labels) {
				return
			}
		}
		for k := range t.tasks.All() {
			if !yield(k.labels) {
				return
			}
		}
	}
}
