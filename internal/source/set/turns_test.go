package set

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source/files"
	"github.com/kie-exporter/kie_exporter/internal/source/format"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
	"github.com/kie-exporter/kie_exporter/internal/source/secrets"
)

// endless is the ending of lists that are read until there is no more time for it.
const endless = "endless"

// withEndless has such lists known.
func withEndless(t *testing.T) {
	t.Helper()
	parse := func(content string, h *parsed.List) error {
		if content != "" {
			<-h.Context().Done()
		}
		return h.Context().Err()
	}
	t.Cleanup(format.Define(endless, parse))
	t.Cleanup(format.Define("jsonl", parse)) // which a server can have, too
}

// took returns how long f takes, in fake time.
func (b *bench) took(f func()) time.Duration {
	start := time.Now()
	b.mu.Unlock()
	defer b.mu.Lock()
	f()
	return time.Since(start)
}

func TestAReloadWaitsForNoListThatIsBeingRead(t *testing.T) {
	withEndless(t)
	for name, list := range map[string]func(b *bench) Group{
		"files": func(b *bench) Group { return Group{Name: "slow", Files: []files.Pattern{b.pattern("*." + endless)}} },
		"by HTTP": func(b *bench) Group {
			return Group{Name: "slow", HTTP: b.serveList(typed("application/jsonl", "x\n")).http()}
		},
	} {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, func(b *bench) {
				b.write("l.txt", "a\n")
				slow := list(b)
				good := Group{Name: "g", Files: []files.Pattern{b.pattern("l.txt")}}
				_ = b.load(1000, good, slow)
				b.run()
				b.write("1."+endless, "x")
				b.write("2."+endless, "x")
				b.write("l.txt", "a\nb\n")
				took := b.took(func() {
					time.Sleep(7 * time.Second) // while a list is being read
					p, err := b.set.Prepare(b.t.Context(), []Group{good, slow, {Name: "new", Inline: []string{"i"}}}, tasks(1000))
					if err != nil {
						t.Error(err)
						return
					}
					b.set.Guard(secrets.Config{})
					b.set.Reconfigure(b.t.Context(), p)
				})
				if took != 7*time.Second {
					t.Errorf("the reload took %v", took-7*time.Second)
				}
				if b.ids("new") != "i" {
					t.Error("the reload did nothing")
				}
				b.poll(6)
				b.want("a b")
				if b.logged(format.ErrLate.Error()) != 1 {
					t.Errorf("the list is not read again: %s", b.logs.String())
				}
			})
		})
	}
}

func TestAReloadReadsNewListsForFiveSeconds(t *testing.T) {
	withEndless(t)
	inFakeTime(t, func(b *bench) {
		_ = b.load(1000, Group{Name: "g", Inline: []string{"a"}})
		b.run()
		b.write("1."+endless, "x")
		b.write("2."+endless, "x")
		group := Group{Name: "g", Inline: []string{"a", "b"}, Files: []files.Pattern{b.pattern("*." + endless), b.pattern("l.txt")}}
		b.write("l.txt", "c\n")
		if took := b.took(func() { b.mu.Lock(); b.reload(group); b.mu.Unlock() }); took != rereadTime {
			t.Errorf("the reload took %v", took)
		}
		b.want("a b")
		b.poll(6)
		b.want("a b c")
	})
}

func TestTheEndEndsTheReadsOfAReloadToo(t *testing.T) {
	withEndless(t)
	inFakeTime(t, func(b *bench) {
		_ = b.load(1000, Group{Name: "g", Inline: []string{"a"}})
		ctx, cancel := context.WithCancel(b.t.Context())
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			b.set.Run(ctx)
		}()
		synctest.Wait()
		b.write("1."+endless, "x")
		p, err := b.set.Prepare(b.t.Context(), []Group{{Name: "g", Files: []files.Pattern{b.pattern("*." + endless)}}}, tasks(1000))
		if err != nil {
			t.Fatal(err)
		}
		time.AfterFunc(time.Second, cancel)
		start := time.Now()
		b.set.Reconfigure(b.t.Context(), p)
		<-ended
		if took := time.Since(start); took != time.Second {
			t.Errorf("it took %v", took)
		}
	})
}

func TestAFolderOfSlowListsLeavesOtherSourcesTheirTurn(t *testing.T) {
	withEndless(t)
	inFakeTime(t, func(b *bench) {
		for _, name := range []string{"1", "2", "3", "4"} {
			b.write(name+"."+endless, "x")
		}
		b.write("5.txt", "late\n")
		b.write("l.txt", "a\n")
		start := time.Now()
		_ = b.load(1000, Group{Name: "slow", Files: []files.Pattern{b.pattern("[0-9].*")}}, Group{Name: "g", Files: []files.Pattern{b.pattern("l.txt")}})
		b.want("a")
		if took := time.Since(start); took > 2*format.Within {
			t.Errorf("the first read took %v", took)
		}
		b.run()
		for range 4 {
			b.write("l.txt", "a\nb\n")
			b.poll(4) // 20 seconds
			b.want("a b")
		}
		if b.ids("slow") != "late" || b.logged("can't be read") != 1 {
			t.Errorf("the list behind the slow ones is not read: %s", b.logs.String())
		}
	})
}
