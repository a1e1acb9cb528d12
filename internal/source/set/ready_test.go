package set

import (
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source/files"
)

func TestASourceIsSettledWhenItWasReadOrHasFailedForAMinute(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		b.write("a.txt", "a\n")
		l := b.serveList(status(502))
		if err := b.load(10, Group{Name: "g", Files: []files.Pattern{b.pattern("a.txt"), b.pattern("*.yml")}, HTTP: l.http()}); err == nil {
			b.t.Fatal("no error")
		}
		b.run()
		if b.set.Settled() {
			b.t.Error("settled though a list was never read")
		}
		b.poll(11)
		if b.set.Settled() {
			b.t.Error("settled after 55 s of failures")
		}
		b.poll(1)
		if !b.set.Settled() {
			b.t.Error("not settled after 60 s of failures")
		}
	})
	inFakeTime(t, func(b *bench) {
		_ = b.load(10, Group{Name: "g", Files: []files.Pattern{b.pattern("a.txt")}})
		b.run()
		b.poll(1)
		if b.set.Settled() {
			b.t.Error("settled though the file is missing")
		}
		b.write("a.txt", "")
		b.poll(1)
		if !b.set.Settled() {
			b.t.Error("not settled though the file was read")
		}
		b.remove("a.txt")
		b.poll(1)
		if !b.set.Settled() {
			b.t.Error("not settled any more, though the file was read once")
		}
	})
	inFakeTime(t, func(b *bench) {
		begin := time.Now()
		b.start("*.txt") // matches nothing, which is no failure
		if !b.set.Settled() || time.Since(begin) > 0 {
			b.t.Error("not settled")
		}
	})
}
