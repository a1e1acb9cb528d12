// What is forgotten of label values that nothing uses any more, so that history does not take up their limits for ever.

package tasks

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// forgetEvery is the least time between two looks for models that nothing uses.
const forgetEvery = time.Second

// Admit returns the label value for a model's name. Where there is no room for it, what nothing uses any more makes room; false:
// it is another than the name.
func (s *Set) Admit(name string) (string, bool) {
	value, ok := s.Limits.Model(name)
	if ok || time.Since(s.forgot) < forgetEvery {
		return value, ok
	}
	s.forgot = time.Now()
	s.forgetModels()
	return s.Limits.Model(name)
}

// forgetModels forgets the models of which there is no task, and no total but 0, in a group that stays. Those that only a group
// has that is about to go are forgotten as names at once, and go with it.
func (s *Set) forgetModels() {
	used := make(map[string]struct{})
	for key, m := range s.models {
		switch {
		case key.group.Leaving:
		case m.IsUsed():
			used[key.name] = struct{}{}
		default:
			delete(s.models, key)
		}
	}
	gone := s.Limits.KeepModels(used)
	s.Learned.ForgetModels(gone, func(group string) bool { return s.byName[group].Leaving })
}

// forgetCodes makes room for other fail codes, if there is none, where no tracked task has one and no total is counted by it.
// A task that was dropped, and comes back, has another then.
func (s *Set) forgetCodes() {
	if !s.Limits.CodesAreFull() {
		return
	}
	used := make(map[string]struct{})
	for _, m := range s.models {
		for code := range m.Totals.Codes() {
			used[code] = struct{}{}
		}
	}
	for _, k := range s.finished {
		if k != nil && k.State == kie.StateFail {
			used[k.Kind.Code] = struct{}{}
		}
	}
	s.Limits.KeepCodes(used)
	for k := range s.Unlisted.All() {
		k.ForgetCode()
	}
	for _, m := range s.models {
		m.ForgetCodes()
	}
}

// Forget makes room for other fail codes and keys of labels, where there is none and nothing uses them any more. Configured
// are labels that are in use beside those of the tasks.
func (s *Set) Forget(configured []map[string]string) {
	s.forgetCodes()
	s.Limits.KeepKeys(func(yield func(map[string]string) bool) {
		for _, labels := range configured {
			if !yield(labels) {
				return
			}
		}
		for k := range s.Table.All() {
			if !yield(k.Labels) {
				return
			}
		}
	})
}
