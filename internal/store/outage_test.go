package store

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// outage opens a store of some records whose log is kept, and is with its tasks from then on.
func outage(t *testing.T, dir string) (*Store, tracked, *strings.Builder) {
	t.Helper()
	var logs strings.Builder
	s, err := Open(dir, slog.New(slog.NewTextHandler(&logs, nil)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s, make(tracked), &logs
}

// put puts a record into the store as the tracker does, and reports whether it may be shown at once.
func (t tracked) put(s *Store, n int) (shown *bool) {
	t[id(n)] = record(n)
	shown = new(bool)
	if !s.Put(acct, id(n), record(n), func(bool) { *shown = true }) {
		*shown = true
	}
	return shown
}

// wantDown checks that the store is memory only and said so once, and that counting goes on.
func wantDown(t *testing.T, s *Store, tasks tracked, logs *strings.Builder) {
	t.Helper()
	wantUp(t, s, false)
	if n := strings.Count(logs.String(), "memory only"); n != 1 {
		t.Errorf("said %d times:\n%s", n, logs)
	}
	if !*tasks.put(s, 1000+len(tasks)) {
		t.Error("counting does not go on")
	}
	s.step(time.Now(), tasks) // too early
	wantUp(t, s, false)
}

// wantBack checks that the store works again and holds everything, also after a restart.
func wantBack(t *testing.T, s *Store, dir string, tasks tracked) {
	t.Helper()
	s.step(later(), tasks)
	wantUp(t, s, true)
	shown := tasks.put(s, 2000)
	if *shown {
		t.Error("shown before it is committed")
	}
	s.step(later(), tasks)
	if !*shown {
		t.Error("committed was not called")
	}
	want(t, s, tasks)
	s.Close()
	want(t, open(t, dir), tasks)
}

// openFilesMove skips a test where nobody can rename, remove or cut a file that is open.
func openFilesMove(t *testing.T) {
	t.Helper()
	if !renamesOpenFiles {
		t.Skip("an open file can't be renamed, removed or cut here")
	}
}

func TestAFolderRemovedWhileRunningIsMadeAgain(t *testing.T) {
	openFilesMove(t)
	dir := filepath.Join(t.TempDir(), "data", "kie")
	s, tasks, logs := outage(t, dir)
	tasks.put(s, 1)
	s.step(time.Now(), tasks)
	shown := tasks.put(s, 2)
	if err := os.RemoveAll(filepath.Dir(dir)); err != nil {
		t.Fatal(err)
	}
	s.step(time.Now(), tasks)
	if !*shown {
		t.Error("what waited is not shown")
	}
	wantDown(t, s, tasks, logs)
	wantBack(t, s, dir, tasks)
}

func TestAFileReplacedWhileRunningIsNotWrittenTo(t *testing.T) {
	openFilesMove(t)
	dir, path := made(t, records(5))
	s, tasks, logs := outage(t, dir)
	if err := os.Rename(path, path+".old"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("something else"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.step(time.Now(), tasks)
	wantDown(t, s, tasks, logs)
	wantBack(t, s, dir, tasks)
	if len(asides(t, dir)) != 1 {
		t.Error("the other file was not set aside")
	}
}

func TestAFileCutWhileRunningIsSetAside(t *testing.T) {
	openFilesMove(t)
	dir, path := made(t, records(5000))
	s, tasks, logs := outage(t, dir)
	if err := os.Truncate(path, 8192); err != nil {
		t.Fatal(err)
	}
	if got := s.Find(acct, []string{id(1), id(2)}); got[0].Known() || got[1].Known() {
		t.Errorf("found %+v", got)
	}
	for range s.All() {
		t.Fatal("there is nothing to read")
	}
	if n := s.Stats().Errors[OpRead]; n != 2 {
		t.Errorf("%d errors counted", n)
	}
	tasks.put(s, 1)
	s.step(time.Now(), tasks)
	wantDown(t, s, tasks, logs)
	wantBack(t, s, dir, tasks)
}

func TestStartsWhereNoFolderCanBeMade(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(file, "data")
	s, tasks, logs := outage(t, dir)
	wantDown(t, s, tasks, logs)
	s.step(later(), tasks)
	wantDown(t, s, tasks, logs)
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	wantBack(t, s, dir, tasks)
}

func TestWhatAnotherProcessHasTakenMeanwhileIsLeftToIt(t *testing.T) {
	openFilesMove(t)
	dir := filepath.Join(t.TempDir(), "data")
	s, tasks, logs := outage(t, dir)
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	s.step(time.Now(), tasks)
	other := open(t, dir)
	s.step(later(), tasks)
	wantDown(t, s, tasks, logs)
	other.Close()
	wantBack(t, s, dir, tasks)
}
