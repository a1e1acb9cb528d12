// What is known of one task, and the forms in which others get it.

package entry

import (
	"cmp"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/life"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// Facts returns what the entry holds of what the API tells of a task. Hold is the way back.
func (k *Task) Facts() (f kie.Task) {
	k.factsTo(&f)
	return f
}

func (k *Task) factsTo(f *kie.Task) {
	f.ID, f.State, f.Created, f.FailCode, f.Reason = k.ID, k.State, k.Created, k.failure(), k.reason
	if k.Model != nil {
		f.Model = k.Model.Name
	}
	if !k.Marks.Has(guessed) {
		f.Completed = k.ended
	}
	if k.Marks.Has(credits) {
		f.Credits, f.HasCredits = k.detail.credits(), true
	}
}

// Hold makes facts of a task of a model, but for its id, what the entry holds. One that waits in the backlog may only get facts that
// are not final.
func (k *Task) Hold(f *kie.Task, m *Model) {
	k.Enter(m.Group, m)
	k.State, k.Created = f.State, f.Created
	if !f.State.Finished() {
		return
	}
	k.ended, k.detail = f.Completed, 0
	k.Marks.Set(credits, f.HasCredits)
	if f.HasCredits {
		k.detail.setCredits(f.Credits)
	}
	if f.State == kie.StateFail {
		k.Code, k.reason = m.Group.limits.Code(f.FailCode), f.Reason
	}
}

// Guess has a task of which the API does not tell when it ended have ended then; absent: there is no guess.
func (k *Task) Guess(ended kie.Time) {
	k.ended = ended
	k.Marks.Set(guessed, true)
}

// failure returns the fail code of a failed task, as it is shown.
func (k *Task) failure() string { return k.Group.limits.Text(k.Code) }

// failedAt returns when a failed task that is news ended.
func (k *Task) failedAt() kie.Time {
	if k.State != kie.StateFail || !k.Marks.Has(Counted) {
		return 0
	}
	return k.ended
}

// IsOver reports whether the task is never asked again: it is finished, or given up.
func (k *Task) IsOver() bool {
	return k.Unfinished == nil || k.Unfinished.GivenUp && !k.Unfinished.Asking
}

// OverSince returns when it was learned that a task that is over was finished, or when it was first seen if it was given up.
func (k *Task) OverSince() time.Time {
	if k.Unfinished != nil {
		return k.Unfinished.Seen
	}
	return kie.FirstTime(k.Learned, 1).Time()
}

// AskedAt returns the endpoint that the task is asked about at.
func (k *Task) AskedAt() kie.Endpoint {
	return k.Group.AskedAt(k.Own)
}

// Born returns when an unfinished task was created, or first seen if that is not known.
func (k *Task) Born() kie.Time { return kie.FirstTime(k.Created, kie.TimeOf(k.Unfinished.Seen)) }

// ModelName returns the model that a task is of, or is said to be of by its source.
func (k *Task) ModelName() string {
	if k.Model != nil {
		return k.Model.Name
	}
	model, _ := source.SplitHint(k.Unfinished.Hint)
	return model
}

// Durations returns what is known of how long tasks like this unfinished one take.
func (k *Task) Durations() *schedule.Durations {
	if k.Model != nil {
		_, variant := source.SplitHint(k.Unfinished.Hint)
		return k.Group.Learned.Variant(k.Model.Name, variant, k.Model.Durations)
	}
	return k.Group.Learned.Expect(k.Unfinished.Hint)
}

// Rules returns when an unfinished task is asked.
func (k *Task) Rules(b schedule.Bounds) life.Rules {
	r := k.Group.Rules(b, k.Durations())
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
	k.factsTo(&s.Task)
	s.Group, s.Account, s.Endpoint, s.Labels = k.Group.Name, k.Group.Account.Name, k.AskedAt(), k.Labels
	s.FailedAt, s.Learned = k.failedAt(), k.Learned
	if o := k.Unfinished; o != nil {
		if !o.IsAnswered() {
			s.State = kie.StatePending
		}
		s.Seen, s.LastAnswer, s.QueryError, s.Overdue, s.GivenUp = o.Seen, o.Answered, o.Class, o.Overdue, o.GivenUp
	}
}

// Record returns what is to be kept of a task.
func (k *Task) Record() store.Record {
	r := store.Record{
		Task: k.Facts(), Group: k.Group.Name, FailedAt: k.failedAt(), Learned: k.Learned, Counted: k.Marks.Has(Counted),
		Endpoint: k.AskedAt(),
	}
	if o := k.Unfinished; o != nil {
		r.Seen, r.Backlog, r.Watched, r.GivenUp = kie.TimeOf(o.Seen), o.Backlog, o.Watched, o.GivenUp
		if o.IsAnswered() {
			r.Answered = kie.TimeOf(o.Answered)
		}
	} else {
		r.Seen = kie.FirstTime(k.Learned, 1) // of no use any more, but every record has it
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
	k := &Task{ID: id, Learned: r.Learned}
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
		o.Backlog, o.News = !r.Watched, r.Seen.Time()
	}
	if !r.Created.IsZero() {
		o.Born = r.Created.Time()
	}
	return &Task{ID: id, GroupModel: &g.GroupModel, Created: r.Created}, o
}

// Counter returns what adds a finished task that is news to the totals of the group and model that it has now, unless it was counted
// by somebody else before.
func (k *Task) Counter(f *kie.Task, apiNow kie.Time) func(first bool) {
	m, g := k.Model, k.Group
	delay := max(0, apiNow.Sub(f.Completed))
	m.coming++
	return func(first bool) {
		m.coming--
		if !first {
			g.Totals.Uncounted()
			return
		}
		m.Totals.Count(f, k.failure()) // limited, unlike the code told
		if !f.Completed.IsZero() {
			g.Totals.Detected(delay)
		}
	}
}
