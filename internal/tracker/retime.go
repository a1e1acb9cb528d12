// How tasks that are scheduled follow what they were scheduled by: bounds, thresholds, callbacks, the API's clock.

package tracker

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// retimeLocked has the tasks of some groups asked when the options say that are in force now.
func (t *Tracker) retimeLocked(groups map[*entry.Group]bool, now time.Time) {
	if len(groups) == 0 {
		return
	}
	for _, k := range t.tasks.Unfinished() {
		if groups[k.Group] {
			t.tasks.Retime(k, t.options.Bounds, now)
		}
	}
	for g := range groups {
		g.Account.Dispatcher.Wake()
	}
}

// readClockLocked takes the API's clock from an answer, and takes back what was concluded from another difference than there is now.
func (t *Tracker) readClockLocked(a *entry.Account, answer kie.Answer, now time.Time) {
	if a.Clock.Read(answer, now) {
		a.Log.Warn("The API's Date is more than a day off our clock and is not gone by", "date", answer.Clock.Time().UTC())
	}
	if !a.Clock.Rejudges(now) {
		return
	}
	for _, k := range t.tasks.Unfinished() {
		if k.Group.Account == a && k.Unfinished.IsAnswered() && !k.Created.IsZero() {
			t.rejudgeLocked(k, now)
		}
	}
}

// rejudgeLocked concludes from a task's last answer what follows from it by a clock that was read later.
func (t *Tracker) rejudgeLocked(k *entry.Task, now time.Time) {
	m := k.Group.Account.Clock.At(now)
	if k.Unfinished.Asking {
		k.Unfinished.Rejudge(k.Created, m)
	} else {
		k.Own().Rejudge(k.Created, m)
		k.Enqueue()
	}
	t.tasks.Retime(k, t.options.Bounds, now)
}
