package tracker

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// listedTask returns a task that was listed so many seconds after the first one.
func listedTask(after int) *task {
	k := &task{open: &open{}}
	k.open.Due = time.Unix(int64(after), 0)
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
	if first := model[0].open.Due; !waits || !oldest.Equal(first) {
		t.Fatalf("the oldest waits since %v, want %v", oldest, first)
	}
	last := model[len(model)-1]
	if !ok || newest != last {
		t.Fatalf("the newest is that of %v, want %v", newest.open.Due, last.open.Due)
	}
	if second, _ := b.Newest(func(k *task) bool { return k == last }); len(model) > 1 && second != model[len(model)-2] {
		t.Fatal("without the newest the second one is the newest")
	}
	if cap(b.tasks) > 8+5*len(model) {
		t.Fatalf("room for %d of %d tasks", cap(b.tasks), len(model))
	}
}

// What the tasks of a backlog share is written for none of them.
func TestOneTaskOfABacklogIsAskedAndTheOthersStayWhatTheyAre(t *testing.T) {
	h := newCrowd(t, nil)
	h.list(3)
	all := h.tracked()
	k, other := all[0], all[1]
	if k.open != other.open || !other.open.shared {
		t.Fatal("the tasks share nothing")
	}
	before := *other.open
	o := k.own()
	o.fault(1, time.Now(), 0)
	k.enqueue()
	if *other.open != before || o.Task != k || o.shared {
		t.Error("what one was told is known of the other")
	}
	if n := h.accounts[0].backlog.count; n != 2 {
		t.Errorf("%d tasks in the backlog, want 2", n)
	}
}
