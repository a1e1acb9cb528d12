// How long a million ids take, and how much memory.

package source

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"testing"
)

const million = 1_000_000

func BenchmarkParseMillion(b *testing.B) {
	for _, bb := range []struct{ file, content string }{
		{"l.txt", numbered("%032x\n", million)},
		{"l.jsonl", numbered(`{"taskId":"%032x","model":"kling/v2"}`+"\n", million)},
		{"l.yml", "- tasks:\n" + numbered("  - %032x\n", million/10)}, // a longer one is refused
		{"l.json", `[{"tasks":[` + numbered("\"%032x\",\n", million) + `"last"]}]`},
	} {
		b.Run(filepath.Ext(bb.file), func(b *testing.B) {
			b.ReportAllocs()
			format, err := formatOf(bb.file)
			if err != nil {
				b.Fatal(err)
			}
			for b.Loop() {
				n := 0
				h, err := harvested(b, format.parse, bb.content)
				h.each(&traits{}, func(found, string, *traits) { n++ })
				if err != nil || n < million/10 {
					b.Fatal(n, err)
				}
			}
		})
	}
}

// nowhere is a sink that keeps nothing.
type nowhere struct{}

func (nowhere) Apply(Change) {}

func BenchmarkMillionIDs(b *testing.B) {
	path := filepath.Join(b.TempDir(), "l.txt")
	content := numbered("%032x\n", million)
	write := func(content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			b.Fatal(err)
		}
	}
	load := func() *Set {
		set, err := New([]Group{{Name: "g", Files: []Pattern{{Written: path, Path: path}}}}, tasks(2*million), nowhere{}, discard())
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
			if err := set.readAll(b.Context(), false); err != nil {
				b.Fatal(err)
			}
		}
	})
}
