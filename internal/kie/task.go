// The facts of a task.

package kie

import "time"

// Task is what the API tells of one task. The client makes it; answers, records and snapshots embed it, and so does what
// one replica tells another, as JSON but for the id. What does not outlive the answer (Updated, Took, HasResult) is absent in records and snapshots.
type Task struct {
	ID    string `json:"-"`
	Model string `json:"model,omitempty"` // fit to be a label; empty if it is not known
	State State  `json:"state"`

	Created   Time `json:"created,omitempty"`
	Updated   Time `json:"updated,omitempty"`
	Completed Time `json:"completed,omitempty"` // of a finished task
	// Took is how long a finished task took of which the API tells two times without a zone, so that neither is an instant; 0: it does not.
	Took time.Duration `json:"task_took,omitempty"`

	FailCode string `json:"fail_code,omitempty"` // of a failed task: a number, a word, "other" if it is neither; NoCode or empty if there is none
	Reason   Reason `json:"reason,omitempty"`    // of a failed task

	Credits    float64 `json:"credits,omitempty"` // consumed; meaningful if HasCredits, final if the state is
	HasCredits bool    `json:"has_credits,omitempty"`
	HasResult  bool    `json:"result,omitempty"` // a finished task's result is there; a success without one is a silent failure
}

// NoCode stands for the code of a task that failed without one, where it is shown or kept.
const NoCode = "none"

// Other stands for what can't be shown as it is, or of which there would be too many.
const Other = "other"

// Latency returns Completed − Created of a finished task. There is none if a time is absent or they are the wrong way round.
func (t *Task) Latency() (time.Duration, bool) {
	if t.State.Finished() && t.Took > 0 {
		return t.Took, true
	}
	if !t.State.Finished() || t.Created.IsZero() || t.Completed < t.Created {
		return 0, false
	}
	return t.Completed.Sub(t.Created), true
}
