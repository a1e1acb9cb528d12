// How much memory ids take, and that it is given back.

package source

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/heap"
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
		set, err := New([]Group{{Name: "g", Files: []Pattern{{Written: path, Path: path}}}}, tasks(many), nowhere{}, discard())
		if err != nil {
			t.Fatal(err)
		}
		read := func() float64 {
			if err := set.readAll(t.Context(), false); err != nil {
				t.Fatal(err)
			}
			return float64(heap.InUse())
		}
		write("one\n")
		empty := read()
		write(numbered("%032x\n", many))
		if each := (read() - empty) / many; each > 85 {
			t.Errorf("%.1f bytes an id, want 85 at most", each)
		}
		write("one\n")
		read()
		time.Sleep(grace)
		if left := (read() - empty) / many; left > 1 {
			t.Errorf("%.1f bytes an id are kept after all were dropped", left)
		}
		runtime.KeepAlive(set)
	})
}

// Ids that come one by one stand with their lists as all others do.
func TestIDsThatStandAlikeAreHeldOnce(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		content := "first\n"
		b.write("a.txt", content)
		b.start("a.txt", "*.txt")
		for i := range 20 {
			content += numbered("more%d\n", i+1)
			b.write("a.txt", content)
			if i%5 == 0 {
				b.write("b.txt", content)
			}
			b.poll(2)
		}
		b.write("a.txt", content+"# the same ids\n")
		b.poll(1)
		if n := len(b.set.ledger.shared.standings); n > 0 {
			t.Errorf("%d standings are kept to be found, though nothing is read", n)
		}
		held := make(map[*standing]int)
		for task := range b.set.ledger.account("").tasks.All() {
			held[task.standing]++
		}
		// In both files or in one, those that came last apart until all are read again.
		if len(held) > 4 {
			t.Errorf("%d standings, want 4 at most", len(held))
		}
	})
}
