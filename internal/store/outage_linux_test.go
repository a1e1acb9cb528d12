package store

import (
	"errors"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"
)

// smallDisk mounts a file system of its own.
func smallDisk(t *testing.T, size int) string {
	t.Helper()
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+strconv.Itoa(size)); err != nil {
		t.Skipf("needs the right to mount a tmpfs: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// fill takes all the room that a disk has left.
func fill(t *testing.T, dir string) (filler string) {
	t.Helper()
	filler = filepath.Join(dir, "filler")
	f, err := os.Create(filler)
	if err != nil {
		t.Fatal(err)
	}
	for err == nil {
		_, err = f.Write(make([]byte, 4096))
	}
	if !errors.Is(err, syscall.ENOSPC) || f.Close() != nil {
		t.Fatal(err)
	}
	return filler
}

func TestAFullDiskIsMemoryOnlyUntilThereIsRoom(t *testing.T) {
	dir := smallDisk(t, 1<<20)
	s, tasks, logs := outage(t, dir)
	for n := range 200 {
		tasks.put(s, n)
	}
	s.step(time.Now(), tasks)
	wantUp(t, s, true)
	filler := fill(t, dir)
	var waiting []*bool
	for n := 200; n < 2000; n++ {
		waiting = append(waiting, tasks.put(s, n))
	}
	s.step(time.Now(), tasks)
	for _, shown := range waiting {
		if !*shown {
			t.Fatal("what waited is not shown")
		}
	}
	wantDown(t, s, tasks, logs)
	for range 3 {
		s.step(later(), tasks)
	}
	wantDown(t, s, tasks, logs)
	if got := s.Find(acct, []string{id(1), id(1500)}); got[0] != record(1) || got[1] != record(1500) {
		t.Error("on a full disk, what is known is not found")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	// The file is still there: what it lacks is known without asking for everything.
	s.step(later(), tracked{})
	wantBack(t, s, dir, tasks)
}

func TestStartsOnAFullDisk(t *testing.T) {
	dir := smallDisk(t, 1<<20)
	filler := fill(t, dir)
	info, err := os.Stat(filler)
	if err != nil {
		t.Fatal(err)
	}
	// There is room for half of an empty file.
	if err := os.Truncate(filler, info.Size()-8192); err != nil {
		t.Fatal(err)
	}
	s, tasks, logs := outage(t, dir)
	wantDown(t, s, tasks, logs)
	s.step(later(), tasks)
	if found := asides(t, dir); len(found) > 0 {
		t.Errorf("a file that could not be made was left: %q", found)
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	wantBack(t, s, dir, tasks)
}

func TestKnowsItsTasksOnADiskThatWasFullAtTheStart(t *testing.T) {
	dir := smallDisk(t, 4<<20)
	s, tasks, _ := outage(t, dir)
	for n := range 2000 {
		tasks.put(s, n)
	}
	s.step(time.Now(), tasks)
	s.Close()
	fill(t, dir)
	s = open(t, dir)
	s.step(later(), tasks)
	want(t, s, tasks)
}

func TestStartsOnAReadOnlyDisk(t *testing.T) {
	dir := smallDisk(t, 1<<20)
	remount := func(flags uintptr) {
		t.Helper()
		if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT|flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	remount(syscall.MS_RDONLY)
	s, tasks, logs := outage(t, dir)
	wantDown(t, s, tasks, logs)
	remount(0)
	wantBack(t, s, dir, tasks)
}

func TestTheQueueIsBoundedWhileTheDiskIsFull(t *testing.T) {
	dir := smallDisk(t, 32<<20)
	s := open(t, dir)
	filler := fill(t, dir)
	all := atOnce(s, 0, overfull)
	for n := overfull - 5000; n < overfull; n++ { // as long as nobody knows that the disk is full, these are taken in any case
		s.Put(acct, id(n), record(n), func(bool) {})
	}
	for n := range 3 {
		s.step(time.Now().Add(time.Duration(n)*2*retryInterval), all)
		wantUp(t, s, false)
		wantBounded(t, s)
	}
	all[id(1)], all[id(overfull+1)] = record(2), record(3)
	for _, changed := range []string{id(1), id(overfull + 1)} {
		if s.Put(acct, changed, all[changed], func(bool) { t.Error("waits for a disk that is full") }) {
			t.Error("shown only once it is on disk")
		}
	}
	wantBounded(t, s)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s.step(time.Now().Add(20*retryInterval), all)
	wantUp(t, s, true)
	want(t, s, all)
}

func TestUnfinishedTasksThatAreGoneLeaveTheQueueOfAFullDisk(t *testing.T) {
	dir := smallDisk(t, 1<<20)
	s := open(t, dir)
	filler := fill(t, dir)
	for n := range 200 {
		s.Put(acct, id(n), record(n), nil)
	}
	s.step(time.Now(), tracked{}) // which finds out
	wantUp(t, s, false)
	var ids []string
	for n := range 300_000 {
		ids = append(ids, strconv.Itoa(n))
		s.Put(acct, ids[n], Record{Seen: 1, Group: "video"}, nil)
		if n%1000 == 999 {
			s.Forget(acct, ids[n-999:])
		}
	}
	s.Forget(acct, []string{id(0)})
	if n := len(s.queue.records); n != 200 {
		t.Errorf("%d records wait, want those of the finished tasks", n)
	}
	wantBounded(t, s)
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	s.step(later(), tracked{})
	want(t, s, records(200))
}
