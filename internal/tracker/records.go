// What outlives the process: the tracker's side of the store.

package tracker

import (
	"cmp"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/learned"
	"github.com/kie-exporter/kie_exporter/internal/life"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/table"
)

// longestOutage is how old the last process's heartbeat may be. One that is older, or lies ahead, was written by a wrong clock.
const longestOutage = 60 * 24 * time.Hour

// lastRun returns the time after which what finished of an account's tasks is news though they were listed before this process started.
func (t *Tracker) lastRun(account string) time.Time {
	at := t.store.LastRun(account)
	if at.After(t.started) || t.started.Sub(at) > longestOutage {
		return t.started
	}
	return at
}

// recorded returns what the store knows of tasks listed in a group. It reads the disk, so the lock must not be held.
func (t *Tracker) recorded(in string, listed []source.Task) []store.Record {
	ids := make([]string, len(listed))
	for i, l := range listed {
		ids[i] = l.ID
	}
	t.mu.Lock()
	account := t.byGroup[in].account.name
	t.mu.Unlock()
	return t.store.Find(account, ids)
}

// keepRecord has the store keep what is known of a task.
func (t *Tracker) keepRecord(k *task, committed func(first bool)) bool {
	return t.store.Put(k.group.account.name, k.id, k.record(), committed)
}

// believed returns a record that was found for an account, or none if it is another's.
func (t *Tracker) believed(r store.Record, a *account) store.Record {
	if r.KeptByID() {
		if owner := t.owner(r); owner != a.name {
			return store.Record{}
		}
	}
	return r
}

// owner returns the account whose a record is that was kept by id alone: that of its group. Where there is a single account it is that
// one's. Empty: it can't be told.
func (t *Tracker) owner(r store.Record) string {
	if g := t.byGroup[r.Group]; g != nil {
		return g.account.name
	}
	if len(t.accounts) == 1 {
		return t.accounts[0].name
	}
	return ""
}

// Owner implements store.Tasks.
func (t *Tracker) Owner(r store.Record) (account string, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	account = t.owner(r)
	return account, account != ""
}

// recall returns a finished task as an earlier process, or this one, left it.
func (t *Tracker) recall(id string, g *group, r store.Record) *task {
	name, _ := t.admit(r.Model)
	k := &task{id: id, learned: r.Learned}
	k.hold(&r.Task, t.modelOf(g, name))
	k.marks.set(markCounted, r.Counted)
	if r.Completed.IsZero() {
		k.guess(r.FailedAt)
	}
	return k
}

// resume returns what an earlier process, or this one, left of an unfinished task that is listed now.
func resume(l source.Task, r store.Record, now time.Time) life.Unfinished {
	o := life.New(cmp.Or(l.Model, r.Model), r.Seen.Time())
	o.Watched, o.GivenUp, o.Due = r.Watched, r.GivenUp, now
	if r.Backlog {
		o.Backlog, o.News = !r.Watched, r.Seen.Time()
	}
	if !r.Created.IsZero() {
		o.Born = r.Created.Time()
	}
	return o
}

// record returns what is to be kept of a task.
func (k *task) record() store.Record {
	r := store.Record{
		Task: k.facts(), Group: k.group.name, FailedAt: k.failedAt(), Learned: k.learned, Counted: k.marks.has(markCounted),
	}
	if o := k.unfinished; o != nil {
		r.Seen, r.Backlog, r.Watched, r.GivenUp = kie.TimeOf(o.Seen), o.Backlog, o.Watched, o.GivenUp
	} else {
		r.Seen = kie.FirstTime(k.learned, 1) // of no use any more, but every record has it
	}
	return r
}

// Accounts implements store.Tasks.
func (t *Tracker) Accounts() []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tasks.Names()
}

// IDs implements store.Tasks.
func (t *Tracker) IDs(account string) []string {
	var ids []string
	for i := range table.Shards {
		ids = t.appendIDs(ids, account, i)
	}
	return ids
}

func (t *Tracker) appendIDs(ids []string, account string, shard int) []string {
	t.mu.Lock()
	defer t.mu.Unlock()
	if ids == nil {
		n := t.tasks.Len(account)
		ids = make([]string, 0, n+n/8)
	}
	for k := range t.tasks.Shard(account, shard) {
		ids = append(ids, k.id)
	}
	return ids
}

// Records implements store.Tasks.
func (t *Tracker) Records(account string, ids []string) []store.Record {
	records := make([]store.Record, len(ids))
	t.mu.Lock()
	defer t.mu.Unlock()
	for i, id := range ids {
		if k := t.tasks.Get(account, id); k != nil {
			records[i] = k.record()
		}
	}
	return records
}

// Listed implements store.Tasks.
func (t *Tracker) Listed(account, id string) bool { return t.isTracked(account, id) }

// Relearn learns how long tasks take from the store's records of those that were news, as they were learned from at first. It
// is to be called before tasks are listed.
func (t *Tracker) Relearn() {
	samples := learned.LastSamples(t.store.All())
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, s := range slices.Backward(samples) {
		t.limits.Model(s.Model) // the latest ones first
	}
	for _, s := range samples {
		name, _ := t.limits.Model(s.Model)
		t.relearn(s.Group, name).Observe(s.Took)
	}
}

// relearn returns what is known of a model in a group that there is, or of one that there was: its tasks may be in another now.
func (t *Tracker) relearn(group, model string) *schedule.Durations {
	if g := t.byGroup[group]; g != nil {
		return t.modelOf(g, model).durations
	}
	return t.learned.Recall(group).Model(model)
}
