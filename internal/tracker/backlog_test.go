// What the tasks of a backlog share.

package tracker

import (
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/entry"
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
	h := newFixture(t, store.Memory{})
	h.list(3)
	all := h.everything()
	k, other := all[0], all[1]
	if k.Unfinished != other.Unfinished || !other.Unfinished.Shared {
		t.Fatal("the tasks share nothing")
	}
	before := *other.Unfinished
	o := k.Detach()
	fail(o)
	k.Enqueue()
	another := entry.NewGroup("image", h.tasks.Learned.Recall("image"), &h.tasks.Limits, nil)
	another.Account = h.accounts[0].Account
	h.tasks.Move(all[2], another, nil, h.options.Bounds)
	if *other.Unfinished != before || o.Shared {
		t.Error("what became of one is known of another")
	}
	if n := h.accounts[0].Backlog.Len(); n != 2 {
		t.Errorf("%d tasks in the backlog, want 2", n)
	}
}

// The model that a list names counts from the first query on.
func TestATaskOfABacklogIsExpectedToTakeAsLongAsItsModel(t *testing.T) {
	h := newFixture(t, store.Memory{})
	g := h.tasks.Groups[0]
	h.Apply(source.Change{Group: g.Name, Backlog: true, Added: []source.Task{{ID: "a", Model: "kling/v2"}, {ID: "b"}}})
	m := h.tasks.Model(g, "kling/v2")
	if k := h.tasks.Get(onlyAccount, "a"); k.Detach().Durations != m.Durations {
		t.Error("not as long as others of the model")
	}
	if k := h.tasks.Get(onlyAccount, "b"); k.Detach().Durations != g.Learned.Expect("") {
		t.Error("not as long as others of the group")
	}
}

func TestABacklogGoesToAnotherAccountWithItsGroup(t *testing.T) {
	h := newFixture(t, store.Memory{})
	h.list(3)
	asked := h.everything()[1]
	fail(asked.Detach())
	asked.Enqueue()
	o, from := h.options, h.accounts[0]
	o.Accounts = append(o.Accounts, AccountOptions{Name: "other", Budget: budget.New(budget.Options{Rate: 1, Concurrent: 1})})
	o.Groups = []GroupOptions{{Name: "video", Account: "other"}}
	h.Reconfigure(o, func() {})
	to := h.accounts[1]
	if from.Backlog.Len() != 0 || to.Backlog.Len() != 2 {
		t.Errorf("%d tasks stayed and %d came, want 0 and 2", from.Backlog.Len(), to.Backlog.Len())
	}
	if _, ok := from.Queue.Earliest(); ok {
		t.Error("something is left to be asked by the account that was")
	}
}
