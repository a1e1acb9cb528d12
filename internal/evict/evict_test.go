package evict

import (
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/promslog"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/life"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/tasks"
)

// kept is a store that knows of every task that it is over, but of some.
type kept struct {
	lacks map[string]bool
	mu    *sync.Mutex // not held when a disk may be waited for; nil: others hold it
	t     *testing.T
}

func (s *kept) wantFree() {
	s.t.Helper()
	switch {
	case s.mu == nil:
	case s.mu.TryLock():
		s.mu.Unlock()
	default:
		s.t.Error("a disk is waited for with the lock held")
	}
}

func (s *kept) Find(_ string, ids []string) []store.Record {
	s.wantFree()
	return make([]store.Record, len(ids))
}

func (s *kept) AreOver(_ string, ids []string) (over []bool) {
	s.wantFree()
	for _, id := range ids {
		over = append(over, !s.lacks[id])
	}
	return over
}

func (s *kept) Forget(string, []string) { s.wantFree() }

func (s *kept) Stats() store.Stats { return store.Stats{Keeps: true, Up: true} }

// evicting is an evictor of tasks of the groups video and image, of one account.
type evicting struct {
	*Evictor
	set     *tasks.Set
	store   *kept
	changes int
}

func newEvicting(t *testing.T) *evicting {
	t.Helper()
	mu := &sync.Mutex{}
	v := &evicting{set: tasks.NewSet(10, nil), store: &kept{lacks: make(map[string]bool), mu: mu, t: t}}
	v.set.SetGroups([]string{"video", "image"})
	account := entry.NewAccount("main", budget.New(budget.Options{Rate: 1, Concurrent: 1}), promslog.NewNopLogger(), time.Time{})
	for _, group := range []string{"video", "image"} {
		v.set.SetAccount(v.set.Group(group), account)
	}
	believed := func(r store.Record, _ *entry.Account) store.Record { return r }
	v.Evictor = New(mu, v.set, v.store, believed, func() { v.changes++ })
	return v
}

// start is when the first of the tasks finished.
var start = time.Now().Add(-24 * time.Hour)

// at returns so many minutes after that.
func at(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }

// track has a task tracked that finished so many minutes after the first; -1: it has not.
func (v *evicting) track(group, id string, minutes int) {
	g := v.set.Group(group)
	k := new(entry.Shared).Begin(entry.NewTask(g, id), life.New("", time.Now()))
	v.set.Add(k, g, nil, schedule.Bounds{})
	k.Detach()
	if minutes >= 0 {
		v.set.TakeFacts(k, &kie.Task{Model: "m", State: kie.StateSuccess})
		v.set.Finish(k)
		k.Learn(kie.TimeOf(at(minutes)))
	}
}

func TestThoseThatAreOverForLongestLeave(t *testing.T) {
	for name, tt := range map[string]struct {
		wanted source.Wanted
		lacks  []string
		gone   []string
	}{
		"nothing is wanted":                {source.Wanted{}, nil, nil},
		"two":                              {source.Wanted{Need: 2}, nil, []string{"a", "b"}},
		"more than there are":              {source.Wanted{Need: 9}, nil, []string{"a", "b", "c", "d"}},
		"of one group":                     {source.Wanted{Group: "video", Need: 2}, nil, []string{"a", "c"}},
		"the first is not on disk":         {source.Wanted{Need: 2}, []string{"a"}, []string{"b"}},
		"for one that is over for shorter": {source.Wanted{Rivals: []time.Time{at(90)}}, nil, []string{"a"}},
		"for one that is over for longer":  {source.Wanted{Rivals: []time.Time{at(-1)}}, nil, nil},
		"for an unfinished one and others": {source.Wanted{Need: 1, Rivals: []time.Time{at(25), at(15)}}, nil, []string{"a", "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			v := newEvicting(t)
			for _, id := range tt.lacks {
				v.store.lacks[id] = true
			}
			v.track("video", "unfinished", -1)
			v.track("video", "c", 20)
			v.track("image", "d", 30)
			v.track("video", "a", 0)
			v.track("image", "b", 10)
			var gone []string
			for _, e := range v.Evict(tt.wanted) {
				if e.Account != "main" {
					t.Errorf("tasks of the account %q leave", e.Account)
				}
				gone = append(gone, e.IDs...)
			}
			slices.Sort(gone)
			if !slices.Equal(gone, tt.gone) {
				t.Errorf("%v leave, want %v", gone, tt.gone)
			}
			for _, id := range gone {
				if v.set.Get("main", id) != nil {
					t.Errorf("%s is tracked still", id)
				}
			}
			if v.set.Get("main", "unfinished") == nil {
				t.Error("a task leaves that is unfinished")
			}
			if (v.CountOver() > 0) != (len(gone) < 4) || (v.changes > 0) != (len(gone) > 0) {
				t.Errorf("after %v, %d are over; %d changes are noted", gone, v.CountOver(), v.changes)
			}
		})
	}
}

// Of more than are sorted at a time, those leave that are over for longest, and the first ids of those that are over since the same moment.
func TestThoseThatAreOverForLongestAreFoundAmongMany(t *testing.T) {
	const tasks, wanted = 150_000, 10
	v := newEvicting(t)
	same := make([][]string, wanted) // by minute
	for i := range tasks {
		id, minute := strconv.Itoa(tasks+i), i*7919%tasks/4
		v.track("video", id, minute)
		if minute < wanted {
			same[minute] = append(same[minute], id)
		}
	}
	var gone, want []string
	for _, e := range v.Evict(source.Wanted{Need: wanted}) {
		gone = append(gone, e.IDs...)
	}
	for _, ids := range same {
		slices.Sort(ids)
		want = append(want, ids...)
	}
	want = want[:wanted]
	slices.Sort(gone)
	slices.Sort(want)
	if !slices.Equal(gone, want) {
		t.Errorf("%v leave, want %v", gone, want)
	}
}

// Whoever makes room does so while others have tasks tracked, and finish.
func TestTasksLeaveWhileOthersCome(t *testing.T) {
	v := newEvicting(t)
	v.store.mu = nil
	const each = 500
	var working sync.WaitGroup
	for w, group := range []string{"video", "image"} {
		working.Go(func() {
			for i := range each {
				v.mu.Lock()
				v.track(group, group+strconv.Itoa(i), 2*i+w)
				v.mu.Unlock()
			}
		})
	}
	left := 0
	working.Go(func() {
		for range 50 {
			for _, e := range v.Evict(source.Wanted{Need: 20}) {
				left += len(e.IDs)
			}
			v.CountOver()
			v.Over("video", []string{"video0", "never"})
		}
	})
	working.Wait()
	v.mu.Lock()
	defer v.mu.Unlock()
	if got := v.set.Table.Len("main"); got != 2*each-left {
		t.Errorf("%d are tracked, want %d without the %d that have left", got, 2*each-left, left)
	}
	if err := v.set.Check(); err != nil {
		t.Error(err)
	}
}
