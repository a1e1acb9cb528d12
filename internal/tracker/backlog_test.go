// What the tasks of a backlog share.

package tracker

import (
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/life"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

// fail has a query about a task fail.
func fail(o *life.Unfinished) {
	var clock life.Clock
	o.Conclude(life.Outcome{Err: &kie.Error{Class: kie.ClassServer}}, 0, clock.At(time.Now()), schedule.Bounds{})
}

// What the tasks of a backlog share is written for none of them.
func TestOneTaskOfABacklogIsAskedAndTheOthersStayWhatTheyAre(t *testing.T) {
	h := newCrowd(t, store.Memory{})
	h.list(3)
	all := h.everything()
	k, other := all[0], all[1]
	if k.unfinished != other.unfinished || !other.unfinished.Shared {
		t.Fatal("the tasks share nothing")
	}
	before := *other.unfinished
	o := k.own()
	fail(o)
	k.enqueue()
	another := newGroup("image", h.learned.Recall("image"), &h.limits, nil)
	another.account = h.accounts[0]
	h.move(all[2], another, nil)
	if *other.unfinished != before || o.Shared {
		t.Error("what became of one is known of another")
	}
	if n := h.accounts[0].backlog.Len(); n != 2 {
		t.Errorf("%d tasks in the backlog, want 2", n)
	}
}

// The model that a list names counts from the first query on.
func TestATaskOfABacklogIsExpectedToTakeAsLongAsItsModel(t *testing.T) {
	h := newCrowd(t, store.Memory{})
	g := h.groups[0]
	h.Apply(source.Change{Group: g.name, Backlog: true, Added: []source.Task{{ID: "a", Model: "kling/v2"}, {ID: "b"}}})
	m := h.modelOf(g, "kling/v2")
	if k := h.tasks.Get(crowded, "a"); k.own().Durations != m.durations {
		t.Error("not as long as others of the model")
	}
	if k := h.tasks.Get(crowded, "b"); k.own().Durations != g.learned.Expect("") {
		t.Error("not as long as others of the group")
	}
}

func TestABacklogGoesToAnotherAccountWithItsGroup(t *testing.T) {
	h := newCrowd(t, store.Memory{})
	h.list(3)
	asked := h.everything()[1]
	fail(asked.own())
	asked.enqueue()
	o, from := h.options, h.accounts[0]
	o.Accounts = append(o.Accounts, AccountOptions{Name: "other", Budget: budget.New(budget.Options{Rate: 1, Concurrent: 1})})
	o.Groups = []GroupOptions{{Name: "video", Account: "other"}}
	h.Reconfigure(o, func() {})
	to := h.accounts[1]
	if from.backlog.Len() != 0 || to.backlog.Len() != 2 {
		t.Errorf("%d tasks stayed and %d came, want 0 and 2", from.backlog.Len(), to.backlog.Len())
	}
	if _, ok := from.queue.Earliest(); ok {
		t.Error("something is left to be asked by the account that was")
	}
}
