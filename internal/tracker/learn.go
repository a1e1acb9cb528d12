// What becomes of a query: from the answer to the totals, in this order.

package tracker

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/life"
	"github.com/kie-exporter/kie_exporter/internal/querylog"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// learn takes what became of a query that an account made about a task, and returns it as a probe tells it.
func (t *Tracker) learn(a *entry.Account, k *entry.Task, answer kie.Answer, err error) view.Probe {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.Changed()
	t.tasks.ReadClock(a, answer, t.options.Bounds, now)
	q := a.End(k, now)
	listed := !k.Marks.Has(entry.Removed)
	switch {
	case listed:
		t.concludeLocked(a, k, life.Outcome{Answer: answer, Err: err, Closed: a.Budget.Closed() != kie.ClassOK}, now)
	case err == nil:
		t.learnUnlistedLocked(a, answer.Task)
	}
	q.Outcome = view.Probe{Task: k.View(), Err: err, Asked: true, Took: now.Sub(q.Began)}
	if listed && !kie.Cancelled(err) {
		t.queries.Add(a.Name, k.ID, querylog.Query{Ended: now, Took: q.Outcome.Took, Class: kie.ClassOf(err), State: k.State})
	}
	if !listed && err == nil {
		q.Outcome.Task.Take(answer.Task, now) // the task itself stays as it was
	}
	q.Useful = !kie.Cancelled(err)
	close(q.Done)
	a.Release()
	a.Dispatcher.Wake()
	if b := k.Kind.Group.Account; b != a {
		b.Dispatcher.Wake()
	}
	return q.Outcome
}

// concludeLocked decides what the outcome of a query means for a tracked task, and when it is asked again.
func (t *Tracker) concludeLocked(a *entry.Account, k *entry.Task, o life.Outcome, now time.Time) {
	m := a.Clock.At(now)
	effect := k.Unfinished.Conclude(o, k.Created(), m, t.options.Bounds)
	if effect.HasState {
		t.takeFactsLocked(k, o.Answer.Task, m)
	}
	if g := k.Kind.Group; k.Unfinished != nil && k.Unfinished.Class == kie.ClassNotFound && !g.LoggedUnknown {
		g.LoggedUnknown = true
		a.Log.Warn("The API knows no such task as one of a group; at a wrong endpoint a task looks like that, too", "group", g.Name,
			"endpoint", k.AskedAt().Word())
	}
	if effect.Keep {
		t.records.KeepLocked(k, nil)
	}
	t.useFinalAnswerLocked(k, now)
	t.tasks.MarkChanged(k)
	if k.Unfinished == nil {
		return
	}
	if k.Unfinished.Called {
		k.Unfinished.AskSoon(now, t.options.Bounds)
	}
	k.Enqueue()
}

// learnUnlistedLocked remembers a final answer about a task that is in no list, and gives it to the task if that is listed by now.
func (t *Tracker) learnUnlistedLocked(a *entry.Account, f kie.Task) {
	if !f.State.Finished() {
		return
	}
	t.tasks.Unlisted.Learn(a.Name, f)
	if k := t.tasks.Get(a.Name, f.ID); k != nil {
		t.useFinalAnswerLocked(k, time.Now())
	}
}

// useFinalAnswerLocked gives a tracked task that is not being asked the final answer that came while it was in no list, if there is one.
func (t *Tracker) useFinalAnswerLocked(k *entry.Task, now time.Time) {
	if k.Unfinished == nil || k.Unfinished.Asking {
		return
	}
	a := k.Kind.Group.Account
	if f, ok := t.tasks.Unlisted.FinalAnswer(a.Name, k.ID); ok {
		k.Detach()
		t.takeFactsLocked(k, f, a.Clock.At(now))
		a.Release()
	}
}

// takeFactsLocked takes the facts of an answer about a task that is in no lane.
func (t *Tracker) takeFactsLocked(k *entry.Task, f kie.Task, m life.Moment) {
	f.Created = kie.FirstTime(f.Created, k.Created())
	state, model := k.State, k.Kind.Model
	t.tasks.TakeFacts(k, &f)
	if f.State.Finished() {
		t.finishLocked(k, &f, m)
		return
	}
	if k.Unfinished.Continue(k.Created(), m, k.Rules(t.options.Bounds)) || k.State != state || k.Kind.Model != model {
		t.records.KeepLocked(k, nil)
	}
}

// finishLocked takes final facts, which the entry holds. The task is never asked again.
func (t *Tracker) finishLocked(k *entry.Task, f *kie.Task, m life.Moment) {
	end := k.Unfinished.Finish(f, m)
	if end.Guessed {
		k.Guess(end.Completed)
	}
	durations := k.Durations()
	k.Learn(t.tasks.Stamps.Next(time.Now())) // not of m, whose time is from before the lock was had
	k.Marks.Set(entry.Counted, end.News)
	t.tasks.Finish(k)
	if !end.News {
		k.Kind.Group.Totals.Uncounted()
		t.records.KeepLocked(k, t.records.Noting(k, t.options.Replicas, nil))
		return
	}
	if end.HasTook {
		durations.Observe(end.Took)
	}
	if !k.Marks.Has(entry.Called) && k.Kind.Group.CallbackMissed(m.APINow().Sub(end.Latest)) {
		t.tasks.RetimeGroups(map[*entry.Group]bool{k.Kind.Group: true}, t.options.Bounds, m.Now)
	}
	t.countLocked(k, k.Counter(f, m.APINow()))
}

// countLocked adds a finished task that is news to the totals once its final record is kept, so that no restart counts it again, or at once
// where no storage takes it.
//
// Add is called exactly once for each final answer that is news, but for a kill between record and call, which loses the count. Its first is
// false where a final record was there before, and then the totals stay: the store looks for that right before it writes.
func (t *Tracker) countLocked(k *entry.Task, add func(first bool)) {
	if !t.records.KeepLocked(k, t.records.Noting(k, t.options.Replicas, func(first bool) { t.update(func() { add(first) }) })) {
		add(true)
	}
}
