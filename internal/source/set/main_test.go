// What the tests of this package share: a sink that holds what is tracked, and sources that are polled in fake time.

package set

import (
	"bytes"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/files"
	"github.com/kie-exporter/kie_exporter/internal/source/groups"
	"github.com/kie-exporter/kie_exporter/internal/source/secrets"
)

type (
	Group = groups.Group
	Push  = groups.Push
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// tracked is a sink that believes every change and complains about impossible ones. It can be read under its lock.
type tracked struct {
	mu      sync.Mutex
	tb      testing.TB
	groups  map[string]string // group by id
	tasks   map[string]source.Task
	changes []source.Change
}

func newTracked(tb testing.TB) *tracked {
	tb.Helper()
	return &tracked{tb: tb, groups: make(map[string]string), tasks: make(map[string]source.Task)}
}

func (s *tracked) Apply(c source.Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changes = append(s.changes, c)
	for _, id := range c.Removed {
		if s.groups[id] != c.Group {
			s.tb.Errorf("removed %q from group %q, was in %q", id, c.Group, s.groups[id])
		}
		delete(s.groups, id)
		delete(s.tasks, id)
	}
	for _, task := range c.Added {
		if old, ok := s.tasks[task.ID]; ok && s.groups[task.ID] == c.Group && maps.Equal(old.Labels, task.Labels) {
			s.tb.Errorf("%q is added to %q again and nothing of it changed", task.ID, c.Group)
		}
		s.groups[task.ID] = c.Group
		s.tasks[task.ID] = task
	}
}

// ids returns the tracked ids of a group, sorted.
func (s *tracked) ids(group string) string {
	var ids []string
	for id, in := range s.groups {
		if in == group {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return strings.Join(ids, " ")
}

// bench is a set under test, over list files in a folder of its own. Once the set runs, the test holds the sink's lock
// but while it lets time pass.
type bench struct {
	*tracked
	t    *testing.T
	dir  string
	set  *Set
	logs bytes.Buffer

	secrets secrets.Config
}

// Write takes a log line.
func (b *bench) Write(line []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.logs.Write(line)
}

// inFakeTime runs test in a bubble whose clock starts decades before the times of the files.
func inFakeTime(t *testing.T, test func(b *bench)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) { test(&bench{tracked: newTracked(t), t: t, dir: dir}) })
}

// pattern returns the pattern of a group's file source.
func (b *bench) pattern(written string) files.Pattern {
	return files.Pattern{Written: written, Path: filepath.Join(b.dir, written)}
}

// tasks are limits of which that of tasks alone is reached.
func tasks(limit int) source.Limits {
	return source.Limits{Tasks: limit, Bytes: maxFile, IDs: 100_000_000}
}

const maxFile = 256 << 20

// load makes a set of groups and reads it once.
func (b *bench) load(limit int, groups ...Group) error {
	b.t.Helper()
	return b.loadWithin(tasks(limit), groups...)
}

// loadWithin is load with all limits.
func (b *bench) loadWithin(limits source.Limits, groups ...Group) error {
	b.t.Helper()
	set, err := New(groups, limits, b.tracked, slog.New(slog.NewTextHandler(b, nil)))
	if err != nil {
		b.t.Fatal(err)
	}
	b.set = set
	set.Guard(b.secrets)
	return set.Load(b.t.Context())
}

// start loads a set of one group "g" with the given patterns, and lets it run for the rest of the test.
func (b *bench) start(patterns ...string) {
	b.t.Helper()
	g := Group{Name: "g"}
	for _, p := range patterns {
		g.Files = append(g.Files, b.pattern(p))
	}
	_ = b.load(1000, g)
	b.run()
}

func (b *bench) run() {
	done := make(chan struct{})
	go func() {
		defer close(done)
		b.set.Run(b.t.Context())
	}()
	synctest.Wait()
	b.mu.Lock()
	b.t.Cleanup(func() { <-done })
}

// poll lets n polls go by.
func (b *bench) poll(n int) {
	b.mu.Unlock()
	defer b.mu.Lock()
	for range n {
		time.Sleep(source.Interval)
		synctest.Wait()
	}
}

func (b *bench) write(name, content string) string {
	b.t.Helper()
	path := filepath.Join(b.dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		b.t.Fatal(err)
	}
	return path
}

func (b *bench) remove(name string) {
	b.t.Helper()
	if err := os.Remove(filepath.Join(b.dir, name)); err != nil {
		b.t.Fatal(err)
	}
}

// want checks what is tracked in group g.
func (b *bench) want(ids string) {
	b.t.Helper()
	if got := b.ids("g"); got != ids {
		b.t.Errorf("tracked: %q, want %q", got, ids)
	}
}

// logged returns how many log lines hold text.
func (b *bench) logged(text string) int {
	n := 0
	for line := range strings.Lines(b.logs.String()) {
		if strings.Contains(line, text) {
			n++
		}
	}
	return n
}

func (b *bench) stat(label string) source.Stat {
	b.t.Helper()
	stats := b.set.Stats()
	i := slices.IndexFunc(stats, func(s source.Stat) bool { return s.Source == label })
	if i < 0 {
		b.t.Fatalf("no stats of %q", label)
	}
	return stats[i]
}

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }
