// Package probe asks about one task out of turn, listed or not.
package probe

import (
	"context"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/tasks"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// Tracker is what takes the answers. Its methods are called with no lock held.
type Tracker interface {
	// Known returns the account of that name, and what is known of the task, if it is the account's.
	Known(account, id string) (*entry.Account, view.Task, error)
	// Learn takes what became of a query that an account made about a task that is, or was, tracked.
	Learn(a *entry.Account, k *entry.Task, answer kie.Answer, err error) view.Probe
	// Tell takes what an answer told about a task that is in no list.
	Tell(a *entry.Account, f kie.Task)
}

// Prober asks about single tasks. It is safe for concurrent use.
type Prober struct {
	tracker Tracker

	mu    sync.Locker // the tracker's lock; it guards what follows, and the accounts
	tasks *tasks.Set
}

// New returns a prober of tasks that a lock guards.
func New(mu sync.Locker, set *tasks.Set, tracker Tracker) *Prober {
	return &Prober{tracker: tracker, mu: mu, tasks: set}
}

// Probe asks about one task now, within the account's budget, whether it is tracked or not. It does not wait for a closed
// gate. What is learned of a tracked task counts like any other answer. A task that is known to be finished is not asked, and
// one that is being asked is not asked a second time. The error is ErrNoAccount, ErrElsewhere, budget.ErrClosed, ctx's, or that of the query.
func (p *Prober) Probe(ctx context.Context, account, id string) view.Probe {
	return p.ProbeAt(ctx, account, id, kie.Jobs)
}

// ProbeAt does what Probe does, and asks about a task that is in no list at an endpoint. A tracked one is asked about where it always is.
func (p *Prober) ProbeAt(ctx context.Context, account, id string, at kie.Endpoint) view.Probe {
	for start := time.Now(); ; {
		a, known, err := p.tracker.Known(account, id)
		switch {
		case err != nil:
			return view.Probe{Err: err}
		case known.State.Finished():
			return view.Probe{Task: known}
		}
		q, mine := p.join(a, id, at)
		if mine {
			q.Outcome, q.Useful = p.ask(ctx, a, known, at)
			p.part(a, id)
			close(q.Done)
		}
		select {
		case <-q.Done:
		case <-ctx.Done():
			return view.Probe{Task: known, Err: ctx.Err(), Waited: time.Since(start)}
		}
		if out := q.Outcome; q.Useful && (mine || q.Tracked || q.Endpoint == at) || mine && ctx.Err() != nil {
			out.Waited = max(0, time.Since(start)-out.Took) // the query may have begun before us
			return out
		}
	}
}

// join returns the query about a task that is under way, perhaps at another endpoint, or else a new one for the caller to send.
func (p *Prober) join(a *entry.Account, id string, at kie.Endpoint) (q *entry.Query, mine bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if k := a.Asked(id); k != nil {
		if q = a.Asking[k]; q != nil {
			q.Tracked = true
		}
	} else {
		q = a.Probing[id]
	}
	if q == nil {
		q, mine = entry.NewQuery(), true
		q.Endpoint = at
		a.Probing[id] = q
	}
	return q, mine
}

// part ends what join began.
func (p *Prober) part(a *entry.Account, id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(a.Probing, id)
}

// ask sends a probe's query; useful is false if ctx has ended, or somebody else was faster.
func (p *Prober) ask(ctx context.Context, a *entry.Account, known view.Task, at kie.Endpoint) (out view.Probe, useful bool) {
	out.Task = known
	permit, err := a.Dispatcher.AcquireProbe(ctx, known.ID, p.isUnlisted(a, known.ID))
	if err != nil {
		out.Err = err
		return out, ctx.Err() == nil
	}
	k, endpoint, free := p.takeOut(a, known.ID, at)
	if !free {
		permit.Release()
		return out, false
	}
	start := time.Now()
	answer, err := permit.Record(ctx, endpoint, known.ID)
	out.Asked, out.Err, out.Took = true, err, time.Since(start)
	if k == nil {
		k = p.listedMeanwhile(a, known.ID)
	}
	if k != nil {
		a.Dispatcher.Note(known.ID, answer, err)
		return p.tracker.Learn(a, k, answer, err), !kie.Cancelled(err)
	}
	a.Dispatcher.NoteUnlisted(answer, err)
	if err != nil {
		out.Task.QueryError = kie.ClassOf(err)
	} else {
		out.Task.Take(answer.Task, time.Now())
		p.tracker.Tell(a, answer.Task)
	}
	return out, !kie.Cancelled(err)
}

// isUnlisted reports whether an account's task is in no list.
func (p *Prober) isUnlisted(a *entry.Account, id string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.tasks.Get(a.Name, id) == nil
}

// takeOut takes a tracked task out of the account's queue, because it is being asked; nil if it is not tracked. It is not free
// to be asked if it is being asked already, or finished meanwhile. It is asked about where it always is, or else at an endpoint that
// whoever asks has named.
func (p *Prober) takeOut(a *entry.Account, id string, at kie.Endpoint) (k *entry.Task, endpoint kie.Endpoint, free bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	k = p.tasks.Get(a.Name, id)
	if k == nil {
		free = !p.tasks.Unlisted.IsFinished(a.Name, id) && a.Asked(id) == nil
		a.Probing[id].Sent = free
		return nil, at, free
	}
	endpoint = k.AskedAt()
	switch {
	case k.Unfinished == nil:
		return nil, endpoint, false
	case k.Unfinished.Asking: // by the account from which its group has moved, perhaps: then there is no answer to wait for
		return nil, endpoint, a.Asking[k] == nil
	}
	a.Begin(k)
	if q := a.Probing[id]; q != nil {
		q.Tracked = true
	}
	return k, endpoint, true
}

// listedMeanwhile ends a query about a task that was in no list when it began, and returns the task if it is in one now.
func (p *Prober) listedMeanwhile(a *entry.Account, id string) *entry.Task {
	p.mu.Lock()
	defer p.mu.Unlock()
	a.Probing[id].Sent = false
	return a.Asked(id)
}
