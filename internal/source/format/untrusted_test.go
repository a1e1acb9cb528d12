// What somebody who may write a list can cost: time, memory and log.

package format

import (
	"context"
	"errors"
	"hash/maphash"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
	"unsafe"

	"github.com/kie-exporter/kie_exporter/internal/source/jsonlist"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
	"github.com/kie-exporter/kie_exporter/internal/source/yamllist"
	"github.com/kie-exporter/kie_exporter/test/kit/lists"
	"github.com/kie-exporter/kie_exporter/test/kit/program"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// costly returns how long lists in YAML are: as long as they may be, but for the race detector.
func costly() int { return program.Fewer(yamllist.MaxBytes/4, yamllist.MaxBytes) }

func TestNoListTakesLongToReadOrFillsTheLog(t *testing.T) {
	for name, content := range lists.Costly(costly(), jsonlist.MaxDepth) {
		t.Run(name, func(t *testing.T) {
			f, err := ByName(name)
			if err != nil {
				t.Fatal(err)
			}
			var h *parsed.List
			wait.Quick(t, Within+time.Second, func() time.Duration {
				start := time.Now()
				h, err = found(t, f.parse, content)
				return time.Since(start)
			})
			if err != nil && len(err.Error()) > 300 {
				t.Errorf("%d bytes of error: %.100q", len(err.Error()), err)
			}
			if err := h.Report().Err; err != nil && len(err.Error()) > 300 {
				t.Errorf("%d bytes of report: %.100q", len(err.Error()), err)
			}
		})
	}
}

func TestParsingEndsWithItsContextAndAfterTenSeconds(t *testing.T) {
	for name, content := range lists.Costly(costly(), jsonlist.MaxDepth) {
		f, err := ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		wait.Quick(t, 2*time.Second, func() time.Duration {
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			time.AfterFunc(20*time.Millisecond, cancel)
			start := time.Now()
			err := f.Read(ctx, content, maxFile, newList())
			t.Logf("%s ends with %v", name, err)
			return time.Since(start)
		})
	}
	synctest.Test(t, func(t *testing.T) {
		f := Format{parse: func(_ string, h *parsed.List) error {
			for {
				time.Sleep(time.Second)
				if err := h.Spend(parsed.Stride); err != nil {
					return err
				}
			}
		}}
		if err := f.Read(t.Context(), "", maxFile, newList()); !errors.Is(err, ErrLate) {
			t.Errorf("error %v", err)
		}
	})
}

func TestParsingLooksForItsEndWithinOneThing(t *testing.T) {
	fill := strings.Repeat
	for name, content := range map[string]string{
		"an object.json": `[{"x":1` + fill(`,"x":1`, parsed.Stride/4) + `}]`, "an array.json": `[{"x":[1` + fill(",1", parsed.Stride) + `]}]`,
		"ids.json": `["a"` + fill(`,"a"`, parsed.Stride/4) + `]`, "lines.txt": fill("a\n", parsed.Stride/4), "values.jsonl": fill(`"a"`+"\n", parsed.Stride/4),
	} {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		f, err := ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		h := newList()
		h.Begin(ctx, content)
		if err := f.parse(content, h); !errors.Is(err, context.Canceled) {
			t.Errorf("%s: read to its end: %v", name, err)
		}
	}
}

func TestLargeListTakesNoMoreThanItsText(t *testing.T) {
	const size = 24 << 20
	alike, differing, models := `{"tasks":["a"],"labels":{"a":"b"}},`, `{"tasks":["a"],"labels":{"a":"%07x"}},`, `{"taskId":"a","model":"%07x"}`+"\n"
	long := `{"taskId":"a","model":"` + strings.Repeat("x", 1000) + `%07x"}` + "\n"
	for name, content := range map[string]string{
		"labels.json": "[" + lists.Numbered(differing, size/len(differing)) + `"z"]`, "alike.json": "[" + strings.Repeat(alike, size/len(alike)) + `"z"]`,
		"nothing.json": "[" + strings.Repeat(`{"tasks":[],"labels":{"a":"b"}},`, size/32) + `"z"]`,
		"models.jsonl": lists.Numbered(models, size/len(models)), "long.jsonl": lists.Numbered(long, size/len(long)), "short.txt": strings.Repeat("a\n", size/2),
	} {
		f, err := ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		h := parsed.New(parsed.Options{IDs: million, Seed: maphash.MakeSeed()})
		err = f.Read(t.Context(), content, maxFile, h)
		if err == nil {
			parsed.Each(h, func(attrs *parsed.Attrs) *parsed.Attrs { return attrs }, func(parsed.Found, string, *parsed.Attrs) {})
		}
		runtime.ReadMemStats(&after)
		if refused := errors.Is(err, parsed.ErrAttrs); refused != (name == "labels.json" || name == "models.jsonl") {
			t.Errorf("%s: %v", name, err)
		}
		// The text itself is the third part.
		if times := (float64(after.TotalAlloc-before.TotalAlloc) - parsed.LeastCost) / float64(len(content)); times > 2 {
			t.Errorf("%s: %.1f times its text", name, times)
		}
	}
}

func TestLabelsKeepNoListInMemory(t *testing.T) {
	content := `[{"tasks":["a"],"labels":{"name":"value"}}]`
	h, err := found(t, jsonlist.Parse, content)
	if err != nil {
		t.Fatal(err)
	}
	within := func(part string) bool {
		start, at := uintptr(unsafe.Pointer(unsafe.StringData(content))), uintptr(unsafe.Pointer(unsafe.StringData(part))) //nolint:gosec // looks at addresses alone
		return at >= start && at < start+uintptr(len(content))
	}
	for name, value := range attrsOf(h)[0].Labels {
		if within(name) || within(value) {
			t.Errorf("%s=%s is a part of the list", name, value)
		}
	}
}
