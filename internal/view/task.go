// One task, and how one was asked out of turn.

package view

import (
	"cmp"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// Task is what is known of one task. As JSON, which is for other replicas, it has neither id nor account.
type Task struct {
	kie.Task // its state is pending and its model empty until it was first answered; credits are of a finished task

	Group   string `json:"group,omitempty"`
	Account string `json:"-"`
	// Endpoint is where the API is asked about it.
	Endpoint kie.Endpoint      `json:"endpoint"`
	Labels   map[string]string `json:"labels,omitempty"` // never written to

	FailedAt kie.Time `json:"failed_at,omitempty"` // of a failed task that is news; absent otherwise
	Learned  kie.Time `json:"learned,omitempty"`   // of a finished task: when its final state was learned

	Seen       time.Time `json:"seen,omitzero"`        // of an unfinished task: when it was first listed
	LastAnswer time.Time `json:"last_answer,omitzero"` // of an unfinished task; zero if never answered
	QueryError kie.Class `json:"query_error"`          // of an unfinished task's last query; ok if it did not fail
	Overdue    bool      `json:"overdue,omitempty"`    // an unfinished task that an answer showed to be older than its group and model allow
	GivenUp    bool      `json:"given_up,omitempty"`   // an unfinished task that the API does not know any more, and that is not asked again
}

// Take makes facts what is known of the task, as of an answer at that time if they are not final.
func (t *Task) Take(f kie.Task, answered time.Time) {
	f.ID = t.ID
	switch {
	case !f.State.Finished():
		f.Credits, f.HasCredits = 0, false // not final
	case f.State == kie.StateFail:
		f.FailCode = cmp.Or(f.FailCode, kie.NoCode)
		fallthrough
	default:
		answered = time.Time{}
	}
	t.Task, t.QueryError, t.LastAnswer = f, kie.ClassOK, answered
}

// Next is when a task is asked next.
type Next struct {
	Due    time.Time // no sooner than this; zero: never again
	Asking bool      // right now
	Called bool      // because a callback has come
}

// Probe is how one task was asked out of turn.
type Probe struct {
	Task   Task // what is known of it now
	Err    error
	Asked  bool          // false: the state was known to be final, or there was no permit
	Waited time.Duration // for a permit, or for somebody else's query to end
	Took   time.Duration // the query
}
