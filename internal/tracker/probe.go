// One task asked out of turn, for whoever names it.

package tracker

import (
	"context"
	"errors"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// ErrNoAccount says that a probe names an account that there is not.
var ErrNoAccount = errors.New("no such account")

// Probe is how one task was asked out of turn.
type Probe struct {
	Task   Task // what is known of it now
	Err    error
	Asked  bool          // false: the state was known to be final, or there was no permit
	Waited time.Duration // for a permit
	Took   time.Duration // the query
}

// Probe asks about one task now, within the account's budget, whether it is tracked or not. It does not wait for a closed
// gate. What is learned of a tracked task counts like any other answer; a task that is known to be finished is not asked.
// The error is ErrNoAccount, budget.ErrClosed, ctx's, or that of the query.
func (t *Tracker) Probe(ctx context.Context, account, id string) Probe {
	a, known := t.recallFinal(account, id)
	switch {
	case a == nil:
		return Probe{Err: ErrNoAccount}
	case known.State.Finished():
		return Probe{Task: known}
	}
	p := Probe{Task: known}
	start := time.Now()
	permit, err := a.budget.AcquireOpen(ctx)
	p.Waited = time.Since(start)
	if err != nil {
		p.Err = err
		return p
	}
	if _, known := t.recallFinal(account, id); known.State.Finished() { // while the permit was waited for
		permit.Release()
		p.Task = known
		return p
	}
	k := t.takeOut(a, id)
	start = time.Now()
	answer, err := permit.Record(ctx, id)
	p.Asked, p.Err, p.Took = true, err, time.Since(start)
	if k != nil {
		t.learn(a, k, answer, err)
		p.Task = t.snapshotOf(k)
		return p
	}
	if err != nil {
		p.Task.QueryError = kie.ClassOf(err)
		return p
	}
	p.Task.take(answer, time.Now())
	if p.Task.State.Finished() {
		t.do(func() { t.probed.remember(p.Task) })
	}
	return p
}

// recallFinal returns the account of that name, nil if there is none, and what is known of the task, if it is the account's.
func (t *Tracker) recallFinal(account, id string) (*account, Task) {
	record := t.store.Find([]string{id})[0]
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.accountOf(account)
	if a == nil {
		return nil, Task{}
	}
	if k := t.tasks.Get(id); k != nil && k.group.account == a {
		return a, k.snapshot()
	}
	if known, ok := t.probed.tasks[probedKey{account, id}]; ok {
		return a, known
	}
	if k := t.dropped.tasks.Get(id); k != nil && k.open == nil && k.group.account == a {
		return a, k.snapshot()
	}
	if g := t.byGroup[record.Group]; record.State.Finished() && g != nil && g.account == a {
		known := Task{ID: id, Account: account, Group: g.name}
		known.take(kie.Answer{
			Model: record.Model, State: record.State, Created: record.Created, Completed: record.Completed,
			FailCode: record.FailCode, Reason: record.Reason, Credits: record.Credits, HasCredits: record.HasCredits,
		}, time.Time{})
		return a, known
	}
	return a, Task{ID: id, Account: account}
}

func (t *Tracker) accountOf(name string) *account {
	for _, a := range t.accounts {
		if a.name == name {
			return a
		}
	}
	return nil
}

// takeOut takes a tracked task out of the account's queue, because it is being asked; nil if it is not in there.
func (t *Tracker) takeOut(a *account, id string) *task {
	t.mu.Lock()
	defer t.mu.Unlock()
	k := t.tasks.Get(id)
	if k == nil || k.open == nil || k.open.asking || k.group.account != a {
		return nil
	}
	a.asking[k], k.own().asking = true, true
	return k
}

func (t *Tracker) snapshotOf(k *task) Task {
	t.mu.Lock()
	defer t.mu.Unlock()
	return k.snapshot()
}

// take makes an answer what is known of a task.
func (s *Task) take(answer kie.Answer, now time.Time) {
	s.Model, s.State, s.Created, s.QueryError, s.LastAnswer = answer.Model, answer.State, answer.Created, kie.ClassOK, now
	if !answer.State.Finished() {
		return
	}
	s.Completed, s.Credits, s.HasCredits, s.LastAnswer = answer.Completed, answer.Credits, answer.HasCredits, time.Time{}
	s.Latency, s.HasLatency = answer.Latency()
	if answer.State == kie.StateFail {
		s.Reason, s.FailCode = answer.Reason, noFailCode
		if answer.FailCode != "" {
			s.FailCode = answer.FailCode
		}
	}
}

// maxProbed is how many finished tasks that are in no list are remembered from probes.
const maxProbed = 10_000

type probedKey struct{ account, id string }

// probed holds the tasks that a probe found finished last, and that are in no list.
type probed struct {
	tasks map[probedKey]Task
	order []probedKey // oldest first
}

func newProbed() probed { return probed{tasks: make(map[probedKey]Task)} }

func (p *probed) remember(k Task) {
	key := probedKey{k.Account, k.ID}
	if _, ok := p.tasks[key]; !ok {
		p.order = append(p.order, key)
	}
	p.tasks[key] = k
	if len(p.order) > maxProbed {
		delete(p.tasks, p.order[0])
		p.order = p.order[1:]
	}
}
