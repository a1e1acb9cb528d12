package querylog

import (
	"fmt"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/test/kit/heap"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func query(i int) Query {
	return Query{Ended: epoch.Add(time.Duration(i) * time.Second), Took: 320 * time.Millisecond, State: kie.StateGenerating}
}

func TestWhatWasAskedAboutATaskIsKeptInItsOrder(t *testing.T) {
	l := New()
	want := []Query{query(1), {Ended: epoch.Add(time.Minute), Took: time.Second, Class: kie.ClassTimeout}, query(3)}
	for _, q := range want {
		l.Add("a", "x", q)
		l.Add("b", "x", query(9)) // another account's
	}
	got, left := l.Queries("a", "x")
	if len(got) != 3 || left != 0 {
		t.Fatalf("%v, %d left out", got, left)
	}
	for i := range got {
		if !got[i].Ended.Equal(want[i].Ended) || got[i].Took != want[i].Took || got[i].Class != want[i].Class || got[i].State != want[i].State {
			t.Errorf("%+v, want %+v", got[i], want[i])
		}
	}
	if got, _ := l.Queries("a", "y"); got != nil {
		t.Errorf("of a task that was never asked: %v", got)
	}
	var none *Log
	none.Add("a", "x", query(1))
	if got, _ := none.Queries("a", "x"); got != nil {
		t.Errorf("a log that keeps nothing has %v", got)
	}
}

func TestOfManyQueriesTheFirstAndTheLastAreKept(t *testing.T) {
	l := New()
	for i := range 100 {
		l.Add("a", "x", query(i))
	}
	got, left := l.Queries("a", "x")
	if len(got) != 24 || left != 76 {
		t.Fatalf("%d kept, %d left out", len(got), left)
	}
	for i, want := range map[int]int{0: 0, 7: 7, 8: 84, 23: 99} {
		if !got[i].Ended.Equal(query(want).Ended) {
			t.Errorf("query %d is of %v, want that of %d", i, got[i].Ended, want)
		}
	}
}

func TestTheTasksAskedLastAreKeptAndTheMemoryIsBounded(t *testing.T) {
	before := heap.InUse()
	l := New()
	id := func(i int) string { return fmt.Sprintf("%032x", i) }
	for round := range 30 {
		for i := range 22_000 {
			l.Add("a", id(i), query(round*100_000+i))
		}
	}
	used := heap.InUse() - before
	for i := range 2_000 {
		q := query(9_000_000 + i)
		q.State = kie.StateSuccess
		l.Add("a", id(20_000+i), q)
	}
	for i, want := range map[int]bool{1_000: false, 1_999: false, 2_000: true, 19_999: true, 20_000: false, 20_999: false, 21_000: true, 21_999: true} {
		if got, _ := l.Queries("a", id(i)); (got != nil) != want {
			t.Errorf("task %d is kept: %v, want %v", i, got != nil, want)
		}
	}
	if l.unfinished.len+l.finished.len != len(l.tasks) || len(l.tasks) > mostUnfinished+mostFinished {
		t.Errorf("%d unfinished and %d finished of %d", l.unfinished.len, l.finished.len, len(l.tasks))
	}
	if used > 16<<20 {
		t.Errorf("%d MiB in use", used>>20)
	}
}
