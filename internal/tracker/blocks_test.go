package tracker

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/promslog"

	"github.com/kie-exporter/kie_exporter/internal/blocks"
	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/test/kit/program"
)

// shownBefore changes a tracker that asks nothing by itself.
type shownBefore struct {
	*Tracker
	*rand.Rand
	options  Options
	accounts [2]AccountOptions
	ids      []string
}

func newHistory(seed uint64, tasks, limit int) *shownBefore {
	h := &shownBefore{Rand: rand.New(rand.NewPCG(seed, 0))}
	for i := range h.accounts {
		h.accounts[i] = AccountOptions{Name: fmt.Sprint("account", i), Budget: budget.New(budget.Options{
			Key: func() string { return "key" }, Rate: 1, Concurrent: 1,
		})}
	}
	h.options = Options{
		Accounts: h.accounts[:], TaskSeries: limit, Models: 100, Bounds: schedule.Bounds{Min: time.Second, Max: time.Minute},
		Groups: []GroupOptions{{Name: "video", Account: "account0"}, {Name: "image", Account: "account0"}},
		Store:  store.Memory{}, Log: promslog.NewNopLogger(),
	}
	h.Tracker = New(h.options)
	for i := range tasks {
		h.ids = append(h.ids, fmt.Sprintf("t%06d", i))
	}
	return h
}

func (h *shownBefore) list(ids ...string) {
	c := source.Change{Group: h.options.Groups[h.IntN(len(h.options.Groups))].Name}
	for _, id := range ids {
		c.Added = append(c.Added, source.Task{ID: id, Labels: map[string]string{"n": strconv.Itoa(h.IntN(3))}})
	}
	h.Apply(c)
}

// some returns some ids, those of neighbours now and then.
func (h *shownBefore) some(most int) []string {
	first, n := h.IntN(len(h.ids)), h.IntN(most)
	if h.IntN(2) == 0 {
		return h.ids[first:min(first+n, len(h.ids))]
	}
	ids := make([]string, n)
	for i := range ids {
		ids[i] = h.ids[h.IntN(len(h.ids))]
	}
	return ids
}

// answer has the API say something about tasks that are not finished.
func (h *shownBefore) answer(ids ...string) {
	for _, id := range ids {
		k := h.tasks.Get(h.accounts[h.IntN(2)].Name, id)
		if k == nil || k.Unfinished == nil {
			continue
		}
		a := k.Kind.Group.Account
		a.Begin(k)
		answer := kie.Answer{Task: kie.Task{ID: id, Model: fmt.Sprint("m", h.IntN(3)), State: kie.States()[h.IntN(6)]}}
		answer.Created = kie.TimeOf(time.Now().Add(-time.Duration(h.IntN(20)) * time.Minute))
		if answer.State.Finished() {
			answer.Completed = kie.TimeOf(time.Now())
		}
		var err error
		if h.IntN(5) == 0 {
			err = &kie.Error{Class: kie.ClassServer}
		}
		h.learn(a, k, answer, err)
	}
}

// reload puts another limit, other groups or other accounts of groups in force.
func (h *shownBefore) reload() {
	h.options.Groups = slices.Clone(h.options.Groups)
	switch h.IntN(4) {
	case 0:
		h.options.Groups = h.options.Groups[:1]
	case 1:
		h.options.Groups = []GroupOptions{{Name: "image", Account: "account1"}, {Name: "video", Account: "account0"}}
	default:
		h.options.TaskSeries = h.IntN(len(h.ids))
	}
	h.Reconfigure(h.options, func() {})
}

func TestTasksWithSeriesAreThoseOfThePlainChoice(t *testing.T) {
	for seed := range program.Fewer[uint64](2, 8) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				h := newHistory(seed, 2600, 1700)
				h.list(h.ids[:1800]...)
				for range 100 {
					switch h.IntN(12) {
					case 0:
						h.list(h.some(700)...)
					case 1:
						h.Apply(source.Change{Group: "video", Removed: h.some(500)})
					case 2:
						h.Apply(source.Change{Group: "video", Removed: h.some(3)})
					case 3:
						h.list(h.some(3)...)
					case 4:
						h.reload()
					case 5:
						time.Sleep(2 * time.Minute)
					case 6:
						h.answer(h.some(1500)...)
					default:
						h.answer(h.some(5)...)
						time.Sleep(time.Duration(h.IntN(5000)) * time.Millisecond)
					}
					if h.IntN(3) > 0 {
						h.check(t)
					}
				}
			})
		})
	}
}

// check compares what is shown to what a plain choice among all tasks shows.
func (h *shownBefore) check(t *testing.T) {
	t.Helper()
	if err := h.Check(); err != nil {
		t.Fatal(err)
	}
	type key struct{ account, id string }
	want := map[key]*view.Block{}
	without := map[string]int{}
	for k := range h.tasks.Table.All() {
		without[k.Kind.Group.Name]++
	}
	for _, k := range h.plainChoice() {
		want[key{k.Kind.Group.Account.Name, k.ID}] = view.NewBlock(k.View())
		without[k.Kind.Group.Name]--
	}
	time.Sleep(time.Second)
	s := h.Snapshot()
	if got := s.Tasks(); len(got) != len(want) {
		t.Fatalf("%d tasks have series, want %d", len(got), len(want))
	}
	var got, as view.Task
	for _, b := range s.Blocks {
		for i := range b.Len() {
			b.Read(i, &got)
			w := want[key{got.Account, got.ID}]
			if w == nil {
				t.Fatalf("%s has series", got.ID)
			}
			w.Read(0, &as)
			if !reflect.DeepEqual(got, as) {
				t.Fatalf("got  %+v\nwant %+v", got, as)
			}
			delete(want, key{got.Account, got.ID})
		}
	}
	for _, g := range s.Groups {
		if g.WithoutSeries != without[g.Name] {
			t.Fatalf("%d tasks of %s have no series, want %d", g.WithoutSeries, g.Name, without[g.Name])
		}
	}
}

// plainChoice returns the tasks that are to have series: answered unfinished ones, newest first, up to half of the limit;
// then finished ones, last learned first; then what unfinished ones are left, answered before pending.
func (h *shownBefore) plainChoice() []*entry.Task {
	limit := h.options.TaskSeries
	var answered, pending []*entry.Task
	for _, k := range h.tasks.Unfinished() {
		if k.Unfinished.Answered.IsZero() {
			pending = append(pending, k)
		} else {
			answered = append(answered, k)
		}
	}
	slices.SortFunc(answered, func(a, b *entry.Task) int {
		return cmp.Or(cmp.Compare(b.Born(), a.Born()), cmp.Compare(a.ID, b.ID), cmp.Compare(a.Kind.Group.Account.Name, b.Kind.Group.Account.Name))
	})
	half := min(len(answered), limit/2)
	chosen := slices.Clone(answered[:half])
	for _, k := range slices.Backward(h.tasks.Finished()) {
		if k != nil && len(chosen) < limit {
			chosen = append(chosen, k)
		}
	}
	for _, k := range slices.Concat(answered[half:], pending) {
		if len(chosen) < limit {
			chosen = append(chosen, k)
		}
	}
	return chosen
}

// finishAll has the API say that tasks have succeeded.
func (h *shownBefore) finishAll(ids ...string) {
	for _, id := range ids {
		k := h.tasks.Get(h.accounts[0].Name, id)
		k.Kind.Group.Account.Begin(k)
		h.learn(k.Kind.Group.Account, k, kie.Answer{Task: kie.Task{ID: id, Model: "m", State: kie.StateSuccess, Created: 1, Completed: 2}}, nil)
	}
}

// newBlocks returns how many blocks, and tasks in them, are not among those of before.
func newBlocks(now, before view.Shown) (fresh, tasks int) {
	for _, b := range now.Blocks {
		if !slices.Contains(before.Blocks, b) {
			fresh++
			tasks += b.Len()
		}
	}
	return fresh, tasks
}

func TestBlocksOfWhatDidNotChangeStay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, run = 10_000, blocks.RunSize * blocks.PieceSize
		h := newHistory(0, 20_000, limit)
		h.list(h.ids[:9000]...)
		h.finishAll(h.ids[:8500]...)
		last := h.Shown()
		step := func(what string, mostBlocks, mostTasks int) {
			t.Helper()
			now := h.Shown()
			if fresh, tasks := newBlocks(now, last); fresh > mostBlocks || tasks > mostTasks {
				t.Errorf("%s: %d blocks with %d tasks are new, want %d with %d at the most", what, fresh, tasks, mostBlocks, mostTasks)
			}
			last = now
		}
		step("nothing", 0, 0)
		if n, most := len(last.Blocks), 8500/run+blocks.RunSize+500/blocks.PieceSize+2; n > most {
			t.Errorf("%d blocks, want %d at the most", n, most)
		}
		h.answer(h.ids[8500])
		step("an answer", 3, 3*blocks.PieceSize)
		h.finishAll(h.ids[8600])
		step("an end", 3, 3*blocks.PieceSize)
		h.Apply(source.Change{Group: "image", Added: []source.Task{{ID: h.ids[0]}}})
		step("a move", blocks.RunSize, run)
		h.Apply(source.Change{Group: "video", Added: []source.Task{{ID: h.ids[1]}}})
		step("another move there", 1, blocks.PieceSize)
		time.Sleep(2 * blocks.Quiet)
		step("quiet", 2, 2*run)
		step("more quiet", 0, 0)
		h.list(h.ids[9000:]...)
		h.finishAll(h.ids[9000:12000]...)
		step("the limit is reached", 3000/blocks.PieceSize+2*blocks.RunSize+500/blocks.PieceSize, 3000+2*run+500)
		for i := range 50 {
			h.finishAll(h.ids[12000+i])
			step("the window slides", blocks.RunSize+3, run+3*blocks.PieceSize)
		}
		h.options.TaskSeries = 100
		h.Reconfigure(h.options, func() {})
		if n := len(h.Shown().Tasks()); n != 100 {
			t.Errorf("%d tasks have series, want 100", n)
		}
	})
}
