// What becomes of lists that name more unfinished tasks than there may be.

package tracker_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/files"
	"github.com/kie-exporter/kie_exporter/test/kit/lists"
)

// put writes a list, last at so many minutes before now.
func (f *feed) put(list, content string, minutes int) {
	f.t.Helper()
	path, at := filepath.Join(f.lists, list), time.Now().Add(-time.Duration(minutes)*time.Minute)
	err := os.WriteFile(path, []byte(content), 0o600)
	if err == nil {
		err = os.Chtimes(path, at, at)
	}
	if err != nil {
		f.t.Fatal(err)
	}
}

// refused returns how many ids of the first group's lists are refused now.
func (p *fed) refused() (n int) {
	for _, s := range p.set.Stats() {
		n += s.Refused[source.RejectedLimit] + s.Refused[source.RejectedMaxTasks]
	}
	return n
}

func (p *fed) wantRefused(want int) {
	p.feed.t.Helper()
	if got := p.refused(); got != want {
		p.feed.t.Errorf("%d ids are refused, want %d", got, want)
	}
}

// unfinished has tasks not finish for long.
func (f *feed) unfinished(ids ...string) {
	for _, id := range ids {
		f.api.Put(kiesim.Task{ID: id, Duration: -1})
	}
}

func TestAFirstStartTakesTheLastIDsOfAList(t *testing.T) {
	for name, content := range map[string]map[string]string{
		"a line each":         {"l.txt": "a\nb\nc\nd\ne\nf\n"},
		"no end of line":      {"l.txt": "a\nb\nc\nd\ne\nf"},
		"comments and blanks": {"l.txt": "# x\na\nb\n\nc\nd\n# y\n\ne\nf\n"},
		"JSON lines":          {"l.jsonl": `{"taskId":"a"}` + "\n" + `{"taskId":"b"}` + "\n" + `["c"]` + "\n" + `{"taskId":"d"}` + "\n" + `"e"` + "\n" + `{"taskId":"f"}` + "\n"},
		"several in a line":   {"l.jsonl": `["a","b","c","d"]` + "\n" + `["e","f"]` + "\n"},
		"JSON":                {"l.json": `["a","b","c","d","e","f"]`},
		"entries":             {"l.json": `[{"tasks":["a","b"],"labels":{"x":"y"}},{"tasks":["c","d"]},{"tasks":["e","f"]}]`},
		"YAML":                {"l.yml": "- tasks: [a, b, c]\n- tasks: [d, e, f]\n"},
		"repeated":            {"l.json": `["a","b","c","c","d","d","e","f","f","f"]`},
		"repeated lines":      {"l.txt": "a\nb\nc\nd\nd\nd\ne\ne\nf\nf\n"},
		"packed":              {"l.txt.gz": lists.Packed(t, "a\nb\nc\nd\ne\nf\n")},
		"rotated":             {"l.txt": "e\nf\n", "l.txt.1": "c\nd\n", "l.txt.2": "a\nb\n"},
		"by day":              {"1.txt": "a\nb\n", "2.txt": "c\nd\n", "3.txt": "e\nf\n"},
	} {
		t.Run(name, func(t *testing.T) {
			feeding(t, 3, func(_ *testing.T, f *feed) {
				f.unfinished("a", "b", "c", "d", "e", "f")
				f.groups[0].Files = []files.Pattern{f.pattern("*")}
				for list, text := range content {
					age := strings.Index("3.yml 2.txt 1.json l.txt l.txt.1 l.txt.2", list) // later ones end later
					if strings.HasPrefix(list, "1") || strings.HasPrefix(list, "2") || strings.HasPrefix(list, "3") {
						age = 10 * (10 - int(list[0]-'0'))
					}
					f.put(list, text, max(1, age))
				}
				f.run(func(p *fed) {
					p.pass(time.Minute)
					p.isTracked("d e f")
					if !strings.HasPrefix(name, "repeated") {
						p.wantRefused(3)
					}
				})
			})
		})
	}
}

// Nobody answers, so all tasks are pending.
func TestANewIDHasThePlaceOfTheOneThatWaitsForLongest(t *testing.T) {
	for name, tt := range map[string]struct {
		list, before, after string
	}{
		"lines":       {"l.txt", "a\nb\nc\nd\n", "a\nb\nc\nd\ne\nf\n"},
		"JSON":        {"l.json", `["a","b","c","d"]`, `["a","b","c","d","e","f"]`},
		"YAML":        {"l.yml", "[a, b, c, d]", "[a, b, c, d, e, f]"},
		"at the head": {"l.json", `["a","b","c","d"]`, `["f","e","a","b","c","d"]`},
		"a window":    {"l.json", `["a","b","c","d"]`, `["c","d","e","f"]`},
		"rotated":     {"l.txt", "a\nb\nc\nd\n", "e\nf\n"}, "copied": {"l.txt", "a\nb\nc\nd\n", "e\nf\n"},
	} {
		for _, most := range []int{0, 3} { // of the group
			t.Run(fmt.Sprint(name, most), func(t *testing.T) {
				feeding(t, 3+most, func(_ *testing.T, f *feed) {
					f.groups[0].MaxTasks = most
					f.groups[0].Files = []files.Pattern{f.pattern("*")}
					f.unfinished(strings.Fields("a b c d e f g")...)
					answer := f.api.Inject(kiesim.Match{}, kiesim.Fault{Code: 401})
					f.put(tt.list, tt.before, 60)
					f.run(func(p *fed) {
						p.pass(2 * time.Minute)
						p.isTracked("b c d")
						p.wantRefused(1)
						switch name {
						case "rotated":
							_ = os.Rename(filepath.Join(f.lists, "l.txt"), filepath.Join(f.lists, "l.txt.1"))
						case "copied":
							f.put("l.txt.1", tt.before, 0)
						}
						f.put(tt.list, tt.after, 0)
						p.pass(time.Minute)
						p.isTracked("d e f")
						p.pass(2 * time.Minute)
						p.isTracked("d e f")
						if n := p.group("video"); n.DroppedUnfinished != 0 || n.Evicted != 0 {
							f.t.Errorf("%d were dropped, %d evicted", n.DroppedUnfinished, n.Evicted)
						}
						answer()
						p.pass(10 * time.Minute)
						p.isTracked("d e f") // all of them were answered now
						f.put("m.txt", "g\n", 0)
						p.pass(time.Minute)
						p.isTracked("d e f")
					})
					f.wantQueries(0, "g")
				})
			})
		}
	}
}

func TestWhatWasRefusedComesBackWithTheLatestFirst(t *testing.T) {
	for _, list := range []string{"l.txt", "l.json"} {
		t.Run(list, func(t *testing.T) {
			feeding(t, 3, func(_ *testing.T, f *feed) {
				f.groups[0].Files = []files.Pattern{f.pattern("*")}
				for id := range strings.FieldsSeq("a b c d e f g h") {
					f.api.Put(kiesim.Task{ID: id, Duration: 100 * time.Hour})
				}
				f.api.Put(kiesim.Task{ID: "g", Duration: 5 * time.Minute})
				content := "a\nb\nc\nd\ne\nf\ng\nh\n"
				if list == "l.json" {
					content = `["a","b","c","d","e","f","g","h"]`
				}
				f.put(list, content, 60)
				f.run(func(p *fed) {
					p.pass(time.Minute)
					p.isTracked("f g h")
					p.wantRefused(5)
					p.pass(time.Hour)
					p.isTracked("e f h")
					p.wantRefused(4)
				})
			})
		})
	}
}
