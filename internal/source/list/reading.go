// What a list names, gone through.

package list

import (
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/capacity"
	"github.com/kie-exporter/kie_exporter/internal/source/claim"
	"github.com/kie-exporter/kie_exporter/internal/source/latest"
	"github.com/kie-exporter/kie_exporter/internal/source/owners"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
	"github.com/kie-exporter/kie_exporter/internal/source/past"
	"github.com/kie-exporter/kie_exporter/internal/source/tally"
)

// reading is what a list names while it is gone through.
type reading struct {
	list    *List
	last    uint32 // the round of claims that are in force
	counts  tally.Counts
	parsed  *parsed.List
	refused *[]uint64 // hashes of those that are refused; nil: nobody wants them

	waiting  [latest.Denied][]parsed.Found // there was no room for them yet; by their turn
	pressed  bool                          // no more room will be made
	passing  bool                          // what there is is for others
	hopeless bool                          // nor would any be for what is not over
	age      source.Age                    // of the id at hand at the start, where that is known

	same claim.Same
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
	if (t == nil || t.Claims.By(&l.List) == nil) && r.lacksCapacity(f, id, t) {
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
	if l.missing.Take(t) || c == nil {
		l.tasks = append(l.tasks, t)
	}
	t.Listing = r.same.Claimed(&g.IDs.Shared, t.Listing, &l.List, of)
	if t.Claims.Next != nil && t.Claims.Owner().Before(&l.List) {
		r.parsed.First(source.RejectedDuplicate, f)
	}
}

// lacksCapacity reports whether there is no room for an id that the list does not claim yet, and counts it then.
func (r *reading) lacksCapacity(f parsed.Found, id string, t *owners.Task) bool {
	l, g := r.list, r.list.source.all
	turn, room, needs := latest.Denied, !r.passing, capacity.NeedsRoom(t, &l.List)
	if !r.pressed && needs {
		turn, room = l.order.Next(g.hash(id))
	}
	reason := g.Capacity.Binding(&l.source.group.Group)
	if room || !needs {
		reason = l.refuses(t)
	}
	if reason == "" {
		return false
	}
	if g.Capacity.Memory != nil && turn != latest.Denied && (turn == latest.Fresh || !r.hopeless || r.age != source.NotOver) {
		r.waiting[turn] = append(r.waiting[turn], f)
		return true
	}
	r.counts.Listed++
	r.counts.Refuse(reason)
	if r.refused != nil {
		*r.refused = append(*r.refused, g.hash(id))
	}
	r.parsed.First(reason, f)
	return true
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

// takeWaiting takes the ids for which there was no room, as far as tasks that are over leave theirs, first to those that are not. What was taken
// before is handed on first, so that it may be known to be over.
func (r *reading) takeWaiting() {
	r.pressed = true
	for turn, waiting := range r.waiting {
		r.passing = latest.Turn(turn) == latest.Passed
		for end := len(waiting); end > 0; end -= owners.SettleAtATime { // the last ones first: they are the newest, mostly
			before := r.list.inForce()
			if latest.Turn(turn) != latest.Fresh { // or else what stands behind would make room
				r.list.source.all.Flush()
			}
			r.same = claim.Same{}
			r.take(waiting[max(0, end-owners.SettleAtATime):end], latest.Turn(turn) == latest.Fresh, before)
		}
	}
}

// inForce returns the counts that grow while the list is read.
func (l *List) inForce() tally.Counts {
	if l.replacing {
		return l.coming
	}
	return l.counts
}

// take takes ids for which there was no room. Before is what was counted before others were refused or given up for it.
func (r *reading) take(waiting []parsed.Found, displacing bool, before tally.Counts) {
	l, c, gr := r.list, r.list.source.all.Capacity, &r.list.source.group.Group
	ids, attrs := make([]string, 0, len(waiting)), make([]*claim.Attrs, 0, len(waiting))
	parsed.EachOf(r.parsed, [][]parsed.Found{waiting}, l.listed, func(_ parsed.Found, id string, of *claim.Attrs) {
		ids, attrs = append(ids, id), append(attrs, of)
	})
	rest, over := c.MakeRoom(gr, l.source.group.Account.Name, ids, r.passing)
	if displacing {
		c.Displace(gr, len(rest))
	}
	r.counts.Follow(before, l.inForce())
	passing, lacking := r.passing, len(rest)-c.Free(gr)
	for at, i := range rest { // the first ones leave what room there is to the others
		r.passing = passing || at < lacking
		r.visit(waiting[i], ids[i], attrs[i])
	}
	r.passing = passing
	for _, i := range over {
		if (r.passing || c.Free(gr) <= 0) && c.Remember(l.source.group.Account.Name, ids[i], l.naming()) {
			r.counts.Listed++
			continue
		}
		r.visit(waiting[i], ids[i], attrs[i])
	}
}
