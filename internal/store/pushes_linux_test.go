package store

import (
	"os"
	"testing"
)

func TestAFullDiskTakesNoPushAndLosesNone(t *testing.T) {
	dir := smallDisk(t, 2<<20)
	s, _, _ := outage(t, dir)
	defer s.Close()
	if err := s.SavePushes(pushes("before", 100)); err != nil {
		t.Fatal(err)
	}
	filler := fill(t, dir)
	refused := 0
	for range 20 {
		if s.SavePushes(pushes("full", 2000)) != nil {
			refused++
		}
	}
	if refused == 0 {
		t.Error("a full disk takes everything")
	}
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	if err := s.SavePushes(pushes("after", 100)); err != nil {
		t.Errorf("there is room again: %v", err)
	}
	wantPushes(t, s, "before")
	wantPushes(t, s, "after")
	s.Close()
	again := open(t, dir)
	wantPushes(t, again, "before")
	wantPushes(t, again, "after")
}

func wantPushes(t *testing.T, s *Store, group string) {
	t.Helper()
	const want = 100
	if tasks, err := s.Pushes(group); err != nil || len(tasks) != want {
		t.Errorf("of group %s there are %d pushed ids, want %d: %v", group, len(tasks), want, err)
	}
}
