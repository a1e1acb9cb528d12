// How much memory tracked tasks take, with the lists that they come from, and that it is given back.

package tracker

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/promslog"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/records"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/files"
	"github.com/kie-exporter/kie_exporter/internal/source/groups"
	"github.com/kie-exporter/kie_exporter/internal/source/set"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/unlisted"
	"github.com/kie-exporter/kie_exporter/test/kit/heap"
)

// fixture is a tracker and where its tasks come from: one file, or nowhere.
type fixture struct {
	*Tracker
	tb   testing.TB
	path string
	set  *set.Set
}

// onlyAccount is the account of a fixture's tasks.
const onlyAccount = "main"

func newFixture(tb testing.TB, s records.Store) *fixture {
	tb.Helper()
	log := promslog.NewNopLogger()
	h := &fixture{tb: tb, path: filepath.Join(tb.TempDir(), "l.txt")}
	h.Tracker = New(Options{
		Accounts: []AccountOptions{{Name: onlyAccount, Budget: budget.New(budget.Options{Rate: 1, Concurrent: 1})}},
		Groups:   []GroupOptions{{Name: "video", Account: onlyAccount}},
		Bounds:   schedule.Bounds{Min: 3 * time.Second, Max: time.Minute}, TaskSeries: 1000, Models: 100, Store: s, Log: log,
	})
	var err error
	groups := []groups.Group{{Name: "video", Files: []files.Pattern{{Written: h.path, Path: h.path}}}}
	if h.set, err = set.New(groups, source.Limits{Tasks: 2_000_000, Bytes: 1 << 30, IDs: 2_000_000}, h.Tracker, log); err != nil {
		tb.Fatal(err)
	}
	return h
}

// TakesPushes implements store.Tasks, with the methods of a Tracker.
func (h *fixture) TakesPushes(string) bool { return false }

func numbered(i int) string { return fmt.Sprintf("%032x", i) }

// read has n ids listed by the file.
func (h *fixture) read(n int) {
	h.tb.Helper()
	var content strings.Builder
	for i := range n {
		content.WriteString(numbered(i) + "\n")
	}
	if err := os.WriteFile(h.path, []byte(content.String()), 0o600); err != nil {
		h.tb.Fatal(err)
	}
	if err := h.set.Load(h.tb.Context()); err != nil {
		h.tb.Fatal(err)
	}
}

// list has n ids listed by nobody who would remember them.
func (h *fixture) list(n int) {
	c := source.Change{Group: "video", Backlog: true, Added: make([]source.Task, n)}
	for i := range n {
		c.Added[i].ID = numbered(i)
	}
	h.Apply(c)
}

// finish has all tasks answered: they are over, one in ten has failed.
func (h *fixture) finish() {
	h.answer(func(i int) kie.Answer {
		answer := kie.Answer{
			Task: kie.Task{
				State: kie.StateSuccess, Created: kie.Time(i + 1), Completed: kie.Time(i + 60_001),
				Credits: 12.5, HasCredits: true, HasResult: true,
			},
		}
		if i%10 == 0 {
			answer.State, answer.FailCode, answer.Reason = kie.StateFail, strings.Clone("422"), kie.ReasonOther
		}
		return answer
	})
}

// wait has all tasks answered: they are not over yet.
func (h *fixture) wait() {
	created := kie.TimeOf(time.Now())
	h.answer(func(int) kie.Answer { return kie.Answer{Task: kie.Task{State: kie.StateGenerating, Created: created}} })
}

// everything returns all tasks in the order listed, as long as none of them is finished.
func (h *fixture) everything() []*entry.Task {
	return slices.DeleteFunc(slices.Concat(h.tasks.Unfinished(), h.tasks.Finished()), func(k *entry.Task) bool { return k == nil })
}

func (h *fixture) answer(of func(i int) kie.Answer) {
	a := h.accounts[0]
	for i, k := range h.everything() {
		answer := of(i)
		answer.ID, answer.Model = k.ID, strings.Clone("kling/v2")
		h.mu.Lock()
		a.Begin(k)
		h.mu.Unlock()
		h.learn(a.Account, k, answer, nil)
	}
}

func TestLargeNumberOfTasksTakesLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("its bounds are for pointers of 64 bits")
	}
	const many = 100_000
	for _, tt := range []struct {
		state  string
		finish func(*fixture)
	}{
		{"pending", func(*fixture) {}},
		{"finished", (*fixture).finish},
	} {
		t.Run(tt.state, func(t *testing.T) {
			before := heap.InUse()
			h := newFixture(t, store.Memory{})
			h.read(many)
			tt.finish(h)
			if each := float64(heap.InUse()-before) / many; each > 200 {
				t.Errorf("%.1f bytes a task, want 200 at most", each)
			}
			runtime.KeepAlive(h)
		})
	}
}

// What was dropped is given back, but for the tasks that are remembered in case they come back.
func TestLargeNumberOfDroppedTasksGivesItsMemoryBack(t *testing.T) {
	if testing.Short() {
		t.Skip("its bounds are for pointers of 64 bits")
	}
	const many = 2 * unlisted.MaxDropped
	for _, tt := range []struct {
		state  string
		finish func(*fixture)
	}{
		{"pending", func(*fixture) {}},
		{"finished", (*fixture).finish},
	} {
		t.Run(tt.state, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				before := heap.InUse()
				h := newFixture(t, store.Memory{})
				h.read(many)
				tt.finish(h)
				h.read(1)
				time.Sleep(time.Minute)
				h.read(1)
				if n, _ := h.Count("main"); n != 1 {
					t.Fatalf("%d tasks are tracked", n)
				}
				if left := float64(heap.InUse()-before) / unlisted.MaxDropped; left > 145 {
					t.Errorf("%.1f bytes are kept of each task that is remembered, want 145 at most", left)
				}
				h.tasks.Unlisted = unlisted.New()
				if left := float64(heap.InUse()-before) / many; left > 1 {
					t.Errorf("%.1f bytes are kept of each task", left)
				}
				runtime.KeepAlive(h)
			})
		})
	}
}

// BenchmarkMemory tells the memory of a million tasks: of what the tracker holds of them, with what the sources hold of
// them, and with a storage. The ids are 32 bytes of it in each case.
func BenchmarkMemory(b *testing.B) {
	const many = 1_000_000
	for _, bb := range []struct {
		name   string
		stored bool
		list   func(*fixture, int)
		answer func(*fixture)
	}{
		{"of=tracker,state=pending", false, (*fixture).list, func(*fixture) {}},
		{"of=tracker,state=unfinished", false, (*fixture).list, (*fixture).wait},
		{"of=tracker,state=finished", false, (*fixture).list, (*fixture).finish},
		{"of=all,state=pending", false, (*fixture).read, func(*fixture) {}},
		{"of=all,state=finished", false, (*fixture).read, (*fixture).finish},
		{"of=all,state=finished,stored", true, (*fixture).read, (*fixture).finish},
	} {
		b.Run(bb.name, func(b *testing.B) {
			var bytes, pause float64
			for b.Loop() {
				before := heap.InUse()
				var s records.Store = store.Memory{}
				var file *store.Store
				if bb.stored {
					file = opened(b)
					s = file
				}
				h := newFixture(b, s)
				bb.list(h, many)
				bb.answer(h)
				if bb.stored {
					b.ReportMetric(float64(heap.InUse()-before)/many, "B/task-unwritten")
					defer written(b, file, h, many)()
				}
				bytes += float64(heap.InUse() - before)
				start := time.Now()
				runtime.GC()
				pause += time.Since(start).Seconds()
				runtime.KeepAlive(h)
			}
			b.ReportMetric(bytes/float64(b.N)/many, "B/task")
			b.ReportMetric(pause/float64(b.N)*1e3, "ms/GC")
		})
	}
}

func opened(b *testing.B) *store.Store {
	b.Helper()
	s, err := store.Open(b.TempDir(), promslog.NewNopLogger())
	if err != nil {
		b.Fatal(err)
	}
	return s
}

// written waits until the store has written n tasks, and returns what ends it.
func written(b *testing.B, s *store.Store, h *fixture, n int) (end func()) {
	b.Helper()
	ctx, stop := context.WithCancel(b.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Run(ctx, h)
	}()
	for s.Stats().Tasks < n {
		time.Sleep(100 * time.Millisecond)
	}
	return func() {
		stop()
		<-ended
		s.Close()
	}
}
