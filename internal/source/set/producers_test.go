// Lists as producers of tasks write them: appended answers, rotated and packed files, and what is no list at all.

package set

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/files"
	"github.com/kie-exporter/kie_exporter/internal/source/groups"
	"github.com/kie-exporter/kie_exporter/test/kit/lists"
)

const (
	noCredits = `{"code":402,"msg":"The current credits are insufficient. Please top up.","data":null}`
	tooFast   = `{"code":429,"msg":"Your call frequency is too high. Please try again later.","data":null}`
)

// listed returns what is tracked of a file that has been at rest.
func listed(t *testing.T, name, content string) (ids string, invalid uint64, logs string) {
	t.Helper()
	inFakeTime(t, func(b *bench) {
		old := time.Now().Add(-time.Hour)
		if err := os.Chtimes(b.write(name, content), old, old); err != nil {
			b.t.Fatal(err)
		}
		_ = b.load(1000, Group{Name: "g", Files: []files.Pattern{b.pattern(name)}})
		b.mu.Lock()
		defer b.mu.Unlock()
		ids, invalid, logs = b.ids("g"), b.stat(name).Rejected[source.RejectedInvalid], b.logs.String()
	})
	return ids, invalid, logs
}

func TestJSONLinesAreAStreamOfValues(t *testing.T) {
	pretty := "{\n  \"code\": 200,\n  \"msg\": \"success\",\n  \"data\": {\n    \"taskId\": \"%s\"\n  }\n}"
	for _, tt := range []struct {
		name, content, ids string
		invalid            uint64
	}{
		{"nothing between answers", lists.Created("a") + lists.Created("b") + lists.Created("c"), "a b c", 0},
		{"spaces and tabs", lists.Created("a") + " \t" + lists.Created("b") + "  ", "a b", 0},
		{"records", "\x1e" + lists.Created("a") + "\n\x1e" + lists.Created("b") + "\n", "a b", 0},
		{"marks of files put together", "\ufeff" + lists.Created("a") + "\n\ufeff" + lists.Created("b") + "\n", "a b", 0},
		{"answers over several lines", fmt.Sprintf(pretty, "a") + "\n" + fmt.Sprintf(pretty, "b") + fmt.Sprintf(pretty, "c"), "a b c", 0},
		{"broken in the middle", lists.Created("a") + "\n{\"taskId\": oops}\n" + lists.Created("b") + "\n", "a b", 1},
		{"cut off and gone on", lists.Created("a") + lists.Created("b")[:20] + "\n" + lists.Created("c") + "\n", "a c", 1},
		{"cut off over several lines", fmt.Sprintf(pretty, "a") + "\n" + fmt.Sprintf(pretty, "b")[:50] + "\n" + lists.Created("c") + "\n" + fmt.Sprintf(pretty, "d") + "\n", "a c d", 1},
		{"rubbish behind an answer", lists.Created("a") + "rubbish\n" + lists.Created("b") + "\n", "a b", 1},
		{"either spelling", `{"task_id":"a"}{"taskId":"b"}{"data":{"task_id":"c"}}{"TaskID":"d"}`, "a b c d", 0},
		{"ids alone", "\"a\"\n\"b\"\n", "a b", 0},
		{"lists", `["a","b"]` + "\n" + `[{"taskId":"c"},` + lists.Created("d") + "]\n[\n  \"e\",\n  \"f\"\n]\n", "a b c d e f", 0},
		{"escapes", `{"taskId":"\u0061\/\ud83d\ude00"}`, "a/😀", 0},
		{"long line", strings.Repeat(lists.Created("a")+strings.Repeat(" ", 1000), 2000) + lists.Created("b") + "\n", "a b", 0},
		{"keys of a broken object are no ids", "{\n  \"code\": 200\n  \"taskId\": \"a\",\n  \"urls\": [\n    \"https://x/y\"\n  ]\n}\n" + lists.Created("b") + "\n", "b", 6},
		{"strings of a broken object are no ids", "{\n\"urls\": [\n\"https://x/y\"\n,]}\n" + lists.Created("b") + "\n", "b", 1},
		{"never ended", lists.Created("a") + "\n{\"x\":\n" + lists.Created("b") + "\n", "a", 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ids, invalid, logs := listed(t, "l.jsonl", tt.content)
			if ids != tt.ids || invalid != tt.invalid {
				t.Errorf("%q, %d invalid; want %q, %d\n%s", ids, invalid, tt.ids, tt.invalid, logs)
			}
		})
	}
}

// curl … >> tasks.jsonl, every few seconds.
func TestAnswersAppendedWithoutNewlinesAreReadAsTheyCome(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		content := lists.Created("id0")
		b.write("l.jsonl", content)
		b.start("l.jsonl")
		want := ""
		for i := 1; i < 20; i++ {
			content += lists.Created(fmt.Sprintf("id%d", i))
			b.write("l.jsonl", content[:len(content)-i]) // the last one is half-written
			b.poll(1)
			want = fmt.Sprintf("id%d", i-1)
			if _, ok := b.tasks[want]; !ok {
				t.Errorf("%s is not read, although whole", want)
			}
			if _, ok := b.tasks[fmt.Sprintf("id%d", i)]; ok {
				t.Errorf("id%d is read, although half-written", i)
			}
		}
		b.write("l.jsonl", content)
		b.poll(2)
		if len(b.tasks) != 20 || b.logged("Bad lines") != 0 {
			t.Errorf("%d tasks of 20; log: %s", len(b.tasks), b.logs.String())
		}
		for _, c := range b.changes {
			if len(c.Removed) > 0 {
				t.Errorf("removed although listed: %q", c.Removed)
			}
		}
	})
}

func TestAWholeAnswerWithoutALineEndIsReadAtOnce(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		b.write("l.jsonl", lists.Created("a"))
		b.start("l.jsonl")
		b.want("a")
		b.write("l.jsonl", lists.Created("a")+lists.Created("b"))
		b.poll(1)
		b.want("a b")
	})
}

func TestAHalfWrittenAnswerOverSeveralLinesWaits(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		whole := "{\n \"data\": {\n  \"taskId\": \"b\"\n }\n}\n"
		b.write("l.jsonl", lists.Created("a")+"\n")
		b.start("l.jsonl")
		for cut := 1; cut < len(whole); cut++ {
			b.write("l.jsonl", lists.Created("a")+"\n"+whole[:cut])
			b.poll(1)
		}
		b.write("l.jsonl", lists.Created("a")+"\n"+whole)
		b.poll(1)
		b.want("a b")
		if n := b.stat("l.jsonl").Rejected[source.RejectedInvalid]; n != 0 {
			t.Errorf("%d bad lines: %s", n, b.logs.String())
		}
	})
}

func TestAnIDReadOnceIsNotDroppedBecauseALaterPartIsBroken(t *testing.T) {
	broken := []string{
		"{", "}", "[", "]", `"`, ",", ":1", "\x00", "<html>", "{\n", "[[[[\n{", `{"taskId":"`, strings.Repeat("[", 200), "\xff\xfe", "a,b,c\n", "{\"a\":[\n1,\n2",
		"- tasks: [", "x: y\n",
	}
	for name, content := range map[string]string{
		"l.jsonl": lists.Created("a") + "\n" + lists.Created("b"), "l.ndjson": "\"a\"\n{\"task_id\":\"b\"}\n", "l.txt": "a\nb\n", "l.yml": "- a\n- b\n", "l.json": `["a","b"]`,
	} {
		for _, rest := range broken {
			t.Run(name+" and "+fmt.Sprintf("%.20q", rest), func(t *testing.T) {
				inFakeTime(t, func(b *bench) {
					b.write(name, content)
					b.start(name)
					b.poll(1)
					b.want("a b")
					b.write(name, content+rest)
					b.poll(20)
					for _, id := range []string{"a", "b"} {
						if _, ok := b.tasks[id]; !ok {
							t.Errorf("%s is dropped", id)
						}
					}
				})
			})
		}
	}
}

func TestAnswersThatCreatedNoTaskAreNoErrorsOfTheList(t *testing.T) {
	inFakeTime(t, func(b *bench) {
		content := lists.Created("a") + noCredits + tooFast + "\n" + lists.Created("b") + "\n" + noCredits + "\n"
		b.write("l.jsonl", content)
		b.start("l.jsonl")
		b.want("a b")
		for range 3 {
			b.poll(1)
			content += tooFast
			b.write("l.jsonl", content)
		}
		b.poll(2)
		s := b.stat("l.jsonl")
		if s.Rejected["no_task"] != 6 || s.Rejected[source.RejectedInvalid] != 0 || s.Errors != 0 {
			t.Errorf("stat %+v", s)
		}
		if b.logs.Len() != 0 {
			t.Errorf("log: %s", b.logs.String())
		}
	})
}

func TestFilesAreReadByTheEndingThatTheyHadBeforeRotation(t *testing.T) {
	lines, text, list, entries := lists.Created("a")+lists.Created("b"), "a\nb\n", `["a","b"]`, "- tasks: [a, b]\n"
	for name, content := range map[string]string{
		"x.ndjson": lines, "x.jsonl.1": lines, "x.ndjson.2026-11-28": lines, "x.jsonl-20261128": lines, "x.jsonl-20261128-1732788000": lines,
		"x.JSONL": lines, "x.jsonl.2026-11-28T10:00:00Z": lines, "x.jsonl.1.gz": lists.Packed(t, lines), "x.jsonl.gz": lists.Packed(t, lines),
		"x.jsonl-20261128.gz": lists.Packed(t, lines), "x.jsonl.gz.1": lists.Packed(t, lines), "x-2026-11-28T10-00-00.000.jsonl": lines,
		"x.txt": text, "x.txt.1": text, "x.txt.gz": lists.Packed(t, text), "x.txt.12.gz": lists.Packed(t, text), "x": text, "x.1": text, "x-20261128": text, "x.gz": lists.Packed(t, text),
		"x.json": list, "x.json.1": list, "x.json.gz": lists.Packed(t, list), "x.yml.1": entries, "x.yaml.gz": lists.Packed(t, entries),
		"two.txt.gz": lists.Packed(t, "a\n") + lists.Packed(t, "b\n"),
	} {
		t.Run(name, func(t *testing.T) {
			if ids, invalid, logs := listed(t, name, content); ids != "a b" || invalid != 0 {
				t.Errorf("%q, %d invalid: %s", ids, invalid, logs)
			}
		})
	}
}

func TestWhatIsNoPlainListIsRefusedAsAWholeWithTheLine(t *testing.T) {
	for _, tt := range []struct{ name, file, content, want string }{
		{"JSON", "l.txt", "{\"taskId\":\"a\"}\n", "line 1: looks like JSON"},
		{"JSON list", "l", "\n[\n  \"a\"\n]\n", "line 2: looks like JSON"},
		{"JSON after ids", "l.txt", "a\nb\n{\"code\":402}\n", "line 3: looks like JSON"},
		{"JSON strings", "l.txt", "a\n\"b\"\r\n", "line 2: looks like JSON"},
		{"JSON without strings", "l.txt", "[]\n", "line 1: looks like JSON"},
		{"JSON object without members", "l.txt", "{}\n", "line 1: looks like JSON"},
		{"JSON that begins with two brackets", "l.txt", "[{\n\"taskId\": \"a\"\n}]\n", "line 1: looks like JSON"},
		{"a list as Python shows it", "l.txt", "['a']\n", "line 1: looks like JSON"},
		{"CSV", "l.txt", "# ids\nid,model\na,m\n", "line 2: holds a comma"},
		{"CSV without a head", "l.txt.1", "a,m\n", "line 1: holds a comma"},
		{"HTML", "l.txt", "\ufeff\n<!DOCTYPE html>\n<p>x\n", "line 2: looks like HTML"},
		{"XML", "l.txt", "<?xml version=\"1.0\"?>\n", "line 1: looks like HTML"},
		{"not packed", "l.txt.gz", "a\n", "packed with gzip"},
		{"packed but not called so", "l.txt", lists.Packed(t, "a\n"), "is packed with gzip, but"},
		{"cut off", "l.txt.gz", lists.Packed(t, strings.Repeat("abc\n", 1000))[:30], "packed with gzip"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if ids, _, logs := listed(t, tt.file, tt.content); ids != "" || !strings.Contains(logs, tt.want) {
				t.Errorf("%q: %s", ids, logs)
			}
		})
	}
}

func TestLargeListThatIsPackedIsRefused(t *testing.T) {
	if ids, _, logs := listed(t, "l.txt.gz", lists.Packed(t, strings.Repeat("a\n", maxFile/2+1))); ids != "" || !strings.Contains(logs, "too large") {
		t.Errorf("%q: %s", ids, logs)
	}
}

func TestEndingsThatNobodyKnowsAreRefused(t *testing.T) {
	for _, name := range []string{"x.csv", "x.log", "x.lst", "x.jsonl.old", "x.csv.gz", "x.zip", "x.html", "x.json5", "x.csv.1", "x.txt.zst"} {
		inFakeTime(t, func(b *bench) {
			b.write(name, "a\n")
			b.write("l.txt", "b\n")
			b.start("*")
			b.want("b")
			if b.logged("ending") != 1 || b.logged(name) != 1 {
				t.Errorf("%s: %s", name, b.logs.String())
			}
		})
		err := groups.Check([]Group{{Name: "g", Files: []files.Pattern{{Written: name, Path: "/lists/" + name}}}})
		if err == nil || !strings.Contains(err.Error(), "ending") || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: the check says %v", name, err)
		}
	}
	if err := groups.Check([]Group{{Name: "g", Files: []files.Pattern{{Written: "*.csv", Path: "/lists/*.csv"}}}}); err == nil {
		t.Error("the check accepts a pattern that matches nothing but CSV")
	}
	for _, written := range []string{"x", "x.txt", "x.1", "*", "x.*", "*.jsonl*", "x.jsonl.[0-9]", "x.{a", ".hidden", "x.json?"} {
		if err := groups.Check([]Group{{Name: "g", Files: []files.Pattern{{Written: written, Path: "/a.b/" + written}}}}); err != nil && written != "x.{a" {
			t.Errorf("%s: the check says %v", written, err)
		}
	}
}

func TestInvisibleCharactersAroundAnIDAreStrippedAndInsideRefused(t *testing.T) {
	const seen = "task_1"
	for _, c := range []string{"\ufeff", "\u200b", "\u2060"} {
		for _, around := range []string{c + seen, seen + c, c + c + seen + c, "\u200b" + seen + "\u2060\ufeff"} {
			for name, content := range map[string]string{
				"l.txt": "x\n" + around + "\n " + around + " \n", "l.jsonl": `"x"` + "\n" + `{"taskId":"` + around + `"}`, "l.json": `["x","` + around + `"]`,
				"l.yml": "- x\n- \"" + around + "\"\n",
			} {
				if ids, invalid, logs := listed(t, name, content); ids != seen+" x" || invalid != 0 {
					t.Errorf("%s with %q: %q %s", name, around, ids, logs)
				}
			}
		}
		inside := "ta" + c + "sk"
		for name, content := range map[string]string{
			"l.txt": "x\n" + inside + "\ny\n", "l.jsonl": "\"x\"\n{\"taskId\":\"" + inside + "\"}\n\"y\"\n", "l.json": "[\"x\",\n\"" + inside + "\",\"y\"]",
			"l.yml": "- x\n- \"" + inside + "\"\n- y\n",
		} {
			if ids, invalid, logs := listed(t, name, content); ids != "x y" || invalid != 1 || !strings.Contains(logs, "line 2: an invisible") {
				t.Errorf("%s with %q: %q %s", name, inside, ids, logs)
			}
		}
	}
	inFakeTime(t, func(b *bench) {
		_ = b.load(10, Group{Name: "g", Inline: []string{"\u200ba\ufeff", "b\u2060c"}})
		b.mu.Lock()
		defer b.mu.Unlock()
		b.want("a")
	})
}
