package apikey

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/pipe"
)

const canary = "0123456789abcanary6789abcdef0123"

func writeFile(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func mustKey(t *testing.T, key *Key, err error) *Key {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func TestKeyIsTrimmed(t *testing.T) {
	for _, text := range []string{canary, canary + "\n", canary + "\r\n", "\ufeff" + canary, " \t\n" + canary + "  \n\n", "\ufeff " + canary} {
		path := filepath.Join(t.TempDir(), "key")
		writeFile(t, path, text)
		key, err := FromFile(path)
		if got := mustKey(t, key, err).Value(); got != canary {
			t.Errorf("key file %q: got %q", text, got)
		}
	}
}

func TestBadKeyIsRefusedWithoutShowingIt(t *testing.T) {
	const odd = "holds a space, a control character or a character that is not ASCII, which no key does"
	const only = ", it must hold the key and nothing else"
	const quotes, named, bearer = "holds quotes" + only, "holds a NAME=… line" + only, "holds the word Bearer, which is added to each request" + only
	for name, test := range map[string]struct{ text, want string }{
		"empty":       {"", "is empty"},
		"white space": {"\ufeff \r\n", "is empty"},
		"two lines":   {canary + "\n" + canary, odd},
		"inner space": {canary + " " + canary, odd},
		"NUL":         {canary + "\x00", odd},
		"escape":      {"\x1b[2J" + canary, odd},
		"not ASCII":   {canary + "é", odd},
		"UTF-16":      {"\xff\xfe" + strings.Join(strings.Split(canary, ""), "\x00") + "\x00", odd},
		"1 MiB":       {strings.Repeat(canary, 1<<15), "is larger than 4 KiB, which no key is"},

		"in quotes":              {`"` + canary + "\"\n", quotes},
		"in single quotes":       {"'" + canary + "'", quotes},
		"in curly quotes":        {"“" + canary + "”", quotes},
		"a quote too few":        {canary + `"`, quotes},
		"NAME=":                  {"KIE_API_KEY=" + canary + "\n", named},
		"export NAME=":           {"export KIE_API_KEY='" + canary + "'\n", named},
		"NAME of another kind":   {"MY_KIE=" + canary, named},
		"a small name":           {"api-key = " + canary, named},
		"YAML":                   {"kie_api_key: " + canary, named},
		"a header":               {"Authorization: Bearer " + canary, named},
		"JSON":                   {`{"apiKey": "` + canary + `"}`, "holds JSON" + only},
		"JSON list":              {`["` + canary + `"]`, "holds JSON" + only},
		"JSON text":              {`"` + canary + `"`, quotes},
		"Bearer":                 {"Bearer " + canary, bearer},
		"bearer with two blanks": {"bearer  " + canary, bearer},
		"Bearer alone":           {"Bearer", bearer},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "key")
			writeFile(t, path, test.text)
			_, err := FromFile(path)
			if want := "key file " + path + ": " + test.want; err == nil || err.Error() != want {
				t.Errorf("FromFile: got %v, want %s", err, want)
			}
			if _, err := Static(test.text); err == nil || err.Error() != test.want {
				t.Errorf("Static: got %v, want %s", err, test.want)
			}
		})
	}
}

// Keys are opaque: what looks a little like a name or a word is a key as long as it may be one.
func TestKeyWithOddCharactersIsAKey(t *testing.T) {
	for _, text := range []string{"abcKEY==", "canary-key+=0123", "sk:a=b", "Bearer0123", "a{b}c", "key=", "token", "it's", "KEY", "abcdef=g", "whsec_a/b+c="} {
		if key, err := Static(text); err != nil || key.Value() != text {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestKeyIsReadFromRegularFilesOnly(t *testing.T) {
	dir := t.TempDir()
	fifo := filepath.Join(dir, "pipe")
	if err := pipe.Make(fifo); err != nil {
		t.Skip(err) // nor is there a /dev
	}
	for path, want := range map[string]string{
		fifo:                         "is not a regular file",
		dir:                          "is not a regular file",
		"/dev/zero":                  "is not a regular file",
		filepath.Join(dir, "absent"): "no such file or directory",
	} {
		_, err := FromFile(path)
		if want := "key file " + path + ": " + want; err == nil || err.Error() != want {
			t.Errorf("got %v, want %s", err, want)
		}
	}
}

func TestReplacedKeyFileIsUsed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("not everybody may make a link here, and none to a folder takes the place of another")
	}
	for name, replace := range replacements() {
		t.Run(name, func(t *testing.T) {
			// The layout of a mounted Kubernetes secret: key → data/key, data → a.
			dir := t.TempDir()
			if err := os.Mkdir(filepath.Join(dir, "a"), 0o700); err != nil {
				t.Fatal(err)
			}
			writeFile(t, filepath.Join(dir, "a", "key"), "first!")
			for link, to := range map[string]string{"data": "a", "key": "data/key"} {
				if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
					t.Fatal(err)
				}
			}
			synctest.Test(t, func(t *testing.T) {
				key, err := FromFile(filepath.Join(dir, "key"))
				mustKey(t, key, err)
				replace(t, dir)
				if got := key.Value(); got != "first!" {
					t.Errorf("within a second: got %q", got)
				}
				time.Sleep(time.Second)
				if got := key.Value(); got != "second" || key.Err() != nil {
					t.Errorf("after a second: got %q, %v", got, key.Err())
				}
			})
		})
	}
}

// replacements are the ways in which people put "second" into dir/key, which is a link to dir/data/key, data one to dir/a.
func replacements() map[string]func(t *testing.T, dir string) {
	return map[string]func(t *testing.T, dir string){
		"rewritten": func(t *testing.T, dir string) {
			t.Helper()
			writeFile(t, filepath.Join(dir, "a", "key"), "second\n")
		},
		"renamed over": func(t *testing.T, dir string) {
			t.Helper()
			writeFile(t, filepath.Join(dir, "new"), "second")
			if err := os.Rename(filepath.Join(dir, "new"), filepath.Join(dir, "a", "key")); err != nil {
				t.Fatal(err)
			}
		},
		"same size and time": func(t *testing.T, dir string) {
			t.Helper()
			path := filepath.Join(dir, "a", "key")
			info, err := os.Stat(path)
			if err != nil {
				t.Fatal(err)
			}
			writeFile(t, path, "second")
			if err := os.Chtimes(path, time.Time{}, info.ModTime()); err != nil {
				t.Fatal(err)
			}
		},
		"folder's link swapped": func(t *testing.T, dir string) {
			t.Helper()
			if err := os.Mkdir(filepath.Join(dir, "b"), 0o700); err != nil {
				t.Fatal(err)
			}
			writeFile(t, filepath.Join(dir, "b", "key"), "second")
			if err := os.Symlink("b", filepath.Join(dir, "data.new")); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(filepath.Join(dir, "data.new"), filepath.Join(dir, "data")); err != nil {
				t.Fatal(err)
			}
		},
	}
}

func TestKeyOutlivesItsFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	writeFile(t, path, "first")
	synctest.Test(t, func(t *testing.T) {
		key, err := FromFile(path)
		mustKey(t, key, err)
		for _, step := range []struct {
			change    func()
			want, err string
		}{
			{func() { writeFile(t, path, "") }, "first", "key file " + path + ": is empty"},
			{func() { _ = os.Remove(path) }, "first", "key file " + path + ": no such file or directory"},
			{func() { _ = os.Mkdir(path, 0o700) }, "first", "key file " + path + ": is not a regular file"},
			{func() { _ = os.Remove(path); writeFile(t, path, "second") }, "second", "<nil>"},
		} {
			step.change()
			time.Sleep(time.Second)
			if got, err := key.Value(), fmt.Sprint(key.Err()); got != step.want || err != step.err {
				t.Errorf("got %q and %s, want %q and %s", got, err, step.want, step.err)
			}
		}
	})
}

func TestKeyMayBeUsedByMany(t *testing.T) {
	path := filepath.Join(t.TempDir(), "key")
	writeFile(t, path, "first")
	synctest.Test(t, func(t *testing.T) {
		key, err := FromFile(path)
		mustKey(t, key, err)
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 20 {
					if got := key.Value(); got != "first" {
						t.Errorf("got %q", got)
					}
					time.Sleep(100 * time.Millisecond)
				}
			})
		}
		wg.Wait()
	})
}
