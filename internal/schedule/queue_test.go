package schedule_test

import (
	"fmt"
	"math"
	"math/bits"
	"math/rand/v2"
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/test/kit/heap"
)

// waiting is what a Queue of named tasks is made of.
type waiting struct {
	t *testing.T
	schedule.Queue[string]
	backlog
	items map[string]*schedule.Item
}

func newWaiting(t *testing.T) *waiting {
	t.Helper()
	w := &waiting{t: t, items: make(map[string]*schedule.Item)}
	w.Backlog = &w.backlog
	return w
}

// put adds a task of nothing known durations that is due so long after the start, and was first seen a minute before.
func (w *waiting) put(name string, lane schedule.Lane, due time.Duration) *schedule.Item {
	seen := start.Add(-time.Minute)
	k := &schedule.Item{
		Lane: lane, Seen: seen, Born: seen, Due: start.Add(due), Durations: schedule.NewDurations(nil),
	}
	w.items[name] = k
	w.Put(name, k)
	return k
}

// take checks which task is taken so long after the start; "": none.
func (w *waiting) take(at time.Duration, want string, avoid ...string) {
	w.t.Helper()
	got, ok := w.Take(start.Add(at), func(name string) bool { return slices.Contains(avoid, name) })
	if got != want || ok != (want != "") {
		w.t.Errorf("after %v %q, %v was taken, want %q", at, got, ok, want)
	}
	w.names = slices.DeleteFunc(w.names, func(name string) bool { return name == got })
}

// earliest checks when the first task is due, after the start; negative: none is there.
func (w *waiting) earliest(want time.Duration) {
	w.t.Helper()
	at, ok := w.Earliest()
	if ok != (want >= 0) || ok && !at.Equal(start.Add(want)) || !ok && !at.IsZero() {
		w.t.Errorf("the first one is due at %v, %v; want %v after the start", at, ok, want)
	}
}

// shares returns which part of many queries each lane gets, when a task that was asked is due again at once.
func (w *waiting) shares() map[string]float64 {
	const n = 10_000
	shares := make(map[string]float64)
	for range n {
		name, ok := w.Take(start.Add(time.Hour), func(string) bool { return false })
		if !ok {
			w.t.Fatal("nothing was taken")
		}
		shares[name] += 1. / n
		if k := w.items[name]; k != nil {
			w.Put(name, k)
		}
	}
	return shares
}

// backlog is names, the last one listed last.
type backlog struct {
	names []string
	since time.Duration // after the start
}

func (b *backlog) Newest(avoid func(string) bool) (string, bool) {
	for _, name := range slices.Backward(b.names) {
		if !avoid(name) {
			return name, true
		}
	}
	return "", false
}

func (b *backlog) Oldest() (time.Time, bool) { return start.Add(b.since), len(b.names) > 0 }

func TestATaskIsTakenOnceAndNotBeforeItIsDue(t *testing.T) {
	for _, lane := range []schedule.Lane{schedule.LaneHot, schedule.LaneRetry, schedule.LaneRare} {
		w := newWaiting(t)
		w.take(time.Hour, "")
		w.put("a", lane, 10*time.Second)
		w.put("b", lane, 20*time.Second)
		w.earliest(10 * time.Second)
		w.take(10*time.Second-1, "")
		w.take(10*time.Second, "a") // due to the nanosecond
		w.take(20*time.Second-1, "")
		w.take(20*time.Second, "b")
		w.take(time.Hour, "")
		w.earliest(-1)
	}
}

func TestATaskOfNoLaneIsNeverTaken(t *testing.T) {
	w := newWaiting(t)
	w.Backlog = nil
	w.put("given up", schedule.LaneNone, 0)
	w.put("in the backlog", schedule.LaneBacklog, 0)
	w.earliest(-1)
	w.take(time.Hour, "")
	for _, k := range w.items {
		w.Remove(k)
	}
}

func TestARemovedTaskIsNotTaken(t *testing.T) {
	random := newRandom()
	for _, lane := range []schedule.Lane{schedule.LaneHot, schedule.LaneRetry, schedule.LaneRare} {
		w := newWaiting(t)
		var left []string
		for i, n := range random.Perm(50) {
			w.put(fmt.Sprintf("%02d", n), lane, time.Duration(n)*time.Second)
			if i%5 == 4 { // on the way, another one goes
				w.Remove(w.items[fmt.Sprintf("%02d", n)])
				w.Remove(w.items[fmt.Sprintf("%02d", n)]) // which is not there any more
				delete(w.items, fmt.Sprintf("%02d", n))
			}
		}
		for name := range w.items {
			left = append(left, name)
		}
		slices.Sort(left)
		for _, name := range left[:10] {
			w.Remove(w.items[name])
		}
		for _, name := range left[10:] {
			w.earliest(w.items[name].Due.Sub(start))
			w.take(w.items[name].Due.Sub(start), name)
		}
		w.take(time.Hour, "")
	}
}

// A task that was put into another lane is taken out of the one where it is.
func TestATaskIsRemovedFromWhereItIs(t *testing.T) {
	for _, lane := range []schedule.Lane{schedule.LaneHot, schedule.LaneRetry, schedule.LaneRare} {
		w := newWaiting(t)
		k := w.put("a", lane, 0)
		k.Lane = schedule.LaneNone
		w.Remove(k)
		w.earliest(-1)
		w.take(time.Hour, "")
	}
}

func TestTheFirstDueOfAllLanesIsTheEarliest(t *testing.T) {
	lanes := []schedule.Lane{schedule.LaneHot, schedule.LaneRetry, schedule.LaneRare}
	for i := range lanes {
		w := newWaiting(t)
		w.put("late", lanes[(i+1)%3], 30*time.Second)
		w.put("first", lanes[i], 10*time.Second)
		w.put("later", lanes[(i+2)%3], 20*time.Second)
		w.earliest(10 * time.Second)
		w.names, w.since = []string{"listed"}, 15*time.Second
		w.earliest(10 * time.Second)
		w.since = 5 * time.Second
		w.earliest(5 * time.Second)
	}
	w := newWaiting(t)
	w.names = []string{"listed"}
	w.earliest(0)
}

// Where nothing is known of durations, that is whoever has waited longest for its age.
func TestTheHotTaskMostWorthAskingIsTaken(t *testing.T) {
	w := newWaiting(t)
	for i, answered := range []int{30, 10, 20} {
		k := w.put(strconv.Itoa(answered), schedule.LaneHot, time.Duration(i)*time.Second)
		w.Remove(k)
		k.Answered = start.Add(-time.Duration(answered) * time.Second)
		w.Put(strconv.Itoa(answered), k)
	}
	w.put("not due", schedule.LaneHot, 5*time.Second).Seen = start.Add(-time.Hour)
	w.take(4*time.Second, "30")
	w.take(4*time.Second, "20")
	w.take(4*time.Second, "10")
	w.take(4*time.Second, "")
}

func TestATaskIsAvoidedWhileThereIsAnother(t *testing.T) {
	for _, lane := range []schedule.Lane{schedule.LaneHot, schedule.LaneRetry, schedule.LaneRare} {
		w := newWaiting(t)
		for i, name := range []string{"a", "b", "c", "d"} {
			w.put(name, lane, time.Duration(i)*time.Second)
			w.items[name].Seen = start.Add(time.Duration(i-10) * time.Minute) // worth less and less
		}
		w.take(2*time.Second, "c", "a", "b")
		w.take(2*time.Second, "b", "a")
		w.take(2*time.Second, "a", "a", "b")
		w.take(2*time.Second, "")
		w.take(3*time.Second, "d")
	}
	w := newWaiting(t)
	w.names = []string{"x", "y"}
	w.take(0, "x", "y")
	w.take(0, "y", "y")
	w.put("hot", schedule.LaneHot, 0)
	w.put("rare", schedule.LaneRare, 0)
	w.take(0, "rare", "hot")
	w.take(0, "hot", "hot")
}

// The heap of a lane is not in order: the first one due that is not to be avoided may be anywhere.
func TestOfTasksNotToBeAvoidedTheFirstDueIsTaken(t *testing.T) {
	for _, lane := range []schedule.Lane{schedule.LaneRetry, schedule.LaneRare} {
		for seed := range uint64(20) {
			w := newWaiting(t)
			var avoid []string
			for i, n := range rand.New(rand.NewPCG(seed, 1)).Perm(20) {
				name := fmt.Sprintf("%02d", n)
				w.put(name, lane, time.Duration(n)*time.Second)
				if n < 10 && (n == 0 || i%2 == 0) {
					avoid = append(avoid, name)
				}
			}
			for n := range 20 {
				if name := fmt.Sprintf("%02d", n); !slices.Contains(avoid, name) {
					w.take(time.Minute, name, avoid...)
				}
			}
		}
	}
}

func TestTheNewestOfABacklogIsTaken(t *testing.T) {
	w := newWaiting(t)
	w.names = []string{"a", "b", "c"}
	w.take(0, "c")
	w.take(0, "b")
	w.take(0, "a")
	w.take(0, "")
}

// One of a backlog whose query failed was its turn already.
func TestARetryGoesBeforeABacklog(t *testing.T) {
	w := newWaiting(t)
	w.names = []string{"listed"}
	w.put("failed", schedule.LaneRetry, time.Second)
	w.take(time.Second, "failed")
	w.put("failed", schedule.LaneRetry, 2*time.Second)
	w.take(time.Second, "listed")
	w.take(2*time.Second, "failed")
}

func TestTheSharesOfTheLanes(t *testing.T) {
	const hot, backlog, retry, rare = "hot", "backlog", "retry", "rare"
	lanes := map[string]schedule.Lane{hot: schedule.LaneHot, retry: schedule.LaneRetry, rare: schedule.LaneRare}
	for _, test := range []struct {
		there []string
		want  map[string]float64
	}{
		{[]string{hot}, map[string]float64{hot: 1}},
		{[]string{hot, backlog}, map[string]float64{hot: .75, backlog: .25}},
		{[]string{hot, retry}, map[string]float64{hot: .75, retry: .25}},
		{[]string{hot, rare}, map[string]float64{hot: .95, rare: .05}},
		{[]string{hot, backlog, rare}, map[string]float64{hot: .95 * .75, backlog: .95 * .25, rare: .05}},
		{[]string{backlog, rare}, map[string]float64{backlog: .95, rare: .05}},
		{[]string{retry, rare}, map[string]float64{retry: .95, rare: .05}},
		{[]string{rare}, map[string]float64{rare: 1}},
	} {
		w := newWaiting(t)
		for _, name := range test.there {
			if name == backlog {
				w.names = []string{backlog}
			} else {
				w.put(name, lanes[name], 0)
			}
		}
		got := w.shares()
		for name, want := range test.want {
			if diff := got[name] - want; diff > 0.001 || diff < -0.001 {
				t.Errorf("of %v %s gets %.4f of the queries, want %.4f", test.there, name, got[name], want)
			}
		}
	}
}

func TestALaneGetsAQueryWhenAWholeOneHasComeToIt(t *testing.T) {
	w := newWaiting(t)
	w.put("hot", schedule.LaneHot, 0)
	w.names = []string{"listed"}
	for n := 1; n <= 12; n++ {
		if name, _ := w.Take(start, func(string) bool { return false }); (name == "listed") != (n%4 == 0) {
			t.Errorf("the %d. query goes to %s", n, name)
		} else if name == "hot" {
			w.Put(name, w.items[name])
		}
	}
	w = newWaiting(t)
	w.put("hot", schedule.LaneHot, 0)
	w.put("rare", schedule.LaneRare, 0)
	for n := 1; n <= 18; n++ { // of 20, give or take what 20 times 0.05 comes to
		w.take(0, "hot")
		w.Put("hot", w.items["hot"])
	}
}

// A lane that was alone for long has nothing coming to it, and owes nothing.
func TestSharesAreNotSavedUp(t *testing.T) {
	w := newWaiting(t)
	w.put("rare", schedule.LaneRare, 0)
	w.shares()
	w.put("hot", schedule.LaneHot, 0)
	if got := w.shares()["rare"]; got > 0.051 || got < 0.049 {
		t.Errorf("%.4f of the queries after a time alone, want 0.05", got)
	}
}

// A backlog gets a quarter of the queries divided by the fourth root of the price, which is from 1 to 2048 s.
func TestABacklogGetsLessWhereQueriesAreDear(t *testing.T) {
	d := schedule.NewDurations(nil)
	lognormal(d, 20*time.Minute, 0.3, 200, newRandom())
	for _, age := range []time.Duration{time.Second, 10 * time.Minute, 15 * time.Minute, 18 * time.Minute, 300 * time.Hour} {
		w := newWaiting(t)
		w.names = []string{"listed"}
		k := w.put("hot", schedule.LaneHot, 0)
		w.Remove(k)
		now := start.Add(time.Hour) // when shares are taken
		k.Durations, k.Seen, k.Born = d, now, now.Add(-age)
		w.Put("hot", k)
		worth := d.Worth(age)
		want := 0.25 / math.Pow(min(max(worth, 1), 2048), 0.25)
		if got := w.shares()["listed"]; math.Abs(got-want) > 0.0002 {
			t.Errorf("at an age of %v: %.4f of the queries, want %.4f", age, got, want)
		}
	}
}

// A task that others were asked so many times before, and that may have finished, goes before all others.
func TestATaskIsNeglectedForTwoAndAHalfRounds(t *testing.T) {
	w := newWaiting(t)
	for i := range 4 {
		w.put(fmt.Sprint("busy", i), schedule.LaneHot, 0)
		w.items[fmt.Sprint("busy", i)].Called = true // worth more than anything else
	}
	w.put("poor", schedule.LaneHot, 0)
	for n := range 100 {
		name, _ := w.Take(start.Add(time.Second), func(string) bool { return false })
		if name == "poor" {
			if n != 13 { // 2.5 × 5 others must have been asked, which 12 are not
				t.Errorf("taken after %d others, want 13", n)
			}
			return
		}
		w.Put(name, w.items[name])
	}
	t.Error("never taken")
}

// Queries that hot tasks did not get are no rounds of theirs.
func TestOnlyQueriesOfHotTasksMakeRounds(t *testing.T) {
	w := newWaiting(t)
	w.put("busy", schedule.LaneHot, 0).Called = true
	w.put("poor", schedule.LaneHot, 0)
	w.put("later", schedule.LaneHot, time.Hour)
	for range 100 {
		w.put("rare", schedule.LaneRare, 0)
		w.take(0, "rare", "busy", "poor")
	}
	w.take(0, "busy")
}

func TestAQueueGivesMemoryBack(t *testing.T) {
	const n = 50_000
	var q schedule.Queue[int]
	items := make([]schedule.Item, n)
	for i := range items {
		items[i] = schedule.Item{Lane: schedule.LaneRare, Due: start}
		q.Put(i, &items[i])
	}
	before := heap.InUse()
	var then, now runtime.MemStats
	runtime.ReadMemStats(&then)
	for i := range items[:n-1000] {
		q.Remove(&items[i])
	}
	runtime.ReadMemStats(&now)
	const pointer = bits.UintSize / 8
	if copied := now.TotalAlloc - then.TotalAlloc; copied > n*pointer {
		t.Errorf("%d bytes were copied to free some now and then; all have %d", copied, n*pointer)
	}
	if freed := before - heap.InUse(); freed < n*pointer*3/4 {
		t.Errorf("%d bytes are free after %d of %d tasks have gone", freed, n-1000, n)
	}
	runtime.KeepAlive(items)
	if _, ok := q.Earliest(); !ok {
		t.Error("the last ones are gone")
	}
}
