package store

import (
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
)

// taking is tasks of groups that take pushes or none.
type taking struct {
	tracked
	none map[string]bool
}

// TakesPushes implements Tasks.
func (t taking) TakesPushes(group string) bool { return !t.none[group] }

func TestIDsPushedToGroupsThatTakeNoneForSixtyDaysGo(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	groups := map[string]int{"g": 5, "g2": 5, "back": 5, "gone": batchSize + 5, "gone-2": 5}
	for group, n := range groups {
		if err := s.SavePushes(pushes(group, n)); err != nil {
			t.Fatal(err)
		}
	}
	on := taking{tracked{}, map[string]bool{"gone": true, "back": true}}
	start := time.Now()
	at := func(days int) {
		for i := range 3 {
			s.step(start.AddDate(0, 0, days).Add(firstSweep+time.Duration(i)*time.Minute), on)
		}
	}
	left := func(want map[string]int) {
		t.Helper()
		for group, n := range groups {
			if less, ok := want[group]; ok {
				n = less
			}
			if tasks, err := s.Pushes(group); err != nil || len(tasks) != n {
				t.Errorf("%q has %d pushed ids, want %d: %v", group, len(tasks), n, err)
			}
		}
	}
	s.step(start, on)
	at(0)
	at(59)
	left(nil)
	on.none["back"] = false
	at(60)
	left(map[string]int{"gone": 0})
	on.none["back"] = true // from now on, again
	at(61)
	at(120)
	left(map[string]int{"gone": 0})
	s.Close()
	s = open(t, dir) // a start changes nothing in that
	defer s.Close()
	start = start.AddDate(0, 0, 121)
	s.step(start, on)
	at(0)
	left(map[string]int{"gone": 0, "back": 0})
	if err := s.SavePushes([]source.Pushed{{Group: "gone", Task: source.Task{ID: "new"}}}); err != nil {
		t.Fatal(err)
	}
	at(1)
	left(map[string]int{"gone": 1, "back": 0}) // which counts from now on
	if n := s.Stats().Errors[OpWrite] + s.Stats().Errors[OpRead]; n != 0 {
		t.Errorf("%d errors", n)
	}
}
