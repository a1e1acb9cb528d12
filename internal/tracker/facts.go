// The two conversions between the facts of a task and its entry.

package tracker

import (
	"math"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// facts returns what the entry holds of what the API tells of a task.
func (k *task) facts() kie.Task {
	f := kie.Task{ID: k.id, State: k.state, Created: k.created, FailCode: k.failure(), Reason: k.reason}
	if k.model != nil {
		f.Model = k.model.name
	}
	if !k.marks.has(markGuessed) {
		f.Completed = k.ended
	}
	if k.marks.has(markCredits) {
		f.Credits, f.HasCredits = math.Float64frombits(k.detail), true
	}
	return f
}

// hold makes facts of a task of a model, but for its id, what the entry holds. One that waits in the backlog may only get facts that
// are not final.
func (k *task) hold(f *kie.Task, m *model) {
	k.kind, k.state, k.created = &m.kind, f.State, f.Created
	if !f.State.Finished() {
		return
	}
	k.ended, k.detail = f.Completed, 0
	k.marks.set(markCredits, f.HasCredits)
	if f.HasCredits {
		k.detail = math.Float64bits(f.Credits)
	}
	if f.State == kie.StateFail {
		k.failCode, k.reason = m.group.limits.FailCode(f.FailCode), f.Reason
	}
}

// guess has a task of which the API does not tell when it ended have ended then; absent: there is no guess.
func (k *task) guess(ended kie.Time) {
	k.ended = ended
	k.marks.set(markGuessed, true)
}
