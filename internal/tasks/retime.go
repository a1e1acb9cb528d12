// How tasks that are scheduled follow what they were scheduled by: bounds, thresholds, callbacks, the API's clock.

package tasks

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

// RetimeGroups sets anew, by the rules now in force, when the unfinished tasks of some groups are due.
func (s *Set) RetimeGroups(groups map[*entry.Group]bool, b schedule.Bounds, now time.Time) {
	if len(groups) == 0 {
		return
	}
	for _, k := range s.unfinished {
		if groups[k.Kind.Group] {
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
		if k.Kind.Group.Account == a && k.Unfinished.IsAnswered() && !k.Created().IsZero() {
			s.rejudge(k, b, now)
		}
	}
}

// rejudge concludes from a task's last answer what follows from it by a clock that was read later.
func (s *Set) rejudge(k *entry.Task, b schedule.Bounds, now time.Time) {
	m := k.Kind.Group.Account.Clock.At(now)
	if k.Unfinished.Asking {
		k.Unfinished.Rejudge(k.Created(), m)
	} else {
		k.Detach().Rejudge(k.Created(), m)
		k.Enqueue()
	}
	s.Retime(k, b, now)
}

// Retime sets anew when an unfinished task is due, as life.Unfinished.Again says. Tasks of a backlog are always due.
func (s *Set) Retime(k *entry.Task, b schedule.Bounds, now time.Time) {
	o := k.Unfinished
	if o.Shared || o.GivenUp {
		return
	}
	rules := k.Rules(b)
	if overdue := o.IsOverdueAfter(rules.Overdue); overdue != o.Overdue {
		o.Overdue = overdue
		s.MarkChanged(k)
	}
	due := o.Again(rules, now)
	if o.Asking {
		o.DueBy(due) // in case the query says nothing about the task
		return
	}
	if !due.Equal(o.Due) {
		k.Detach().Due = due
		k.Enqueue()
	}
}
