// What is known of one task, and the forms in which others get it.

package entry

import (
	"cmp"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/life"
	"github.com/kie-exporter/kie_exporter/internal/packed"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// Hold makes facts of a task of a model, but for its id, what the entry holds.
func (k *Task) Hold(facts *kie.Task, m *Model) {
	f, failCode := *facts, ""
	f.ID = k.ID
	switch {
	case !f.State.Finished():
		f.Completed, f.Credits, f.HasCredits = 0, 0, false // not final
		fallthrough
	case f.State != kie.StateFail:
		f.Reason = kie.ReasonNone
	default:
		failCode = m.Group.limits.Code(f.FailCode)
	}
	k.Task = packed.Pack(&f, m.kind(failCode, k.Kind.Own))
}

// failedAt returns when a failed task that is news ended.
func (k *Task) failedAt() kie.Time {
	if k.State != kie.StateFail || !k.Marks.Has(Counted) {
		return 0
	}
	return k.Ended()
}

// IsOver reports whether the task is never asked again: it is finished, or given up.
func (k *Task) IsOver() bool {
	return k.Unfinished == nil || k.Unfinished.GivenUp && !k.Unfinished.Asking
}

// Learned returns when the final state was learned; absent: that was not yet, or is not known.
func (k *Task) Learned() kie.Time {
	if k.Unfinished != nil {
		return 0
	}
	return k.at.Unpack()
}

// Learn notes when the final state of a task was learned that is about to be finished.
func (k *Task) Learn(at kie.Time) { k.at = packed.PackTime(at) }

// Seen returns when an unfinished task was first seen.
func (k *Task) Seen() time.Time {
	if seen := k.Unfinished.Seen; !seen.IsZero() {
		return seen
	}
	return k.at.Unpack().Time()
}

// OverSince returns when it was learned that a task that is over was finished, or when it was first seen if it was given up.
func (k *Task) OverSince() time.Time {
	if k.Unfinished != nil {
		return k.Seen()
	}
	return kie.FirstTime(k.Learned(), 1).Time()
}

// AskedAt returns the endpoint that the task is asked about at.
func (k *Task) AskedAt() kie.Endpoint {
	return k.Kind.Group.AskedAt(k.Kind.Own)
}

// Born returns when an unfinished task was created, or first seen if that is not known.
func (k *Task) Born() kie.Time { return kie.FirstTime(k.Created(), kie.TimeOf(k.Seen())) }

// ModelName returns the model that a task is of, or is said to be of by its source.
func (k *Task) ModelName() string {
	if k.Kind.Model != nil {
		return k.Kind.Model.Name
	}
	model, _ := source.SplitHint(k.Unfinished.Hint)
	return model
}

// Durations returns what is known of how long tasks like this unfinished one take.
func (k *Task) Durations() *schedule.Durations {
	if k.Kind.Model != nil {
		_, variant := source.SplitHint(k.Unfinished.Hint)
		return k.Kind.Group.Learned.Variant(k.Kind.Model.Name, variant, k.Kind.Model.Durations)
	}
	return k.Kind.Group.Learned.Expect(k.Unfinished.Hint)
}

// Rules returns when an unfinished task is asked.
func (k *Task) Rules(b schedule.Bounds) life.Rules {
	r := k.Kind.Group.Rules(b, k.Durations())
	r.Called = k.Marks.Has(Called)
	return r
}

// View returns what readers see of a task.
func (k *Task) View() (s view.Task) {
	k.ViewTo(&s)
	return s
}

// ViewTo makes a task without values what readers see of this one. A view is large, and there may be a million.
func (k *Task) ViewTo(s *view.Task) {
	k.Unpack(&s.Task)
	s.Group, s.Account, s.Endpoint, s.Labels = k.Kind.Group.Name, k.Kind.Group.Account.Name, k.AskedAt(), k.Labels
	s.FailedAt, s.Learned = k.failedAt(), k.Learned()
	if o := k.Unfinished; o != nil {
		if !o.IsAnswered() {
			s.State = kie.StatePending
		}
		s.Seen, s.LastAnswer, s.QueryError, s.Overdue, s.GivenUp = k.Seen(), o.Answered, o.Class, o.Overdue, o.GivenUp
	}
}

// Record returns what is to be kept of a task.
func (k *Task) Record() store.Record {
	r := store.Record{
		Group: k.Kind.Group.Name, FailedAt: k.failedAt(), Learned: k.Learned(), Counted: k.Marks.Has(Counted), Endpoint: k.AskedAt(),
	}
	k.Unpack(&r.Task)
	if o := k.Unfinished; o != nil {
		r.Seen, r.Backlog, r.Watched, r.GivenUp = kie.TimeOf(k.Seen()), o.Backlog, o.Watched, o.GivenUp
		if o.IsAnswered() {
			r.Answered = kie.TimeOf(o.Answered)
		}
	} else {
		r.Seen = kie.FirstTime(k.Learned(), 1) // of no use any more, but every record has it
	}
	return r
}

// Kept returns what readers see of a finished task that is not tracked, as its record tells.
func Kept(account, id string, r *store.Record) view.Task {
	k := view.Task{Task: r.Task, Group: r.Group, Account: account, FailedAt: r.FailedAt, Learned: r.Learned}
	k.ID = id
	return k
}

// Restore returns a finished task of a model as its record tells.
func Restore(id string, m *Model, r *store.Record) *Task {
	k := NewTask(m.Group, id)
	k.Learn(r.Learned)
	k.Hold(&r.Task, m)
	k.Marks.Set(Counted, r.Counted)
	k.Marks.Set(Written, true)
	if r.Completed.IsZero() {
		k.Guess(r.FailedAt)
	}
	return k
}

// Resume returns a task of a group that an earlier process, or this one, left unfinished, and what is known of it but for its last answer.
// A source hints at its model.
func Resume(g *Group, id, hint string, r *store.Record, now time.Time) (*Task, life.Unfinished) {
	model, variant := source.SplitHint(hint)
	o := life.New(source.Hint(cmp.Or(model, r.Model), variant), r.Seen.Time())
	o.Watched, o.GivenUp, o.Due = r.Watched, r.GivenUp, now
	if r.Backlog {
		o.Backlog, o.Resumed = !r.Watched, true
	}
	if !r.Created.IsZero() {
		o.Born = r.Created.Time()
	}
	k := NewTask(g, id)
	k.Task = packed.Pack(&kie.Task{ID: id, Created: r.Created}, k.Kind)
	return k, o
}

// Counter returns what adds a finished task that is news to the totals of the group and model that it has now, unless it was counted
// by somebody else before.
func (k *Task) Counter(f *kie.Task, apiNow kie.Time) func(first bool) {
	m, g := k.Kind.Model, k.Kind.Group
	delay := max(0, apiNow.Sub(f.Completed))
	m.coming++
	return func(first bool) {
		m.coming--
		if !first {
			g.Totals.Uncounted()
			return
		}
		m.Totals.Count(f, k.Kind.Code) // limited, unlike the code told
		if !f.Completed.IsZero() {
			g.Totals.Detected(delay)
		}
	}
}
