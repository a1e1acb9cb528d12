// What the formats accept, and that nothing makes them accept what is no id.

package format

import (
	"fmt"
	"hash/maphash"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/source/jsonlist"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
	"github.com/kie-exporter/kie_exporter/internal/source/yamllist"
	"github.com/kie-exporter/kie_exporter/test/kit/lists"
)

var labelName = regexp.MustCompile(`^[a-zA-Z_][a-zA-Z0-9_]*$`)

const (
	million = 1_000_000
	maxFile = 256 << 20
)

func newList() *parsed.List {
	return parsed.New(parsed.Options{IDs: 100 * million, Seed: maphash.MakeSeed()})
}

// found is what a parser finds in a content.
func found(tb testing.TB, parse Parser, content string) (*parsed.List, error) {
	tb.Helper()
	h := newList()
	err := Format{parse: parse}.Read(tb.Context(), content, maxFile, h)
	return h, err
}

// attrsOf returns what is said of each id of a list.
func attrsOf(h *parsed.List) (all []parsed.Attrs) {
	each(h, func(_ string, attrs parsed.Attrs) { all = append(all, attrs) })
	return all
}

func each(h *parsed.List, visit func(id string, attrs parsed.Attrs)) {
	attrs := func(s *parsed.Attrs) parsed.Attrs {
		if s == nil {
			return parsed.Attrs{}
		}
		return *s
	}
	parsed.Each(h, attrs, func(_ parsed.Found, id string, attrs parsed.Attrs) { visit(id, attrs) })
}

// asText is everything that a parser finds, as text.
func asText(t *testing.T, parse Parser, content string) (ids, bad []string, err error) {
	t.Helper()
	h, err := found(t, parse, content)
	if err != nil {
		return nil, nil, err
	}
	for _, line := range h.Report().Lines {
		bad = append(bad, strconv.Itoa(line))
	}
	if more := h.Report().Count - len(bad); more > 0 {
		bad = append(bad, fmt.Sprintf("+%d", more))
	}
	each(h, func(text string, attrs parsed.Attrs) {
		id := []string{text}
		if attrs.Model != "" {
			id[0] += "=" + attrs.Model
		}
		for _, name := range slices.Sorted(maps.Keys(attrs.Labels)) {
			id = append(id, name+":"+attrs.Labels[name])
		}
		ids = append(ids, strings.Join(id, ","))
	})
	return ids, bad, nil
}

func TestListFormats(t *testing.T) {
	tests := []struct {
		name, file, content string
		ids, bad            string // joined with |
		err                 string
	}{
		{"plain", "x.txt", "a\nb\n", "a|b", "", ""},
		{"no ending", "x", "a", "a", "", ""},
		{"comments and blanks", "x.txt", "\ufeff# c\r\n\r\n \ta \t\r\n\n#b\n  # d\nc\n", "a|c", "", ""},
		{"a # inside belongs to the id", "x.txt", "a # b\nc#d\n", "a # b|c#d", "", ""},
		{"odd ids", "x.txt", "a b\nq\"\na/b\n../..\n?x=1\n%00\n😀\n", "a b|q\"|a/b|../..|?x=1|%00|😀", "", ""},
		{"bad ids", "x.txt", "a\x00b\n\xff\n\x1b[31m\n" + strings.Repeat("k", 10<<10) + "\na\rb\nok\n", "ok", "1|2|3|4|5", ""},
		{"128 bytes", "x.txt", strings.Repeat("k", 128) + "\n" + strings.Repeat("k", 129), strings.Repeat("k", 128), "2", ""},
		{"UTF-16 with mark", "x.txt", "\xff\xfea\x00\n\x00", "", "", "UTF-16"},
		{"UTF-16 big-endian", "x.yml", "\xfe\xff\x00a\x00\n", "", "", "UTF-16"},
		{"UTF-16 without mark", "x.txt", "a\x00\n\x00b\x00\n\x00", "", "1|2|3", ""},
		{"empty", "x.txt", "", "", "", ""},

		{"lines of JSON", "x.jsonl", `{"taskId":"a"}` + "\r\n\n" + `{"taskId":"b","model":"m/1"}`, "a|b=m/1", "", ""},
		{"strings in a line", "x.jsonl", "\"a\" \"b\"\"c\"\r\n\x1e\"d\"\x1e\"e\"{\"taskId\":\"f\"}\"g\"[\"h\"] \"i\"", "a|b|c|d|e|f|g|h|i", "", ""},
		{"strings of something broken", "x.jsonl", "{\"a\":\n\"b\": \"c\",\n\"d\",\n\"e\"}\n\"f\"]\n", "", "1|3|4|5", ""},
		{"answer to a creation", "x.jsonl", `{"code":200,"msg":"success","data":{"taskId":"a","recordId":"r"}}`, "a", "", ""},
		{"model that can't be a label", "x.jsonl", `{"taskId":"a","model":"m\u0000\n"}`, "a=m", "", ""},
		{"variants", "x.jsonl", `{"taskId":"a","model":"m","variant":"10s"}` + "\n" + `{"taskId":"b","variant":"5s"}` + "\n" + `{"taskId":"c","model":"m","variant":7}`, "a=m\u241f10s|b=\u241f5s|c=m", "", ""},
		{"variants of objects", "x.json", `[{"taskId":"a","model":"m","variant":"10s"},{"taskId":"b","variant":null,"model":"m"}]`, "a=m\u241f10s|b=m", "", ""},
		{"variants of YAML", "x.yml", "- {taskId: a, model: m, variant: 10s}\n- {taskId: b, variant: [1]}\n", "a=m\u241f10s|b", "", ""},
		{"no task", "x.jsonl", "{}\n[]\nnull\n1\n{\"taskId\":null}\n{\"taskId\":\"\"}\n{\"taskId\":[1]}\n{\"taskId\":1}\n{\"taskId\":\"a\\n\"}\n{\"code\":422,\"data\":null}\n{\n# c\n", "", "1|2|3|4|5|6|7|8|9|11|+1", ""},

		{"entries", "x.yml", "- tasks:\n  - a\n  - b\n  labels: {team: film}\n- tasks: [c]\n", "a,team:film|b,team:film|c", "", ""},
		{"ids as written", "x.yaml", "- tasks: [0123, 0x1F, 1e10, 1_000, no, 'null', 2001-01-01]", "0123|0x1F|1e10|1_000|no|null|2001-01-01", "", ""},
		{"null ids", "x.yml", "- tasks: [a, null, ~,\n Null, '']\n- tasks:\n  -\n", "a", "1|1|2|2|4", ""},
		{"labels as written", "x.yml", "- {tasks: [a], labels: {n: 007, b: yes}}", "a,b:yes,n:007", "", ""},
		{"no tasks", "x.yml", "- labels: {a: b}\n- tasks:\n- tasks: []\n- tasks: ~\n  labels: ~\n", "", "", ""},
		{"empty YAML", "x.yml", "", "", "", ""},
		{"comment only", "x.yml", "# nothing\n", "", "", ""},
		{"null document", "x.yml", "---\n", "", "", ""},
		{"mark", "x.yml", "\ufeff- tasks: [a]\r\n", "a", "", ""},
		{"not a list", "x.yml", "\ntasks", "", "", "line 2: want a list"},
		{"one entry", "x.yml", "\ntasks: [a]\nlabels: {b: c}", "a,b:c", "", ""},
		{"list of ids", "x.yml", "- a\n- 0123\n- null\n- tasks: [b]\n", "a|0123|b", "3", ""},
		{"list of tasks", "x.yml", "- {taskId: a, model: m, other: [1]}\n- task_id: b\n- {taskId: c, labels: {d: e}}\n- {taskId: }\n- {code: 402}\n", "a=m|b|c,d:e", "4", ""},
		{"list of lists", "x.yml", "- [a]", "", "", "line 1: want a list"},
		{"tasks of an entry", "x.yml", "- {tasks: [{taskId: a}, b], labels: {c: d}}", "a,c:d|b,c:d", "", ""},
		{"task with tasks", "x.yml", "- taskId: a\n  tasks: [b]", "", "", `line 1: unknown key "taskId"`},
		{"unknown key", "x.yml", "- tasks: [a]\n  lables: {}", "", "", `line 2: unknown key "lables"`},
		{"key twice", "x.yml", "- tasks: [a]\n  tasks: [b]", "", "", "line 2"},
		{"merge key", "x.yml", "- &x {tasks: [a]}\n- <<: *x", "", "", "line 1: a YAML anchor"},
		{"alias", "x.yml", "- tasks: &x [a]\n- tasks: *x", "", "", "line 1: a YAML anchor"},
		{"alias as key", "x.yml", "- &tasks tasks: [a]\n- *tasks : [b]", "", "", "line 1: a YAML anchor"},
		{"tag", "x.yml", "- a\n- !!str b", "", "", "line 2: a YAML tag"},
		{"directive", "x.yml", "# a\n%YAML 1.1\n---\n- a", "", "", "line 2: a YAML directive"},
		{"unknown alias", "x.yml", "- *" + strings.Repeat("a", 1<<20), "", "", "anchor"},
		{"long key", "x.yml", "- {" + strings.Repeat("a", 1000) + ": b}", "", "", `unknown key "` + strings.Repeat("a", 64) + `"…`},
		{"alias bomb", "x.yml", "- tasks: [&a [x,x], &b [*a,*a]]", "", "", "line 1"},
		{"nested", "x.yml", "- tasks:\n  - {a: b}", "", "", "line 2: want a list of task ids"},
		{"tab", "x.yml", "- tasks:\n\t- a", "", "", "line 2"},
		{"second document", "x.yml", "- tasks: [a]\n---\n- tasks: [b]", "", "", "more than one document"},
		{"half-written", "x.yml", "- tasks: [a, b", "", "", "line 1"},
		{"bad label", "x.yml", "- tasks: [a]\n  labels:\n    a-b: c", "", "", `line 3: "a-b" can't be`},
		{"reserved label", "x.yml", "- {tasks: [a], labels: {__a: c}}", "", "", `"__a" can't be`},
		{"label twice", "x.yml", "- {tasks: [a], labels: {a: c, a: d}}", "", "", "twice"},
		{"label without value", "x.yml", "- {tasks: [a], labels: {a: }}", "", "", "line 1: want labels"},
		{"long label", "x.yml", "- {tasks: [a], labels: {a: " + strings.Repeat("x", 129) + "}}", "", "", "128 bytes"},
		{"33 labels", "x.yml", "- {tasks: [a], labels: {" + lists.Numbered("l%d: x, ", 33) + "}}", "", "", "more than 32"},
		{"32 labels", "x.yml", "- {tasks: [], labels: {" + lists.Numbered("l%d: x, ", 32) + "}}", "", "", ""},
		{"not text", "x.yml", "- tasks: [\xff]", "", "", "yaml"},

		{"JSON", "x.json", "\ufeff\t[{\"tasks\": [\"a\", 0.10, 1e400],\n\"labels\": {\"n\": 1, \"b\": true, \"s\": \"x\"}}, {\"labels\": {}, \"tasks\": [\"\\ud83d\\ude00\"]}]\n", "a,b:true,n:1,s:x|0.10,b:true,n:1,s:x|1e400,b:true,n:1,s:x|😀", "", ""},
		{"labels behind tasks", "x.json", `[{"labels": {"a": "1"}, "tasks": ["x"]}, {"tasks": ["y"], "labels": {"a": "2"}}]`, "x,a:1|y,a:2", "", ""},
		{"JSON null ids", "x.json", "[{\"tasks\": [\"a\",\nnull,\n\"\", true]}]", "a", "2|3|3", ""},
		{"JSON empty list", "x.json", "[]", "", "", ""},
		{"JSON empty", "x.json", " ", "", "", "line 1"},
		{"JSON half-written", "x.json", "[{\"tasks\": [\"a\",\n\"b", "", "", "line 2"},
		{"JSON no comma", "x.json", `[{"tasks": ["a" "b"]}]`, "", "", "line 1"},
		{"JSON not a list", "x.json", `"tasks"`, "", "", "want a list of {"},
		{"JSON one entry", "x.json", `{"tasks": ["a"], "labels": {"b": "c"}}`, "a,b:c", "", ""},
		{"JSON ids only", "x.json", "[\"a\", 0123]", "", "", "line 1: not JSON"},
		{"JSON ids only", "x.json", "[\"a\", 123,\nnull]", "a|123", "2", ""},
		{"JSON tasks", "x.json", "[{\"taskId\":\"a\",\"model\":\"m\",\"x\":[{}]},\n{\"task_id\":\"b\"},{\"labels\":{\"c\":\"d\"},\"taskId\":\"e\"},\n{\"taskId\":\"\"}]", "a=m|b|e,c:d", "3", ""},
		{"JSON answers", "x.json", `[{"code":200,"msg":"success","data":{"taskId":"a"}},{"code":402,"msg":"m","data":null}]`, "a", "", ""},
		{"JSON one answer", "x.json", `{"code":200,"msg":"success","data":{"taskId":"a"}}`, "a", "", ""},
		{"JSON tasks of an entry", "x.json", `[{"tasks":[{"taskId":"a"},"b"],"labels":{"c":"d"}}]`, "a,c:d|b,c:d", "", ""},
		{"JSON task with tasks", "x.json", `[{"tasks":["b"],"taskId":"a"}]`, "", "", `unknown key "taskId"`},
		{"JSON list of lists", "x.json", `[["a"]]`, "", "", "want a list of {"},
		{"JSON long key", "x.json", `[{"` + strings.Repeat("ä", 16<<20) + `": 1}]`, "", "", `unknown key "` + strings.Repeat("ä", 32) + `"…: want`},
		{"JSON long label", "x.json", `[{"labels":{"` + strings.Repeat("\u001b", 1<<20) + `": 1}}]`, "", "", `line 1: not JSON`},
		{"JSON unknown key", "x.json", "[{\"tasks\": [\"a\"]},\n{\"Tasks\": []}]", "", "", `line 2: unknown key "Tasks"`},
		{"JSON key twice", "x.json", `[{"tasks": [], "tasks": []}]`, "", "", "twice"},
		{"JSON label twice", "x.json", `[{"labels": {"a": "1", "a": "2"}}]`, "", "", "twice"},
		{"JSON label null", "x.json", `[{"labels": {"a": null}}]`, "", "", "want labels"},
		{"JSON label list", "x.json", `[{"labels": ["a"]}]`, "", "", "want labels"},
		{"JSON nested", "x.json", strings.Repeat("[", 1<<20), "", "", "want a list of {"},
		{"JSON nested ids", "x.json", `[{"tasks": [["a"]]}]`, "", "", "want a list of task ids"},
		{"JSON tasks is null", "x.json", `[{"tasks": null}]`, "", "", "want a list of task ids"},
		{"JSON second document", "x.json", "[]\n[]", "", "", "line 2: more than one"},
		{"JSON not text", "x.json", "[{\"tasks\": [\"\xff\"]}]", "", "", "not UTF-8"},
	}
	for _, tt := range tests {
		t.Run(tt.file+" "+tt.name, func(t *testing.T) {
			f, err := ByName("/lists/" + tt.file)
			if err != nil {
				t.Fatal(err)
			}
			synctest.Test(t, func(t *testing.T) { // however busy the machine is, no time passes
				ids, bad, err := asText(t, f.parse, tt.content)
				if got := strings.Join(ids, "|"); got != tt.ids {
					t.Errorf("ids %q, want %q", got, tt.ids)
				}
				if got := strings.Join(bad, "|"); got != tt.bad {
					t.Errorf("bad lines %q, want %q", got, tt.bad)
				}
				if tt.err == "" && err != nil || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
					t.Errorf("error %v, want %q", err, tt.err)
				}
			})
		})
	}
}

// visits checks what holds for each parser and any content, and returns the ids.
func visits(t *testing.T, parse Parser, content string) []string {
	t.Helper()
	h, err := found(t, parse, content)
	if err != nil {
		if len(err.Error()) > 400 {
			t.Errorf("error %q", err)
		}
		return nil
	}
	lines := strings.Count(content, "\n") + strings.Count(content, "\r") + strings.Count(content, "\u2028") +
		strings.Count(content, "\u2029") + strings.Count(content, "\u0085") + 1 // YAML's idea of a line
	for _, line := range h.Report().Lines {
		if line < 1 || line > lines {
			t.Errorf("line %d of %d", line, lines)
		}
	}
	var ids []string
	each(h, func(id string, attrs parsed.Attrs) {
		ids = append(ids, id)
		if !kie.ValidID(id) || strings.ContainsAny(id, "\ufeff\u200b\u2060") {
			t.Errorf("%q is accepted as an id", id)
		}
		if attrs.Model != kie.CleanLabel(attrs.Model) || len(attrs.Labels) > 32 {
			t.Errorf("attrs %+v", attrs)
		}
		for name, value := range attrs.Labels {
			if !labelName.MatchString(name) || value != "" && !kie.ValidID(value) {
				t.Errorf("label %q: %q", name, value)
			}
		}
	})
	return ids
}

// FuzzParseText: each id is valid and its line is one of the list, no id is of another format, and the ids written as a list are read
// as the same ids.
func FuzzParseText(f *testing.F) {
	for _, seed := range []string{"a\nb\n", "# c\r\n\r\n x \n", "a\x00b\n\xff\n", "\u00a0a\u0085\n", "\u200ba\ufeff\n", "a,b\n", "<p>", "{}"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) {
		ids := visits(t, parseText, content)
		for _, id := range ids {
			if strings.ContainsAny(id[:1], "<#{[") || strings.Contains(id, ",") {
				t.Errorf("%q is taken for an id", id)
			}
		}
		if again := visits(t, parseText, strings.Join(ids, "\n")); !slices.Equal(ids, again) {
			t.Errorf("%q written as a list is read as %q", ids, again)
		}
	})
}

// FuzzParseJSONLines: each id is valid, its model a clean label and its line one of the list; and ids that were read are read
// again, whatever comes behind them.
func FuzzParseJSONLines(f *testing.F) {
	for _, seed := range []string{
		`{"taskId":"a","model":"m"}`, `{"data":{"taskId":"b"}}` + "\n\n{", `{"taskId":1,"model":"\u0000"}`, "null\n[]\n",
		`{"taskId":"a"}{"task_id":"b"}`, "{\n\"taskId\":\"a\"\n}\n\"b\"", `["a",{"code":402}]`, "\x1e\"a\"\n{\"a\":[\n\"b\"\n,",
	} {
		f.Add(seed, "{")
		f.Add("{", seed)
		f.Add(seed, seed)
	}
	f.Fuzz(func(t *testing.T, content, rest string) {
		before, after := visits(t, jsonlist.ParseLines, content+"\n"), visits(t, jsonlist.ParseLines, content+"\n"+rest)
		if len(after) < len(before) || !slices.Equal(before, after[:len(before)]) {
			t.Errorf("first %q, then %q", before, after)
		}
	})
}

// FuzzParseYAML: each id and label is valid and its line one of the list, and of a list with an error nothing is taken; ids in long
// runs are those that are found when each is parsed.
func FuzzParseYAML(f *testing.F) {
	for _, seed := range []string{
		"- tasks: [a, 0x1F, ~]\n  labels: {team: film}\n", "---\n", "- &a tasks\n- *a", "- tasks:\n  - |\n    a\n", "- {tasks: [a]}\n---\n",
	} {
		f.Add(seed)
	}
	for _, content := range lists.LongRuns() {
		f.Add(content)
	}
	f.Fuzz(func(t *testing.T, content string) { visits(t, yamllist.Parse, content) })
}

// FuzzParseJSON: each id and label is valid and its line one of the list, and of a list with an error nothing is taken.
func FuzzParseJSON(f *testing.F) {
	for _, seed := range []string{
		`[{"tasks":["a",1,null],"labels":{"team":"film"}}]`, "[\n{}]", `[{"labels":{"a":true}},{"tasks":[]}]`, "[[", "[]]",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, content string) { visits(t, jsonlist.Parse, content) })
}

// FuzzParts: a list of lines that is read in parts has the ids, and on the lines, that it has when it is read as a whole.
func FuzzParts(f *testing.F) {
	for _, seed := range []string{
		"a\nb\n", "\ufeffa\r\n\n# c\nb", `{"taskId":"a","model":"m"}{"taskId":"b"}` + "\n", "{\n\"taskId\":\"a\"\n}\n\"b\"\n", "\"a\"\n\"b\" x\n{\"c\":[\n\"d\"\n",
		"{\n\"urls\": [\n\"https://x/y\"\n,]}\n{\"taskId\":\"b\"}\n", "\x1e\"a\"\n\ufeff\"b\"\n", "{}{x\n\"a\"\n[\"b\"]\n\"c\"\n",
	} {
		f.Add(seed, uint8(3), true)
		f.Add(seed, uint8(9), false)
	}
	f.Fuzz(func(t *testing.T, content string, size uint8, text bool) {
		list := formats["jsonl"]
		if text {
			list = formats["txt"]
		}
		whole := newList()
		_, errWhole := list.ReadPart(t.Context(), content, Position{}, whole)
		parts, errParts := inParts(t, list, content, 1+int(size))
		if (errWhole == nil) != (errParts == nil) {
			t.Fatalf("%v as a whole, %v in parts", errWhole, errParts)
		}
		if want := foundIn(whole); errWhole == nil && !slices.Equal(want, parts) {
			t.Errorf("%q as a whole, %q in parts", want, parts)
		}
	})
}

// inParts returns what a content lists that comes in so many bytes at a time.
func inParts(t *testing.T, list Format, content string, size int) (all []string, err error) {
	t.Helper()
	var from Position
	for at, end := 0, 0; end < len(content); {
		end = min(len(content), end+size)
		last := end == len(content)
		p := parsed.New(parsed.Options{IDs: million, Seed: maphash.MakeSeed(), Lines: from.Lines, Half: func(string) bool { return !last }})
		next, err := list.ReadPart(t.Context(), content[at:end], from, p)
		if err != nil {
			return nil, err
		}
		from, at = next, end-p.Left()
		all = append(all, foundIn(p)...)
	}
	return all, nil
}

// foundIn returns each id of a list with its model and line.
func foundIn(p *parsed.List) (all []string) {
	parsed.Each(p, func(attrs *parsed.Attrs) string {
		if attrs == nil {
			return ""
		}
		return attrs.Model
	}, func(f parsed.Found, id, model string) { all = append(all, fmt.Sprint(id, " ", model, " ", p.Line(f))) })
	return all
}
