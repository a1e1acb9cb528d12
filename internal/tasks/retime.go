// How tasks that are scheduled follow what they were scheduled by: bounds, thresholds, callbacks, the API's clock.

package tasks

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

// RetimeGroups has the tasks of some groups asked when the rules say that are in force now.
func (s *Set) RetimeGroups(groups map[*entry.Group]bool, b schedule.Bounds, now time.Time) {
	if len(groups) == 0 {
		return
	}
	for _, k := range s.unfinished {
		if groups[k.Group] {
			s.Retime(k, b, now)
		}
	}
	for g := range groups {
		g.Account.Dispatcher.Wake()
	}
}

// ReadClock takes the API's clock from an answer, and takes back what was concluded from another difference than there is now.
func (s *Set) ReadClock(a *entry.Account, answer kie.Answer, b schedule.Bounds, now time.Time) {
	if a.Clock.Read(answer, now) {
		a.Log.Warn("The API's Date is more than a day off our clock and is not gone by", "date", answer.Clock.Time().UTC())
	}
	if !a.Clock.Rejudges(now) {
		return
	}
	for _, k := range s.unfinished {
		if k.Group.Account == a && k.Unfinished.IsAnswered() && !k.Created.IsZero() {
			s.rejudge(k, b, now)
		}
	}
}

// rejudge concludes from a task's last answer what follows from it by a clock that was read later.
func (s *Set) rejudge(k *entry.Task, b schedule.Bounds, now time.Time) {
	m := k.Group.Account.Clock.At(now)
	if k.Unfinished.Asking {
		k.Unfinished.Rejudge(k.Created, m)
	} else {
		k.Own().Rejudge(k.Created, m)
		k.Enqueue()
	}
	s.Retime(k, b, now)
}

// Retime has an unfinished task asked when it would be if its last answer came now, but never within the shortest interval of its last
// query. One of a backlog waits for its turn alone.
func (s *Set) Retime(k *entry.Task, b schedule.Bounds, now time.Time) {
	o := k.Unfinished
	if o.Shared || o.GivenUp {
		return
	}
	rules := k.Rules(b)
	if overdue := o.IsOverdueAfter(rules.Overdue); overdue != o.Overdue {
		o.Overdue = overdue
		s.Changed(k)
	}
	due := o.Again(rules, now)
	if o.Asking {
		o.Sooner(due) // should the query come to nothing: it was due
		return
	}
	if !due.Equal(o.Due) {
		k.Own().Due = due
		k.Enqueue()
	}
}
