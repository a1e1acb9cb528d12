// Files that are no good as lists.

package set

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/bounded"
	"github.com/kie-exporter/kie_exporter/internal/source/files"
	"github.com/kie-exporter/kie_exporter/test/kit/pipe"
)

// loadFile loads a list file without fake time, for what would wait would wait for ever there.
func loadFile(t *testing.T, path string, limit int) (*tracked, source.Stat, error) {
	t.Helper()
	sink := newTracked(t)
	groups := []Group{{Name: "other", Inline: []string{"o"}}, {Name: "g", Files: []files.Pattern{{Written: path, Path: path}}}}
	set, err := New(groups, tasks(limit), sink, discard())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	err = set.Load(ctx)
	if ctx.Err() != nil {
		t.Fatal("reading never ended")
	}
	if sink.ids("other") != "o" {
		t.Error("another source suffered")
	}
	return sink, set.Stats()[1], err
}

func TestWhatIsNoRegularFileIsRefusedWithoutWaiting(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := pipe.Make(fifo); err != nil {
		t.Skip(err)
	}
	for path, want := range map[string]string{
		fifo:                        "not a regular file",
		"/dev/zero":                 "not a regular file",
		t.TempDir():                 "is a folder",
		fifo + "x":                  "no such file",
		"/proc/self/mem/impossible": "not a directory",
		"/proc/self/mem":            "a file of the kernel",
	} {
		_, stat, err := loadFile(t, path, 10)
		if err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error %v", path, err)
		}
		if stat.Errors != 1 || !stat.LastSuccess.IsZero() {
			t.Errorf("%s: stat %+v", path, stat)
		}
	}
}

func TestLargeListsAreRefusedOrSkipped(t *testing.T) {
	write := func(name, content string) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	t.Run("1 GiB", func(t *testing.T) {
		path := write("l.txt", "a\n")
		if err := os.Truncate(path, 1<<30); err != nil {
			t.Fatal(err)
		}
		sink, _, err := loadFile(t, path, 10)
		if !errors.Is(err, bounded.ErrTooLarge) || sink.ids("g") != "" {
			t.Errorf("error %v", err)
		}
	})
	t.Run("line of 10 MiB", func(t *testing.T) {
		for _, name := range []string{"l.txt", "l.jsonl"} {
			good, long := "a", strings.Repeat("x", 10<<20)
			if name == "l.jsonl" {
				good, long = `{"taskId":"a"}`, `{"taskId":"b","model":"`+long+`"}`
			}
			sink, stat, err := loadFile(t, write(name, long+"\n"+good+"\n"), 10)
			if err != nil || sink.ids("g") != "a" || stat.Rejected[source.RejectedInvalid] != 1 {
				t.Errorf("%s: %v %+v", name, err, stat)
			}
		}
	})
	t.Run("20 million lines", func(t *testing.T) {
		if testing.Short() {
			t.Skip("takes seconds")
		}
		path := write("l.txt", strings.Repeat("a\nb\nc\nd\n", 5_000_000))
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		sink, stat, err := loadFile(t, path, 3)
		if err != nil || sink.ids("g") != "c d" || stat.Rejected[source.RejectedLimit] != 19_999_998 || stat.Tasks != 20_000_000 {
			t.Errorf("%v %+v", err, stat)
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		if after.HeapAlloc > before.HeapAlloc+10<<20 {
			t.Errorf("%d bytes are kept", after.HeapAlloc-before.HeapAlloc)
		}
	})
}

func TestLoadStopsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.txt")
	if err := os.WriteFile(path, []byte("a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	sink := newTracked(t)
	set, err := New([]Group{{Name: "g", Files: []files.Pattern{{Written: path, Path: path}}}}, tasks(10), sink, discard())
	if err != nil {
		t.Fatal(err)
	}
	if err := set.Load(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if s := set.Stats()[0]; s.Errors != 0 || len(sink.changes) != 0 {
		t.Errorf("being stopped counts as an error: %+v", s)
	}
}
