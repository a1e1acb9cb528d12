// Package tracker knows the tasks: which there are, what was learned of them, which is to be asked next. Sources tell it the
// ids, a dispatcher for each account spends that account's budget on queries, and readers take snapshots.
package tracker

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/blocks"
	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/histogram"
	"github.com/kie-exporter/kie_exporter/internal/labels"
	"github.com/kie-exporter/kie_exporter/internal/learned"
	"github.com/kie-exporter/kie_exporter/internal/life"
	"github.com/kie-exporter/kie_exporter/internal/querylog"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/table"
)

// Options say what is tracked and how.
type Options struct {
	Accounts []AccountOptions
	Groups   []GroupOptions

	Background bool            // ask also when nobody scrapes
	MaxWait    time.Duration   // how long a scrape waits for answers at the most
	Bounds     schedule.Bounds // between two queries of an unfinished task

	TaskSeries int           // tasks with series of their own
	Models     int           // distinct models, beyond which they are "other"
	HoldBack   time.Duration // how long the totals of a new label set show 0

	Store      Store
	Histograms histogram.New
	Log        *slog.Logger

	Queries *querylog.Log // of the queries about each task; nil: none is kept
}

// AccountOptions describe an account.
type AccountOptions struct {
	Name            string
	Budget          *budget.Account
	CreditsInterval time.Duration // 0: the balance is never asked for
	KeyOrigin       string        // where the key comes from, as the log says of one that is refused
	TryKey          bool          // with one request at the start, though nobody has scraped yet
}

// GroupOptions describe a group.
type GroupOptions struct {
	Name    string
	Account string
	Labels  map[string]string
	Overdue time.Duration // 0: learned
	Webhook bool          // callbacks are expected: while they come, polling is a safety net
}

// Tracker knows the tasks. It is safe for concurrent use.
type Tracker struct {
	store      Store
	queries    *querylog.Log
	histograms histogram.New
	log        *slog.Logger
	started    time.Time
	hired      chan struct{} // has a token when there may be an account without a dispatcher

	last    atomic.Pointer[snapshot]
	changes atomic.Uint64 // grows with everything that a new snapshot would show

	reconfiguring sync.Mutex // held by Reconfigure, and taken before mu
	surveying     sync.Mutex // held while a snapshot is made, and taken before mu

	mu         sync.Mutex
	options    Options
	awakeUntil time.Time
	accounts   []*account
	retiring   []*account // those that a reconfiguration under way does away with
	groups     []*group
	byGroup    map[string]*group
	learned    *learned.Groups
	tasks      table.Accounts[task]
	unfinished []*task
	finished   []*task      // in the order in which it was learned, with gaps
	gaps       int          // in finished
	blocks     blocks.Maker // of unfinished and finished
	surveyed   *survey      // under way; nil: none
	unlisted   unlisted
	models     map[modelKey]*model
	forgot     time.Time // when was last looked for models that nothing uses
	limits     labels.Limits
}

// New returns a tracker of no tasks.
func New(o Options) *Tracker {
	t := &Tracker{
		store:      o.Store,
		queries:    o.Queries,
		histograms: o.Histograms,
		log:        o.Log,
		started:    time.Now(),
		hired:      make(chan struct{}, 1),
		learned:    learned.NewGroups(),
		tasks:      table.NewAccounts(idOf),
		unlisted:   newUnlisted(),
		models:     make(map[modelKey]*model),
		limits:     labels.New(o.Models),
		blocks:     blocks.NewMaker(),
	}
	t.Reconfigure(o, func() {})
	return t
}

// Run asks until ctx ends and every query under way has ended.
func (t *Tracker) Run(ctx context.Context) {
	var dispatchers sync.WaitGroup
	defer dispatchers.Wait()
	for {
		for _, a := range t.idle(ctx) {
			dispatchers.Go(a.work)
		}
		select {
		case <-t.hired:
		case <-ctx.Done():
			return
		}
	}
}

// idle returns the accounts that have no dispatcher yet, and are to have one until ctx ends or they are retired.
func (t *Tracker) idle(ctx context.Context) []*account {
	t.mu.Lock()
	defer t.mu.Unlock()
	var idle []*account
	for _, a := range t.accounts {
		if a.ended != nil {
			continue
		}
		working, stop := context.WithCancel(ctx)
		ended := make(chan struct{})
		a.stop, a.ended = stop, ended
		a.work = func() {
			defer close(ended)
			defer stop()
			a.dispatcher.Run(working)
		}
		idle = append(idle, a)
	}
	return idle
}

// Count returns how many tasks of an account are tracked, and how many of them are not known to be finished.
func (t *Tracker) Count(account string) (tasks, unfinished int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, g := range t.groups {
		if g.account.name == account {
			tasks += g.tasks
		}
	}
	for _, k := range t.unfinished {
		if k.group.account.name == account && !k.unfinished.GivenUp {
			unfinished++
		}
	}
	return tasks, unfinished
}

const (
	// applyAtATime bounds for how many ids the lock is held.
	applyAtATime = 1 << 9
	// findAtATime is of how many ids the records are read at once: in many, neighbours share what is read.
	findAtATime = 1 << 17
)

// Apply takes a change of what is listed. It implements source.Sink: one change at a time.
func (t *Tracker) Apply(c source.Change) {
	for ids := range slices.Chunk(c.Removed, applyAtATime) {
		t.store.Forget(t.remove(c.Group, ids), ids)
	}
	for listed := range slices.Chunk(c.Added, findAtATime) {
		records, now, seen := t.recorded(c.Group, listed), time.Now(), make(alike)
		for i := 0; i < len(listed); i += applyAtATime {
			end := min(i+applyAtATime, len(listed))
			t.list(c.Group, listed[i:end], records[i:end], c.Backlog, now, seen)
		}
	}
	t.changes.Add(1)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.wakeAll()
}

func (t *Tracker) wakeAll() {
	for _, a := range t.accounts {
		a.dispatcher.Wake()
	}
}

// remove tracks tasks of a group no longer, and returns their account. What another group has is none of theirs.
func (t *Tracker) remove(from string, ids []string) (account string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := t.byGroup[from]
	if g == nil {
		return "" // its tasks went with it
	}
	for _, id := range ids {
		if k := t.tasks.Get(g.account.name, id); k != nil && k.group == g {
			t.drop(k)
			t.unlisted.drop(k)
		}
	}
	return g.account.name
}

// list tracks tasks listed in a group, of which the store has records.
func (t *Tracker) list(in string, listed []source.Task, records []store.Record, backlog bool, now time.Time, seen alike) {
	t.mu.Lock()
	defer t.mu.Unlock()
	g := t.byGroup[in]
	dropped := g.account.askedOfDropped()
	for i, l := range listed {
		if !t.limits.AdmitKeys(l.Labels) {
			t.limits.Overflows.LabelKey++
		}
		if k := cmp.Or(t.tasks.Get(g.account.name, l.ID), t.orphan(l.ID)); k != nil {
			t.move(k, g, l.Labels)
			t.resolve(k, now)
			continue
		}
		k, r := cmp.Or(t.unlisted.recall(g.account.name, l.ID), dropped[l.ID]), t.believed(records[i], g.account)
		switch {
		case k != nil:
			if k.unfinished == nil || !k.unfinished.Asking { // a query reads it without the lock
				k.id = l.ID // the same text, of which one copy is enough
			}
		case r.State.Finished():
			k = t.recall(l.ID, g, r)
		case r.Known():
			k = seen.begin(&task{id: l.ID, kind: &g.kind, created: r.Created}, resume(l, r, now))
		default:
			o := life.New(l.Model, now)
			if backlog {
				o.Backlog, o.News = true, g.account.lastRun
			} else {
				o.Due = now.Add(g.rules(t.options.Bounds, g.learned.Expect(l.Model)).First())
			}
			k = seen.begin(&task{id: l.ID, kind: &g.kind}, o)
			t.keepRecord(k, nil)
		}
		t.restore(k, g, l.Labels)
		if r.Known() && r.Group != g.name { // it was moved while we did not run, or did not know it
			g.learned.Inherit(k.modelName(), t.learned.Get(r.Group))
			t.keepRecord(k, nil)
		}
		t.resolve(k, now)
	}
}

// restore tracks a task, with what is known of it, in a group.
func (t *Tracker) restore(k *task, g *group, labels map[string]string) {
	k.marks.set(markRemoved, false)
	t.tasks.Put(g.account.name, k)
	if k.unfinished == nil {
		t.putFinished(k)
	} else {
		t.putUnfinished(k)
	}
	t.enter(k, g, labels)
}

// drop tracks a task no longer. Totals keep what it added to them.
func (t *Tracker) drop(k *task) {
	k.marks.set(markRemoved, true)
	t.tasks.Delete(k.group.account.name, k)
	if k.unfinished == nil {
		t.takeFinished(k)
	} else {
		t.takeUnfinished(k)
	}
	t.leave(k)
}

// enter makes a task one of a group's.
func (t *Tracker) enter(k *task, g *group, labels map[string]string) {
	k.labels = labels
	g.tasks++
	if k.group != g {
		g.learned.Inherit(k.modelName(), k.group.learned)
	}
	t.touch(k)
	if k.model == nil {
		k.kind = &g.kind
	} else {
		name, _ := t.admit(k.model.name) // it may have been dropped, and its model forgotten
		k.kind = &t.modelOf(g, name).kind
		k.model.tasks[k.state]++
	}
	if k.unfinished == nil {
		return
	}
	if !k.unfinished.Shared {
		k.unfinished.Durations = k.durations()
	}
	if !k.unfinished.Asking {
		k.await()
	}
	t.retimeTask(k, time.Now()) // the group that it comes from may have had it asked otherwise
}

// move takes a task, with what is known of it, to another group, or gives it other labels.
func (t *Tracker) move(k *task, g *group, labels map[string]string) {
	from := k.group
	t.leave(k)
	if from.account != g.account {
		t.tasks.Delete(from.account.name, k)
		t.tasks.Put(g.account.name, k)
	}
	t.enter(k, g, labels)
	if g != from {
		t.keepRecord(k, nil)
	}
}

// leave takes a task out of its group. Scrapes that wait for it wait no longer.
func (t *Tracker) leave(k *task) {
	k.group.tasks--
	if k.model != nil {
		k.model.tasks[k.state]--
	}
	if k.unfinished != nil {
		k.group.account.dequeue(k)
		k.group.account.release()
	}
}

func (t *Tracker) putUnfinished(k *task) {
	k.index = position(len(t.unfinished))
	t.unfinished = append(t.unfinished, k)
	t.blocks.UnfinishedChanged(int(k.index))
}

// position returns a place in a list in half the bytes.
func position(n int) uint32 { return uint32(n) } //nolint:gosec // no memory holds so many

// touch notes that what is shown of a task has changed.
func (t *Tracker) touch(k *task) {
	if k.unfinished == nil {
		t.blocks.FinishedChanged(int(k.index))
	} else {
		t.blocks.UnfinishedChanged(int(k.index))
	}
}

func (t *Tracker) takeUnfinished(k *task) {
	t.blocks.UnfinishedChanged(int(k.index))
	t.blocks.UnfinishedChanged(len(t.unfinished) - 1)
	last := t.unfinished[len(t.unfinished)-1]
	t.surveyed.moved(last, len(t.unfinished)-1, int(k.index))
	t.unfinished[k.index], last.index = last, k.index
	t.unfinished[len(t.unfinished)-1] = nil
	t.unfinished = t.unfinished[:len(t.unfinished)-1]
	if len(t.unfinished) < cap(t.unfinished)/4 {
		t.unfinished = slices.Clone(t.unfinished) // gives memory back
	}
}

func (t *Tracker) putFinished(k *task) {
	k.index = position(len(t.finished))
	t.finished = append(t.finished, k)
	t.blocks.FinishedChanged(int(k.index))
}

// takeFinished leaves a gap, and closes the gaps when they are more than half.
func (t *Tracker) takeFinished(k *task) {
	t.finished[k.index] = nil
	t.blocks.FinishedChanged(int(k.index))
	t.gaps++
	if t.gaps*2 <= len(t.finished) {
		return
	}
	left := make([]*task, 0, len(t.finished)-t.gaps)
	for _, k := range t.finished {
		if k != nil {
			k.index = position(len(left))
			left = append(left, k)
		}
	}
	t.finished, t.gaps = left, 0
	t.blocks.ForgetFinished() // every position has another task
}

// modelOf returns the counts of a group's model, whose name is bounded already.
func (t *Tracker) modelOf(g *group, name string) *model {
	key := modelKey{g, name}
	m, ok := t.models[key]
	if !ok {
		m = newModel(g, name, t.histograms)
		t.models[key] = m
	}
	return m
}

// sortedModels returns the models by group, then name.
func (t *Tracker) sortedModels() []*model {
	all := make([]*model, 0, len(t.models))
	for _, m := range t.models {
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b *model) int {
		return cmp.Or(cmp.Compare(a.group.name, b.group.name), cmp.Compare(a.name, b.name))
	})
	return all
}
