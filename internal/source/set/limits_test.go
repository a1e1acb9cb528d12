// What one list may have at most, and what becomes of more.

package set

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/files"
	"github.com/kie-exporter/kie_exporter/internal/source/format"
	"github.com/kie-exporter/kie_exporter/internal/source/groups"
	"github.com/kie-exporter/kie_exporter/test/kit/lists"
)

// fourIDs are lists of the ids a to d in each format.
var fourIDs = map[string]string{
	"l.txt": "a\nb\nc\nd\n", "l.jsonl": lists.Created("a") + "\n" + lists.Created("b") + "\n" + lists.Created("c") + "\n" + lists.Created("d") + "\n",
	"l.json": `["a","b",{"tasks":["c","d"],"labels":{"x":"y"}}]`, "l.yml": "[a, b, c, d]\n", "l.txt.gz": "a\nb\nc\nd\n",
}

func TestIdsBeyondThoseOfAListAreRefusedAndThoseBeforeAreTaken(t *testing.T) {
	for name, content := range fourIDs {
		if f, err := format.ByName(name); err != nil || f.InParts() {
			continue
		}
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, func(b *bench) {
				if strings.HasSuffix(name, ".gz") {
					content = lists.Packed(t, content)
				}
				b.write(name, content)
				group := Group{Name: "g", Files: []files.Pattern{b.pattern(name)}}
				limits := tasks(1000)
				limits.IDs = 2
				if err := b.loadWithin(limits, group); err != nil {
					t.Fatal(err)
				}
				b.run()
				b.poll(8)
				b.want("a b")
				s := b.stat(name)
				if s.Rejected[source.RejectedListIDs] != 2 || s.Rejected[source.RejectedLimit] != 0 || s.Tasks != 4 || s.Errors != 0 {
					t.Errorf("%+v", s)
				}
				if n := b.logged("limits.list_ids"); n != 1 {
					t.Errorf("the log says it %d times, want once: %s", n, b.logs.String())
				}
				limits.IDs = 3
				b.reloadWithin(limits, group)
				b.poll(1)
				b.want("a b c")
				limits.IDs = 1
				b.reloadWithin(limits, group)
				b.poll(8)
				b.want("a")
			})
		})
	}
}

// There may be a year of them in one file.
func TestNoIDOfAFileOfLinesIsRefusedForTheirNumber(t *testing.T) {
	for _, name := range []string{"l.txt", "l.jsonl"} {
		inFakeTime(t, func(b *bench) {
			b.write(name, fourIDs[name])
			limits := tasks(1000)
			limits.IDs = 2
			if err := b.loadWithin(limits, Group{Name: "g", Files: []files.Pattern{b.pattern(name)}}); err != nil {
				t.Fatal(err)
			}
			b.run()
			b.poll(8)
			b.want("a b c d")
			if s := b.stat(name); s.Rejected[source.RejectedListIDs] != 0 || s.Tasks != 4 || s.Errors != 0 {
				t.Errorf("%+v", s)
			}
		})
	}
}

func TestAListOverTheBytesIsRefusedAsAWholeAndTheLastOneIsKept(t *testing.T) {
	for name, content := range fourIDs {
		t.Run(name, func(t *testing.T) {
			inFakeTime(t, func(b *bench) {
				long := content + strings.Repeat(" ", 1<<10)
				if name == "l.jsonl" { // of which a value is what can't be read in parts
					long = content + `"` + strings.Repeat("x", 1<<10) + `"`
				}
				if strings.HasSuffix(name, ".gz") {
					content, long = lists.Packed(t, content), lists.Packed(t, long)
				}
				b.write(name, content)
				group := Group{Name: "g", Files: []files.Pattern{b.pattern(name)}}
				limits := tasks(1000)
				limits.Bytes = 1 << 10
				_ = b.loadWithin(limits, group)
				b.run()
				b.want("a b c d")
				b.write(name, long)
				b.poll(8)
				b.want("a b c d")
				if s := b.stat(name); s.Errors == 0 || b.logged("over the 1KiB of limits.list_bytes") != 1 {
					t.Errorf("%d errors, and the log says: %s", s.Errors, b.logs.String())
				}
				limits.Bytes = 2 << 10
				b.reloadWithin(limits, group)
				b.poll(1)
				if b.stat(name).FailingSince != (time.Time{}) {
					t.Errorf("it still fails within other limits: %s", b.logs.String())
				}
			})
		})
	}
}

func TestAListByHTTPHasTheSameLimits(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		l := b.serveList(text("a", "b", "c", strings.Repeat("d", 100)))
		from := l.http()
		from.Interval = 10 * time.Minute
		group := Group{Name: "g", HTTP: from}
		limits := source.Limits{Tasks: 1000, Bytes: 50, IDs: 2}
		_ = b.loadWithin(limits, group)
		b.run()
		b.want("")
		if b.logged("over the 50B of limits.list_bytes") != 1 {
			t.Errorf("the log says: %s", b.logs.String())
		}
		limits.Bytes = 1000
		b.reloadWithin(limits, group) // fetches it at once, and not after its interval
		b.poll(1)
		b.want("a b")
		if s := b.stat(groups.HTTPLabel); s.Rejected[source.RejectedListIDs] != 2 {
			t.Errorf("%+v", s)
		}
		l.mu.Lock()
		l.answer = func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "text/plain")
			w.Header().Set("Content-Encoding", "gzip")
			_, _ = w.Write([]byte(lists.Packed(t, "x\n"+strings.Repeat("y", 1000))))
		}
		l.mu.Unlock()
		b.poll(121)
		b.want("a b")
		if b.logged("over the 1000B of limits.list_bytes") != 1 {
			t.Errorf("the log says: %s", b.logs.String())
		}
	})
}

func TestInlineIdsHaveTheLimitOfAList(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		_ = b.loadWithin(source.Limits{Tasks: 10, Bytes: 10, IDs: 2}, Group{Name: "g", Inline: []string{"a", "b", "c"}})
		b.want("a b")
		if r := b.set.Reports()[0]; len(r.Skipped) != 1 || r.Skipped[0] != (source.Skip{Reason: source.RejectedListIDs, Count: 1, Line: 3}) {
			t.Errorf("%+v", r)
		}
	})
}
