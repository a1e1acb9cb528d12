package set

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"slices"
	"strconv"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/pushed"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/test/kit/heap"
)

// pushStore is a storage in memory, which may fail before or after it has saved.
type pushStore struct {
	mu     sync.Mutex
	kept   map[string]source.Task // of one group
	file   int
	saves  int
	fails  bool
	forget bool // it fails, and has saved all the same
	before func()
}

func newPushStore() *pushStore { return &pushStore{kept: make(map[string]source.Task), file: 1} }

var errPushStore = errors.New("the storage is full")

func (s *pushStore) SavePushes(changes []source.Pushed) error {
	if s.before != nil {
		s.before()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saves++
	if s.fails && !s.forget {
		return errPushStore
	}
	for _, c := range changes {
		if c.Gone {
			delete(s.kept, c.Task.ID)
		} else {
			s.kept[c.Task.ID] = c.Task
		}
	}
	if s.fails {
		return errPushStore
	}
	return nil
}

func (s *pushStore) Pushes(string) (tasks []source.Task, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, t := range s.kept {
		tasks = append(tasks, t)
	}
	return tasks, nil
}

func (s *pushStore) PushesFile() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.file
}

// counting takes changes.
type counting struct{ added, removed int }

func (n *counting) Apply(c source.Change) {
	n.added += len(c.Added)
	n.removed += len(c.Removed)
}

// pushing returns sources of which group g takes pushes, kept in a pushStore.
func pushing(t *testing.T, on pushed.Store, groups ...Group) (*Set, *counting) {
	t.Helper()
	sink := &counting{}
	s, err := New(append(groups, Group{Name: "g", Account: "main", Push: &Push{Keep: time.Hour}}), source.Limits{Tasks: 1e6, IDs: 1e6, Bytes: 1 << 20}, sink, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.Pushes(pushed.Beyond{Store: on, Ended: func(_ string, ids []string) []time.Time { return make([]time.Time, len(ids)) }})
	return s, sink
}

func push(s *Set, ids ...string) *source.Push {
	p := &source.Push{Group: "g"}
	for _, id := range ids {
		p.Add = append(p.Add, source.Task{ID: id})
	}
	s.Push(p)
	return p
}

func TestAPushThatIsNotSavedDoesNotCountAndMayComeAgain(t *testing.T) {
	for _, forget := range []bool{false, true} {
		on := newPushStore()
		s, sink := pushing(t, on)
		_ = s.Load(t.Context())
		on.fails, on.forget = true, forget
		if p := push(s, "a", "b"); !errors.Is(p.Err, source.ErrNotKept) || sink.added != 0 {
			t.Errorf("%+v, %d added", p, sink.added)
		}
		on.fails = false
		if p := push(s, "a", "b", "b"); p.Err != nil || p.Accepted != 2 || p.Known != 1 || sink.added != 2 || len(on.kept) != 2 {
			t.Errorf("%+v, %d added, %d kept", p, sink.added, len(on.kept))
		}
	}
}

// A process that ends between the write and the answer leaves what nobody was told; what was pushed before the end is there again.
func TestWhatWasSavedIsThereAgainInAnotherProcess(t *testing.T) {
	on := newPushStore()
	s, _ := pushing(t, on)
	if p := push(s, "early"); !errors.Is(p.Err, source.ErrStarting) {
		t.Errorf("before anything is read: %+v", p)
	}
	_ = s.Load(t.Context())
	push(s, "a", "b")
	on.fails, on.forget = true, true
	push(s, "c")
	on.fails = false
	again, sink := pushing(t, on)
	_ = again.Load(t.Context())
	if p := push(again, "a", "b", "c", "d"); p.Known != 3 || p.Accepted != 1 || sink.added != 4 {
		t.Errorf("%+v, %d added", p, sink.added)
	}
}

func TestAllWhoWaitAreSavedAtOnceAndWhatAddsIsNotMixedWithWhatRemoves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		on := newPushStore()
		on.before = func() { time.Sleep(10 * time.Millisecond) }
		s, sink := pushing(t, on)
		_ = s.Load(t.Context())
		var producers sync.WaitGroup
		for i := range 100 {
			producers.Go(func() {
				if p := push(s, strconv.Itoa(i)); p.Accepted != 1 {
					t.Errorf("%+v", p)
				}
			})
		}
		producers.Wait()
		if on.saves > 2 || sink.added != 100 {
			t.Errorf("%d writes, %d added", on.saves, sink.added)
		}
		for range 20 {
			producers.Go(func() { push(s, "x") })
			producers.Go(func() { s.Push(&source.Push{Group: "g", Remove: []string{"x"}}) })
		}
		producers.Wait()
		s.mu.Lock()
		defer s.mu.Unlock()
		if _, kept := on.kept["x"]; kept != s.kinds.pushed["g"].List().Has("x") {
			t.Errorf("in the storage: %v, in the list: %v", kept, !kept)
		}
	})
}

func TestAStorageWithAnotherFileGetsEverythingAgain(t *testing.T) {
	on := newPushStore()
	s, _ := pushing(t, on)
	_ = s.Load(t.Context())
	push(s, "a", "b")
	on.file, on.kept = 2, make(map[string]source.Task)
	s.tidy(t.Context())
	if len(on.kept) != 2 {
		t.Errorf("%d of 2 ids are in the new file", len(on.kept))
	}
}

func TestAPushDisturbsNoListThatIsBeingRead(t *testing.T) {
	on := newPushStore()
	s, sink := pushing(t, on, Group{Name: "listed", Account: "main", Inline: []string{"a", "b"}})
	_ = s.Load(t.Context())
	s.mu.Lock()
	l := s.kinds.pushed["g"].List()
	before := sink.added
	s.ledger.SettleAlone(l, func() {})(func(source.Change) bool { return true })
	s.mu.Unlock()
	if push(s, "c"); sink.added != before+1 {
		t.Errorf("%d added", sink.added-before)
	}
	if slices.ContainsFunc(s.Stats(), func(st source.Stat) bool { return st.Source == "push" && st.Tasks != 1 }) {
		t.Errorf("stats %+v", s.Stats())
	}
}

func TestLargeNumberOfPushedIDsTakesNoMoreMemoryThanListedOnes(t *testing.T) {
	const n = 50_000
	ids := make([]string, n)
	for i := range ids {
		ids[i] = fmt.Sprintf("%032x", i)
	}
	perID := func(fill func() *Set) float64 {
		before := heap.InUse()
		s := fill()
		after := heap.InUse()
		s.Close() // until here it is in use
		return float64(after-before) / n
	}
	listed := perID(func() *Set {
		s, _ := pushing(t, store.Memory{}, Group{Name: "listed", Account: "main", Inline: ids})
		_ = s.Load(t.Context())
		return s
	})
	pushedAt := func(endpoint string) func() *Set {
		return func() *Set {
			s, sink := pushing(t, store.Memory{})
			_ = s.Load(t.Context())
			defer func() {
				if sink.added != n {
					t.Errorf("%d of %d ids are added", sink.added, n)
				}
			}()
			for _, id := range ids {
				s.Push(&source.Push{Group: "g", Add: []source.Task{{ID: id, Model: "m", Endpoint: endpoint}}})
			}
			return s
		}
	}
	single, elsewhere := perID(pushedAt("")), perID(pushedAt("suno"))
	runtime.KeepAlive(ids)
	t.Logf("%.0f bytes for a listed id, %.0f for a pushed one", listed, single)
	if single > listed*1.25+8 {
		t.Errorf("%.0f bytes for a pushed id, %.0f for a listed one", single, listed)
	}
	if elsewhere > single+1 {
		t.Errorf("%.1f bytes for an id with an endpoint of its own, %.1f for one without", elsewhere, single)
	}
}
