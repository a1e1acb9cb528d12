package summary

import (
	"maps"
	"reflect"
	"testing"
	"time"

	"github.com/prometheus/common/promslog"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/labels"
	"github.com/kie-exporter/kie_exporter/internal/learned"
	"github.com/kie-exporter/kie_exporter/internal/life"
)

var now = time.Unix(1_700_000_000, 0)

func ago(d time.Duration) time.Time { return now.Add(-d) }

func newGroup(name string, a *entry.Account, limits *labels.Limits) *entry.Group {
	g := entry.NewGroup(name, learned.NewGroups().Begin(name), limits, nil)
	g.Account = a
	return g
}

func newAccount(name string) *entry.Account {
	return entry.NewAccount(name, budget.New(budget.Options{Rate: 1, Concurrent: 1}), promslog.NewNopLogger(), time.Time{})
}

// task returns an unfinished task of a model, which was answered a minute ago and is due in a minute, unless change says otherwise.
func task(m *entry.Model, change func(k *entry.Task, u *life.Unfinished)) *entry.Task {
	u := life.New("", ago(time.Hour))
	u.Answered, u.Due = ago(time.Minute), now.Add(time.Minute)
	k := entry.NewTask(m.Group, "a")
	k.Hold(&kie.Task{State: kie.StateWaiting, Created: kie.TimeOf(ago(time.Hour))}, m)
	k.Unfinished = &u
	if change != nil {
		change(k, &u)
	}
	return k
}

// totals is what a summary says of one group, model and account. Classes are those that some task has.
type totals struct {
	oldestAnswer time.Time
	classes      map[kie.Class]int
	oldest       kie.Time
	overdue, due int
}

func TestWhatUnfinishedTasksComeTo(t *testing.T) {
	type change = func(k *entry.Task, u *life.Unfinished)
	created := kie.TimeOf(ago(time.Hour))
	older := kie.TimeOf(ago(2 * time.Hour))
	createdAt := func(at kie.Time) change {
		return func(k *entry.Task, _ *life.Unfinished) { k.Hold(&kie.Task{State: k.State, Created: at}, k.Kind.Model) }
	}
	failed := func(c kie.Class) change { return func(_ *entry.Task, u *life.Unfinished) { u.Class = c } }
	for name, c := range map[string]struct {
		tasks []change
		want  totals
	}{
		"none":           {nil, totals{}},
		"answered":       {[]change{nil, nil}, totals{oldestAnswer: ago(time.Minute), oldest: created}},
		"never answered": {[]change{func(_ *entry.Task, u *life.Unfinished) { u.Answered = time.Time{} }}, totals{}},
		"due now, and due a second ago": {
			[]change{func(_ *entry.Task, u *life.Unfinished) { u.Due = now }, func(_ *entry.Task, u *life.Unfinished) { u.Due = ago(time.Second) }, nil},
			totals{oldestAnswer: ago(time.Minute), oldest: created, due: 2},
		},
		"the oldest answer and the oldest task": {
			[]change{
				nil,
				func(_ *entry.Task, u *life.Unfinished) { u.Answered = ago(time.Hour) },
				createdAt(older),
				nil,
			},
			totals{oldestAnswer: ago(time.Hour), oldest: older},
		},
		"no time of creation": {
			[]change{createdAt(0)},
			totals{oldestAnswer: ago(time.Minute)},
		},
		"overdue": {
			[]change{func(_ *entry.Task, u *life.Unfinished) { u.Overdue = true }, nil},
			totals{oldestAnswer: ago(time.Minute), oldest: created, overdue: 1},
		},
		"queries failed": {
			[]change{failed(kie.ClassTimeout), failed(kie.ClassTimeout), failed(kie.ClassNotFound), nil},
			totals{oldestAnswer: ago(time.Minute), oldest: created, classes: map[kie.Class]int{kie.ClassTimeout: 2, kie.ClassNotFound: 1}},
		},
		"given up: only its class counts": {
			[]change{func(_ *entry.Task, u *life.Unfinished) {
				u.GivenUp, u.Overdue, u.Class, u.Due = true, true, kie.ClassNotFound, now
			}},
			totals{classes: map[kie.Class]int{kie.ClassNotFound: 1}},
		},
	} {
		limits := labels.New(10)
		m := entry.NewModel(newGroup("video", newAccount("main"), &limits), "kling/v2", nil)
		s := New()
		for _, change := range c.tasks {
			s.Add(task(m, change), now)
		}
		got := totals{
			oldestAnswer: s.OldestAnswer[m.Group], oldest: s.Oldest[m], overdue: s.Overdue[m], due: s.Due[m.Group.Account],
			classes: s.Failing(m.Group),
		}
		maps.DeleteFunc(got.classes, func(_ kie.Class, n int) bool { return n == 0 })
		if c.want.classes == nil {
			c.want.classes = map[kie.Class]int{}
		}
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%s: %+v, want %+v", name, got, c.want)
		}
	}
}

func TestGroupsModelsAndAccountsAreSummedUpApart(t *testing.T) {
	limits := labels.New(10)
	main, other := newAccount("main"), newAccount("other")
	video, image, speech := newGroup("video", main, &limits), newGroup("image", main, &limits), newGroup("speech", other, &limits)
	s := New()
	all := func(_ *entry.Task, u *life.Unfinished) { u.Class, u.Due, u.Overdue = kie.ClassTimeout, now, true }
	kling, veo := entry.NewModel(video, "kling", nil), entry.NewModel(video, "veo", nil)
	for _, m := range []*entry.Model{kling, veo, veo, entry.NewModel(image, "flux", nil), entry.NewModel(speech, "eleven", nil)} {
		s.Add(task(m, all), now)
	}
	if s.Due[main] != 4 || s.Due[other] != 1 || s.Overdue[kling] != 1 || s.Overdue[veo] != 2 ||
		s.Failing(video)[kie.ClassTimeout] != 3 || s.Failing(image)[kie.ClassTimeout] != 1 || s.Failing(speech)[kie.ClassTimeout] != 1 {
		t.Errorf("due %v, overdue %v, failing %v, %v, %v", s.Due, s.Overdue, s.Failing(video), s.Failing(image), s.Failing(speech))
	}
}

// A series of each class is there from the start, so that the first failure is an increase.
func TestEveryClassOfFailureIsCountedFromZero(t *testing.T) {
	limits := labels.New(10)
	s := New()
	failing := s.Failing(newGroup("video", newAccount("main"), &limits))
	for _, c := range kie.Classes() {
		if n, ok := failing[c]; ok == (c == kie.ClassOK) || n != 0 {
			t.Errorf("class %v: %d, %v", c, n, ok)
		}
	}
}
