package store

import (
	"maps"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// fits is about how many records wait at the most, and overfull some more than that.
const (
	fits     = queueLimit / recordBytes
	overfull = fits + 10_000
)

// atOnce puts records before any of them is written.
func atOnce(s *Store, from, n int) tracked {
	all := make(tracked)
	for i := from; i < from+n; i++ {
		all[id(i)] = record(i)
		s.Put(acct, id(i), record(i), nil)
	}
	return all
}

// wantBounded checks what waits.
func wantBounded(t *testing.T, s *Store) {
	t.Helper()
	bytes := 0
	for id := range s.queue.records {
		bytes += cost(id)
	}
	if bytes != s.queue.bytes || bytes > queueLimit {
		t.Fatalf("%d bytes of %d records wait, counted as %d; the limit is %d", bytes, len(s.queue.records), s.queue.bytes, queueLimit)
	}
}

func TestWhatDoesNotFitIntoTheQueueIsWrittenLater(t *testing.T) {
	s := open(t, t.TempDir())
	all := atOnce(s, 0, overfull)
	wantBounded(t, s)
	s.step(time.Now(), all)
	if n := s.Stats().Tasks; n > fits {
		t.Errorf("%d records were held", n)
	}
	maps.Copy(all, atOnce(s, overfull, 10))
	s.step(time.Now().Add(rushInterval), all)
	want(t, s, all)
	if s.overflowed || len(s.queue.records) > 0 {
		t.Error("something still waits")
	}
}

func TestWhatSomebodyWaitsForIsWrittenInARushToo(t *testing.T) {
	s := open(t, t.TempDir())
	s.step(time.Now(), tracked{}) // the first heartbeat
	all := atOnce(s, 0, overfull)
	s.step(time.Now(), all)
	if n := s.Stats().Tasks; n != 0 {
		t.Errorf("%d records were written while a list is read", n)
	}
	shown := false
	all["a"] = record(1)
	s.Put(acct, "a", record(1), func(bool) { shown = true })
	s.step(time.Now(), all)
	if !shown {
		t.Error("not committed")
	}
}

func TestWhatDoesNotFitIntoTheQueueIsWrittenAtTheEnd(t *testing.T) {
	s := open(t, t.TempDir())
	all := atOnce(s, 0, overfull)
	s.finish(all)
	want(t, s, all)
}

func TestWhatWaitsIsNotForgottenWhileItCanBeWritten(t *testing.T) {
	s := open(t, t.TempDir())
	s.Put(acct, "a", Record{Seen: 1, Group: "g"}, nil)
	s.Forget(acct, []string{"a"})
	s.step(time.Now(), tracked{})
	want(t, s, tracked{"a": Record{Seen: 1, Group: "g"}})
}

// late are tasks of which something becomes known right after they were asked for their records.
type late struct {
	tracked
	news func(ids []string)
}

func (l late) Records(_ string, ids []string) []Record {
	records := l.tracked.Records(acct, ids)
	l.news(ids)
	return records
}

func TestAnOlderRecordNeverReplacesANewerOne(t *testing.T) {
	s := open(t, t.TempDir())
	all := atOnce(s, 0, overfull)
	shown := 0
	l := late{tracked: maps.Clone(all), news: func(ids []string) {
		for _, id := range []string{ids[0], ids[len(ids)-1]} {
			all[id] = Record{Seen: 7, Group: "g", Task: kie.Task{State: kie.StateSuccess}, Counted: true}
			if !s.Put(acct, id, all[id], func(bool) { shown-- }) {
				t.Error("not taken")
			}
			shown++
		}
	}}
	s.step(time.Now().Add(rushInterval), l)
	l.news = func([]string) {}
	s.step(time.Now().Add(rushInterval), l)
	if shown != 0 {
		t.Errorf("%d records were not committed", shown)
	}
	want(t, s, all)
}
