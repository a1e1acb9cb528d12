package turns

import (
	"context"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/kie-exporter/kie_exporter/internal/source"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// wantBlocked and wantDone say whether something that goes on is to have come to its end.
func wantBlocked(t *testing.T, done <-chan struct{}, what string) {
	t.Helper()
	synctest.Wait()
	select {
	case <-done:
		t.Errorf("%s has not waited", what)
	default:
	}
}

func wantDone(t *testing.T, done <-chan struct{}, what string) {
	t.Helper()
	synctest.Wait()
	select {
	case <-done:
	default:
		t.Errorf("%s waits still", what)
	}
}

func TestOneReadsAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := New()
		ctx, end := turns.Read(t.Context())
		second := make(chan struct{})
		go func() {
			defer close(second)
			_, end := turns.Read(t.Context())
			end()
		}()
		wantBlocked(t, second, "the second read")
		if ctx.Err() != nil {
			t.Error("a read ends for another one that waits")
		}
		end()
		wantDone(t, second, "the second read")
		if ctx.Err() == nil {
			t.Error("the context of a turn outlives it")
		}
	})
}

// Who replaces sources waits for no list to be read to its end: neither for the read under way, nor for one whose turn comes first.
func TestWhoReplacesSourcesWaitsForNoRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := New()
		reading, end := turns.Read(t.Context())
		replaced := make(chan struct{})
		go func() {
			defer close(replaced)
			ctx, end := turns.Replace(t.Context())
			if ctx.Err() != nil {
				t.Error("who replaces sources can read none")
			}
			time.Sleep(time.Second)
			end()
		}()
		synctest.Wait()
		if reading.Err() == nil {
			t.Error("the read under way goes on")
		}
		wantBlocked(t, replaced, "who replaces sources")
		end()
		<-replaced
		after, end := turns.Read(t.Context())
		defer end()
		if after.Err() != nil {
			t.Error("a read that begins after is ended, too")
		}
	})
}

func TestAReadWhoseTurnComesBeforeAReplacementEndsAtOnce(t *testing.T) {
	turns := New()
	turns.hurried = 1 // one who waits to replace has just said so
	ctx, end := turns.Read(t.Context())
	defer end()
	if ctx.Err() == nil {
		t.Error("a list is read to its end while somebody waits to replace sources")
	}
}

func TestStoppingEndsEverything(t *testing.T) {
	begin := map[string]func(*Turns, context.Context) (context.Context, func()){"read": (*Turns).Read, "replacement": (*Turns).Replace}
	for name, begin := range begin {
		turns := New()
		ctx, end := begin(turns, t.Context())
		if turns.Stop(); ctx.Err() == nil {
			t.Errorf("the %s under way goes on", name)
		}
		end()
		if ctx, end := begin(turns, t.Context()); ctx.Err() == nil {
			t.Errorf("a %s begins after", name)
		} else {
			end()
		}
	}
}

// pushes has pushes come in order while others are being saved, and returns what was saved together.
type pushes struct {
	commits *Commits
	all     sync.WaitGroup
	saved   []string
	takes   time.Duration // to save some
}

func (p *pushes) come(names ...string) {
	for _, name := range names {
		push := &source.Push{Group: name}
		if strings.HasPrefix(name, "-") {
			push.Remove = []string{"id"}
		}
		p.all.Go(func() { p.commits.Do(push, p.take) })
		synctest.Wait()
	}
}

func (p *pushes) take(together []*source.Push) {
	var names []string
	for _, one := range together {
		names = append(names, one.Group)
	}
	p.saved = append(p.saved, strings.Join(names, " "))
	time.Sleep(p.takes)
}

func TestPushesThatComeWhileOthersAreSavedAreSavedTogether(t *testing.T) {
	for name, c := range map[string]struct{ come, want string }{
		"one":                        {"a", "a"},
		"some wait":                  {"a b c d", "a|b c d"},
		"what is removed, by itself": {"a b -c -d e", "a|b|-c -d|e"},
		"removed first":              {"-a -b c", "-a|-b|c"},
	} {
		synctest.Test(t, func(t *testing.T) {
			p := &pushes{commits: NewCommits(), takes: time.Second}
			p.come(strings.Fields(c.come)...)
			p.all.Wait()
			if got := strings.Join(p.saved, "|"); got != c.want {
				t.Errorf("%s: saved %s, want %s", name, got, c.want)
			}
		})
	}
}

// However many come, each is taken once, and whoever pushed it comes back only then.
func TestEachPushIsTakenOnceBeforeItIsAnswered(t *testing.T) {
	c := NewCommits()
	var all sync.WaitGroup
	taken := make(map[string]int) // guarded by the turn
	for i := range 200 {
		all.Go(func() {
			own := &source.Push{Group: strconv.Itoa(i)}
			if i%3 == 0 {
				own.Remove = []string{"id"}
			}
			c.Do(own, func(together []*source.Push) {
				for _, p := range together {
					taken[p.Group]++
					p.Accepted++
				}
			})
			if own.Accepted != 1 {
				t.Errorf("push %d was taken %d times when it was answered", i, own.Accepted)
			}
		})
	}
	all.Wait()
	if len(taken) != 200 || slices.ContainsFunc(slices.Collect(maps.Values(taken)), func(n int) bool { return n != 1 }) {
		t.Errorf("taken: %v", taken)
	}
}

func TestNothingIsSavedWhileSomebodyIsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := &pushes{commits: NewCommits()}
		leave := make(chan struct{})
		alone := make(chan struct{})
		go func() {
			defer close(alone)
			p.commits.Alone(func() { <-leave })
		}()
		synctest.Wait()
		p.come("a", "b")
		if p.saved != nil {
			t.Errorf("%q was saved", p.saved)
		}
		close(leave)
		<-alone
		p.all.Wait()
		if got := strings.Join(p.saved, "|"); got != "a b" {
			t.Errorf("saved %s, want a b", got)
		}
	})
}
