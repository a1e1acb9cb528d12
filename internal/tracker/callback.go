// Callbacks: hints that a task has finished.

package tracker

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/querylog"
)

// Callback takes the hint that a task of an account has finished: it is due as soon as it may be asked again. It reports
// whether the task is tracked, and whether it is still asked. One about a task that is not tracked is remembered for some minutes, for
// the task may be listed late; of another replica's nothing is kept.
func (t *Tracker) Callback(account, id string) (tracked, asked bool) {
	now := time.Now()
	t.mu.Lock()
	defer t.mu.Unlock()
	a := t.accountLocked(account)
	if a == nil || !a.ownsLocked(id) {
		return false, false
	}
	k := t.tasks.Get(account, id)
	if k == nil {
		t.early.Note(account, id, now)
		return false, false
	}
	t.queries.Add(account, id, querylog.Query{Ended: now, State: k.State, Callback: true})
	if asked = k.CallbackCame(t.options.Bounds, now); asked {
		k.Kind.Group.Account.Dispatcher.Wake()
	}
	return true, asked
}
