package entry

import (
	"testing"
	"time"
	"unsafe"

	"github.com/prometheus/common/promslog"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/labels"
	"github.com/kie-exporter/kie_exporter/internal/learned"
	"github.com/kie-exporter/kie_exporter/internal/life"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

func TestAnEntryTakes80Bytes(t *testing.T) {
	const pointer = unsafe.Sizeof(uintptr(0))
	if size := unsafe.Sizeof(Task{}); pointer == 8 && size != 80 || size > 80 {
		t.Errorf("%d bytes", size)
	}
}

// newGroup returns a group of an account.
func newGroup() *Group {
	limits := labels.New(10)
	g := NewGroup("video", learned.NewGroups().Begin("video"), &limits, nil)
	g.Account = NewAccount("main", budget.New(budget.Options{Rate: 1, Concurrent: 1}), promslog.NewNopLogger(), time.Time{})
	return g
}

// What an entry holds is what it was given, but for what a task of its state has not.
func TestAnEntryHoldsTheFactsOfATask(t *testing.T) {
	g := newGroup()
	m := NewModel(g, "kling/v2", nil)
	for name, f := range map[string]kie.Task{
		"unfinished":          {State: kie.StateGenerating, Created: 5},
		"succeeded":           {State: kie.StateSuccess, Created: 5, Completed: 9, Credits: 2.5, HasCredits: true},
		"credits of 0":        {State: kie.StateSuccess, HasCredits: true},
		"credits are unknown": {State: kie.StateSuccess, Completed: 9},
		"failed":              {State: kie.StateFail, Created: 5, Completed: 9, FailCode: "422", Reason: kie.ReasonOther, Credits: 1, HasCredits: true},
		"failed without code": {State: kie.StateFail, FailCode: kie.NoCode},
	} {
		k := NewTask(g, "a")
		f.ID, f.Model = "a", "kling/v2"
		k.Hold(&f, m)
		var got kie.Task
		if k.Unpack(&got); got != f {
			t.Errorf("%s: %+v, want %+v", name, got, f)
		}
	}
}

// Where a task is asked about is held once for all tasks of a group and model that are asked about there.
func TestATaskWithAnEndpointOfItsOwnTakesNoByteMore(t *testing.T) {
	g := newGroup()
	m := NewModel(g, "V5", nil)
	first, k := NewTask(g, "a"), NewTask(g, "b")
	for _, of := range []*Task{first, k} {
		of.SetOwn("suno")
		of.Enter(g, m)
	}
	if k.Kind != first.Kind || k.AskedAt() != kie.Suno {
		t.Errorf("asked about at %v, of %p and %p", k.AskedAt(), k.Kind, first.Kind)
	}
	if n := testing.AllocsPerRun(100, func() {
		k.SetOwn("")
		k.SetOwn("suno")
		k.Enter(g, nil)
		k.Enter(g, m)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// A guess is for whoever wants to know when a failure was, and no fact.
func TestAGuessIsNoFact(t *testing.T) {
	g := newGroup()
	k := NewTask(g, "a")
	k.Hold(&kie.Task{State: kie.StateFail}, NewModel(g, "m", nil))
	k.Guess(7)
	k.Marks.Set(Counted, true)
	if !k.Completed().IsZero() || k.View().FailedAt != 7 || k.Record().FailedAt != 7 {
		t.Errorf("completed %v, failed at %v", k.Completed(), k.View().FailedAt)
	}
}

func TestATaskWaitsWhereItsLifeSays(t *testing.T) {
	g := newGroup()
	a, now := g.Account, time.Now()
	o := life.New("", now)
	o.Backlog = true
	seen := new(Shared)
	k, other := seen.Begin(NewTask(g, "a"), o), seen.Begin(NewTask(g, "b"), o)
	if k.Unfinished != other.Unfinished {
		t.Error("two of which the same is known do not share it")
	}
	k.Enqueue()
	other.Enqueue()
	if a.Backlog.Len() != 2 {
		t.Errorf("%d tasks in the backlog, want 2", a.Backlog.Len())
	}
	a.Begin(k)
	if a.Asked("a") != k || a.Asked("b") != nil || a.Backlog.Len() != 1 || k.Unfinished == other.Unfinished {
		t.Error("a task that is being asked waits, or shares what is known of it")
	}
	a.End(k, now)
	k.Unfinished.Backlog = false
	k.Enqueue()
	if a.Asked("a") != nil || !k.Unfinished.IsQueued() || k.Unfinished.Lane != schedule.LaneHot {
		t.Errorf("in lane %d", k.Unfinished.Lane)
	}
	if asked := other.CallbackCame(schedule.Bounds{}, now); !asked || other.Unfinished.Shared || !other.Unfinished.IsQueued() {
		t.Error("a callback leaves a task in the backlog")
	}
}

// What nobody asked about yet, and is one too many to be among the hot ones, waits in the backlog, where tasks share all but when they were first
// seen. What becomes of it later is what would have become of it otherwise.
func TestATaskTooManyWaitsInTheBacklog(t *testing.T) {
	g := newGroup()
	a, now, shared := g.Account, time.Now().Truncate(time.Millisecond), new(Shared)
	begin := func(seen time.Time, change func(o *life.Unfinished)) *Task {
		o := life.New("model", seen)
		o.Due = now
		if change != nil {
			change(&o)
		}
		k := shared.Begin(NewTask(g, "a"), o)
		k.Enqueue()
		return k
	}
	for range mostHot {
		if k := begin(now, nil); k.Unfinished.Shared {
			t.Fatalf("with %d hot ones it waits in the backlog", a.Queue.Hot())
		}
	}
	early, late := now.Add(-time.Hour), now.Add(-time.Minute)
	k, other := begin(early, nil), begin(late, nil)
	if k.Unfinished != other.Unfinished || !k.Unfinished.Shared || a.Backlog.Len() != 2 {
		t.Fatal("two that are too many do not share what is known of them")
	}
	for _, waiting := range []*Task{k, other} {
		if err := waiting.Check(); err != nil {
			t.Error(err)
		}
	}
	if !k.Seen().Equal(early) || !other.View().Seen.Equal(late) || k.Record().Seen != kie.TimeOf(early) || k.Born() != kie.TimeOf(early) {
		t.Errorf("first seen %v and %v", k.Seen(), other.View().Seen)
	}
	if k.Record().Backlog || k.View().Learned != 0 || k.Record().Learned != 0 {
		t.Errorf("%+v", k.Record())
	}
	a.Begin(k)
	want := life.New("model", early)
	if o := k.Unfinished; !o.Seen.Equal(want.Seen) || !o.Born.Equal(want.Born) || !o.Due.Equal(now) || o.Shared || o.Waits || o.Durations == nil {
		t.Errorf("once it is asked: %+v", o)
	}
	a.End(k, now)
	k.Enqueue()
	if k.Unfinished.Lane != schedule.LaneHot {
		t.Errorf("after it was asked it is in lane %d", k.Unfinished.Lane)
	}
	answered := begin(now, func(o *life.Unfinished) { o.Answered = now })
	called := begin(now, func(o *life.Unfinished) { o.Called = true })
	g.Webhook = true
	g.Callbacks.Came()
	relied := begin(now, nil)
	for name, k := range map[string]*Task{"answered": answered, "called": called, "callbacks are relied on": relied} {
		if k.Unfinished.Shared {
			t.Errorf("%s: it waits in the backlog", name)
		}
	}
}
