// What the ledger has of one source.

package ledger

import (
	"maps"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/claim"
	"github.com/kie-exporter/kie_exporter/internal/source/owners"
	"github.com/kie-exporter/kie_exporter/internal/source/secrets"
	"github.com/kie-exporter/kie_exporter/internal/source/tally"
)

// Source is one source of a group: its lists, and what of them was rejected. An id belongs to the lowest rank that lists it.
type Source struct {
	claim.Source
	ledger *Ledger
	group  *Group
	base   *claim.Attrs
	lists  map[*List]bool // every one that may have a claim

	tally tally.Source
}

// NewSource returns a source of a group that was arranged, whose ids have these labels.
func (g *Ledger) NewSource(group string, labels map[string]string) *Source {
	gr := g.groups[group]
	src := &Source{
		Source: claim.Source{Group: &gr.Group}, ledger: g, group: gr, base: &claim.Attrs{Group: &gr.Group, Labels: labels}, lists: make(map[*List]bool),
		tally: tally.New(),
	}
	gr.sources = append(gr.sources, src)
	return src
}

// Round changes when the source's lists are to be read again, whether they changed or not.
func (src *Source) Round() uint32 { return src.ledger.round + src.group.round }

// Limits returns what a list may have.
func (src *Source) Limits() source.Limits { return src.ledger.limits }

// Secrets returns what must not get into a list.
func (src *Source) Secrets() *secrets.Known { return src.ledger.secrets }

// Outside calls slow without the lock that guards the ledger, and what a source has of its own stays as it is meanwhile.
func (src *Source) Outside(slow func()) { src.ledger.Outside(slow) }

// Flush hands on what a list has so far, of which more comes.
func (src *Source) Flush() {
	if src.ledger.Flush != nil {
		src.ledger.Flush()
	}
}

// NewList returns another list of the source, which has no ids yet. A list of a file has its path as name.
func (src *Source) NewList(name string) *List {
	g := src.ledger
	g.number++
	l := &List{List: claim.List{Source: &src.Source, Name: name}, source: src, number: g.number}
	src.lists[l], g.lists[&l.List], g.numbers[l.number] = true, l, l
	return l
}

// Wants reports whether one of the source's lists should be read again though it did not change, because there is room now.
func (src *Source) Wants() bool {
	for l := range src.lists {
		if l.Wants() {
			return true
		}
	}
	return false
}

// Label has the source's ids have these labels of the group, without another read.
func (src *Source) Label(labels map[string]string) {
	if maps.Equal(src.base.Labels, labels) {
		return
	}
	src.base = &claim.Attrs{Group: &src.group.Group, Labels: labels}
	moved := make(map[*claim.Attrs]*claim.Attrs)
	for l := range src.lists {
		for _, t := range l.tasks {
			l.relabel(t, moved)
		}
		for t := range l.missing {
			l.relabel(t, moved)
		}
	}
}

// relabel puts the labels that the group has now into the list's claim on an id.
func (l *List) relabel(t *owners.Task, moved map[*claim.Attrs]*claim.Attrs) {
	claimed := t.Claims.By(&l.List)
	if claimed == nil { // it was given up
		return
	}
	c, g := *claimed, l.source.ledger
	if moved[c.Attrs] == nil {
		moved[c.Attrs] = c.Attrs.On(l.source.base)
	}
	c.Attrs = moved[c.Attrs]
	t.Listing = g.ids.Shared.Listing(g.ids.Shared.With(t.Claims, c), t.Reported)
	g.touch(l, t)
}

// ReleaseMissing takes back the source's claims on what its lists lack, without the grace that files have.
func (src *Source) ReleaseMissing() {
	for l := range src.lists {
		l.releaseMissing()
	}
}

// Retire takes back all claims of the source, which is no more.
func (src *Source) Retire() {
	for l := range src.lists {
		l.releaseMissing()
		for _, t := range l.tasks {
			src.ledger.release(l, t)
		}
		src.ledger.refused -= l.counts.Refused
		src.group.Refused -= l.counts.GroupFull
		l.tasks, l.counts.Refused, l.counts.GroupFull = nil, 0, 0
		src.ledger.letGo(l)
	}
	src.group.leave(src)
}

// Lists returns how many lists the source has.
func (src *Source) Lists() int { return len(src.lists) }

// Listed returns how many ids the source lists, duplicates included.
func (src *Source) Listed() int { return src.tally.Listed() }

// Rejected returns how many ids were rejected, by why.
func (src *Source) Rejected() map[source.Rejection]uint64 { return src.tally.Rejected() }

// Refused returns how many ids of the source's lists its group does not have now, by why.
func (src *Source) Refused() map[source.Rejection]int {
	all := map[source.Rejection]int{
		source.RejectedLimit: 0, source.RejectedMaxTasks: 0, source.RejectedListIDs: 0, source.KeptByOtherGroup: src.Lost,
	}
	for l := range src.lists {
		all[source.RejectedLimit] += l.counts.Refused
		all[source.RejectedMaxTasks] += l.counts.GroupFull
		all[source.RejectedListIDs] += l.counts.Beyond
	}
	return all
}

// Owned returns how many ids are tracked because of the source.
func (src *Source) Owned() int {
	owned := 0
	for l := range src.lists {
		for _, t := range l.tasks {
			if owner := t.Claims.Owner(); owner != nil && owner.List == &l.List {
				owned++
			}
		}
	}
	return owned
}

// Skipped returns what of the source is not tracked, by reason, and where the first of each is.
func (src *Source) Skipped() []source.Skip {
	var lists []tally.Firsts
	for l := range src.lists {
		lists = append(lists, tally.Firsts{Name: l.Name, Lines: l.firsts})
	}
	return src.tally.Skipped(lists)
}
