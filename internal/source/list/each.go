// Ids that come one by one, and are in no text.

package list

import (
	"iter"
	"slices"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/claim"
	"github.com/kie-exporter/kie_exporter/internal/source/owners"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
	"github.com/kie-exporter/kie_exporter/internal/source/tally"
)

// Has reports whether the list claims an id.
func (l *List) Has(id string) bool {
	t := l.source.group.Account.Tasks.Get(id)
	return t != nil && t.Claims.By(&l.List) != nil
}

// IsOurs reports whether an id is this process's, and not another replica's.
func (l *List) IsOurs(id string) bool { return l.source.group.Has == nil || l.source.group.Has(id) }

// Lacks reports whether an id is this process's, and neither claimed by the list nor that of a task that has left memory.
func (l *List) Lacks(id string) bool {
	return l.IsOurs(id) && !l.Has(id) && !l.source.all.Capacity.IsPast(l.source.group.Account.Name, id)
}

// Refuses returns why the list can't take an id now that it does not claim yet; empty: it can.
func (l *List) Refuses(id string) source.Rejection {
	g := l.source.all
	if g.Secrets.HasValue(id) {
		return source.RejectedSecret
	}
	_, reason := g.Capacity.Lacks(l.source.group.Account.Tasks.Get(id), &l.List)
	return reason
}

// MayEvict reports whether tasks could leave memory for what there is no room for.
func (l *List) MayEvict() bool { return l.source.all.Capacity.MayEvict(&l.source.group.Group) }

// EvictFor has tasks that are over leave memory for so many ids that the list lacks.
func (l *List) EvictFor(ids int) {
	if c, gr := l.source.all.Capacity, &l.source.group.Group; ids > c.Free(gr) && c.MayEvict(gr) {
		c.EvictFor(gr, ids, nil)
	}
}

// Each has ids added one by one, with what the list and its group say of each. Anew: all others that there was no room for are forgotten.
func (l *List) Each(anew bool, ids func(add func(id string, of *claim.Attrs))) {
	counts := l.counts
	if anew {
		l.tasks = slices.DeleteFunc(l.tasks, func(t *owners.Task) bool { return t.Claims.By(&l.List) == nil })
		l.givenUp = false
		counts = tally.Counts{Listed: len(l.tasks)}
	}
	l.source.all.IDs.Know(l.tasks)
	r := &reading{list: l, last: l.Round, counts: counts, parsed: l.Part(), pressed: true}
	ids(func(id string, of *claim.Attrs) { r.visit(parsed.Found{}, id, of) })
	l.note(r.counts)
}

// IsShort reports whether there was no room for some of what the list was to have.
func (l *List) IsShort() bool { return l.counts.Refused+l.counts.GroupFull > 0 }

// Base returns what the group says of ids.
func (l *List) Base() *claim.Attrs { return l.source.base }

// Len returns how many ids the list has.
func (l *List) Len() int { return len(l.tasks) }

// Claims yields the ids that the list claims, and what it and its group say of each.
func (l *List) Claims() iter.Seq2[string, *claim.Attrs] {
	return func(yield func(string, *claim.Attrs) bool) {
		for _, t := range l.tasks {
			c := t.Claims.By(&l.List)
			if c != nil && !yield(t.ID, c.Attrs) {
				return
			}
		}
	}
}
