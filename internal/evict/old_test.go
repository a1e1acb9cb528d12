package evict

import (
	"strconv"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

func ended(ago time.Duration, state kie.State) *store.Record {
	at := kie.TimeOf(time.Now().Add(-ago))
	return &store.Record{Task: kie.Task{State: state}, Seen: at, Learned: at}
}

func TestOldIsWhatEndedBeforeSoManyOthers(t *testing.T) {
	const count = 1000
	for room, old := range map[int]int{1: count - 1, 100: count - 100, count / 2: count / 2, count/2 + 1: 0, count: 0} {
		o := newOlds(count)
		for i := range count {
			o.note("main", strconv.Itoa(i), ended(time.Duration(i)*time.Hour+time.Minute, kie.StateSuccess))
		}
		o.settle(room)
		for i := range count {
			over, got := o.Over("main", strconv.Itoa(i))
			if want := i >= count-old; !over || got != want {
				t.Fatalf("room for %d: the task that ended %d hours ago is over: %t, old: %t, want %t", room, i, over, got, want)
			}
			if over, got := o.Over("other", strconv.Itoa(i)); over || got {
				t.Fatal("a task of another account is over")
			}
		}
	}
}

func TestNoneIsOldThatEndedInTheSameHourAsOneForWhichThereIsRoom(t *testing.T) {
	o := newOlds(300)
	for i := range 300 {
		o.note("main", strconv.Itoa(i), ended(time.Minute, kie.StateFail))
	}
	o.settle(10)
	if over, old := o.Over("main", "7"); !over || old {
		t.Errorf("over: %t, old: %t", over, old)
	}
}

func TestWhatIsNotOverIsNotOld(t *testing.T) {
	o := newOlds(3)
	o.note("main", "waits", &store.Record{Task: kie.Task{State: kie.StateWaiting}, Seen: 1})
	o.note("main", "given up", &store.Record{Seen: 1, GivenUp: true})
	o.note("main", "over", ended(0, kie.StateSuccess))
	o.settle(1)
	for id, want := range map[string][2]bool{"waits": {}, "never": {}, "given up": {true, true}, "over": {true, false}} {
		if over, old := o.Over("main", id); over != want[0] || old != want[1] {
			t.Errorf("%s is over: %t, old: %t; want %v", id, over, old, want)
		}
	}
}

// More records than were counted at first, as when some are written meanwhile, are left out.
func TestMoreRecordsThanWereCountedAreLeftOut(t *testing.T) {
	o := newOlds(2)
	for i := range 100 {
		o.note("main", strconv.Itoa(i), ended(0, kie.StateSuccess))
	}
	if o.Over("main", "never"); o.count < 2 || o.count > 4 {
		t.Errorf("%d were noted", o.count)
	}
}
