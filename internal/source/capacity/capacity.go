// Package capacity knows how many tasks there may be, and makes room: tasks that are over leave memory when others need their place, and lists
// may go on naming them.
package capacity

import (
	"slices"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/claim"
	"github.com/kie-exporter/kie_exporter/internal/source/owners"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
	"github.com/kie-exporter/kie_exporter/internal/source/past"
)

const (
	// pastFactor is how many ids of tasks that have left memory are remembered, in multiples of limits.tasks.
	pastFactor = 4
	// evictShare is which part of the tasks leaves at a time at least: whoever makes room goes through all tasks.
	evictShare = 64
	// futileFor is how long nobody tries again at least to make room after there was nothing to evict: what has just finished is on disk by then.
	futileFor = time.Second
	// futileShare is how many times as long as it took to find that there was nothing, nobody tries again.
	futileShare = 100
	// futileCost is how many times as long nobody looks again, whoever wants room.
	futileCost = 20
)

// Capacity is the room for tasks of all groups. It has no lock: the ledger's owner's guards it.
type Capacity struct {
	// Memory makes room where there is none; nil: nothing does.
	Memory source.Memory
	Limits source.Limits

	ids    *owners.Owners
	lists  Lists
	past   *past.Memory       // ids whose tasks have left memory
	futile map[string]attempt // the last one that found nothing to evict, by group; empty: of all
	vain   map[string]attempt // the last one that found nothing to displace, likewise
	old    source.Old         // what was over at the start, while the first lists are read; nil: not known
}

// attempt is when somebody tried to make room, and how long that took.
type attempt struct {
	at   time.Time
	took time.Duration
}

// Lists are the lists that name tasks.
type Lists interface {
	// Leave tells the lists that claim an id that its task leaves memory, and returns how it was named last.
	Leave(t *owners.Task) past.Naming
	// HaveLeft takes the news that no more leave for now.
	HaveLeft()
	// MayRefuse reports whether an id that is tracked may be refused after all: nobody was told that it was taken.
	MayRefuse(t *owners.Task) bool
	// Refuse tells the lists that claim an id that it is refused after all, for want of room in its group or in all.
	Refuse(t *owners.Task, reason source.Rejection)
	// IsStale reports whether a list that named an id is no more, or names it no longer.
	IsStale(n past.Naming) bool
}

// New returns the room within limits, of which these ids take some.
func New(limits source.Limits, ids *owners.Owners, lists Lists) *Capacity {
	return &Capacity{Limits: limits, ids: ids, lists: lists, past: past.New(lists.IsStale), futile: make(map[string]attempt), vain: make(map[string]attempt)}
}

// IsPast reports whether the task of an account's id has left memory and may still be listed.
func (c *Capacity) IsPast(account, id string) bool { return c.past.Has(account, id) }

// LookBack finds out which tasks were over before, until end is called: the first lists may name any number of them. mu is the owner's lock.
func (c *Capacity) LookBack(mu sync.Locker) (end func()) {
	mu.Lock()
	defer mu.Unlock()
	if c.Memory != nil {
		c.old = c.Memory.Old(c.Limits.Tasks)
	}
	return func() {
		mu.Lock()
		defer mu.Unlock()
		c.old = nil
	}
}

// Ages returns what tells how old tasks of an account were at the start; nil: that is not known, or not any more.
func (c *Capacity) Ages(account string) func(ids []string, ages []source.Age) {
	old := c.old
	if old == nil {
		return nil
	}
	return func(ids []string, ages []source.Age) { old.Ages(account, ids, ages) }
}

// Name notes that a list names an id, if its task has left memory. Repeated: the list had named it in that round.
func (c *Capacity) Name(account, id string, now past.Naming) (remembered, repeated bool) {
	if c.past.Len() == 0 {
		return false, false
	}
	return c.past.Name(account, id, now)
}

// NameOld notes that a list names an id whose task was over for so long at the start that it need not come into memory. Repeated: the list had
// named it in that round, as far as there is room to remember it.
func (c *Capacity) NameOld(account, id string, now past.Naming) (repeated bool) {
	return c.past.NameOrRemember(account, id, now, c.mostPast())
}

// over returns when tasks of a group were over; zero: they are not. For those that were not at the start nobody looks at the disk.
func (c *Capacity) over(gr *claim.Group, account string, ids []string) []time.Time {
	if c.old == nil {
		return c.Memory.Over(gr.Name, ids)
	}
	ages, all := make([]source.Age, len(ids)), make([]time.Time, len(ids))
	c.old.Ages(account, ids, ages)
	var wanted []string
	var places []int
	for i, id := range ids {
		if ages[i] != source.NotOver {
			wanted, places = append(wanted, id), append(places, i)
		}
	}
	if len(wanted) > 0 {
		for i, at := range c.Memory.Over(gr.Name, wanted) {
			all[places[i]] = at
		}
	}
	return all
}

// Unname forgets an id whose task has left memory and that a list named last, and reports whether it did.
func (c *Capacity) Unname(account, id string, list uint32) bool {
	return c.past.Remove(account, id, list)
}

// Move takes what some lists named of tasks that have left memory from one account to another.
func (c *Capacity) Move(from, to string, lists func(number uint32) bool) {
	c.past.Move(from, to, lists)
}

// Lacks returns whether an id that a list does not claim yet would become its group's, and why there is no room for it; empty: there is.
func (c *Capacity) Lacks(t *owners.Task, l *claim.List) (takes bool, reason source.Rejection) {
	gr := l.Source.Group
	takes = t == nil || gr.Takes(t.Claims, l)
	switch {
	case takes && gr.IsFull():
		reason = source.RejectedMaxTasks
	case t == nil && c.IsFull():
		reason = source.RejectedLimit
	}
	return takes, reason
}

// NeedsRoom reports whether an id that a list does not claim yet would take room.
func NeedsRoom(t *owners.Task, l *claim.List) bool {
	gr := l.Source.Group
	return t == nil || gr.Most > 0 && gr.Takes(t.Claims, l)
}

// Needs returns how many ids of a list's content need room, and how many of those stand before the last one that needs none.
func (c *Capacity) Needs(p *parsed.List, a *owners.Account, l *claim.List) (all, before int) {
	ages := p.Ages()
	parsed.Each(p, func(*parsed.Attrs) (none struct{}) { return none }, func(_ parsed.Found, id string, _ struct{}) {
		age := source.NotOver
		if ages != nil {
			age, ages = ages[0], ages[1:]
		}
		t := a.Tasks.Get(id)
		if age != source.NotOver || t == nil && c.IsPast(a.Name, id) || t != nil && t.Claims.By(l) != nil || !NeedsRoom(t, l) {
			before = all
		} else {
			all++
		}
	})
	return all, before
}

// IsFull reports whether there may be no more ids in all.
func (c *Capacity) IsFull() bool { return c.ids.Count() >= c.Limits.Tasks }

// Free returns how many more ids a group may have.
func (c *Capacity) Free(gr *claim.Group) int {
	free := c.Limits.Tasks - c.ids.Count()
	if gr.Most > 0 {
		free = min(free, gr.Left())
	}
	return free
}

// MayFree returns how many more ids a group may have, those in the place of tasks that are over included, and those that need none for they
// were over at the start.
func (c *Capacity) MayFree(gr *claim.Group) int {
	free := c.Free(gr)
	if c.Memory != nil {
		free += c.Memory.CountOver()
	}
	if c.old != nil {
		free += c.old.Len()
	}
	return free
}

// MayComeFree reports whether there may be tasks that leave memory: one is over there, or one of those was that come now.
func (c *Capacity) MayComeFree(ages []source.Age) bool {
	return slices.Contains(ages, source.Over) || c.Memory != nil && c.Memory.CountOver() > 0
}

// MayEvict reports whether room could be made in a group. That none can be made in one says nothing of the others.
func (c *Capacity) MayEvict(gr *claim.Group) bool {
	if c.Memory == nil || gr.IsFull() && c.futile[gr.Name].isRecent(futileShare) || c.IsFull() && c.futile[""].isRecent(futileShare) {
		return false
	}
	return c.Memory.CountOver() > 0
}

// MayDisplace reports whether ids could be refused after all for the sake of a group's.
func (c *Capacity) MayDisplace(gr *claim.Group) bool {
	if gr.IsFull() && c.vain[gr.Name].isRecent(futileCost) || c.IsFull() && c.vain[""].isRecent(futileCost) {
		return false
	}
	return c.Memory != nil
}

// isRecent reports whether an attempt that found nothing is not to be made again yet, at such a cost.
func (last attempt) isRecent(cost time.Duration) bool {
	return time.Since(last.at) < max(futileFor, cost*last.took)
}

// Binding returns which limit leaves a group least room.
func (c *Capacity) Binding(gr *claim.Group) source.Rejection {
	if gr.Most > 0 && gr.Left() <= c.Limits.Tasks-c.ids.Count() {
		return source.RejectedMaxTasks
	}
	return source.RejectedLimit
}

// Shrink makes room where there is less of it than tasks of a group.
func (c *Capacity) Shrink(gr *claim.Group) {
	if over := gr.Tasks - gr.Most; c.Memory != nil && gr.Most > 0 && over > 0 {
		c.evict(source.Wanted{Group: gr.Name, Need: over})
	}
}

// ShrinkAll makes room where there is less of it than tasks of all groups.
func (c *Capacity) ShrinkAll() {
	if over := c.ids.Count() - c.Limits.Tasks; c.Memory != nil && over > 0 {
		c.evict(source.Wanted{Need: over})
	}
}

// MakeRoom has tasks that are over leave memory for ids of a group for which there is no room. It returns, by index, those of the ids that are
// not over, and those that are, the latest first. If others come first, it makes none for those that are not.
func (c *Capacity) MakeRoom(gr *claim.Group, account string, ids []string, othersFirst bool) (rest, over []int) {
	ends := c.over(gr, account, ids)
	for i, at := range ends {
		if at.IsZero() {
			rest = append(rest, i)
		} else {
			over = append(over, i)
		}
	}
	if othersFirst {
		return rest, over
	}
	slices.SortStableFunc(over, func(a, b int) int { return ends[b].Compare(ends[a]) })
	rivals := make([]time.Time, len(over))
	for i, at := range over {
		rivals[i] = ends[at]
	}
	c.EvictFor(gr, len(rest), rivals)
	return rest, over
}

// EvictFor makes room in a group for so many ids, and for some of which the tasks are over, the latest first.
func (c *Capacity) EvictFor(gr *claim.Group, need int, rivals []time.Time) {
	want := func(group string, free, most int) {
		short := need - free
		w := source.Wanted{Group: group, Need: max(0, short), Rivals: rivals[min(len(rivals), max(0, -short)):]}
		if w.Need > 0 {
			w.Need = max(w.Need, most/evictShare)
		}
		c.evict(w)
	}
	if gr.Most > 0 {
		want(gr.Name, gr.Left(), gr.Most)
		left := max(0, gr.Left()) // for more of the group's ids nobody else has to leave
		need = min(need, left)
		rivals = rivals[:min(len(rivals), left-need)]
	}
	want("", c.Limits.Tasks-c.ids.Count(), c.Limits.Tasks)
}

// Displace has tasks that no answer has come for leave memory, and be refused, as far as a group lacks room for so many ids that are new.
func (c *Capacity) Displace(gr *claim.Group, need int) {
	if gr.Most > 0 {
		c.displace(gr.Name, need-gr.Left(), source.RejectedMaxTasks)
		need = min(need, gr.Left())
	}
	c.displace("", need-(c.Limits.Tasks-c.ids.Count()), source.RejectedLimit)
}

func (c *Capacity) displace(group string, need int, reason source.Rejection) {
	if c.Memory == nil || need <= 0 || c.vain[group].isRecent(futileCost) {
		return
	}
	began, short := time.Now(), need
	for _, e := range c.Memory.Displace(source.Wanted{Group: group, Need: need}, c.mayRefuse) {
		a := c.ids.Account(e.Account)
		for _, id := range e.IDs {
			if t := a.Tasks.Get(id); t != nil {
				c.lists.Refuse(t, reason)
				c.ids.Drop(a, t)
				short--
			}
		}
	}
	if short > 0 {
		c.vain[group] = attempt{time.Now(), time.Since(began)}
	}
}

func (c *Capacity) mayRefuse(account, id string) bool {
	t := c.ids.Account(account).Tasks.Get(id)
	return t != nil && c.lists.MayRefuse(t)
}

// evict has tasks leave memory, as far as those can be remembered that will not be known again otherwise.
func (c *Capacity) evict(w source.Wanted) {
	if last := c.futile[w.Group]; time.Since(last.at) < futileCost*last.took {
		return
	}
	needed, began := w.Need > 0, time.Now()
	if !c.Memory.Keeps() {
		left := c.past.Free(c.mostPast())
		w.Need = min(w.Need, left)
		w.Rivals = w.Rivals[:min(len(w.Rivals), left-w.Need)]
	}
	var gone []source.Evicted
	if w.Need+len(w.Rivals) > 0 {
		gone = c.Memory.Evict(w)
	}
	if len(gone) == 0 && needed {
		c.futile[w.Group] = attempt{time.Now(), time.Since(began)}
	}
	for _, e := range gone {
		a := c.ids.Account(e.Account)
		for _, id := range e.IDs {
			if t := a.Tasks.Get(id); t != nil {
				c.Remember(a.Name, t.ID, c.lists.Leave(t))
				c.ids.Drop(a, t)
			}
		}
	}
	c.lists.HaveLeft()
}

// Remember remembers an id whose task has left memory by its hash alone; false: there is no room for one more.
func (c *Capacity) Remember(account, id string, n past.Naming) bool {
	return c.past.Remember(account, id, n, c.mostPast(), c.Memory.Keeps())
}

// mostPast is how many ids are remembered at the most: never fewer than one list may name, so that all are known again when it is read.
func (c *Capacity) mostPast() int { return max(pastFactor*c.Limits.Tasks, c.Limits.IDs) }
