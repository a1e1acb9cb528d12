// Package pushlist has lists whose ids producers tell one by one: what was said of them, and which of them nobody will name again.
package pushlist

import (
	"iter"
	"maps"
	"slices"
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/claim"
	"github.com/kie-exporter/kie_exporter/internal/source/list"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
)

const (
	// mostSaid is of how many different models and labels a list remembers that it has them already.
	mostSaid = 1000
	// What a label takes in memory besides its text, and what is said of an id besides its labels, about.
	labelBytes, saidBytes = 96, 256
)

// List is a list that is told its ids. It has no lock: the ledger's owner's guards it.
type List struct {
	*list.List
	source *list.Source
	said   said
	left   []string // ids whose tasks have left memory
}

// said is what was told of ids, and what it takes.
type said struct {
	base  *claim.Attrs // of the group, when it was told
	attrs map[string]*claim.Attrs
	bytes int64
}

// New returns another list of a source, which has no ids yet.
func New(src *list.Source) *List {
	l := &List{List: src.NewList(""), source: src}
	l.Leaving = func(id string) { l.left = append(l.left, id) }
	return l
}

// IsOurs reports whether an id is this process's, and not another replica's.
func (l *List) IsOurs(id string) bool {
	_, gr, _ := l.Place()
	return gr.Has == nil || gr.Has(id)
}

// Lacks reports whether an id is this process's, and neither claimed by the list nor that of a task that has left memory.
func (l *List) Lacks(id string) bool {
	a, _, c := l.Place()
	return l.IsOurs(id) && !l.Has(id) && !c.IsPast(a.Name, id)
}

// Refuses returns why the list could not take an id that it does not claim yet, as far as no other can leave for it; empty: it could.
func (l *List) Refuses(t *source.Task) source.Rejection {
	_, gr, c := l.Place()
	reason := l.refuses(t)
	if (reason == source.RejectedLimit || reason == source.RejectedMaxTasks) && (c.MayEvict(&gr.Group) || c.MayDisplace(&gr.Group)) {
		return ""
	}
	return reason
}

// refuses returns why the list can't take an id now.
func (l *List) refuses(t *source.Task) source.Rejection {
	if l.source.Secrets().HasValue(t.ID) {
		return source.RejectedSecret
	}
	if most := l.source.Limits().Bytes; len(t.Labels) > 0 && most > 0 && l.said.bytes >= most {
		return source.RejectedLimit
	}
	a, _, c := l.Place()
	_, reason := c.Lacks(a.Tasks.Get(t.ID), &l.List.List)
	return reason
}

// Tell adds tasks to what the list has, and tells of each what became of it: whether the list had it before, or why it is refused.
func (l *List) Tell(tasks []source.Task, became func(i int, known bool, refused source.Rejection)) {
	_, gr, c := l.Place()
	c.Displace(&gr.Group, l.evictFor(tasks))
	l.Each(false, func(add func(id string, of *claim.Attrs)) {
		for i := range tasks {
			t := &tasks[i]
			if !l.Lacks(t.ID) {
				became(i, true, "")
				continue
			}
			refused := l.refuses(t)
			if refused == "" {
				add(t.ID, l.attrsOf(t))
			} else {
				l.source.Tally.Reject(refused)
			}
			became(i, false, refused)
		}
	})
}

// Retell adds those of the tasks that the list lacks. All others that there was no room for are forgotten.
func (l *List) Retell(tasks []source.Task) {
	l.evictFor(tasks)
	l.Each(true, func(add func(id string, of *claim.Attrs)) {
		for i := range tasks {
			if t := &tasks[i]; l.Lacks(t.ID) {
				add(t.ID, l.attrsOf(t))
			}
		}
	})
}

// evictFor has tasks that are over leave memory for those that the list lacks, and returns how many those are.
func (l *List) evictFor(tasks []source.Task) (need int) {
	for i := range tasks {
		if l.Lacks(tasks[i].ID) {
			need++
		}
	}
	if _, gr, c := l.Place(); need > c.Free(&gr.Group) && c.MayEvict(&gr.Group) {
		c.EvictFor(&gr.Group, need, nil)
	}
	return need
}

// Left returns the ids whose tasks have left memory since it was asked last: nobody will name them again.
func (l *List) Left() []string {
	left := l.left
	l.left = nil
	return left
}

// attrsOf returns what list and group say of a task, the same for tasks of which the same is told.
func (l *List) attrsOf(t *source.Task) *claim.Attrs {
	base := l.Base()
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
	for _, attrs := range l.Claims() {
		if attrs != l.Base() && !seen[attrs] {
			seen[attrs] = true
			l.said.bytes += bytesOf(attrs)
		}
	}
}

// Tasks yields the tasks that the list claims, as they were told.
func (l *List) Tasks() iter.Seq[source.Task] {
	return func(yield func(source.Task) bool) {
		for id, attrs := range l.Claims() {
			if !yield(source.Task{ID: id, Model: attrs.Model, Endpoint: attrs.Endpoint, Labels: attrs.Own()}) {
				return
			}
		}
	}
}
