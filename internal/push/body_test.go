package push

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

const (
	asJSON  = "application/json"
	asLines = "application/x-ndjson"
	asText  = "text/plain"
)

// bodyOf reads a body of a media type.
func bodyOf(mediaType, content string) (*body, error) {
	req := httptest.NewRequestWithContext(context.Background(), http.MethodPost, "/", strings.NewReader(content))
	req.Header.Set("Content-Type", mediaType)
	return readBody(httptest.NewRecorder(), req)
}

func TestWhatAnObjectSaysThatNobodyReadsIsCountedByKey(t *testing.T) {
	const long = "a-key-that-goes-on-for-ever-"
	for name, tt := range map[string]struct {
		body    string
		ignored map[string]int
	}{
		"all that may be said":          {`{"taskId":"a","model":"m","endpoint":"suno","labels":{"x":"y"}}`, nil},
		"another case":                  {`{"TaskID":"a","Labels":{"x":"y"}}`, nil},
		"an answer of createTask":       {`{"code":200,"msg":"success","data":{"taskId":"a","recordId":"r","new":{"by":"them"}}}`, nil},
		"one with message":              {`{"code":200,"message":"success","data":{"taskId":"a"}}`, nil},
		"strings and numbers":           {`["a",7]`, nil},
		"a key misspelt":                {`{"taskId":"a","lables":{"x":"y"}}`, map[string]int{"lables": 1}},
		"one beside createTask's":       {`{"code":200,"msg":"","data":{"taskId":"a"},"lables":{}}`, map[string]int{"lables": 1}},
		"several":                       {`[{"taskId":"a","lables":{}},{"taskId":"b","lables":{},"order":1},"c"]`, map[string]int{"lables": 2, "order": 1}},
		"where it costs the id":         {`{"id":"a"}`, map[string]int{"id": 1}},
		"a model that is no text":       {`{"taskId":"a","model":{"name":"m"}}`, map[string]int{"model": 1}},
		"a variant that is no text":     {`{"taskId":"a","variant":7}`, map[string]int{"variant": 1}},
		"a variant":                     {`{"taskId":"a","model":"m","variant":"10s"}`, nil},
		"a model that is not known":     {`{"taskId":"a","model":null}`, nil},
		"labels below labels":           {`{"taskId":"a","labels":{"lables":"x"}}`, nil},
		"control characters and length": {`{"taskId":"a","x\u0007` + strings.Repeat(long, 9) + `":1}`, map[string]int{kie.CleanLabel("x\a" + strings.Repeat(long, 9)): 1}},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := bodyOf(asJSON, tt.body)
			if err != nil || !maps.Equal(b.ignored, tt.ignored) {
				t.Errorf("%v is ignored, want %v: %v", b.ignored, tt.ignored, err)
			}
		})
	}
}

func TestNoMoreThanAHundredIgnoredKeysAreNamed(t *testing.T) {
	var lines strings.Builder
	for i := range 1000 {
		fmt.Fprintf(&lines, `{"taskId":"a","key-%d":1,"often":1}`, i)
	}
	b, err := bodyOf(asLines, lines.String())
	if err != nil || len(b.ignored) != maxIgnored {
		t.Errorf("%d are named: %v", len(b.ignored), err)
	}
	if n := b.ignored["often"]; n != 0 && n != 1000 {
		t.Errorf("a key of 1000 objects is counted %d times", n)
	}
}

// values are those that are in a body of JSON, or in one of lines.
func values(mediaType, content string) (all []json.RawMessage, ok bool) {
	if mediaType == asJSON {
		var one json.RawMessage
		if json.Unmarshal([]byte(content), &one) != nil {
			return nil, false
		}
		if one[0] != '[' {
			return []json.RawMessage{one}, true
		}
		return all, json.Unmarshal([]byte(content), &all) == nil
	}
	for d := json.NewDecoder(strings.NewReader(content)); ; {
		var one json.RawMessage
		switch err := d.Decode(&one); {
		case errors.Is(err, io.EOF):
			return all, true
		case err != nil:
			return nil, false
		}
		all = append(all, one)
	}
}

// FuzzBody: of whatever is pushed, each value is an id, or is rejected, once, and each id is valid; what is JSON by what encoding/json says
// is taken, and means the same in lines as in a list.
func FuzzBody(f *testing.F) {
	for _, content := range []string{
		"a\nb\n", `"a"`, `["a",{"taskId":"b","labels":{"x":1}},7,null]`, `{"code":200,"data":{"taskId":"c"}}`, `{"code":402,"data":null}`,
		"{\"taskId\":\"a\"}\n{\"task_id\":\"b\",\"model\":\"m\"}", "# nothing\n\n x \n", `[`, `"\u0000"`, `{"taskId":"a","lables":{}}`, `{"taskId":"a","endpoint":"veo"}`, `{"taskId":"a","endpoint":7}`, "\ufeff\"a\"",
	} {
		for kind := range 3 {
			f.Add(byte(kind), content)
		}
	}
	f.Fuzz(func(t *testing.T, kind byte, content string) {
		mediaType := []string{asJSON, asLines, asText}[kind%3]
		b, err := bodyOf(mediaType, content)
		if err != nil {
			if b != nil {
				t.Error("something of a push that is wrong is left")
			}
			return
		}
		seen := make(map[int]bool)
		for i, task := range b.tasks {
			seen[b.indices[i]] = true
			if !kie.ValidID(task.ID) || !kie.IsCleanLabel(task.Model) {
				t.Errorf("the id %q of model %q is taken", task.ID, task.Model)
			}
			for name, value := range task.Labels {
				if !utf8.ValidString(name+value) || name == "" {
					t.Errorf("the label %q=%q is taken", name, value)
				}
			}
		}
		for _, fault := range b.faults {
			if seen[fault.Index] {
				t.Errorf("value %d is taken and rejected", fault.Index)
			}
			seen[fault.Index] = true
		}
		if len(seen)+b.more != b.values {
			t.Errorf("of %d values, %d are taken or rejected", b.values, len(seen)+b.more)
		}
		if mediaType == asText {
			return
		}
		wantSameAsList(t, b, mediaType, content)
	})
}

// wantSameAsList sees that a body means what its values mean as a list.
func wantSameAsList(t *testing.T, b *body, mediaType, content string) {
	t.Helper()
	all, ok := values(mediaType, strings.TrimPrefix(content, "\ufeff"))
	if !ok || len(all) != b.values {
		t.Fatalf("%d values are taken of %q, which has %d", b.values, content, len(all))
	}
	list, err := json.Marshal(append([]json.RawMessage{}, all...))
	if err != nil {
		return // what the one takes and the other does not, such as text that is not UTF-8
	}
	other, err := bodyOf(asJSON, string(list))
	if err != nil || len(other.tasks) != len(b.tasks) {
		t.Fatalf("%d ids of %q, and %d of the same as a list: %v", len(b.tasks), content, len(other.tasks), err)
	}
	for i := range b.tasks {
		if got, want := other.tasks[i], b.tasks[i]; got.ID != want.ID || got.Model != want.Model || !maps.Equal(got.Labels, want.Labels) {
			t.Errorf("%+v of %q, and %+v of the same as a list", want, content, got)
		}
	}
}
