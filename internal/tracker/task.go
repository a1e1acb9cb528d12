// What is known of one task, and what an answer changes in it.

package tracker

import (
	"math"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// task is one task. There are a million of them, so it is 80 bytes, and not one more. What matters only until it is finished
// is in open.
type task struct {
	id string
	*family
	labels map[string]string
	open   *open // nil once finished

	created kie.Time
	ended   kie.Time // completion of a finished task; if the API does not tell it, of a failed one that is news the best guess
	learned kie.Time // when the final state was learned
	// detail is the credits of a finished task, and the place of one in the backlog.
	detail   uint64
	index    uint32 // in the tracker's unfinished or finished tasks; of a task that was dropped, which drop it was
	failCode code   // of a failed task
	state    kie.State
	reason   kie.Reason
	marks    marks
}

// family is what tasks of the same group and model have in common. It is never written to.
type family struct {
	group *group
	model *model // nil: not answered yet
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

// completed returns when a finished task completed, as the API told.
func (k *task) completed() kie.Time {
	if k.marks.has(markGuessed) {
		return 0
	}
	return k.ended
}

// failedAt returns when a failed task that is news ended.
func (k *task) failedAt() kie.Time {
	if k.state != kie.StateFail || !k.marks.has(markCounted) {
		return 0
	}
	return k.ended
}

// credits returns what a finished task consumed; false: the API did not tell.
func (k *task) credits() (float64, bool) {
	if !k.marks.has(markCredits) {
		return 0, false
	}
	return math.Float64frombits(k.detail), true
}

func (k *task) setCredits(credits float64, told bool) {
	k.marks.set(markCredits, told)
	k.detail = 0
	if told {
		k.detail = math.Float64bits(credits)
	}
}

// open is what matters of an unfinished task.
type open struct {
	schedule.Item[*task]

	shared bool // with other tasks of the backlog, of which nothing else is known: see own

	hint    string    // the model that its source names
	doubt   string    // fail code of an answer that wants a second one
	doubted time.Time // when that answer came
	faults  int       // queries in a row that failed
	inGrace int       // answers during the grace that there is no such task
	missing int       // such answers after the grace
	class   kie.Class // of the last query, as far as it concerns the task
	asked   kie.Time  // when its last query ended, in our time, rounded up; absent: never
	news    time.Time // if it finished after this, it did so while we were watching
	watched bool      // was seen unfinished, perhaps by an earlier process
	asking  bool      // a query is under way
	backlog bool      // came with its source's first read and was not answered yet
	old     bool      // the last answer showed it to be hardly worth asking
	overdue bool      // the last answer showed it to be older than its group and model allow
	given   bool      // up: it is never asked again
}

// lane returns where the task waits for its next query.
func (o *open) lane() schedule.Lane {
	switch {
	case o.given:
		return schedule.LaneNone
	case o.Called:
		return schedule.LaneHot
	case o.old || o.missing > 0:
		return schedule.LaneRare
	case o.backlog && (o.class != kie.ClassOK || o.inGrace > 0):
		return schedule.LaneRetry
	case o.backlog:
		return schedule.LaneBacklog
	default:
		return schedule.LaneHot
	}
}

// enqueue makes an unfinished task wait for its next query.
func (k *task) enqueue() {
	a := k.group.account
	k.open.Lane = k.open.lane()
	if k.open.Lane == schedule.LaneBacklog {
		k.open.shared = true
		a.backlog.put(k)
		return
	}
	a.queue.Put(&k.open.Item)
}

// dequeue takes a task out of where it waits, if it does.
func (a *account) dequeue(k *task) {
	if k.open.shared {
		a.backlog.take(k)
		return
	}
	a.queue.Remove(&k.open.Item)
}

// own takes an unfinished task out of where it waits, and gives it an open that may be written to.
func (k *task) own() *open {
	k.group.account.dequeue(k)
	if k.open.shared {
		o := *k.open
		o.shared, o.Task, o.Durations = false, k, k.durations()
		k.open = &o
	}
	return k.open
}

// modelName returns the model that a task is of, or is said to be of by its source.
func (k *task) modelName() string {
	if k.model != nil {
		return k.model.name
	}
	return k.open.hint
}

// durations returns what is known of how long tasks like this one take.
func (k *task) durations() *schedule.Durations {
	if k.model != nil {
		return k.model.durations
	}
	return k.group.expect(k.open.hint)
}

// age returns how long ago an unfinished task was created, or first seen if it was never answered or the API does not tell.
func (k *task) age(c clock) time.Duration {
	if k.created.IsZero() {
		return c.now.Sub(k.open.Seen)
	}
	return c.since(k.created)
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
	k.open.asking, k.open.asked = false, kie.TimeOf(now.Add(time.Millisecond))
	a.note(err, "task_id", k.id)
	a.noteWord(answer)
	if !k.marks.has(markRemoved) {
		t.conclude(a, k, answer, err, now)
		t.resolve(k, now)
		t.touch(k)
		if k.open != nil {
			if k.open.Called {
				k.heed(now, t.options.Bounds)
			}
			k.enqueue()
		}
	} else if err == nil {
		t.keep(a, answer)
	}
	q.outcome = view.Probe{Task: k.snapshot(), Err: err, Asked: true, Took: now.Sub(q.began)}
	if k.marks.has(markRemoved) && err == nil {
		take(&q.outcome.Task, answer, now) // the task itself stays as it was
	}
	q.useful = !kie.Cancelled(err)
	close(q.done)
	a.release()
	a.wakeUp()
	if b := k.group.account; b != a {
		b.wakeUp()
	}
	return q.outcome
}

// conclude decides by the class of a query's outcome what it means for the task.
func (t *Tracker) conclude(a *account, k *task, answer kie.Answer, err error, now time.Time) {
	o := k.open
	class := kie.ClassOf(err)
	switch {
	case err == nil:
		t.answered(a, k, answer)
	case class == kie.ClassTaskFailed:
		if o.doubt == answer.FailCode && now.Sub(o.doubted) >= schedule.ConfirmAfter {
			t.answered(a, k, answer)
			return
		}
		if o.doubt != answer.FailCode {
			o.doubt, o.doubted = answer.FailCode, now
		}
		o.class, o.Due = class, o.doubted.Add(schedule.ConfirmAfter)
	case err != nil && now.Before(o.Due):
		return // it was asked out of turn, by a probe: that is no reason to ask it later
	case class == kie.ClassNotFound:
		o.notFound(k, a.clock)
		if o.given {
			t.keepRecord(k, nil)
		}
	case class == kie.ClassRateLimited, kie.Cancelled(err):
		return // says nothing about the task: it stays as it was, due
	case a.budget.Closed() != kie.ClassOK:
		o.class, o.Due = class, now // the account rests, and no task is to rest longer for it
	case class == kie.ClassServer && kie.IsForeign(err):
		// Something in between says nothing about the task: it is asked again as one of its age is, and backs off for nothing.
		o.class, o.Due = class, now.Add(min(t.options.Bounds.Interval(k.age(a.clock)), t.options.Bounds.Max))
	default:
		o.fault(class, now, k.age(a.clock))
	}
	if earliest := now.Add(max(t.options.Bounds.Min, budget.RetryAfter(err))); o.Due.Before(earliest) {
		o.Due = earliest
	}
}

// fault takes a failure that concerns this task alone.
func (o *open) fault(class kie.Class, now time.Time, age time.Duration) {
	o.faults++
	o.old = age >= schedule.OldAge
	wait := schedule.Backoff(o.faults)
	if o.old {
		wait = max(wait, schedule.OldInterval)
	}
	o.class, o.Due = class, now.Add(wait)
}

// notFound takes the answer that there is no such task.
func (o *open) notFound(k *task, c clock) {
	n := schedule.NotFound{Seen: c.now.Sub(o.Seen), Lost: c.now.Sub(o.Seen)}
	if !o.Answered.IsZero() {
		n.Lost = c.now.Sub(o.Answered)
	}
	if !k.created.IsZero() {
		n.Age = c.leastSince(k.created) // it is given up for good
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
	o.given, o.Due = !again, c.now.Add(wait)
	o.overdue = o.overdue && again
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
	known := o.watched && !o.given
	o.Answered, o.class, o.doubt, o.backlog, o.given = a.clock.now, kie.ClassOK, "", false, false
	o.faults, o.inGrace, o.missing = 0, 0, 0
	age := k.age(a.clock)
	o.old, o.overdue = age >= schedule.OldAge, age > k.model.overdueAfter()
	o.Durations, o.Born = k.model.durations, a.clock.now.Add(-age)
	o.Due = a.clock.now.Add(k.interval(t.options.Bounds, age))
	if !known {
		o.watched = true
		t.keepRecord(k, nil)
	}
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
	name, admitted := t.admit(name)
	if !admitted && k.model == nil {
		t.bounds.overflows.Model++
	}
	k.family = &t.modelOf(k.group, name).family
	k.state = answer.State
	k.model.tasks[k.state]++
}

// finish takes the final answer. The task is never asked again.
func (t *Tracker) finish(k *task, answer kie.Answer, c clock) {
	news := k.open.isNews(answer, c)
	k.ended = answer.Completed
	k.setCredits(answer.Credits, answer.HasCredits)
	if answer.State == kie.StateFail {
		k.failCode, k.reason = t.bounds.failCode(answer.FailCode), answer.Reason
		if news && k.ended.IsZero() {
			k.ended = firstTime(answer.Updated, c.api(c.now))
			k.marks.set(markGuessed, true)
		}
	}
	if took, ok := answer.Latency(); ok && news {
		k.model.durations.Observe(took)
	}
	t.takeUnfinished(k)
	k.open = nil
	t.putFinished(k)
	if news && !k.marks.has(markCalled) {
		t.missed(k.group, firstTime(answer.Completed, answer.Updated, c.api(c.now)), c)
	}
	k.learned = kie.TimeOf(c.now)
	if !news {
		k.group.uncounted++
		t.keepRecord(k, nil)
		return
	}
	k.marks.set(markCounted, true)
	// Totals show a task once it is on disk that they do, so that no restart counts it again.
	count := k.counter(answer, c)
	if !t.keepRecord(k, func() { t.do(count) }) {
		count()
	}
}

// do makes a change that snapshots show.
func (t *Tracker) do(change func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	change()
	t.changes.Add(1)
}

// backlogSlack is how long before its first sight a task may have finished and still be news: lists are written late.
const backlogSlack = 10 * time.Minute

// isNews reports whether a task finished while we were watching, rather than long before it was listed.
func (o *open) isNews(answer kie.Answer, c clock) bool {
	if o.watched {
		return true
	}
	finished := firstTime(answer.Completed, answer.Updated, answer.Created)
	if finished.IsZero() {
		return !o.backlog
	}
	return finished >= c.api(o.news)
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
