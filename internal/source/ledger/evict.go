// How room is made: tasks that are over leave memory when others need their place, and lists may go on naming them.

package ledger

import (
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/claim"
	"github.com/kie-exporter/kie_exporter/internal/source/owners"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
	"github.com/kie-exporter/kie_exporter/internal/source/past"
	"github.com/kie-exporter/kie_exporter/internal/source/tally"
)

const (
	// pastFactor is how many ids of tasks that have left memory are remembered, in multiples of limits.tasks.
	pastFactor = 4
	// evictShare is which part of the tasks leaves at a time at least: whoever makes room goes through all tasks.
	evictShare = 64
	// futileFor is how long nobody tries again to make room after there was nothing to evict.
	futileFor = 30 * time.Second
)

// IsPast reports whether the task of an account's id has left memory and may still be listed.
func (g *Ledger) IsPast(account, id string) bool { return g.past.Has(account, id) }

// Shrink makes room where there is less of it than tasks.
func (g *Ledger) Shrink() {
	if g.Memory == nil {
		return
	}
	for name, gr := range g.groups {
		if over := gr.Tasks - gr.Most; gr.Most > 0 && over > 0 {
			g.evict(source.Wanted{Group: name, Need: over})
		}
	}
	if over := g.ids.Count() - g.limits.Tasks; over > 0 {
		g.evict(source.Wanted{Need: over})
	}
}

// mayEvict reports whether room could be made.
func (g *Ledger) mayEvict() bool {
	return g.Memory != nil && time.Since(g.futile) >= futileFor && g.Memory.HasOver()
}

// isStale reports whether a list that named an id is no more, or names it no longer.
func (g *Ledger) isStale(n past.Naming) bool {
	l := g.numbers[n.List]
	return l == nil || l.Round != n.Round
}

// isPast reports whether an id's task has left memory, and notes that the list names it.
func (r *reading) isPast(f parsed.Found, id string) bool {
	l := r.list
	remembered, repeated := l.source.ledger.past.Name(l.source.group.account.Name, id, past.Naming{List: l.number, Round: l.Round})
	if repeated {
		r.counts.Repeated++
		r.parsed.First(source.RejectedDuplicate, f)
	}
	if remembered {
		r.counts.Listed++
	}
	return remembered
}

// makeRoom takes the ids for which there was no room, as far as tasks that are over leave theirs. Those among them whose own tasks are over
// have it only before tasks that are over for longer. What was taken before is handed on first, so that it may be known to be over.
func (r *reading) makeRoom() {
	l, g := r.list, r.list.source.ledger
	r.pressed = true
	for end := len(r.waiting); end > 0; { // the last ones first: they are the newest, mostly
		start := max(0, end-owners.SettleAtATime)
		full := l.inForce().GroupFull
		g.Flush()
		r.counts.GroupFull += l.inForce().GroupFull - full
		r.before, r.after, r.attrs = nil, nil, nil
		r.makeRoomFor(r.waiting[start:end])
		end = start
	}
	r.waiting = nil
}

// inForce returns the counts that grow while the list is read.
func (l *List) inForce() tally.Counts {
	if l.replacing {
		return l.coming
	}
	return l.counts
}

// claimant is an id for which there was no room, and when it was over; zero: it is not.
type claimant struct {
	found parsed.Found
	id    string
	attrs *claim.Attrs
	over  time.Time
}

func (r *reading) makeRoomFor(waiting []parsed.Found) {
	l, g := r.list, r.list.source.ledger
	var rest, over []claimant // those that are over, the latest first
	ids, all := make([]string, 0, len(waiting)), make([]claimant, 0, len(waiting))
	parsed.EachOf(r.parsed, [][]parsed.Found{waiting}, l.listed, func(f parsed.Found, id string, of *claim.Attrs) {
		ids, all = append(ids, id), append(all, claimant{found: f, id: id, attrs: of})
	})
	for i, at := range g.Memory.Over(l.source.group.Name, ids) {
		if all[i].over = at; at.IsZero() {
			rest = append(rest, all[i])
		} else {
			over = append(over, all[i])
		}
	}
	slices.SortStableFunc(over, func(a, b claimant) int { return b.over.Compare(a.over) })
	rivals := make([]time.Time, len(over))
	for i, c := range over {
		rivals[i] = c.over
	}
	g.evictFor(l.source.group, len(rest), rivals)
	for _, c := range rest {
		r.visit(c.found, c.id, c.attrs)
	}
	for _, c := range over {
		if g.room(l.source.group) <= 0 && g.remember(l.source.group.account, c.id, past.Naming{List: l.number, Round: l.Round}) {
			r.counts.Listed++
			continue
		}
		r.visit(c.found, c.id, c.attrs)
	}
}

// room returns how many more ids a group may have.
func (g *Ledger) room(gr *Group) int {
	room := g.limits.Tasks - g.ids.Count()
	if gr.Most > 0 {
		room = min(room, gr.Most-gr.Tasks-gr.Coming)
	}
	return room
}

// evictFor makes room in a group for so many ids, and for some of which the tasks are over, the latest first.
func (g *Ledger) evictFor(gr *Group, need int, rivals []time.Time) {
	want := func(group string, room, most int) {
		short := need - room
		w := source.Wanted{Group: group, Need: max(0, short), Rivals: rivals[min(len(rivals), max(0, -short)):]}
		if w.Need > 0 {
			w.Need = max(w.Need, most/evictShare)
		}
		g.evict(w)
	}
	if gr.Most > 0 {
		want(gr.Name, gr.Most-gr.Tasks-gr.Coming, gr.Most)
	}
	want("", g.limits.Tasks-g.ids.Count(), g.limits.Tasks)
}

// evict has tasks leave memory, as far as those can be remembered that will not be known again otherwise.
func (g *Ledger) evict(w source.Wanted) {
	needed := w.Need > 0
	if !g.Memory.Keeps() {
		left := g.past.Room(g.mostPast())
		w.Need = min(w.Need, left)
		w.Rivals = w.Rivals[:min(len(w.Rivals), left-w.Need)]
	}
	var gone []source.Evicted
	if w.Need+len(w.Rivals) > 0 {
		gone = g.Memory.Evict(w)
	}
	if len(gone) == 0 && needed {
		g.futile = time.Now()
	}
	lists := make(map[*List]bool)
	for _, e := range gone {
		a := g.ids.Account(e.Account)
		for _, id := range e.IDs {
			if t := a.Tasks.Get(id); t != nil {
				g.letLeave(a, t, lists)
			}
		}
	}
	for l := range lists {
		l.tasks = slices.DeleteFunc(l.tasks, func(t *owners.Task) bool { return t.Claims == nil })
		if len(l.tasks) < cap(l.tasks)/2 {
			l.tasks = slices.Clone(l.tasks) // to give back what was too much
		}
	}
}

// letLeave remembers an id whose task has left memory by its hash alone, and adds the lists that named it.
func (g *Ledger) letLeave(a *owners.Account, t *owners.Task, lists map[*List]bool) {
	for c := range t.Claims.All() {
		l := g.lists[c.List]
		delete(l.missing, t)
		lists[l] = true
		l.leave(t.ID)
	}
	latest := t.Claims.Owner()
	g.remember(a, t.ID, past.Naming{List: g.lists[latest.List].number, Round: latest.Round})
	g.ids.Drop(a, t)
}

// remember remembers an id whose task has left memory; false: there is no room for one more.
func (g *Ledger) remember(a *owners.Account, id string, n past.Naming) bool {
	return g.past.Remember(a.Name, id, n, g.mostPast(), g.Memory.Keeps())
}

// mostPast is how many ids are remembered at the most: never fewer than one list may name, so that all are known again when it is read.
func (g *Ledger) mostPast() int { return max(pastFactor*g.limits.Tasks, g.limits.IDs) }

// letGo forgets a list.
func (g *Ledger) letGo(l *List) {
	delete(g.lists, &l.List)
	delete(g.numbers, l.number)
}
