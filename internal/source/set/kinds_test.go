// That any kind of source needs no more of the set than the interface.

package set

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/files"
	"github.com/kie-exporter/kie_exporter/internal/source/list"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
)

// incrementalSource is a source that has no content: it only adds and removes what it is told to, as soon as it is told.
type incrementalSource struct {
	list        *list.List
	add, remove []string
	refreshed   int
	retired     bool
}

func (s *incrementalSource) Due() time.Time {
	if len(s.add)+len(s.remove) > 0 {
		return time.Now()
	}
	return time.Now().Add(time.Hour)
}

func (s *incrementalSource) Fetch() source.Fetch { return nil }

func (s *incrementalSource) Refresh(context.Context) error {
	s.refreshed++
	p := s.list.Part()
	for i, id := range s.add {
		p.ID(parsed.Span{Text: id, At: -1}, 0, i+1)
	}
	s.list.Add(p)
	s.list.Remove(s.remove...)
	s.add, s.remove = nil, nil
	return nil
}

func (s *incrementalSource) Retire() { s.retired = true }

// addPushed adds a source that is told its ids to group g.
func (b *bench) addPushed() *incrementalSource {
	s := &incrementalSource{}
	b.set.mu.Lock()
	defer b.set.mu.Unlock()
	a := arrangement{set: b.set}
	a.add(Group{Name: "g"}, key{group: "g", label: "push"}, func(claims *list.Source, _ *slog.Logger) source.Source {
		s.list = claims.NewList("")
		return s
	})
	shown := b.set.members
	b.set.shown.Store(&shown)
	return s
}

// tell tells the source to add and to remove ids, and lets a moment pass.
func (b *bench) tell(s *incrementalSource, add, remove string) {
	b.set.mu.Lock()
	s.add, s.remove = strings.Fields(add), strings.Fields(remove)
	b.set.mu.Unlock()
	b.mu.Unlock()
	defer b.mu.Lock()
	b.set.wake()
	synctest.Wait()
}

func TestASourceMayOnlyAddAndRemoveWhatItIsTold(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		b.write("l.txt", "a\n")
		_ = b.load(6, Group{Name: "g", Inline: []string{"i"}, Files: []files.Pattern{b.pattern("l.txt")}})
		s := b.addPushed()
		b.run()
		b.tell(s, "x y a", "")
		b.want("a i x y")
		b.tell(s, "z x", "")
		b.poll(20)
		b.want("a i x y z") // nothing goes because later news lack it
		if s.refreshed != 2 {
			b.t.Errorf("refreshed %d times, told twice", s.refreshed)
		}
		b.tell(s, "", "y a nobody")
		b.want("a i x z") // a is in the file, too
		b.tell(s, "y one-too-many too-many", "")
		b.want("a i one-too-many x y z")
		if got := b.stat("push"); got.Rejected[source.RejectedLimit] != 1 || got.Rejected[source.RejectedDuplicate] != 2 {
			b.t.Errorf("stat %+v", got)
		}
		if n := len(b.changes); b.changes[n-1].Backlog {
			b.t.Error("what is told later is said to be a backlog")
		}
		b.reload(Group{Name: "g", Inline: []string{"i"}})
		b.want("i")
		if !s.retired {
			b.t.Error("the source is in no configuration any more and was not retired")
		}
	})
}

func TestIDsAddedAreKnownAgainWhenAListIsReplaced(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		_ = b.load(10, Group{Name: "g", Inline: []string{"i"}})
		s := b.addPushed()
		b.run()
		b.tell(s, "x y", "")
		b.set.mu.Lock()
		p := s.list.Content(nil)
		for _, id := range []string{"y", "z"} {
			p.ID(parsed.Span{Text: id, At: -1}, 0, 1)
		}
		s.list.Replace(p)
		b.set.mu.Unlock()
		b.tell(s, "w", "")
		b.want("i w x y z") // x is missing, and has its grace
		b.tell(s, "x", "")
		b.poll(20)
		b.want("i w x y z")
		if got := b.stat("push"); got.Tasks != 4 || got.Rejected[source.RejectedDuplicate] != 0 {
			b.t.Errorf("stat %+v", got)
		}
	})
}

// ours has the ids that begin with a letter of some be this process's.
func ours(letters string) func(id string) bool {
	return func(id string) bool { return strings.Contains(letters, id[:1]) }
}

func TestIDsOfAnotherReplicaCostNothingAndAreNoRejection(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		b.secrets.Values = func() []string { return []string{"b-secret"} }
		b.write("l.txt", "b1\na1\nb1\nb-secret\na2\nb2\n")
		b.write("l.yml", "- tasks: [b3, a3]\n")
		b.write("l.jsonl", `{"taskId":"b4"}{"taskId":"a4"}`+"\n")
		limits := source.Limits{Tasks: 6, Bytes: maxFile, IDs: 2}
		group := Group{
			Name: "g", MaxTasks: 6, Inline: []string{"b5", "a5"}, Files: []files.Pattern{b.pattern("l.*")},
			HTTP: b.serveList(text("b6", "b7", "b8", "a6")).http(), Has: ours("a"),
		}
		if err := b.loadWithin(limits, group); err != nil {
			b.t.Fatal(err)
		}
		b.run()
		b.want("a1 a2 a3 a4 a5 a6")
		if n := b.set.ledger.Count(); n != 6 {
			b.t.Errorf("%d ids are held", n)
		}
		for name, tasks := range map[string]int{"inline": 1, "l.*": 4, "http": 1} {
			s := b.stat(name)
			for reason, n := range s.Rejected {
				if n > 0 {
					b.t.Errorf("%s: %d rejected as %s", name, n, reason)
				}
			}
			if s.Tasks != tasks {
				b.t.Errorf("%s lists %d, want %d", name, s.Tasks, tasks)
			}
		}
		if b.logs.Len() > 0 {
			b.t.Errorf("log: %s", b.logs.String())
		}
	})
}

func TestAReloadGivesIDsToAnotherReplicaAtOnceAndReadsAgainForThoseThatCome(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		b.write("l.txt", "a1\nb1\nc1\n")
		l := b.serveList(text("a2", "b2", "c2"))
		from := l.http()
		from.Interval = time.Hour
		group := func(has func(string) bool) Group {
			return Group{Name: "g", Inline: []string{"a3", "b3", "c3"}, Files: []files.Pattern{b.pattern("l.txt")}, HTTP: from, Has: has}
		}
		_ = b.load(100, group(ours("ab")))
		b.run()
		b.want("a1 a2 a3 b1 b2 b3")
		changes := b.reload(group(ours("bc")))
		var removed []string
		for _, c := range changes {
			removed = append(removed, c.Removed...)
		}
		if slices.Sort(removed); strings.Join(removed, " ") != "a1 a2 a3" {
			b.t.Errorf("removed at once: %q", removed)
		}
		b.poll(1)
		b.want("b1 b2 b3 c1 c2 c3")
		for _, name := range []string{"inline", "l.txt", "http"} {
			if s := b.stat(name); s.Tasks != 2 {
				b.t.Errorf("%s: %+v", name, s)
			}
		}
		b.reload(group(nil))
		b.poll(1)
		b.want("a1 a2 a3 b1 b2 b3 c1 c2 c3")
		asked, _ := l.asked()
		b.reload(group(nil))
		b.poll(1)
		if again, _ := l.asked(); again != asked {
			b.t.Errorf("a list that all is ours of is fetched again by a reload of the same")
		}
	})
}
