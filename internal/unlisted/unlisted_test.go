package unlisted

import (
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/common/promslog"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/life"
)

func group(account string) *entry.Group {
	g := entry.NewGroup("video", nil, nil, nil)
	g.Account = entry.NewAccount(account, budget.New(budget.Options{Rate: 1, Concurrent: 1}), promslog.NewNopLogger(), time.Time{})
	return g
}

// drop has a task of a group dropped.
func drop(m *Memory, g *entry.Group, id string) *entry.Task {
	k := entry.NewTask(g, id)
	k.Marks.Set(entry.Removed, true)
	m.Drop(k)
	return k
}

func TestTheTasksDroppedLastAreRememberedOnce(t *testing.T) {
	m, g := New(), group("main")
	back := drop(&m, g, "back")
	if m.Recall("main", "back") != back || m.Recall("main", "back") != nil {
		t.Error("a task does not come back once")
	}
	m.Drop(back) // again
	for i := range MaxDropped {
		drop(&m, g, strconv.Itoa(i))
	}
	if m.Get("main", "back") != nil || m.Get("main", "0") == nil {
		t.Error("the oldest is remembered still, or another is not")
	}
	drop(&m, g, "last")
	if m.Get("main", "0") != nil || m.Get("main", "last") == nil {
		t.Error("not those dropped last")
	}
}

func TestATaskOfWhichAFinalAnswerWasToldIsFinished(t *testing.T) {
	m, g := New(), group("main")
	m.Learn("main", kie.Task{ID: "told", State: kie.StateSuccess, Model: "m"})
	drop(&m, g, "finished")
	drop(&m, g, "unfinished").Unfinished = new(life.New("", time.Now()))
	for id, want := range map[string]bool{"told": true, "finished": true, "unfinished": false, "unknown": false} {
		if got := m.IsFinished("main", id); got != want {
			t.Errorf("%s: %v", id, got)
		}
	}
	if m.IsFinished("other", "told") {
		t.Error("another account's, too")
	}
	for i := range maxFinal {
		m.Learn("main", kie.Task{ID: strconv.Itoa(i), State: kie.StateFail})
	}
	if _, ok := m.FinalAnswer("main", "told"); ok {
		t.Error("the oldest is remembered still")
	}
}

func TestAGroupTakesItsDroppedTasksAlong(t *testing.T) {
	m, g, other := New(), group("main"), group("other")
	mine, stays := drop(&m, g, "mine"), drop(&m, other, "both")
	drop(&m, g, "both")
	m.TakeAlong(g, "other")
	if m.Get("main", "mine") != nil || m.Get("other", "mine") != mine || m.Get("other", "both") != stays {
		t.Error("not all but what the other account knows itself")
	}
}
