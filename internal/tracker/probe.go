// One task asked out of turn, for whoever names it.

package tracker

import (
	"context"
	"errors"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// ErrNoAccount says that a probe names an account that there is not.
var ErrNoAccount = errors.New("no such account")

// ErrElsewhere says that a probe names a task that is another replica's.
var ErrElsewhere = errors.New("the task is another replica's")

// Probe asks about one task now, within the account's budget, whether it is tracked or not. It does not wait for a closed
// gate. What is learned of a tracked task counts like any other answer. A task that is known to be finished is not asked, and
// one that is being asked is not asked a second time. The error is ErrNoAccount, ErrElsewhere, budget.ErrClosed, ctx's, or that of the query.
func (t *Tracker) Probe(ctx context.Context, account, id string) view.Probe {
	for start := time.Now(); ; {
		a, known, err := t.recallFinal(account, id)
		switch {
		case err != nil:
			return view.Probe{Err: err}
		case known.State.Finished():
			return view.Probe{Task: known}
		}
		q, mine := t.join(a, id)
		if mine {
			q.Outcome, q.Useful = t.ask(ctx, a, known)
			t.part(a, id)
			close(q.Done)
		}
		select {
		case <-q.Done:
		case <-ctx.Done():
			return view.Probe{Task: known, Err: ctx.Err(), Waited: time.Since(start)}
		}
		if p := q.Outcome; q.Useful || mine && ctx.Err() != nil {
			p.Waited = max(0, time.Since(start)-p.Took) // the query may have begun before us
			return p
		}
	}
}

// join returns the query about a task that is under way, or else a new one for the caller to send.
func (t *Tracker) join(a *entry.Account, id string) (q *entry.Query, mine bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if k := a.Asked(id); k != nil {
		q = a.Asking[k]
	} else {
		q = a.Probing[id]
	}
	if q == nil {
		q, mine = entry.NewQuery(), true
		a.Probing[id] = q
	}
	return q, mine
}

// part ends what join began.
func (t *Tracker) part(a *entry.Account, id string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(a.Probing, id)
}

// ask sends a probe's query; useful is false if ctx has ended, or somebody else was faster.
func (t *Tracker) ask(ctx context.Context, a *entry.Account, known view.Task) (p view.Probe, useful bool) {
	p.Task = known
	permit, err := a.Dispatcher.AcquireProbe(ctx, known.ID, !t.isTracked(a.Name, known.ID))
	if err != nil {
		p.Err = err
		return p, ctx.Err() == nil
	}
	k, endpoint, free := t.takeOut(a, known.ID)
	if !free {
		permit.Release()
		return p, false
	}
	start := time.Now()
	answer, err := permit.Record(ctx, endpoint, known.ID)
	p.Asked, p.Err, p.Took = true, err, time.Since(start)
	if k == nil {
		k = t.listedMeanwhile(a, known.ID)
	}
	switch {
	case k != nil:
		a.Dispatcher.Note(known.ID, answer, err)
		p = t.learn(a, k, answer, err)
	case err != nil:
		p.Task.QueryError = kie.ClassOf(err)
	default:
		p.Task.Take(answer.Task, time.Now())
		a.Dispatcher.NoteStranger(answer)
		t.do(func() { t.tellLocked(a, answer.Task) })
	}
	return p, !kie.Cancelled(err)
}

// recallFinal returns the account of that name, and what is known of the task, if it is the account's. The error is ErrNoAccount or
// ErrElsewhere.
func (t *Tracker) recallFinal(account, id string) (*entry.Account, view.Task, error) {
	record := t.store.Find(account, []string{id})[0]
	t.mu.Lock()
	defer t.mu.Unlock()
	known := view.Task{Task: kie.Task{ID: id}, Account: account}
	named := t.accountLocked(account)
	switch {
	case named == nil:
		return nil, known, ErrNoAccount
	case !named.ownsLocked(id):
		return nil, known, ErrElsewhere
	}
	a := named.Account
	if k := t.tasks.Get(account, id); k != nil {
		return a, k.View(), nil
	}
	if f, ok := t.tasks.Unlisted.ToldFinal(account, id); ok {
		known.Take(f, time.Time{})
		return a, known, nil
	}
	if k := t.tasks.Unlisted.Get(account, id); k != nil && k.Unfinished == nil {
		return a, k.View(), nil
	}
	if record = t.believedLocked(record, a); record.State.Finished() {
		if g := t.tasks.Group(record.Group); g != nil && g.Account == a {
			known.Group = g.Name
		}
		known.Take(record.Task, time.Time{})
	}
	return a, known, nil
}

// takeOut takes a tracked task out of the account's queue, because it is being asked; nil if it is not tracked. It is not free
// to be asked if it is being asked already, or finished meanwhile. It is asked about at the endpoint of its group, or jobs if it has none.
func (t *Tracker) takeOut(a *entry.Account, id string) (k *entry.Task, endpoint kie.Endpoint, free bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	k = t.tasks.Get(a.Name, id)
	if k == nil {
		free = !t.tasks.Unlisted.IsFinished(a.Name, id) && a.Asked(id) == nil
		a.Probing[id].Sent = free
		return nil, kie.Jobs, free
	}
	endpoint = k.Group.Endpoint
	switch {
	case k.Unfinished == nil:
		return nil, endpoint, false
	case k.Unfinished.Asking: // by the account from which its group has moved, perhaps: then there is no answer to wait for
		return nil, endpoint, a.Asking[k] == nil
	}
	a.Begin(k)
	return k, endpoint, true
}

// listedMeanwhile ends a query about a task that was in no list when it began, and returns the task if it is in one now.
func (t *Tracker) listedMeanwhile(a *entry.Account, id string) *entry.Task {
	t.mu.Lock()
	defer t.mu.Unlock()
	a.Probing[id].Sent = false
	return a.Asked(id)
}
