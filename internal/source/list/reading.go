// What a list names, gone through.

package list

import (
	"slices"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/claim"
	"github.com/kie-exporter/kie_exporter/internal/source/owners"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
	"github.com/kie-exporter/kie_exporter/internal/source/past"
	"github.com/kie-exporter/kie_exporter/internal/source/tally"
)

// reading is what a list names while it is gone through.
type reading struct {
	list   *List
	last   uint32 // the round of claims that are in force
	counts tally.Counts
	parsed *parsed.List

	waiting  []parsed.Found // there was no room for them yet
	pressed  bool           // no more room will be made
	hopeless bool           // nor would any be for what is not over
	age      source.Age     // of the id at hand at the start, where that is known

	// What became of the listing of the id before, which is what becomes of that of the next one, nearly always.
	before, after *claim.Listing
	attrs         *claim.Attrs
}

// read goes through all that was parsed.
func (r *reading) read() {
	l, g := r.list, r.list.source.all
	g.IDs.Know(l.tasks)
	ages := r.parsed.Ages()
	if ages == nil {
		parsed.Each(r.parsed, l.listed, r.visit)
		return
	}
	r.hopeless = !g.Capacity.MayComeFree(ages)
	parsed.Each(r.parsed, l.listed, func(f parsed.Found, id string, of *claim.Attrs) {
		r.age, ages = ages[0], ages[1:]
		if r.age == source.OldOver && l.source.group.Account.Tasks.Get(id) == nil {
			r.isNamed(f, g.Capacity.NameOld(l.source.group.Account.Name, id, l.naming()))
			return
		}
		r.visit(f, id, of)
	})
}

// naming is which list names an id now, and in which round.
func (l *List) naming() past.Naming { return past.Naming{List: l.number, Round: l.Round} }

// refuses returns why there is no room for an id that the list does not claim yet; empty: there is.
func (l *List) refuses(t *owners.Task) source.Rejection {
	takes, reason := l.source.all.Capacity.Lacks(t, &l.List)
	if takes && reason == "" {
		l.source.group.Coming++
	}
	return reason
}

// listed returns what is said of ids of the list, by it and by its group.
func (l *List) listed(own *parsed.Attrs) *claim.Attrs { return l.attrs.Listed(l.source.base, own) }

func (r *reading) visit(f parsed.Found, id string, of *claim.Attrs) {
	l := r.list
	g, a := l.source.all, l.source.group.Account
	t := a.Tasks.Get(id)
	if t == nil && r.isPast(f, id) {
		return
	}
	if (t == nil || t.Claims.By(&l.List) == nil) && r.lacksCapacity(f, t) {
		return
	}
	r.counts.Listed++
	if t == nil {
		t = g.IDs.Track(a, strings.Clone(id)) // a clone, so that an id does not keep the whole content in memory
	}
	c := t.Claims.By(&l.List)
	switch {
	case c == nil:
		l.touch(t)
	case c.Round == l.Round:
		r.counts.Repeated++
		r.parsed.First(source.RejectedDuplicate, f)
		return
	default:
		if c.Attrs != of || c.Round != r.last {
			l.touch(t)
		}
	}
	if _, missed := l.missing[t]; missed || c == nil {
		delete(l.missing, t)
		l.tasks = append(l.tasks, t)
	}
	t.Listing = r.claimed(t.Listing, of)
	if t.Claims.Next != nil && t.Claims.Owner().Before(&l.List) {
		r.parsed.First(source.RejectedDuplicate, f)
	}
}

// lacksCapacity reports whether there is no room for an id that the list does not claim yet, and counts it then.
func (r *reading) lacksCapacity(f parsed.Found, t *owners.Task) bool {
	g := r.list.source.all
	reason := r.list.refuses(t)
	if reason != "" && g.Capacity.Memory != nil && !r.pressed && (!r.hopeless || r.age != source.NotOver) {
		r.waiting = append(r.waiting, f)
		return true
	}
	switch reason {
	case source.RejectedLimit:
		r.counts.Refused++
	case source.RejectedMaxTasks:
		r.counts.GroupFull++
	default:
		return false
	}
	r.counts.Listed++
	r.parsed.First(reason, f)
	return true
}

// claimed returns the listing of an id that the list has.
func (r *reading) claimed(s *claim.Listing, of *claim.Attrs) *claim.Listing {
	if s != r.before || of != r.attrs {
		c := claim.Claim{List: &r.list.List, Attrs: of, Round: r.list.Round}
		if before := s.Claims.By(&r.list.List); before != nil {
			c.Counted, c.Lost = before.Counted, before.Lost
		}
		shared := &r.list.source.all.IDs.Shared
		r.before, r.attrs, r.after = s, of, shared.Listing(shared.With(s.Claims, c), s.Reported)
	}
	return r.after
}

// isPast reports whether an id's task has left memory, and notes that the list names it.
func (r *reading) isPast(f parsed.Found, id string) bool {
	l := r.list
	remembered, repeated := l.source.all.Capacity.Name(l.source.group.Account.Name, id, l.naming())
	if remembered {
		r.isNamed(f, repeated)
	}
	return remembered
}

// isNamed counts an id whose task is not in memory.
func (r *reading) isNamed(f parsed.Found, repeated bool) {
	r.counts.Listed++
	if repeated {
		r.counts.Repeated++
		r.parsed.First(source.RejectedDuplicate, f)
	}
}

// takeWaiting takes the ids for which there was no room, as far as tasks that are over leave theirs. Those among them whose own tasks are over
// have it only before tasks that are over for longer. What was taken before is handed on first, so that it may be known to be over.
func (r *reading) takeWaiting() {
	l, g := r.list, r.list.source.all
	r.pressed = true
	for end := len(r.waiting); end > 0; { // the last ones first: they are the newest, mostly
		start := max(0, end-owners.SettleAtATime)
		full := l.inForce().GroupFull
		g.Flush()
		r.counts.GroupFull += l.inForce().GroupFull - full
		r.before, r.after, r.attrs = nil, nil, nil
		r.evictFor(r.waiting[start:end])
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

func (r *reading) evictFor(waiting []parsed.Found) {
	l, g := r.list, r.list.source.all
	var rest, over []claimant // those that are over, the latest first
	ids, all := make([]string, 0, len(waiting)), make([]claimant, 0, len(waiting))
	parsed.EachOf(r.parsed, [][]parsed.Found{waiting}, l.listed, func(f parsed.Found, id string, of *claim.Attrs) {
		ids, all = append(ids, id), append(all, claimant{found: f, id: id, attrs: of})
	})
	for i, at := range g.Capacity.Over(&l.source.group.Group, l.source.group.Account.Name, ids) {
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
	g.Capacity.EvictFor(&l.source.group.Group, len(rest), rivals)
	for _, c := range rest {
		r.visit(c.found, c.id, c.attrs)
	}
	for _, c := range over {
		if g.Capacity.Free(&l.source.group.Group) <= 0 && g.Capacity.Remember(l.source.group.Account.Name, c.id, l.naming()) {
			r.counts.Listed++
			continue
		}
		r.visit(c.found, c.id, c.attrs)
	}
}
