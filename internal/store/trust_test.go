//go:build unix

package store

import (
	"bytes"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// fileInfo is what a system may say of a file.
type fileInfo struct {
	fs.FileInfo

	mode fs.FileMode
	stat syscall.Stat_t
}

func (i fileInfo) Mode() fs.FileMode { return i.mode }
func (i fileInfo) Sys() any          { return &i.stat }

func TestWhoElseCanWriteIsDistrusted(t *testing.T) {
	exporter := user{id: 65532, groups: []int{65532, 7}}
	for name, test := range map[string]struct {
		uid, gid uint32
		mode     fs.FileMode
		reason   string
		remedy   string
	}{
		"our own":                         {uid: 65532, gid: 65532, mode: 0o700 | fs.ModeDir},
		"of systemd's StateDirectory":     {uid: 65532, gid: 65532, mode: 0o700 | fs.ModeDir},
		"readable for all":                {uid: 65532, gid: 65532, mode: 0o755 | fs.ModeDir},
		"a volume with fsGroup":           {uid: 0, gid: 65532, mode: 0o775 | fs.ModeDir | fs.ModeSetgid},
		"a volume with another fsGroup":   {uid: 0, gid: 7, mode: 0o775 | fs.ModeDir | fs.ModeSetgid},
		"a file that fsGroup was laid on": {uid: 65532, gid: 65532, mode: 0o660},
		"another user's":                  {uid: 1000, gid: 65532, mode: 0o700, reason: "belongs to user 1000", remedy: "chown 65532 /data"},
		"of an unmapped user":             {uid: 65534, gid: 65534, mode: 0o600, reason: "belongs to user 65534", remedy: "chown 65532 /data"},
		"for everybody":                   {uid: 65532, gid: 65532, mode: 0o777 | fs.ModeDir, reason: "can be written by everybody", remedy: "chmod o-w /data"},
		"for everybody, sticky":           {uid: 0, gid: 0, mode: 0o777 | fs.ModeDir | fs.ModeSticky, reason: "can be written by everybody", remedy: "chmod o-w /data"},
		"for another group":               {uid: 65532, gid: 100, mode: 0o770, reason: "can be written by group 100, which is none of the exporter's", remedy: "chmod g-w /data"},
	} {
		why := exporter.distrust("/data", fileInfo{mode: test.mode, stat: syscall.Stat_t{Uid: test.uid, Gid: test.gid}})
		switch {
		case why == nil && test.reason != "", why != nil && *why != distrusted{"/data", test.reason, test.remedy}:
			t.Errorf("%s: %v, want %q", name, why, test.reason)
		}
	}
}

// exposed are ways in which others can write the storage.
func exposed(t *testing.T) map[string]func(dir, path string) error {
	t.Helper()
	all := map[string]func(dir, path string) error{
		"folder for everybody": func(dir, _ string) error { return os.Chmod(dir, 0o777) },
		"file for everybody":   func(_, path string) error { return os.Chmod(path, 0o606) },
	}
	if os.Geteuid() == 0 {
		all["another user's folder"] = func(dir, _ string) error { return os.Chown(dir, 1234, -1) }
		all["another user's file"] = func(_, path string) error { return os.Chown(path, 1234, -1) }
	}
	return all
}

func TestAStorageThatOthersCanWriteIsWarnedOfAndUsed(t *testing.T) {
	for name, expose := range exposed(t) {
		dir, path := made(t, records(3))
		if err := expose(dir, path); err != nil {
			t.Fatal(err)
		}
		s, _, logs := outage(t, dir)
		wantUp(t, s, true)
		want(t, s, records(3))
		about := "path=" + dir + " "
		if strings.Contains(name, "file") {
			about = "path=" + path + " "
		}
		if n := strings.Count(logs.String(), "Others can change the storage"); n != 1 || !strings.Contains(logs.String(), about) ||
			!strings.Contains(logs.String(), "remedy=\"ch") || !strings.Contains(logs.String(), "--storage.strict") {
			t.Errorf("%s: said %d times:\n%s", name, n, logs)
		}
		s.Close()
	}
}

func TestStrictStorageThatOthersCanWriteIsRefusedAsItIs(t *testing.T) {
	for name, expose := range exposed(t) {
		dir, path := made(t, records(3))
		if err := expose(dir, path); err != nil {
			t.Fatal(err)
		}
		before, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s, err := OpenWith(dir, Options{Strict: true}, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), dir) || !strings.Contains(err.Error(), ": ch") {
			t.Errorf("%s: %v", name, err)
			s.Close()
		}
		if after, err := os.ReadFile(path); err != nil || !bytes.Equal(before, after) || len(asides(t, dir)) > 0 {
			t.Errorf("%s: the file was touched: %v", name, err)
		}
	}
}

func TestStrictStorageOfOurOwnIsUsedWithoutAWord(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	for _, mode := range []fs.FileMode{0o700, 0o755, 0o770 | fs.ModeSetgid} {
		var logs strings.Builder
		s, err := OpenWith(dir, Options{Strict: true}, slog.New(slog.NewTextHandler(&logs, nil)))
		if err != nil {
			t.Fatal(err)
		}
		wantUp(t, s, true)
		fillUp(t, s, records(3))
		want(t, s, records(3))
		s.Close()
		if logs.Len() > 0 {
			t.Errorf("said: %s", logs.String())
		}
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAStrictStoreThatBecomesOthersIsMemoryOnly: what is not believed at the start is not believed later either.
func TestAStrictStoreThatBecomesOthersIsMemoryOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	s, err := OpenWith(dir, Options{Strict: true}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	s.step(time.Now(), tracked{})
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	for _, mode := range []fs.FileMode{0o777, 0o700} {
		if err := os.Chmod(dir, mode); err != nil {
			t.Fatal(err)
		}
		s.step(later(), tracked{})
		wantUp(t, s, mode == 0o700)
	}
}

// odd are things in the place of the storage file that lead elsewhere, or are no file.
func odd(t *testing.T) (all map[string]func(path string) error, target string) {
	t.Helper()
	_, target = made(t, records(5))
	return map[string]func(path string) error{
		"a link to another storage": func(path string) error { return os.Symlink(target, path) },
		"a link to nothing":         func(path string) error { return os.Symlink(target+".none", path) },
		"a link to a device":        func(path string) error { return os.Symlink("/dev/zero", path) },
		"a FIFO":                    func(path string) error { return syscall.Mkfifo(path, 0o600) },
	}, target
}

func TestNoLinkIsFollowedAtTheStorageFile(t *testing.T) {
	all, target := odd(t)
	before, err := os.ReadFile(target)
	if err != nil {
		t.Fatal(err)
	}
	for name, put := range all {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, "kie_exporter.db")
			if err := put(path); err != nil {
				t.Fatal(err)
			}
			if _, err := OpenWith(dir, Options{Strict: true}, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), path) || len(asides(t, dir)) > 0 {
				t.Errorf("strict: %v, set aside: %q", err, asides(t, dir))
			}
			// Even if it comes between the look and the opening.
			f := &file{path: path, judge: func(string, fs.FileInfo) error { return nil }}
			if handle, err := f.admit(path, os.O_RDWR|os.O_CREATE, 0o600); err == nil {
				t.Errorf("%s was opened", handle.Name())
			}
			s := open(t, dir)
			fillUp(t, s, records(2))
			want(t, s, records(2))
			s.Close()
			if info, err := os.Lstat(path); err != nil || !info.Mode().IsRegular() || len(asides(t, dir)) != 1 {
				t.Errorf("%v, %v; set aside: %q", info, err, asides(t, dir))
			}
		})
	}
	if after, err := os.ReadFile(target); err != nil || !bytes.Equal(before, after) {
		t.Errorf("what the link led to was changed: %v", err)
	}
	if _, err := os.Lstat(target + ".none"); err == nil {
		t.Error("a file was made where the link led to")
	}
}

func TestALinkPutInPlaceWhileRunningIsNotTakenForTheFile(t *testing.T) {
	dir, path := made(t, records(2))
	s, tasks, logs := outage(t, dir)
	moved := filepath.Join(t.TempDir(), "moved")
	if err := os.Rename(path, moved); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(moved, path); err != nil {
		t.Fatal(err)
	}
	s.step(time.Now(), tasks)
	wantDown(t, s, tasks, logs)
	wantBack(t, s, dir, tasks)
}

func TestFolderAndFileAreMadeForTheirOwnerOnly(t *testing.T) {
	defer syscall.Umask(syscall.Umask(0))
	dir := filepath.Join(t.TempDir(), "a", "b")
	fillUp(t, open(t, dir), records(1))
	for path, want := range map[string]fs.FileMode{filepath.Dir(dir): 0o700, dir: 0o700, filepath.Join(dir, "kie_exporter.db"): 0o600} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != want {
			t.Errorf("%s: %v, %v, want %v", path, info.Mode(), err, want)
		}
	}
}
