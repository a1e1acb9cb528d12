// Files of lines that grow, and are written anew in every other way.

package set

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/files"
	"github.com/kie-exporter/kie_exporter/internal/source/format"
	"github.com/kie-exporter/kie_exporter/internal/source/grace"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
	"github.com/kie-exporter/kie_exporter/test/kit/lists"
	"github.com/kie-exporter/kie_exporter/test/kit/program"
)

// stamp gives a file the time that it is in the test.
func (b *bench) stamp(name string) {
	b.t.Helper()
	if err := os.Chtimes(filepath.Join(b.dir, name), time.Now(), time.Now()); err != nil && !os.IsNotExist(err) {
		b.t.Fatal(err)
	}
}

// add appends to a file as programs do.
func (b *bench) add(name, text string) {
	b.t.Helper()
	f, err := os.OpenFile(filepath.Join(b.dir, name), os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o600)
	if err == nil {
		_, err = f.WriteString(text)
	}
	if err == nil {
		err = f.Close()
	}
	if err != nil {
		b.t.Fatal(err)
	}
	b.stamp(name)
}

// put writes a file in place.
func (b *bench) put(name, content string) {
	b.t.Helper()
	b.write(name, content)
	b.stamp(name)
}

func (b *bench) rename(from, to string) {
	b.t.Helper()
	if err := os.Rename(filepath.Join(b.dir, from), filepath.Join(b.dir, to)); err != nil {
		b.t.Fatal(err)
	}
}

// grace lets so much time pass that what is listed no more is dropped.
func (b *bench) grace() { b.poll(int(grace.Period/source.Interval) + 2) }

// pad is more than what is compared of a file at each read.
var pad = "# " + strings.Repeat("x", 600) + "\n"

func TestWhatBecomesOfAFileOfLines(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(b *bench)
		soon   string // what is tracked two looks later
		late   string // and when what is listed no more is dropped
	}{
		{"appended", func(b *bench) { b.add("l.txt", "d\n") }, "a b c d", "a b c d"},
		{"appended many times", func(b *bench) {
			for i := range 20 {
				b.add("l.txt", fmt.Sprintf("d%02d\n", i))
				b.poll(i % 3)
			}
		}, "a b c d00 d01 d02 d03 d04 d05 d06 d07 d08 d09 d10 d11 d12 d13 d14 d15 d16 d17 d18 d19", ""},
		{"appended with CRLF", func(b *bench) { b.add("l.txt", "d\r\n"); b.poll(1); b.add("l.txt", "e\r\n") }, "a b c d e", "a b c d e"},
		{"ids known already appended", func(b *bench) { b.add("l.txt", "a\nb\n") }, "a b c", "a b c"},
		{"truncated", func(b *bench) { b.put("l.txt", "a\n") }, "a b c", "a"},
		{"truncated and appended to", func(b *bench) { b.put("l.txt", "a\n"); b.poll(1); b.add("l.txt", "d\n") }, "a b c d", "a d"},
		{"truncated and refilled to the same length", func(b *bench) { b.put("l.txt", "x\n"+pad+"y\nz\n") }, "a b c x y z", "x y z"},
		{"truncated and refilled to the same length and end", func(b *bench) { b.put("l.txt", "x\n"+pad+"b\nc\n") }, "a b c x", "b c x"},
		{"truncated and refilled with more", func(b *bench) { b.put("l.txt", "u\n"+pad+"v\nw\nx\ny\nz\n") }, "a b c u v w x y z", "u v w x y z"},
		{"rename and create", func(b *bench) { b.rename("l.txt", "l.txt.1"); b.put("l.txt", "d\n") }, "a b c d", "a b c d"},
		{"rename, nothing yet, and create", func(b *bench) { b.rename("l.txt", "l.txt.1"); b.poll(2); b.put("l.txt", "d\n") }, "a b c d", "a b c d"},
		{"rename and create, and the old one goes on", func(b *bench) {
			b.rename("l.txt", "l.txt.1")
			b.add("l.txt.1", "d\n")
			b.put("l.txt", "e\n")
		}, "a b c d e", "a b c d e"},
		{"copy and truncate", func(b *bench) { b.put("l.txt.1", "a\n"+pad+"b\nc\n"); b.put("l.txt", ""); b.add("l.txt", "d\n") }, "a b c d", "a b c d"},
		{"packed after rotation", func(b *bench) {
			b.put("l.txt.1.gz", lists.Packed(b.t, "a\n"+pad+"b\nc\n"))
			b.put("l.txt", "d\n")
		}, "a b c d", "a b c d"},
		{"an inode used again", func(b *bench) { b.remove("l.txt"); b.put("l.txt", "x\n"+pad+"y\nz\nv\n") }, "a b c v x y z", "v x y z"},
		{"an inode used again, the same length", func(b *bench) { b.remove("l.txt"); b.put("l.txt", "x\n"+pad+"y\nz\n") }, "a b c x y z", "x y z"},
		{"replaced by a longer one that begins alike", func(b *bench) {
			b.put("l.new.tmp", "a\n"+pad+"b\nc\nd\n")
			b.rename("l.new.tmp", "l.txt")
		}, "a b c d", "a b c d"},
		{"replaced by one of which the end alone is the same", func(b *bench) {
			b.put("l.new.tmp", "x\n"+pad+"b\nc\nd\n")
			b.rename("l.new.tmp", "l.txt")
		}, "a b c d x", "b c d x"},
		{"a line in three pieces", func(b *bench) {
			b.add("l.txt", "one")
			b.poll(1)
			b.add("l.txt", "two")
			b.poll(1)
			b.add("l.txt", "three\n")
		}, "a b c onetwothree", "a b c onetwothree"},
		{"a line in three pieces, slowly", func(b *bench) {
			b.add("l.txt", "one")
			b.poll(3)
			b.add("l.txt", "two")
			b.poll(3)
			b.add("l.txt", "three\nd\n")
		}, "a b c d one onetwo onetwothree", "a b c d onetwothree"},
		{"lines that end when the next one begins", func(b *bench) {
			for _, id := range []string{"d", "\ne", "\nf", "\ng"} {
				b.add("l.txt", id)
				b.poll(3)
			}
		}, "a b c d e f g", "a b c d e f g"},
		{"emptied", func(b *bench) { b.put("l.txt", "") }, "a b c", ""},
		{"gone and back", func(b *bench) { b.remove("l.txt"); b.poll(3); b.put("l.txt", "a\n"+pad+"b\nc\n") }, "a b c", "a b c"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inFakeTime(t, func(b *bench) {
				b.put("l.txt", "a\n"+pad+"b\nc\n")
				b.put("always.txt", "")
				b.start("*.txt*")
				b.poll(3)
				b.want("a b c")
				tt.change(b)
				b.poll(2)
				b.want(tt.soon)
				b.grace()
				if tt.late == "" && strings.HasPrefix(tt.name, "appended") {
					tt.late = tt.soon
				}
				b.want(tt.late)
				if s := b.stat("*.txt*"); s.Rejected[source.RejectedInvalid] != 0 || s.Errors != 0 {
					t.Errorf("%+v: %s", s, b.logs.String())
				}
			})
		})
	}
}

// A line that is changed where it stands, while others are appended, shows neither in inode nor length nor in the bytes at the end.
func TestALineChangedInPlaceWhileTheFileGrowsIsSeenWithinTenMinutes(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		rest := lists.Numbered("%032x\n", 100)
		b.put("l.txt", "first\n"+rest)
		b.start("l.txt")
		b.poll(3)
		b.put("l.txt", "other\n"+rest+"last\n")
		b.poll(2)
		if b.groups["last"] == "" || b.groups["other"] != "" {
			t.Errorf("tracked: %v", b.groups)
		}
		b.poll(int(10 * time.Minute / source.Interval))
		b.grace()
		if b.groups["other"] == "" || b.groups["first"] != "" || len(b.groups) != 102 {
			t.Errorf("%d are tracked, other as of %q, first as of %q", len(b.groups), b.groups["other"], b.groups["first"])
		}
	})
}

// What is read in several parts, while the file is written anew.
func TestLargeFileThatIsRotatedWhileItIsReadLosesNothing(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	const many = 128_000 // more than is read at a time
	old := lists.Numbered("%032x\n", many)
	for name, rotate := range map[string]func(b *bench){
		"rename and create": func(b *bench) { b.rename("l.txt", "l.txt.1"); b.put("l.txt", "new\n") },
		"copy and truncate": func(b *bench) { b.put("l.txt.1", old); b.put("l.txt", "new\n") },
		"refilled": func(b *bench) {
			b.put("l.txt.1", old)
			b.put("l.txt", fmt.Sprintf("%32s\n", "new")+strings.ReplaceAll(old, "0", "x"))
		},
	} {
		for _, at := range []int{2, 3, 6, 7} { // of what is done without the lock: it is opened, compared, looked through in two parts up to 5, and read in two
			t.Run(fmt.Sprintf("%s at %d", name, at), func(t *testing.T) {
				inFakeTime(t, func(b *bench) {
					b.put("l.txt", "a\n")
					_ = b.load(10*many, Group{Name: "g", Files: []files.Pattern{b.pattern("l.txt*")}})
					outside, calls := b.set.ledger.Outside, 0
					b.set.ledger.Outside = func(slow func()) {
						if calls++; calls == at {
							rotate(b)
						}
						outside(slow)
					}
					b.put("l.txt", old)
					before := time.Now().Add(-time.Hour)
					if err := os.Chtimes(filepath.Join(b.dir, "l.txt"), before, before); err != nil {
						t.Fatal(err)
					}
					b.run()
					b.poll(4)
					b.grace()
					want := many + 1
					if name == "refilled" {
						want = 2*many + 1
					}
					if calls < at || len(b.groups) != want || b.groups["new"] == "" {
						t.Errorf("%d ids after %d, want %d", len(b.groups), calls, want)
					}
				})
			})
		}
	}
}

func TestLargeListThatGrowsCostsWhatIsNew(t *testing.T) {
	const many, appends = 100_000, 10
	for name, line := range map[string]string{"l.txt": "%032x\n", "l.jsonl": `{"taskId":"%032x","model":"m"}` + "\n", "before.jsonl": "\n\"%032x\""} {
		path := filepath.Join(t.TempDir(), name)
		content := lists.Numbered(line, many)
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		set, err := New([]Group{{Name: "g", Files: []files.Pattern{{Written: path, Path: path}}}}, tasks(2*many), nowhere{}, discard())
		if err != nil {
			t.Fatal(err)
		}
		if err := set.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		set.LoadAgain(t.Context())
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		for i := range appends {
			f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := fmt.Fprintf(f, line, many+i+1); err != nil {
				t.Fatal(err)
			}
			_ = f.Close()
			set.LoadAgain(t.Context())
		}
		set.LoadAgain(t.Context()) // an end without a newline counts at the second look
		runtime.ReadMemStats(&after)
		if got := set.Stats()[0].Tasks; got != many+appends {
			t.Errorf("%s: %d ids, want %d", name, got, many+appends)
		}
		// The list of ids may have been copied once, to have room.
		if each := (after.TotalAlloc - before.TotalAlloc) / appends; each > uint64(len(content)/20) {
			t.Errorf("%s: an append takes %d bytes of a file of %d", name, each, len(content))
		}
		if different, _ := set.ledger.Listings(""); different > 3 {
			t.Errorf("%s: %d listings for ids that are listed alike", name, different)
		}
	}
}

// Whatever is done to a file of lines, in the end it lists what it lists for somebody who reads all of it.
func TestWhateverBecomesOfAFileItListsWhatIsInItInTheEnd(t *testing.T) {
	for seed := range program.Fewer[uint64](12, 60) {
		for _, name := range []string{"l.txt", "l.jsonl"} {
			var content string
			var tracked map[string]string
			inFakeTime(t, func(b *bench) {
				w := fileWriter{bench: b, name: name, r: rand.New(rand.NewPCG(seed, 7))}
				w.write(w.lines(3))
				b.start("l.*")
				for range 40 {
					w.change()
					b.poll(w.r.IntN(3))
				}
				b.poll(int(11 * time.Minute / source.Interval))
				b.grace()
				content, tracked = w.content, b.groups
			})
			inFakeTime(t, func(b *bench) {
				b.put(name, content)
				b.start("l.*")
				b.poll(3)
				if got, want := fmt.Sprint(tracked), fmt.Sprint(b.groups); got != want {
					t.Fatalf("seed %d, %s: %s, want %s of %q", seed, name, got, want, content)
				}
			})
		}
	}
}

// fileWriter does to a file what may be done to one, by chance.
type fileWriter struct {
	*bench
	name    string
	content string
	r       *rand.Rand
}

func (w *fileWriter) lines(n int) string {
	var text strings.Builder
	for range n {
		id := fmt.Sprintf("id%02d", w.r.IntN(50))
		switch filepath.Ext(w.name) {
		case ".txt":
			text.WriteString(id + []string{"\n", "\r\n", "\n# made\n", "\n\n", "\n" + pad}[w.r.IntN(5)])
		default:
			end := []string{"", "\n"}[w.r.IntN(2)]
			text.WriteString([]string{
				lists.Created(id) + end, lists.Created(id) + end, "{\"taskId\":\n\"" + id + "\"}" + end, "\"" + id + "\"\n",
				strings.Repeat(" ", 600) + "{\"x\":[\n\"" + id + "\"\n", "\n\"" + id + "\"",
			}[w.r.IntN(6)])
		}
	}
	return text.String()
}

func (w *fileWriter) write(content string) {
	w.content = content
	w.put(w.name, content)
}

func (w *fileWriter) append(text string) {
	w.content += text
	w.add(w.name, text)
}

func (w *fileWriter) change() {
	more := w.lines(1 + w.r.IntN(3))
	switch w.r.IntN(12) {
	case 0, 1, 2:
		w.append(more)
	case 3, 4: // in two pieces
		cut := w.r.IntN(len(more))
		w.append(more[:cut])
		w.poll(w.r.IntN(4))
		w.append(more[cut:])
	case 5: // truncated anywhere
		w.write(w.content[:w.r.IntN(len(w.content)+1)])
	case 6: // refilled to the same length
		full := strings.Repeat(more, len(w.content)/len(more)+1)
		w.write(full[:len(w.content)])
	case 7: // emptied, and filled later
		w.write("")
		w.poll(w.r.IntN(3))
		w.append(more)
	case 8: // replaced by a rename
		w.content = []string{more, w.content + more, more + w.content}[w.r.IntN(3)]
		w.put("new.tmp", w.content)
		w.rename("new.tmp", w.name)
	case 9: // removed and made anew, perhaps with the same inode
		w.remove(w.name)
		w.poll(w.r.IntN(2))
		w.write(more)
	case 10: // changed where it stands, and perhaps appended to
		id := fmt.Sprintf("id%02d", w.r.IntN(50))
		if at := strings.Index(w.content, id); at >= 0 {
			w.content = w.content[:at] + fmt.Sprintf("id%02d", w.r.IntN(50)) + w.content[at+len(id):]
		}
		w.write(w.content + strings.Repeat(more, w.r.IntN(2)))
	case 11: // written again as it is
		w.write(w.content)
	}
}

// What takes longer than a turn is read in several, and others have theirs between them.
func TestAFileOfLinesThatTakesLongIsReadToItsEndBeforeAnythingIsAsked(t *testing.T) {
	t.Cleanup(format.Define("slow", func(_ string, h *parsed.List) error {
		time.Sleep(6 * time.Second)
		h.ID(parsed.Span{Text: fmt.Sprintf("line%d", h.LinesBefore()), At: -1}, 0, 1)
		return nil
	}))
	inFakeTime(t, func(b *bench) {
		b.put("l.slow", strings.Repeat(strings.Repeat("x", 1<<18-1)+"\n", 21)) // 6 parts, of which two are read in a turn
		b.put("l.txt", "a\n")
		slow := Group{Name: "slow", Files: []files.Pattern{b.pattern("l.slow")}}
		if err := b.load(1000, slow, Group{Name: "g", Files: []files.Pattern{b.pattern("l.txt")}}); err != nil {
			t.Error(err)
		}
		if got := b.ids("slow"); got != "line0 line12 line16 line20 line4 line8" || b.ids("g") != "a" {
			t.Errorf("tracked: %q", got)
		}
		for _, c := range b.changes {
			if !c.Backlog {
				t.Errorf("%+v is no backlog", c)
			}
		}
		if s := b.set.Stats()[0]; s.Errors != 0 || !s.Read || s.Tasks != 6 || b.logs.Len() > 0 {
			t.Errorf("%+v: %s", s, b.logs.String())
		}
	})
}
