// Ids that come one by one, and are in no text.

package list

import (
	"iter"
	"slices"

	"github.com/kie-exporter/kie_exporter/internal/source/capacity"
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

// Place returns the account and the group of the list's ids, and how much room there is.
func (l *List) Place() (a *owners.Account, gr *Group, c *capacity.Capacity) {
	return l.source.group.Account, l.source.group, l.source.all.Capacity
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
