package backlog

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

var _ schedule.Backlog[*task] = (*List[*task])(nil)

// task is a task that was listed so many seconds after the first one.
type task struct{ after, place int }

func (k *task) BacklogIndex() int         { return k.place }
func (k *task) SetBacklogIndex(place int) { k.place = place }
func (k *task) DueAt() time.Time          { return time.Unix(int64(k.after), 0) }

// Whatever comes and goes, the newest and the oldest are those of a plain list, and no more room is taken than that has.
func TestBacklogIsAListInOrderOfListing(t *testing.T) {
	for seed := range uint64(20) {
		random := rand.New(rand.NewPCG(seed, 1))
		var b List[*task]
		var model []*task
		for step := range 5000 {
			// The list grows for some time, then it shrinks.
			if grows := step/500%2 == 0; random.IntN(10) < 7 == grows {
				k := &task{after: step}
				b.Put(k)
				model = append(model, k)
			} else if len(model) > 0 {
				i := random.IntN(len(model))
				k := model[i]
				if !b.Has(k) {
					t.Fatal("a task is not where it was put")
				}
				b.Take(k)
				if b.Has(k) {
					t.Fatal("a task that was taken is there")
				}
				model = slices.Delete(model, i, i+1)
			}
			compare(t, &b, model)
		}
	}
}

func compare(t *testing.T, b *List[*task], model []*task) {
	t.Helper()
	newest, ok := b.Newest(func(*task) bool { return false })
	oldest, waits := b.Oldest()
	if b.Len() != len(model) {
		t.Fatalf("%d tasks, want %d", b.Len(), len(model))
	}
	if len(model) == 0 {
		if ok || waits {
			t.Fatal("there is something in an empty backlog")
		}
		return
	}
	if first := model[0].DueAt(); !waits || !oldest.Equal(first) {
		t.Fatalf("the oldest waits since %v, want %v", oldest, first)
	}
	last := model[len(model)-1]
	if !ok || newest != last {
		t.Fatalf("the newest is that of %v, want %v", newest.DueAt(), last.DueAt())
	}
	if second, _ := b.Newest(func(k *task) bool { return k == last }); len(model) > 1 && second != model[len(model)-2] {
		t.Fatal("without the newest the second one is the newest")
	}
	if cap(b.tasks) > 8+5*len(model) {
		t.Fatalf("room for %d of %d tasks", cap(b.tasks), len(model))
	}
}
