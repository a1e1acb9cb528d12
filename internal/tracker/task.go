// What is known of one task, and what an answer changes in it.

package tracker

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/labels"
	"github.com/kie-exporter/kie_exporter/internal/life"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// task is one task. There are a million of them, so it is 80 bytes, and not one more. What matters only until it is finished
// is in unfinished.
type task struct {
	id string
	*kind
	labels     map[string]string
	unfinished *life.Unfinished // nil once finished

	created kie.Time
	ended   kie.Time // completion of a finished task; if the API does not tell it, of a failed one that is news the best guess
	learned kie.Time // when the final state was learned
	// detail is the credits of a finished task, and the place of one in the backlog.
	detail   uint64
	index    uint32      // in the tracker's unfinished or finished tasks; of a task that was dropped, which drop it was
	failCode labels.Code // of a failed task
	state    kie.State
	reason   kie.Reason
	marks    marks
}

// marks are what is true of a task.
type marks uint8

const (
	markCredits marks = 1 << iota // the API told the credits
	markCounted                   // is in the totals, or will be
	markGuessed                   // the API did not tell when it ended
	markRemoved                   // tracked no longer
	markCalled                    // a callback has come for it
)

func (m marks) has(mark marks) bool { return m&mark != 0 }

func (m *marks) set(mark marks, on bool) {
	*m &^= mark
	if on {
		*m |= mark
	}
}

// failedAt returns when a failed task that is news ended.
func (k *task) failedAt() kie.Time {
	if k.state != kie.StateFail || !k.marks.has(markCounted) {
		return 0
	}
	return k.ended
}

// enqueue makes an unfinished task wait for its next query.
func (k *task) enqueue() {
	a := k.group.account
	k.unfinished.Lane = k.unfinished.NextLane()
	if k.unfinished.Lane == schedule.LaneBacklog {
		k.unfinished.Shared = true
		a.backlog.Put(k)
		return
	}
	a.queue.Put(k, &k.unfinished.Item)
}

// dequeue takes a task out of where it waits, if it does.
func (a *account) dequeue(k *task) {
	if k.unfinished.Shared {
		a.backlog.Take(k)
		return
	}
	a.queue.Remove(&k.unfinished.Item)
}

// own takes an unfinished task out of where it waits, and returns what is known of it as something that may be written to.
func (k *task) own() *life.Unfinished {
	k.group.account.dequeue(k)
	if k.unfinished.Shared {
		o := *k.unfinished
		o.Shared, o.Durations = false, k.durations()
		k.unfinished = &o
	}
	return k.unfinished
}

// modelName returns the model that a task is of, or is said to be of by its source.
func (k *task) modelName() string {
	if k.model != nil {
		return k.model.name
	}
	return k.unfinished.Hint
}

// durations returns what is known of how long tasks like this one take.
func (k *task) durations() *schedule.Durations {
	if k.model != nil {
		return k.model.durations
	}
	return k.group.learned.Expect(k.unfinished.Hint)
}

// learn takes what became of a query, and returns it as a probe tells it.
func (t *Tracker) learn(a *account, k *task, answer kie.Answer, err error) view.Probe {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changes.Add(1)
	t.readClock(a, answer, now)
	q := a.asking[k]
	delete(a.asking, k)
	k.unfinished.End(now)
	if !k.marks.has(markRemoved) {
		t.conclude(a, k, life.Outcome{Answer: answer, Err: err, Closed: a.budget.Closed() != kie.ClassOK}, now)
		t.resolve(k, now)
		t.touch(k)
		if k.unfinished != nil {
			if k.unfinished.Called {
				k.unfinished.Heed(now, t.options.Bounds)
			}
			k.enqueue()
		}
	} else if err == nil {
		t.keep(a, answer.Task)
	}
	q.outcome = view.Probe{Task: k.snapshot(), Err: err, Asked: true, Took: now.Sub(q.began)}
	t.record(a, k, q, now)
	if k.marks.has(markRemoved) && err == nil {
		take(&q.outcome.Task, answer.Task, now) // the task itself stays as it was
	}
	q.useful = !kie.Cancelled(err)
	close(q.done)
	a.release()
	a.dispatcher.Wake()
	if b := k.group.account; b != a {
		b.dispatcher.Wake()
	}
	return q.outcome
}

// conclude decides what the outcome of a query means for the task.
func (t *Tracker) conclude(a *account, k *task, o life.Outcome, now time.Time) {
	m := a.clock.At(now)
	effect := k.unfinished.Conclude(o, k.created, m, t.options.Bounds)
	if effect.Told {
		t.answered(k, o.Answer.Task, m)
	}
	if effect.Keep {
		t.keepRecord(k, nil)
	}
}

// answered takes the facts that an answer tells of a task.
func (t *Tracker) answered(k *task, f kie.Task, m life.Moment) {
	f.Created = kie.FirstTime(f.Created, k.created)
	t.classify(k, &f)
	if f.State.Finished() {
		t.finish(k, &f, m)
		return
	}
	if k.unfinished.Continue(k.created, m, k.rules(t.options.Bounds)) {
		t.keepRecord(k, nil)
	}
}

// keep remembers what an answer told about a task that is in no list, if it is final, and gives it to the task if that is listed by now.
func (t *Tracker) keep(a *account, f kie.Task) {
	if !f.State.Finished() {
		return
	}
	t.unlisted.learn(a.name, f)
	if k := t.tasks.Get(a.name, f.ID); k != nil {
		t.resolve(k, time.Now())
	}
}

// resolve gives a tracked task that is not being asked the final answer that came while it was in no list, if there is one.
func (t *Tracker) resolve(k *task, now time.Time) {
	if k.unfinished == nil || k.unfinished.Asking {
		return
	}
	a := k.group.account
	if f, ok := t.unlisted.toldFinal(a.name, k.id); ok {
		k.own()
		t.answered(k, f, a.clock.At(now))
		a.release()
	}
}

// classify counts the task under the model and the state that an answer tells, and has the entry hold what it tells.
func (t *Tracker) classify(k *task, f *kie.Task) {
	if k.model != nil {
		k.model.tasks[k.state]--
	}
	name := f.Model
	if name == "" && k.model != nil {
		name = k.model.name
	}
	name, admitted := t.admit(name)
	if !admitted && k.model == nil {
		t.limits.Overflows.Model++
	}
	k.hold(f, t.modelOf(k.group, name))
	k.model.tasks[k.state]++
}

// finish takes final facts, which the entry holds. The task is never asked again.
func (t *Tracker) finish(k *task, f *kie.Task, m life.Moment) {
	end := k.unfinished.Finish(f, m)
	if end.Guessed {
		k.guess(end.Completed)
	}
	if took, ok := f.Latency(); ok && end.News {
		k.model.durations.Observe(took)
	}
	t.takeUnfinished(k)
	k.unfinished = nil
	t.putFinished(k)
	if end.News && !k.marks.has(markCalled) {
		t.missed(k.group, m.APINow().Sub(end.Latest), m.Now)
	}
	k.learned = kie.TimeOf(m.Now)
	if !end.News {
		k.group.totals.Uncounted()
		t.keepRecord(k, nil)
		return
	}
	k.marks.set(markCounted, true)
	// Totals show a task once it is on disk that they do, so that no restart counts it again.
	count := k.counter(f, m.APINow())
	if !t.keepRecord(k, func(first bool) { t.do(func() { count(first) }) }) {
		count(true)
	}
}

// do makes a change that snapshots show.
func (t *Tracker) do(change func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change()
	t.changes.Add(1)
}
