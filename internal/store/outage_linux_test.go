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
	if got := s.Find([]string{id(1), id(1500)}); got[0] != record(1) || got[1] != record(1500) {
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
