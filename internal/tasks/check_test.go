package tasks

import (
	"testing"
	"time"

	"github.com/prometheus/common/promslog"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/life"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

// some returns a set of three tasks: one is finished, one waits, and one is in the backlog.
func some(t *testing.T) (s *Set, finished, waits, backlog *entry.Task) {
	t.Helper()
	s = NewSet(10, nil)
	s.SetGroups([]string{"video"})
	g := s.Group("video")
	s.SetAccount(g, entry.NewAccount("main", budget.New(budget.Options{Rate: 1, Concurrent: 1}), promslog.NewNopLogger(), time.Time{}))
	seen := new(entry.Shared)
	add := func(id string, inBacklog bool) *entry.Task {
		o := life.New("", time.Now())
		o.Backlog = inBacklog
		k := seen.Begin(entry.NewTask(g, id), o)
		s.Add(k, g, nil, schedule.Bounds{})
		return k
	}
	finished, waits, backlog = add("finished", false), add("waits", false), add("backlog", true)
	finished.Detach()
	s.TakeFacts(finished, &kie.Task{State: kie.StateSuccess, Model: "m"})
	s.Finish(finished)
	return s, finished, waits, backlog
}

func TestWhatDoesNotHoldIsFound(t *testing.T) {
	for name, spoil := range map[string]func(s *Set, finished, waits, backlog *entry.Task){
		"a group counts wrong":         func(s *Set, _, _, _ *entry.Task) { s.Groups[0].Tasks++ },
		"a model counts wrong":         func(_ *Set, k, _, _ *entry.Task) { k.Kind.Model.Tasks[kie.StateFail]++ },
		"another index":                func(_ *Set, _, k, _ *entry.Task) { k.Index++ },
		"finished, with an Unfinished": func(_ *Set, k, w, _ *entry.Task) { k.Unfinished = w.Unfinished },
		"asking, and waiting":          func(_ *Set, _, k, _ *entry.Task) { k.Unfinished.Asking = true },
		"waiting nowhere":              func(_ *Set, _, k, _ *entry.Task) { k.Detach() },
		"asking, in the backlog":       func(_ *Set, _, _, k *entry.Task) { k.Unfinished.Asking = true },
		"in no backlog, and shared":    func(_ *Set, _, _, k *entry.Task) { k.Kind.Group.Account.Backlog.Take(k) },
		"a model that is forgotten":    func(s *Set, _, _, _ *entry.Task) { clear(s.models) },
		"dropped, and tracked":         func(s *Set, k, _, _ *entry.Task) { s.Unlisted.Drop(k) },
		"removed, and tracked":         func(_ *Set, _, k, _ *entry.Task) { k.Marks.Set(entry.Removed, true) },
		"of another account":           func(_ *Set, _, k, _ *entry.Task) { k.Kind.Group.Account.Name = "other" },
		"in the lists alone":           func(s *Set, _, k, _ *entry.Task) { s.Table.Delete("main", k) },
	} {
		s, finished, waits, backlog := some(t)
		if err := s.Check(); err != nil {
			t.Fatal(err)
		}
		if spoil(s, finished, waits, backlog); s.Check() == nil {
			t.Errorf("%s: not found", name)
		}
	}
}
