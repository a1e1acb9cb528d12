// Lists whose ids are told one by one, and are in no text.

package ledger

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/claim"
	"github.com/kie-exporter/kie_exporter/internal/source/owners"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
	"github.com/kie-exporter/kie_exporter/internal/source/tally"
)

const (
	// mostSaid is of how many different models and labels a list remembers that it has them already.
	mostSaid = 1000
	// What a label takes in memory besides its text, and what is said of an id besides its labels, about.
	labelBytes, saidBytes = 96, 256
)

// said is what was told of ids, and what it takes.
type said struct {
	base  *claim.Attrs // of the group, when it was told
	attrs map[string]*claim.Attrs
	bytes int64
}

// NewToldList returns another list of the source, which is told its ids.
func (src *Source) NewToldList() *List {
	l := src.NewList("")
	l.told = true
	return l
}

// Has reports whether the list claims an id.
func (l *List) Has(id string) bool {
	t := l.source.group.account.Tasks.Get(id)
	return t != nil && t.Claims.By(&l.List) != nil
}

// Refuses returns why the list could not take an id that it does not claim yet, as far as no task can leave for it; empty: it could.
func (l *List) Refuses(t *source.Task) source.Rejection {
	reason := l.lacks(t)
	if (reason == source.RejectedLimit || reason == source.RejectedMaxTasks) && l.source.ledger.mayEvict() {
		return ""
	}
	return reason
}

// lacks returns why the list can't take an id now.
func (l *List) lacks(t *source.Task) source.Rejection {
	g := l.source.ledger
	if g.secrets.HasValue(t.ID) {
		return source.RejectedSecret
	}
	if len(t.Labels) > 0 && g.limits.Bytes > 0 && l.said.bytes >= g.limits.Bytes {
		return source.RejectedLimit
	}
	_, reason := g.lacksRoom(l.source.group.account.Tasks.Get(t.ID), l)
	return reason
}

// IsOurs reports whether an id is this process's, and not another replica's.
func (l *List) IsOurs(id string) bool { return l.source.group.has == nil || l.source.group.has(id) }

// Tell adds tasks to what the list has, and tells of each what became of it: whether the list had it before, or why it is refused.
func (l *List) Tell(tasks []source.Task, became func(i int, known bool, refused source.Rejection)) {
	l.makeRoom(tasks)
	r := l.tellMore()
	for i := range tasks {
		t := &tasks[i]
		if !l.Lacks(t.ID) {
			became(i, true, "")
			continue
		}
		refused := l.lacks(t)
		if refused == "" {
			r.visit(parsed.Found{}, t.ID, l.attrsOf(t))
		} else {
			l.source.tally.Reject(refused)
		}
		became(i, false, refused)
	}
	l.note(r.counts)
}

// Retell adds those of the tasks that the list lacks. All others that there was no room for are forgotten.
func (l *List) Retell(tasks []source.Task) {
	l.tasks = slices.DeleteFunc(l.tasks, func(t *owners.Task) bool { return t.Claims.By(&l.List) == nil })
	l.givenUp = false
	l.makeRoom(tasks)
	r := l.tellMore()
	r.counts = tally.Counts{Listed: len(l.tasks)}
	for i := range tasks {
		if t := &tasks[i]; l.Lacks(t.ID) {
			r.visit(parsed.Found{}, t.ID, l.attrsOf(t))
		}
	}
	l.note(r.counts)
}

// Lacks reports whether an id is this process's, and neither claimed by the list nor that of a task that has left memory.
func (l *List) Lacks(id string) bool {
	return l.IsOurs(id) && !l.Has(id) && !l.source.ledger.IsPast(l.source.group.account.Name, id)
}

// makeRoom has tasks that are over leave memory for those that the list lacks.
func (l *List) makeRoom(tasks []source.Task) {
	g, need := l.source.ledger, 0
	for i := range tasks {
		if l.Lacks(tasks[i].ID) {
			need++
		}
	}
	if need > g.room(l.source.group) && g.mayEvict() {
		g.evictFor(l.source.group, need, nil)
	}
}

// Left returns the ids whose tasks have left memory since it was asked last: nobody will name them again.
func (l *List) Left() []string {
	left := l.left
	l.left = nil
	return left
}

// leave notes that the task of an id has left memory.
func (l *List) leave(id string) {
	if !l.told {
		return
	}
	l.left = append(l.left, id)
	l.counts.Listed--
	l.source.tally.Remove(1)
}

// tellMore begins to add to what the list has.
func (l *List) tellMore() *reading {
	for _, t := range l.tasks[max(0, len(l.tasks)-alike):] {
		l.source.ledger.ids.Shared.Know(t.Listing)
	}
	return &reading{list: l, last: l.Round, counts: l.counts, parsed: l.Part(), pressed: true}
}

// IsShort reports whether there was no room for some of what the list was told.
func (l *List) IsShort() bool { return l.counts.Refused+l.counts.GroupFull > 0 }

// attrsOf returns what list and group say of a task, the same for tasks of which the same is told.
func (l *List) attrsOf(t *source.Task) *claim.Attrs {
	base := l.source.base
	if t.Model == "" && t.Endpoint == "" && len(t.Labels) == 0 {
		return base
	}
	if l.said.base != base || len(l.said.attrs) >= mostSaid {
		l.said.base, l.said.attrs = base, make(map[string]*claim.Attrs)
	}
	key := keyOfSaid(t)
	attrs := l.said.attrs[key]
	if attrs == nil {
		attrs = base.Listed(&parsed.Attrs{Model: t.Model, Endpoint: t.Endpoint, Labels: t.Labels})
		l.said.attrs[key] = attrs
		l.said.bytes += bytesOf(attrs)
	}
	return attrs
}

func keyOfSaid(t *source.Task) string {
	var key strings.Builder
	key.WriteString(t.Endpoint + "\x00" + t.Model)
	for _, name := range slices.Sorted(maps.Keys(t.Labels)) {
		for _, text := range []string{"\x00", name, "\x00", t.Labels[name]} {
			key.WriteString(text)
		}
	}
	return key.String()
}

// bytesOf returns what is said of an id takes, about.
func bytesOf(attrs *claim.Attrs) int64 {
	bytes := saidBytes
	for name, value := range attrs.Own() {
		bytes += labelBytes + len(name) + len(value)
	}
	return int64(bytes)
}

// Weigh finds out anew what it takes what is said of the list's ids.
func (l *List) Weigh() {
	seen := make(map[*claim.Attrs]bool)
	l.said.bytes = 0
	for _, t := range l.tasks {
		if c := t.Claims.By(&l.List); c != nil && c.Attrs != l.source.base && !seen[c.Attrs] {
			seen[c.Attrs] = true
			l.said.bytes += bytesOf(c.Attrs)
		}
	}
}

// Tasks yields the tasks that the list claims, as they were told.
func (l *List) Tasks() iter.Seq[source.Task] {
	return func(yield func(source.Task) bool) {
		for _, t := range l.tasks {
			c := t.Claims.By(&l.List)
			if c != nil && !yield(source.Task{ID: t.ID, Model: c.Attrs.Model, Endpoint: c.Attrs.Endpoint, Labels: c.Attrs.Own()}) {
				return
			}
		}
	}
}

// Account returns the account of the source's group.
func (src *Source) Account() string { return src.group.account.Name }

// Reject counts ids that were rejected before they came here.
func (src *Source) Reject(reason source.Rejection, ids uint64) { src.tally.RejectSome(reason, ids) }

// SettleAlone has a list changed, and yields what that changes. What else has changed and was not settled yet stays so: whoever reads
// other lists at the moment is not disturbed.
func (g *Ledger) SettleAlone(l *List, change func()) iter.Seq[source.Change] {
	return func(yield func(source.Change) bool) {
		gr := l.source.group
		coming := gr.Coming
		defer func() { gr.Coming = coming }()
		for c := range g.ids.SettleAlone(gr.account, g.order, change) {
			if !yield(c) {
				return
			}
		}
	}
}
