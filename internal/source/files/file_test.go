package files

import (
	"context"
	"errors"
	"hash/maphash"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/source/bounded"
	"github.com/kie-exporter/kie_exporter/internal/source/format"
	"github.com/kie-exporter/kie_exporter/internal/source/jsonlist"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
	"github.com/kie-exporter/kie_exporter/internal/source/secrets"
	"github.com/kie-exporter/kie_exporter/internal/source/yamllist"
	"github.com/kie-exporter/kie_exporter/test/kit/lists"
	"github.com/kie-exporter/kie_exporter/test/kit/pipe"
)

const maxFile = 256 << 20

func TestOpeningNeverWaitsEvenIfTheFileBecameAPipe(t *testing.T) {
	fifo := filepath.Join(t.TempDir(), "fifo")
	if err := pipe.Make(fifo); err != nil {
		t.Skip(err)
	}
	if _, _, err := readBelow(t.Context(), filepath.Dir(fifo), fifo, bounded.Size{Most: 1}, &secrets.Known{}); !errors.Is(err, errNotRegular) {
		t.Errorf("error %v", err)
	}
}

func TestReadingAFileEndsWithItsContext(t *testing.T) {
	path := filepath.Join(t.TempDir(), "l.txt")
	if err := os.WriteFile(path, []byte("a\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := readBelow(ctx, filepath.Dir(path), path, bounded.Size{Most: 10}, &secrets.Known{}); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
}

func TestALinkSwappedInBeforeAListIsOpenedIsNotFollowed(t *testing.T) {
	dir := t.TempDir()
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, folder := range []string{"lists", "lists/sub", "outside"} {
		if err := os.Mkdir(in(folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"key", "outside/x.txt", "lists/ok.txt", "lists/sub/ok.txt"} {
		if err := os.WriteFile(in(name), []byte("x\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for to, target := range map[string]string{"lists/evil.txt": in("key"), "lists/sub/evil": in("outside"), "lists/sub/evil.txt": in("key")} {
		if err := os.Symlink(target, in(to)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"lists/evil.txt", "lists/sub/evil/x.txt", "lists/sub/evil.txt"} {
		f, err := openBelow(in("lists"), in(name))
		if err == nil {
			_ = f.Close()
			t.Errorf("%s was opened", name)
		}
	}
	for _, name := range []string{"lists/ok.txt", "lists/sub/ok.txt"} {
		f, err := openBelow(in("lists"), in(name))
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
	}
}

func TestAReadTakesThreeTimesItsTextInMemoryAtMost(t *testing.T) {
	const size = 4 << 20
	ids := lists.Numbered("%032x\n", size/33)
	contents := map[string]string{
		"ids.txt": ids, "ids.jsonl": lists.Numbered(`{"taskId":"%032x"}`+"\n", size/46), "ids.json": `["` + strings.ReplaceAll(strings.TrimSuffix(ids, "\n"), "\n", `","`) + `"]`,
		"packed.txt.gz": ids,
	}
	for name, content := range lists.Costly(yamllist.MaxBytes, jsonlist.MaxDepth) {
		if filepath.Ext(name) != ".yml" { // bounded by their size and their parts instead
			contents[name] = content
		}
	}
	for name, content := range contents {
		file := content
		if strings.HasSuffix(name, ".gz") {
			file = lists.Packed(t, content)
		}
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, []byte(file), 0o600); err != nil {
			t.Fatal(err)
		}
		f, err := format.ByName(name)
		if err != nil {
			t.Fatal(err)
		}
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		read, _, err := readBelow(t.Context(), filepath.Dir(path), path, f.Bounds(maxFile), &secrets.Known{})
		if err != nil {
			t.Fatal(err)
		}
		h := parsed.New(parsed.Options{IDs: 100_000_000, Seed: maphash.MakeSeed()})
		_ = f.Read(t.Context(), read, maxFile, h) // many are no lists
		runtime.ReadMemStats(&after)
		// All that was allocated, even what was let go of at once.
		if times := float64(after.TotalAlloc-before.TotalAlloc) / float64(len(content)); times > 3 {
			t.Errorf("%s: %.1f times its text", name, times)
		}
	}
}
