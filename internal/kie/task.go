// The facts of a task.

package kie

import "time"

// Task is what the API tells of one task. The client makes it; answers, records and snapshots embed it. What does not outlive the
// answer (Updated, Took, HasResult) is absent in the other two.
type Task struct {
	ID    string
	Model string // fit to be a label; empty if it is not known
	State State

	Created   Time
	Updated   Time
	Completed Time // of a finished task
	// Took is how long a finished task took of which the API tells two times without a zone, so that neither is an instant; 0: it does not.
	Took time.Duration

	FailCode string // of a failed task: a number, a word, "other" if it is neither; NoCode or empty if there is none
	Reason   Reason // of a failed task

	Credits    float64 // consumed; meaningful if HasCredits, final if the state is
	HasCredits bool
	HasResult  bool // a finished task's result is there; a success without one is a silent failure
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
