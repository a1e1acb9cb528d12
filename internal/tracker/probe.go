// One task asked out of turn, for whoever names it.

package tracker

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// ErrNoAccount says that a probe names an account that there is not.
var ErrNoAccount = errors.New("no such account")

// Probe asks about one task now, within the account's budget, whether it is tracked or not. It does not wait for a closed
// gate. What is learned of a tracked task counts like any other answer. A task that is known to be finished is not asked, and
// one that is being asked is not asked a second time. The error is ErrNoAccount, budget.ErrClosed, ctx's, or that of the query.
func (t *Tracker) Probe(ctx context.Context, account, id string) view.Probe {
	for start := time.Now(); ; {
		a, known := t.recallFinal(account, id)
		switch {
		case a == nil:
			return view.Probe{Err: ErrNoAccount}
		case known.State.Finished():
			return view.Probe{Task: known}
		}
		q, mine := t.join(a, id)
		if mine {
			q.outcome, q.useful = t.ask(ctx, a, known)
			t.part(a, id)
			close(q.done)
		}
		select {
		case <-q.done:
		case <-ctx.Done():
			return view.Probe{Task: known, Err: ctx.Err(), Waited: time.Since(start)}
		}
		if p := q.outcome; q.useful || mine && ctx.Err() != nil {
			p.Waited = max(0, time.Since(start)-p.Took) // the query may have begun before us
			return p
		}
	}
}

// query is one that is under way, or that a probe waits to send. Whoever wants to know the same waits for it.
type query struct {
	began   time.Time
	sent    bool          // under way about a task that is in no list; guarded by the tracker's lock
	done    chan struct{} // closed when the rest is set
	outcome view.Probe
	useful  bool // to others than who asked: it was not given up
}

func newQuery() *query { return &query{began: time.Now(), done: make(chan struct{})} }

// join returns the query about a task that is under way, or else a new one for the caller to send.
func (t *Tracker) join(a *account, id string) (q *query, mine bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if k := a.asked(id); k != nil {
		q = a.asking[k]
	} else {
		q = a.probing[id]
	}
	if q == nil {
		q, mine = newQuery(), true
		a.probing[id] = q
	}
	return q, mine
}

// part ends what join began.
func (t *Tracker) part(a *account, id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(a.probing, id)
}

// ask sends a probe's query; useful is false if ctx has ended, or somebody else was faster.
func (t *Tracker) ask(ctx context.Context, a *account, known view.Task) (p view.Probe, useful bool) {
	p.Task = known
	permit, err := a.dispatcher.AcquireProbe(ctx, known.ID, !t.isTracked(a.name, known.ID))
	if err != nil {
		p.Err = err
		return p, ctx.Err() == nil
	}
	k, free := t.takeOut(a, known.ID)
	if !free {
		permit.Release()
		return p, false
	}
	start := time.Now()
	answer, err := permit.Record(ctx, known.ID)
	p.Asked, p.Err, p.Took = true, err, time.Since(start)
	if k == nil {
		k = t.listedMeanwhile(a, known.ID)
	}
	switch {
	case k != nil:
		a.dispatcher.Note(known.ID, answer, err)
		p = t.learn(a, k, answer, err)
	case err != nil:
		p.Task.QueryError = kie.ClassOf(err)
	default:
		take(&p.Task, answer.Task, time.Now())
		a.dispatcher.NoteStranger(answer)
		t.do(func() { t.keep(a, answer.Task) })
	}
	return p, !kie.Cancelled(err)
}

// isTracked reports whether an account's task is in a list.
func (t *Tracker) isTracked(account, id string) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.tasks.Get(account, id) != nil
}

// recallFinal returns the account of that name, nil if there is none, and what is known of the task, if it is the account's.
func (t *Tracker) recallFinal(account, id string) (*account, view.Task) {
	record := t.store.Find(account, []string{id})[0]
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.accountOf(account)
	if a == nil {
		return nil, view.Task{}
	}
	if k := t.tasks.Get(account, id); k != nil {
		return a, k.snapshot()
	}
	known := view.Task{Task: kie.Task{ID: id}, Account: account}
	if f, ok := t.unlisted.toldFinal(account, id); ok {
		take(&known, f, time.Time{})
		return a, known
	}
	if k := t.unlisted.tasks.Get(account, id); k != nil && k.unfinished == nil {
		return a, k.snapshot()
	}
	if record = t.believed(record, a); record.State.Finished() {
		if g := t.byGroup[record.Group]; g != nil && g.account == a {
			known.Group = g.name
		}
		take(&known, record.Task, time.Time{})
	}
	return a, known
}

func (t *Tracker) accountOf(name string) *account {
	for _, a := range t.accounts {
		if a.name == name {
			return a
		}
	}
	return nil
}

// takeOut takes a tracked task out of the account's queue, because it is being asked; nil if it is not tracked. It is not free
// to be asked if it is being asked already, or finished meanwhile.
func (t *Tracker) takeOut(a *account, id string) (k *task, free bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k = t.tasks.Get(a.name, id)
	if k == nil {
		free = !t.unlisted.isFinished(a.name, id) && a.asked(id) == nil
		a.probing[id].sent = free
		return nil, free
	}
	switch {
	case k.unfinished == nil:
		return nil, false
	case k.unfinished.Asking: // by the account from which its group has moved, perhaps: then there is no answer to wait for
		return nil, a.asking[k] == nil
	}
	a.begin(k)
	return k, true
}

// listedMeanwhile ends a query about a task that was in no list when it began, and returns the task if it is in one now.
func (t *Tracker) listedMeanwhile(a *account, id string) *task {
	t.mu.Lock()
	defer t.mu.Unlock()
	a.probing[id].sent = false
	return a.asked(id)
}

// asked returns the task of that id that is being asked; nil: there is none. It may be one that is tracked no longer.
func (a *account) asked(id string) *task {
	for k := range a.asking { // a few at most
		if k.id == id {
			return k
		}
	}
	return nil
}

// askedOfDropped returns the tasks that are being asked and were dropped meanwhile, by id.
func (a *account) askedOfDropped() map[string]*task {
	dropped := make(map[string]*task)
	for k := range a.asking {
		if k.marks.has(markRemoved) {
			dropped[k.id] = k
		}
	}
	return dropped
}

// await makes an unfinished task wait for its next query, or for the answer to one that began before the task was listed.
func (k *task) await() {
	k.enqueue()
	a := k.group.account
	if q := a.probing[k.id]; q != nil && q.sent {
		a.begin(k)
	}
}

// take makes facts what is known of a task, as of that answer if they are not final.
func take(s *view.Task, f kie.Task, answered time.Time) {
	f.ID = s.ID
	switch {
	case !f.State.Finished():
		f.Credits, f.HasCredits = 0, false // not final
	case f.State == kie.StateFail:
		f.FailCode = cmp.Or(f.FailCode, kie.NoCode)
		fallthrough
	default:
		answered = time.Time{}
	}
	s.Task, s.QueryError, s.LastAnswer = f, kie.ClassOK, answered
}
