package history

import (
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

func ended(ago time.Duration, state kie.State) *store.Record {
	at := kie.TimeOf(time.Now().Add(-ago))
	return &store.Record{Task: kie.Task{State: state}, Seen: at, Learned: at}
}

// over returns whether a task was over, and whether it is old.
func (e *Ends) over(account, id string) (over, old bool) {
	var ages [1]source.Age
	e.Ages(account, []string{id}, ages[:])
	return ages[0] != source.NotOver, ages[0] == source.OldOver
}

func TestOldIsWhatEndedBeforeSoManyOthers(t *testing.T) {
	const count = 1000
	for room, old := range map[int]int{1: count - 1, 100: count - 100, count / 2: count / 2, count/2 + 1: 0, count: 0} {
		o := newEnds(count)
		for i := range count {
			o.note(i%store.Parts, []byte("main"), []byte(strconv.Itoa(i)), ended(time.Duration(i)*time.Hour+time.Minute, kie.StateSuccess))
		}
		o.Settle(room)
		for i := range count {
			over, got := o.over("main", strconv.Itoa(i))
			if want := i >= count-old; !over || got != want {
				t.Fatalf("room for %d: the task that ended %d hours ago is over: %t, old: %t, want %t", room, i, over, got, want)
			}
			if over, got := o.over("other", strconv.Itoa(i)); over || got {
				t.Fatal("a task of another account is over")
			}
		}
	}
}

func TestNoneIsOldThatEndedInTheSameHourAsOneForWhichThereIsRoom(t *testing.T) {
	o := newEnds(300)
	for i := range 300 {
		o.note(i%store.Parts, []byte("main"), []byte(strconv.Itoa(i)), ended(time.Minute, kie.StateFail))
	}
	o.Settle(10)
	if over, old := o.over("main", "7"); !over || old {
		t.Errorf("over: %t, old: %t", over, old)
	}
}

func TestWhatIsNotOverIsNotOld(t *testing.T) {
	o := newEnds(3)
	o.note(0, []byte("main"), []byte("waits"), &store.Record{Task: kie.Task{State: kie.StateWaiting}, Seen: 1})
	o.note(0, []byte("main"), []byte("given up"), &store.Record{Seen: 1, GivenUp: true})
	o.note(0, []byte("main"), []byte("over"), ended(0, kie.StateSuccess))
	o.Settle(1)
	for id, want := range map[string][2]bool{"waits": {}, "never": {}, "given up": {true, true}, "over": {true, false}} {
		if over, old := o.over("main", id); over != want[0] || old != want[1] {
			t.Errorf("%s is over: %t, old: %t; want %v", id, over, old, want)
		}
	}
}

// More records than were counted at first, as a damaged file may have, are left out.
func TestMoreRecordsThanWereCountedAreLeftOut(t *testing.T) {
	o := newEnds(2)
	var parts sync.WaitGroup
	for part := range store.Parts {
		parts.Go(func() {
			for i := range 10_000 {
				o.note(part, []byte("main"), []byte(strconv.Itoa(i)), ended(0, kie.StateSuccess))
			}
		})
	}
	parts.Wait()
	over := 0
	for i := range 10_000 {
		if is, _ := o.over("main", strconv.Itoa(i)); is {
			over++
		}
	}
	if over < 2 || over > 2+share*store.Parts {
		t.Errorf("%d are over", over)
	}
	if is, _ := o.over("main", "never"); is {
		t.Error("one that never was is over")
	}
}

func TestManyAreFoundTogether(t *testing.T) {
	o := newEnds(5000)
	ids, want := make([]string, 1000), make([]source.Age, 1000)
	for i := range ids {
		ids[i] = strconv.Itoa(i)
		if i%3 > 0 {
			o.note(0, []byte("main"), []byte(ids[i]), ended(time.Duration(i)*time.Hour+time.Minute, kie.StateSuccess))
			want[i] = source.Over
		}
		if i%3 > 0 && i >= 300 {
			want[i] = source.OldOver
		}
	}
	o.Settle(200) // of three hours in a row there are two tasks
	got := make([]source.Age, len(ids))
	o.Ages("main", ids, got)
	if !slices.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
}
