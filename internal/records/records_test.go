package records

import (
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/promslog"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/history"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/life"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/tasks"
)

var _ Store = (*kept)(nil)

// kept is a store of one process, which holds what it was given, by account and id.
type kept struct {
	store.Memory
	records map[[2]string]store.Record
	lastRun time.Time
	locked  *lock // not held when a disk may be waited for
}

func (s *kept) LastRun(string) time.Time { return s.lastRun }

func (s *kept) Put(account, id string, r store.Record, _ func(bool)) bool {
	s.records[[2]string{account, id}] = r
	return true
}

func (s *kept) FindListed(account string, ids []string) []store.Record { return s.Find(account, ids) }

func (s *kept) Find(account string, ids []string) []store.Record {
	s.locked.wantFree()
	found := make([]store.Record, len(ids))
	for i, id := range ids {
		found[i] = s.records[[2]string{account, id}]
	}
	return found
}

func (s *kept) Scan(yield func(account, id string, r store.Record) bool) error {
	s.locked.wantFree()
	for key, r := range s.records {
		if !yield(key[0], key[1], r) {
			break
		}
	}
	return nil
}

// lock is the tracker's.
type lock struct {
	sync.Mutex
	t *testing.T
}

func (l *lock) wantFree() {
	l.t.Helper()
	if !l.TryLock() {
		l.t.Fatal("a disk is waited for with the lock held")
	}
	l.Unlock()
}

// rig is a keeper of the records of a set with the groups video, of the account main, and speech, of other.
type rig struct {
	*Keeper
	set   *tasks.Set
	store *kept
	only  string
}

func newRig(t *testing.T) *rig {
	t.Helper()
	mu := &lock{t: t}
	r := &rig{set: tasks.NewSet(10, nil), store: &kept{records: make(map[[2]string]store.Record), locked: mu}}
	r.set.SetGroups([]string{"video", "speech"})
	for group, account := range map[string]string{"video": "main", "speech": "other"} {
		b := budget.New(budget.Options{Rate: 1, Concurrent: 1})
		r.set.SetAccount(r.set.Group(group), entry.NewAccount(account, b, promslog.NewNopLogger(), time.Time{}))
	}
	r.Keeper = New(mu, r.set, r.store, func() string { return r.only })
	return r
}

// track has an unfinished task of the group video tracked.
func (r *rig) track(id string) *entry.Task {
	g := r.set.Group("video")
	k := new(entry.Shared).Begin(entry.NewTask(g, id), life.New("", time.Now()))
	r.set.Add(k, g, nil, schedule.Bounds{})
	k.Detach()
	return k
}

// finish has a task of the group video tracked that has finished.
func (r *rig) finish(id string, f kie.Task, learned kie.Time) {
	k := r.track(id)
	f.Model = "kling/v2"
	r.set.TakeFacts(k, &f)
	r.set.Finish(k)
	k.Learn(learned)
}

func TestTheLastRunIsThatOfAClockThatMayHaveBeenRight(t *testing.T) {
	for name, c := range map[string]struct {
		before   time.Duration // of the heartbeat before the start; 0: there is none
		believed bool
	}{
		"none":               {0, false},
		"a minute ago":       {time.Minute, true},
		"nearly 60 days ago": {longestOutage - time.Minute, true}, // of now, which goes on
		"longer ago":         {longestOutage + time.Second, false},
		"a minute from now":  {-time.Minute, false},
		"years ago, in 2001": {25 * 365 * 24 * time.Hour, false},
	} {
		r := newRig(t)
		if c.before != 0 {
			r.store.lastRun = r.started.Add(-c.before)
		}
		want := r.started
		if c.believed {
			want = r.store.lastRun
		}
		if got := r.LastRun("main"); !got.Equal(want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
	}
}

func TestRecordsAreFoundInTheAccountOfTheGroup(t *testing.T) {
	r := newRig(t)
	mine, others := store.Record{Group: "video", Seen: 1}, store.Record{Group: "speech", Seen: 2}
	r.store.records[[2]string{"main", "a"}], r.store.records[[2]string{"other", "a"}] = mine, others
	listed := []source.Task{{ID: "b"}, {ID: "a"}}
	for group, want := range map[string]store.Record{"video": mine, "speech": others} {
		if got := r.Find(group, listed); got.Record(0).Known() || got.Record(1) != want || got.Task(1) != nil {
			t.Errorf("of group %s: %+v, want none and %+v", group, got, want)
		}
	}
	if got := r.OwnLocked(mine, r.set.Group("speech").Account); got != mine {
		t.Errorf("one that was not kept by id alone became %+v", got)
	}
}

func TestWhatIsKeptIsFoundAgain(t *testing.T) {
	r := newRig(t)
	r.finish("a", kie.Task{State: kie.StateFail, Created: 1000, Completed: 5000, FailCode: "422", Reason: kie.ReasonOther}, 6000)
	k := r.set.Get("main", "a")
	want := k.Record()
	r.KeepLocked(k, nil)
	found := r.Find("video", []source.Task{{ID: "a"}})
	if got := found.Record(0); got.Known() || found.Task(0) != k {
		t.Errorf("of one that is tracked: %+v, %+v", got, found.Task(0))
	}
	r.set.Drop(k)
	if got := found.Task(0); got != nil {
		t.Errorf("of one that is tracked no longer: %+v", got)
	}
	got := r.Find("video", []source.Task{{ID: "a"}}).Record(0)
	if got != want || got.FailCode != "422" || got.Group != "video" || !got.State.Finished() {
		t.Errorf("%+v", got)
	}
}

// A record that was kept by id alone belongs to the account of its group, or to the only one that there is.
func TestWhoseARecordIs(t *testing.T) {
	for name, c := range map[string]struct{ group, only, want string }{
		"of a group":                           {"speech", "", "other"},
		"of a group that is gone":              {"gone", "", ""},
		"of a group that is gone, one account": {"gone", "main", "main"},
		"of a group, one account":              {"speech", "main", "other"},
	} {
		r := newRig(t)
		r.only = c.only
		if account, ok := r.Owner(store.Record{Group: c.group}); account != c.want || ok != (c.want != "") {
			t.Errorf("%s: %q, %v; want %q", name, account, ok, c.want)
		}
	}
}

func TestWhenTasksEnded(t *testing.T) {
	r := newRig(t)
	r.finish("learned", kie.Task{State: kie.StateSuccess, Completed: 5000}, 6000)
	r.finish("told", kie.Task{State: kie.StateSuccess, Completed: 5000}, 0)
	r.finish("timeless", kie.Task{State: kie.StateSuccess}, 0)
	r.track("unfinished")
	givenUp := r.track("given up").Unfinished
	givenUp.GivenUp, givenUp.Due = true, time.UnixMilli(7000)
	for id, record := range map[string]store.Record{
		"on disk":             {Task: kie.Task{State: kie.StateFail, Completed: 8000}, Seen: 1, Learned: 9000},
		"on disk, timeless":   {Task: kie.Task{State: kie.StateFail}, Seen: 1},
		"on disk, unfinished": {Task: kie.Task{State: kie.StateWaiting}, Seen: 1},
	} {
		r.store.records[[2]string{"main", id}] = record
	}
	r.store.records[[2]string{"other", "elsewhere"}] = store.Record{Task: kie.Task{State: kie.StateSuccess}, Seen: 1, Learned: 9000}
	want := map[string]time.Time{
		"learned": time.UnixMilli(6000), "told": time.UnixMilli(5000), "timeless": r.started, "unfinished": {},
		"given up": time.UnixMilli(7000), "on disk": time.UnixMilli(9000), "on disk, timeless": r.started, "on disk, unfinished": {},
		"elsewhere": {}, "unknown": {},
	}
	var ids []string
	for id := range want {
		for i := range 100 { // more than one hold of the lock
			ids = append(ids, id, fmt.Sprint("unknown ", id, i))
		}
	}
	if len(ids) <= 2*atATime {
		t.Fatalf("only %d ids", len(ids))
	}
	got := r.Ended("main", ids)
	for i, id := range ids {
		if !got[i].Equal(want[id]) {
			t.Errorf("%s ended at %v, want %v", id, got[i], want[id])
		}
	}
}

func TestARestartLearnsAgainFromRecordsOfNews(t *testing.T) {
	r := newRig(t)
	far := kie.TimeOf(time.Now().Add(time.Minute))
	for i := range 200 {
		r.store.records[[2]string{"main", strconv.Itoa(i)}] = store.Record{
			Task:  kie.Task{Model: "kling/v2", State: kie.StateSuccess, Created: 1000, Completed: 3_601_000},
			Group: "video", Seen: 1, Learned: far, Counted: true,
		}
	}
	r.store.records[[2]string{"main", "no news"}] = store.Record{
		Task: kie.Task{Model: "veo", State: kie.StateSuccess, Created: 1000, Completed: 36_001_000}, Group: "video", Seen: 1, Learned: 5000,
	}
	r.Relearn(history.Of(len(r.store.records), func(yield func(account, id string, r store.Record) bool) error {
		for key, record := range r.store.records {
			if !yield(key[0], key[1], record) {
				return nil
			}
		}
		return nil
	}))
	g := r.set.Group("video")
	if took := r.set.Model(g, "kling/v2").Durations.Overdue(); took < 3*time.Hour || took > 6*time.Hour {
		t.Errorf("tasks like 200 that took an hour are overdue after %v", took)
	}
	if took := r.set.Model(g, "veo").Durations.Overdue(); took != r.set.Model(g, "other model").Durations.Overdue() {
		t.Errorf("something was learned from a task that is no news: overdue after %v", took)
	}
	if at := r.set.Stamps.Next(time.Now()); at != far {
		t.Errorf("the next end is dated %v, before %v of an earlier process", at, far)
	}
}

func TestFewRecordsAreReadAtOnceOfIDsInOrder(t *testing.T) {
	for name, c := range map[string]struct {
		ids  []string
		want int
	}{
		"none":         {nil, orderedAtATime},
		"in order":     {[]string{"a", "b", "b", "c"}, orderedAtATime},
		"not in order": {[]string{"a", "c", "b"}, findAtATime},
	} {
		var listed []source.Task
		for _, id := range c.ids {
			listed = append(listed, source.Task{ID: id})
		}
		if got := AtATime(listed); got != c.want {
			t.Errorf("%s: %d", name, got)
		}
	}
}
