// What is known of one task, and what an answer changes in it.

package tracker

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

// task is one task. What matters only until it is finished is in open.
type task struct {
	id     string
	group  *group
	labels map[string]string
	model  *model // nil until first answered
	open   *open  // nil once finished

	failCode   string // bounded; of a failed task
	created    kie.Time
	completed  kie.Time
	failedAt   kie.Time // of a failed task that is news
	credits    float64
	state      kie.State
	reason     kie.Reason
	hasCredits bool
	removed    bool
}

// open is what matters of an unfinished task.
type open struct {
	seen     time.Time // first sight
	due      time.Time // when it is to be asked
	answered time.Time // last; zero: pending
	hint     string    // the model that its source names
	doubt    string    // fail code of an answer that wants a second one
	index    int       // in the tracker's unfinished tasks
	place    int       // in its lane
	faults   int       // queries in a row that failed
	inGrace  int       // answers during the grace that there is no such task
	missing  int       // such answers after the grace
	lane     lane
	class    kie.Class // of the last query, as far as it concerns the task
	backlog  bool      // came with its source's first read and was not answered yet
	old      bool      // the last answer showed it to be hardly worth asking
	overdue  bool      // the last answer showed it to be older than its group and model allow
	given    bool      // up: it is never asked again
}

// clock relates the API's clock to ours.
type clock struct {
	now    time.Time
	offset time.Duration // the API's minus ours
}

// read takes the API's clock from an answer. Its Date header has whole seconds: a difference under 2 s is none.
func (c *clock) read(api kie.Time, now time.Time) {
	c.now = now
	if api.IsZero() {
		return
	}
	c.offset = api.Time().Sub(now)
	if c.offset.Abs() < 2*time.Second {
		c.offset = 0
	}
}

// api returns the API's time at one of ours.
func (c *clock) api(ours time.Time) kie.Time { return kie.TimeOf(ours.Add(c.offset)) }

// age returns how long ago an unfinished task was created, or first seen if it was never answered or the API does not tell.
func (k *task) age(c clock) time.Duration {
	if k.created.IsZero() {
		return c.now.Sub(k.open.seen)
	}
	return max(0, c.api(c.now).Sub(k.created))
}

// learn takes what became of a query.
func (t *Tracker) learn(a *account, k *task, answer kie.Answer, err error) {
	now := time.Now()
	closed := a.budget.Closed()
	t.mu.Lock()
	defer t.mu.Unlock()
	t.changes.Add(1)
	delete(a.asking, k)
	a.noteGate(closed)
	if !k.removed {
		t.conclude(a, k, answer, err, now, closed != kie.ClassOK)
		if k.open != nil {
			k.group.account.queue.put(k)
		}
	}
	a.release()
	a.wakeUp()
	if b := k.group.account; b != a {
		b.wakeUp()
	}
}

// conclude decides by the class of a query's outcome what it means for the task.
func (t *Tracker) conclude(a *account, k *task, answer kie.Answer, err error, now time.Time, closed bool) {
	a.clock.read(answer.Clock, now)
	o := k.open
	class := kie.ClassOf(err)
	switch {
	case err == nil:
		t.answered(a, k, answer)
	case class == kie.ClassTaskFailed:
		if o.doubt == answer.FailCode {
			t.answered(a, k, answer)
			return
		}
		o.doubt, o.class, o.due = answer.FailCode, class, now.Add(schedule.ConfirmAfter)
	case class == kie.ClassNotFound:
		o.notFound(k, a.clock)
	case class == kie.ClassRateLimited, kie.Cancelled(err):
		// Says nothing about the task: it stays as it was, due.
	case closed:
		// The account rests, and no task is to rest longer for it.
		o.class, o.due = class, now.Add(t.options.Bounds.Min)
	default:
		o.faults++
		wait := schedule.Backoff(o.faults)
		if o.old {
			wait = max(wait, schedule.OldInterval)
		}
		o.class, o.due = class, now.Add(wait)
	}
}

// notFound takes the answer that there is no such task.
func (o *open) notFound(k *task, c clock) {
	n := schedule.NotFound{Seen: c.now.Sub(o.seen)}
	if !k.created.IsZero() {
		n.Age = k.age(c)
	}
	if n.Seen < schedule.Grace {
		o.inGrace++
		o.class = kie.ClassOK
	} else {
		o.missing++
		o.class = kie.ClassNotFound
	}
	n.InGrace, n.After = o.inGrace, o.missing
	wait, again := n.Again()
	o.given, o.due = !again, c.now.Add(wait)
}

// answered takes an answer that tells the task's state.
func (t *Tracker) answered(a *account, k *task, answer kie.Answer) {
	o := k.open
	t.classify(k, answer)
	answer.Created = firstTime(answer.Created, k.created)
	k.created = answer.Created
	if answer.State.Finished() {
		t.finish(k, answer, a.clock)
		return
	}
	o.answered, o.class, o.doubt, o.backlog = a.clock.now, kie.ClassOK, "", false
	o.faults, o.inGrace, o.missing = 0, 0, 0
	age := k.age(a.clock)
	o.old, o.overdue = age >= schedule.OldAge, age > k.model.overdueAfter()
	o.due = a.clock.now.Add(t.options.Bounds.Interval(age))
}

// classify counts the task under the model and the state that the answer tells.
func (t *Tracker) classify(k *task, answer kie.Answer) {
	if k.model != nil {
		k.model.tasks[k.state]--
	}
	name := answer.Model
	if name == "" && k.model != nil {
		name = k.model.name
	}
	k.model = t.modelOf(k.group, t.bounds.model(name))
	k.state = answer.State
	k.model.tasks[k.state]++
}

// finish takes the final answer. The task is never asked again.
func (t *Tracker) finish(k *task, answer kie.Answer, c clock) {
	news := t.isNews(k.open, answer, c)
	k.completed = answer.Completed
	k.credits, k.hasCredits = answer.Credits, answer.HasCredits
	if answer.State == kie.StateFail {
		k.failCode, k.reason = t.bounds.failCode(answer.FailCode), answer.Reason
		if news {
			k.failedAt = firstTime(answer.Completed, answer.Updated, c.api(c.now))
		}
	}
	t.close(k)
	k.open = nil
	t.finished = append(t.finished, k)
	if news {
		k.count(answer, c)
	} else {
		k.group.uncounted++
	}
}

// backlogSlack is how long before its first sight a task may have finished and still be news: lists are written late.
const backlogSlack = 10 * time.Minute

// isNews reports whether a task finished while we were watching, rather than long before it was listed.
func (t *Tracker) isNews(o *open, answer kie.Answer, c clock) bool {
	if !o.answered.IsZero() {
		return true
	}
	finished := firstTime(answer.Completed, answer.Updated, answer.Created)
	if finished.IsZero() {
		return !o.backlog
	}
	since := o.seen.Add(-backlogSlack)
	if o.backlog {
		since = t.started
	}
	return finished >= c.api(since)
}

// firstTime returns the first time that is there.
func firstTime(times ...kie.Time) kie.Time {
	for _, at := range times {
		if !at.IsZero() {
			return at
		}
	}
	return 0
}
