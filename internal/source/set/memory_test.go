// How much memory ids take, and that it is given back.

package set

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source/files"
	"github.com/kie-exporter/kie_exporter/internal/source/grace"
	"github.com/kie-exporter/kie_exporter/test/kit/heap"
	"github.com/kie-exporter/kie_exporter/test/kit/lists"
)

func TestManyIDsTakeLittleMemoryAndGiveItBack(t *testing.T) {
	const many = 100_000
	path := filepath.Join(t.TempDir(), "l.txt")
	write := func(content string) {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		set, err := New([]Group{{Name: "g", Files: []files.Pattern{{Written: path, Path: path}}}}, tasks(many), nowhere{}, discard())
		if err != nil {
			t.Fatal(err)
		}
		read := func() float64 {
			if err := set.readEach(t.Context(), *set.shown.Load(), false); err != nil {
				t.Fatal(err)
			}
			return float64(heap.InUse())
		}
		write("one\n")
		empty := read()
		write(lists.Numbered("%032x\n", many))
		if each := (read() - empty) / many; each > 85 {
			t.Errorf("%.1f bytes an id, want 85 at most", each)
		}
		write("one\n")
		read()
		time.Sleep(grace.Period)
		if left := (read() - empty) / many; left > 1 {
			t.Errorf("%.1f bytes an id are kept after all were dropped", left)
		}
		runtime.KeepAlive(set)
	})
}

// Ids that come one by one are listed as all others are.
func TestIDsThatAreListedAlikeShareOneListing(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		content := "first\n"
		b.write("a.txt", content)
		b.start("a.txt", "*.txt")
		for i := range 20 {
			content += lists.Numbered("more%d\n", i+1)
			b.write("a.txt", content)
			if i%5 == 0 {
				b.write("b.txt", content)
			}
			b.poll(2)
		}
		b.write("a.txt", content+"# the same ids\n")
		b.poll(1)
		different, kept := b.set.ledger.Listings("")
		if kept > 0 {
			t.Errorf("%d listings are kept to be found, though nothing is read", kept)
		}
		// In both files or in one, those that came last apart until all are read again.
		if different > 4 {
			t.Errorf("%d listings, want 4 at most", different)
		}
	})
}
