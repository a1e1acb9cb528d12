// What the tasks of a backlog share, and that they are kept in order.

package tracker

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/life"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

// listedTask returns a task that was listed so many seconds after the first one.
func listedTask(after int) *task {
	k := &task{unfinished: &life.Unfinished{}}
	k.unfinished.Due = time.Unix(int64(after), 0)
	return k
}

// Whatever comes and goes, the newest and the oldest are those of a plain list, and no more room is taken than that has.
func TestBacklogIsAListInOrderOfListing(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		var b backlog
		var model []*task
		for step := range 5000 {
			// The list grows for some time, then it shrinks.
			if grows := step/500%2 == 0; random.IntN(10) < 7 == grows {
				k := listedTask(step)
				b.put(k)
				model = append(model, k)
			} else if len(model) > 0 {
				i := random.IntN(len(model))
				b.take(model[i])
				model = slices.Delete(model, i, i+1)
			}
			compareBacklog(t, &b, model)
		}
	}
}

func compareBacklog(t *testing.T, b *backlog, model []*task) {
	t.Helper()
	newest, ok := b.Newest(func(*task) bool { return false })
	oldest, waits := b.Oldest()
	if len(model) == 0 {
		if ok || waits {
			t.Fatal("there is something in an empty backlog")
		}
		return
	}
	if first := model[0].unfinished.Due; !waits || !oldest.Equal(first) {
		t.Fatalf("the oldest waits since %v, want %v", oldest, first)
	}
	last := model[len(model)-1]
	if !ok || newest != last {
		t.Fatalf("the newest is that of %v, want %v", newest.unfinished.Due, last.unfinished.Due)
	}
	if second, _ := b.Newest(func(k *task) bool { return k == last }); len(model) > 1 && second != model[len(model)-2] {
		t.Fatal("without the newest the second one is the newest")
	}
	if cap(b.tasks) > 8+5*len(model) {
		t.Fatalf("room for %d of %d tasks", cap(b.tasks), len(model))
	}
}

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
	another := newGroup("image", &h.experience, &h.bounds, nil)
	another.account = h.accounts[0]
	h.move(all[2], another, nil)
	if *other.unfinished != before || o.Shared {
		t.Error("what became of one is known of another")
	}
	if n := h.accounts[0].backlog.count; n != 2 {
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
	if k := h.tasks.Get(crowded, "b"); k.own().Durations != g.durations {
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
	if from.backlog.count != 0 || to.backlog.count != 2 {
		t.Errorf("%d tasks stayed and %d came, want 0 and 2", from.backlog.count, to.backlog.count)
	}
	if _, ok := from.queue.Earliest(); ok {
		t.Error("something is left to be asked by the account that was")
	}
}
