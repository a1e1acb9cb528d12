// How a snapshot is made.

package tracker

import (
	"cmp"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// build returns what is known now. The lock must be held.
func (t *Tracker) build(now time.Time) *Snapshot {
	s := &Snapshot{
		Shown: t.show(now), At: now, Overflows: t.bounds.overflows, Storage: t.store.Stats(), changes: t.changes.Load(),
	}
	sum := t.sumUp(now)
	shown := make(map[string]int, len(t.groups))
	for _, b := range s.Blocks {
		for _, share := range b.groups {
			shown[share.group] += share.tasks
		}
	}
	for _, m := range t.sortedModels() {
		view := m.snapshot(now, t.options.HoldBack)
		view.Oldest, view.Overdue = sum.oldest[m], sum.overdue[m]
		s.Models = append(s.Models, view)
	}
	for _, g := range t.groups {
		s.Groups = append(s.Groups, Group{
			Name: g.name, Pending: sum.pending[g], OldestAnswer: sum.oldestAnswer[g], Uncounted: g.uncounted,
			WithoutSeries: g.tasks - shown[g.name], QueryFailing: sum.failing(g), Detection: g.detection.copied(),
		})
	}
	for _, a := range t.accounts {
		s.Accounts = append(s.Accounts, a.snapshot(now, sum.due[a]))
	}
	return s
}

// summary is what the unfinished tasks come to.
type summary struct {
	pending      map[*group]int
	oldestAnswer map[*group]time.Time
	classes      map[*group]map[kie.Class]int
	oldest       map[*model]kie.Time
	overdue      map[*model]int
	due          map[*account]int
}

func (t *Tracker) sumUp(now time.Time) summary {
	s := summary{
		pending:      make(map[*group]int),
		oldestAnswer: make(map[*group]time.Time),
		classes:      make(map[*group]map[kie.Class]int),
		oldest:       make(map[*model]kie.Time),
		overdue:      make(map[*model]int),
		due:          make(map[*account]int),
	}
	for _, k := range t.unfinished {
		s.add(k, now)
	}
	return s
}

func (s *summary) add(k *task, now time.Time) {
	o, g := k.open, k.group
	if !o.given && !o.Due.After(now) {
		s.due[g.account]++
	}
	if o.class != kie.ClassOK {
		if s.classes[g] == nil {
			s.classes[g] = make(map[kie.Class]int)
		}
		s.classes[g][o.class]++
	}
	if o.Answered.IsZero() {
		s.pending[g]++
		return
	}
	if o.given {
		return
	}
	if at, ok := s.oldestAnswer[g]; !ok || o.Answered.Before(at) {
		s.oldestAnswer[g] = o.Answered
	}
	if at, ok := s.oldest[k.model]; !k.created.IsZero() && (!ok || k.created < at) {
		s.oldest[k.model] = k.created
	}
	if o.overdue {
		s.overdue[k.model]++
	}
}

// failing returns how many of the group's tasks had a last query of each class.
func (s *summary) failing(g *group) map[kie.Class]int {
	all := make(map[kie.Class]int)
	for _, c := range kie.Classes() {
		if c != kie.ClassOK {
			all[c] = s.classes[g][c]
		}
	}
	return all
}

// show returns which tasks have series now. The lock must be held.
func (t *Tracker) show(now time.Time) Shown {
	t.shows++
	c := t.choose()
	return Shown{
		LabelKeys: t.bounds.lastKeys,
		Blocks:    append(t.hot.chosen(t.unfinished, c.of), t.cold.last(t.finished, c.finished, now)...),
		number:    t.shows,
	}
}

// choice is which tasks get series of their own: answered unfinished ones, newest first, up to half of the limit; then
// finished ones, last learned first; then what unfinished ones are left, answered before pending.
type choice struct {
	finished int            // the last ones
	pending  int            // the first ones that come by
	answered map[*task]bool // nil: all
}

func (t *Tracker) choose() choice {
	answered := 0
	for _, k := range t.unfinished {
		if !k.open.Answered.IsZero() {
			answered++
		}
	}
	limit := t.options.TaskSeries
	finished := min(len(t.finished)-t.gaps, limit-min(answered, limit/2))
	shown := min(answered, limit-finished)
	c := choice{finished: finished, pending: limit - finished - shown}
	if shown < answered {
		c.answered = t.newest(answered, shown)
	}
	return c
}

// newest returns the newest ones of the answered unfinished tasks.
func (t *Tracker) newest(answered, count int) map[*task]bool {
	if count == 0 {
		return map[*task]bool{}
	}
	all := make([]*task, 0, answered)
	for _, k := range t.unfinished {
		if !k.open.Answered.IsZero() {
			all = append(all, k)
		}
	}
	slices.SortFunc(all, func(a, b *task) int {
		return cmp.Or(cmp.Compare(b.born(), a.born()), cmp.Compare(a.id, b.id))
	})
	newest := make(map[*task]bool, count)
	for _, k := range all[:count] {
		newest[k] = true
	}
	return newest
}

// of returns which of some unfinished tasks are chosen.
func (c *choice) of(tasks []*task) (mask uint64) {
	for i, k := range tasks {
		switch {
		case !k.open.Answered.IsZero():
			if c.answered == nil || c.answered[k] {
				mask |= 1 << i
			}
		case c.pending > 0:
			c.pending--
			mask |= 1 << i
		}
	}
	return mask
}

// born returns when an unfinished task was created, or first seen if that is not known.
func (k *task) born() kie.Time { return firstTime(k.created, kie.TimeOf(k.open.Seen)) }

func (k *task) snapshot() Task {
	s := Task{
		ID: k.id, Group: k.group.name, Account: k.group.account.name, Labels: k.labels,
		State: k.state, Created: k.created, Completed: k.completed(),
		FailCode: k.failure(), Reason: k.reason, FailedAt: k.failedAt(), Learned: k.learned,
	}
	s.Credits, s.HasCredits = k.credits()
	s.Latency, s.HasLatency = kie.Answer{State: s.State, Created: s.Created, Completed: s.Completed}.Latency()
	if k.model != nil {
		s.Model = k.model.name
	}
	if k.open != nil {
		o := k.open
		s.Seen, s.LastAnswer, s.QueryError, s.Overdue, s.GivenUp = o.Seen, o.Answered, o.class, o.overdue, o.given
	}
	return s
}

func (a *account) snapshot(now time.Time, due int) Account {
	s := Account{
		Name: a.name, Due: due, Requests: a.budget.Stats(),
		CreditsUsed: a.credits.used, AsksCredits: a.credits.interval > 0, UnknownStates: a.unknownStates,
	}
	s.Balance, s.HasBalance = a.credits.known(now)
	return s
}
