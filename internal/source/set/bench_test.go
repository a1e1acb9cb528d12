// How long a million ids take, and how much memory.

package set

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/files"
	"github.com/kie-exporter/kie_exporter/test/kit/lists"
)

const million = 1_000_000

// nowhere is a sink that keeps nothing.
type nowhere struct{}

func (nowhere) Apply(source.Change) {}

func BenchmarkMillionIDs(b *testing.B) {
	path := filepath.Join(b.TempDir(), "l.txt")
	content := lists.Numbered("%032x\n", million)
	write := func(content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	load := func() *Set {
		set, err := New([]Group{{Name: "g", Files: []files.Pattern{{Written: path, Path: path}}}}, tasks(2*million), nowhere{}, discard())
		if err != nil {
			b.Fatal(err)
		}
		if err := set.Load(b.Context()); err != nil {
			b.Fatal(err)
		}
		return set
	}
	write(content)
	b.Run("load", func(b *testing.B) {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		var set *Set
		for b.Loop() {
			set = load()
		}
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/million, "B/id")
		runtime.KeepAlive(set)
	})
	b.Run("one more", func(b *testing.B) {
		set := load()
		grown := content
		for i := 0; b.Loop(); i++ {
			grown += fmt.Sprintf("more%d\n", i)
			write(grown)
			if err := set.readEach(b.Context(), *set.shown.Load(), false); err != nil {
				b.Fatal(err)
			}
		}
	})
}
