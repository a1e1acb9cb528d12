// What is taken back when the API's clock turns out to be another than was thought.

package tracker

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// readClock takes the API's clock from an answer, and takes back what was concluded from another difference than there is now.
func (t *Tracker) readClock(a *account, answer kie.Answer, now time.Time) {
	if a.clock.Read(answer, now) {
		a.log().Warn("The API's Date is more than a day off our clock and is not gone by", "date", answer.Clock.Time().UTC())
	}
	if !a.clock.Rejudges(now) {
		return
	}
	for _, k := range t.unfinished {
		if k.group.account == a && k.unfinished.IsAnswered() && !k.created.IsZero() {
			t.rejudge(k, now)
		}
	}
}

// rejudge concludes from a task's last answer what follows from it by a clock that was read later.
func (t *Tracker) rejudge(k *task, now time.Time) {
	m := k.group.account.clock.At(now)
	if k.unfinished.Asking {
		k.unfinished.Rejudge(k.created, m)
	} else {
		k.own().Rejudge(k.created, m)
		k.enqueue()
	}
	t.retimeTask(k, now)
}
