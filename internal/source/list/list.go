// Package list has what lists name: it takes changes of them, and finds room for their ids.
//
// A list takes ids that are added, ids that are removed, or a whole content, of which it works out the change itself, because it has what
// it named before and nobody else needs a second copy.
package list

import (
	"hash/maphash"
	"slices"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/capacity"
	"github.com/kie-exporter/kie_exporter/internal/source/claim"
	"github.com/kie-exporter/kie_exporter/internal/source/grace"
	"github.com/kie-exporter/kie_exporter/internal/source/latest"
	"github.com/kie-exporter/kie_exporter/internal/source/owners"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
	"github.com/kie-exporter/kie_exporter/internal/source/past"
	"github.com/kie-exporter/kie_exporter/internal/source/secrets"
	"github.com/kie-exporter/kie_exporter/internal/source/tally"
)

// All is what the lists of all sources have in common. It has no lock: the ledger's owner's guards it, and all lists.
type All struct {
	// Outside calls slow without the owner's lock, while nobody else reads or replaces sources.
	Outside func(slow func())
	// Flush hands on what has changed so far; nil: nobody takes it.
	Flush func()

	IDs      *owners.Owners
	Capacity *capacity.Capacity
	Secrets  *secrets.Known
	First    bool   // what is read now is a first read: none of its ids is new
	Refused  int    // ids of all lists for which there was no room
	Round    uint32 // changes when all lists are to be read again, whether they changed or not

	lists   map[*claim.List]*List
	numbers map[uint32]*List // lists, by number
	number  uint32           // of the last list
	leaving map[*List]bool   // lists that name ids whose tasks leave memory now
	seed    maphash.Seed
}

// NewAll returns that there are no lists.
func NewAll(limits source.Limits) *All {
	g := &All{
		Outside: func(slow func()) { slow() }, Secrets: &secrets.Known{}, seed: maphash.MakeSeed(),
		lists: make(map[*claim.List]*List), numbers: make(map[uint32]*List), leaving: make(map[*List]bool),
	}
	g.IDs = owners.New(func(l *claim.List) owners.List { return g.lists[l] })
	g.Capacity = capacity.New(limits, g.IDs, g)
	return g
}

// IsStale reports whether a list that named an id is no more, or names it no longer.
func (g *All) IsStale(n past.Naming) bool {
	l := g.numbers[n.List]
	return l == nil || l.Round != n.Round
}

// Leave tells the lists that claim an id that its task leaves memory, and returns how it was named last.
func (g *All) Leave(t *owners.Task) past.Naming {
	for c := range t.Claims.All() {
		l := g.lists[c.List]
		l.missing.Take(t)
		g.leaving[l] = true
		l.leave(t.ID)
	}
	latest := t.Claims.Owner()
	return past.Naming{List: g.lists[latest.List].number, Round: latest.Round}
}

// HaveLeft takes the news that no more tasks leave memory for now.
func (g *All) HaveLeft() {
	for l := range g.leaving {
		l.dropped = 0
		l.tasks = slices.DeleteFunc(l.tasks, func(t *owners.Task) bool { return t.Claims == nil })
		if len(l.tasks) < cap(l.tasks)/2 {
			l.tasks = slices.Clone(l.tasks) // to give back what was too much
		}
	}
	clear(g.leaving)
}

// MayRefuse reports whether an id may be refused after all: nobody was told that it was taken.
func (g *All) MayRefuse(t *owners.Task) bool {
	for c := range t.Claims.All() {
		if g.lists[c.List].Leaving != nil {
			return false
		}
	}
	return true
}

// Refuse tells the lists that claim an id that it is refused after all.
func (g *All) Refuse(t *owners.Task, reason source.Rejection) {
	for c := range t.Claims.All() {
		l := g.lists[c.List]
		l.dropped++
		if !l.missing.Take(t) {
			l.refuse(reason, c.Round == l.Round)
		}
	}
}

func (g *All) hash(id string) uint64 { return maphash.String(g.seed, id) }

// IsOf reports whether a list is a group's, by its number.
func (g *All) IsOf(number uint32, gr *Group) bool {
	l := g.numbers[number]
	return l != nil && l.source.group == gr
}

// letGo forgets a list.
func (g *All) letGo(l *List) {
	delete(g.lists, &l.List)
	delete(g.numbers, l.number)
}

// Group is a group whose sources have lists.
type Group struct {
	claim.Group
	Account *owners.Account
	Has     func(id string) bool // reports whether an id is this process's, and not another replica's; nil: all are
	Round   uint32               // changes when its lists are to be read again
}

// Account returns the account of the source's group.
func (src *Source) Account() string { return src.group.Account.Name }

// Source is one source of a group: its lists, and what of them was rejected. An id belongs to the lowest rank that lists it.
type Source struct {
	claim.Source
	all   *All
	group *Group
	base  *claim.Attrs
	lists map[*List]bool // every one that may have a claim

	Tally tally.Source // of what its lists have
}

// NewSource returns a source of a group, whose ids have these labels.
func (g *All) NewSource(gr *Group, labels map[string]string) *Source {
	return &Source{
		Source: claim.Source{Group: &gr.Group}, all: g, group: gr, base: &claim.Attrs{Group: &gr.Group, Labels: labels}, lists: make(map[*List]bool),
		Tally: tally.New(),
	}
}

// Round changes when the source's lists are to be read again, whether they changed or not.
func (src *Source) Round() uint32 { return src.all.Round + src.group.Round }

// Limits returns what a list may have.
func (src *Source) Limits() source.Limits { return src.all.Capacity.Limits }

// Secrets returns what must not get into a list.
func (src *Source) Secrets() *secrets.Known { return src.all.Secrets }

// Outside calls slow without the lock that guards the ledger, and what a source has of its own stays as it is meanwhile.
func (src *Source) Outside(slow func()) { src.all.Outside(slow) }

// Flush hands on what a list has so far, of which more comes, once that is much: records of many tasks are found on disk in less time together.
func (src *Source) Flush() {
	if src.all.Flush != nil && src.group.Account.IsMuchTouched() {
		src.all.Flush()
	}
}

// NewList returns another list of the source, which has no ids yet. A list of a file has its path as name.
func (src *Source) NewList(name string) *List {
	g := src.all
	g.number++
	l := &List{List: claim.List{Source: &src.Source, Name: name}, source: src, number: g.number}
	src.lists[l], g.lists[&l.List], g.numbers[l.number] = true, l, l
	return l
}

// List is what the ledger has of one list of a source. It takes changes: Add and Remove, or Replace for a whole content.
type List struct {
	claim.List
	source  *Source
	number  uint32
	tasks   []*owners.Task
	missing grace.Missing[*owners.Task] // ids that the content lacks and that are not dropped yet

	counts  tally.Counts
	faults  parsed.Faults
	firsts  map[source.Rejection]int // the lines of the content where something was rejected first
	givenUp bool                     // some of tasks are claimed no more
	dropped int                      // so many of tasks are tracked no more
	later   int                      // so much room is for lists that are read after it
	order   latest.Order             // in which ids have room
	refused latest.Refused           // ids of the content, if all of it was read at once
	attrs   claim.Known              // what was said of ids

	// Of a whole content that comes in parts: what was of the one before it, what is of this one.
	replacing bool
	before    parsed.Faults
	coming    tally.Counts
	report    *parsed.Report

	held    bool // it can't be read now, so that nobody knows what it lacks
	backoff capacity.Backoff

	// Leaving, if there is one, takes the ids whose tasks leave memory and that nobody will name again: they are listed no more.
	Leaving func(id string)
}

// Wants reports whether the list should be read again though it did not change: there is room now for ids refused before.
// Refused ids are not kept, for there may be any number of them.
func (l *List) Wants() bool {
	g := l.source.all
	if l.backoff.Lasts() {
		return false
	}
	if l.counts.Short() > 0 && g.Capacity.MayEvict(&l.source.group.Group) {
		return true
	}
	return l.counts.Refused > 0 && !g.Capacity.IsFull() || l.counts.GroupFull > 0 && !l.source.group.IsFull()
}

// Hold says whether the list can't be read now: then what it lacks stays.
func (l *List) Hold(held bool) { l.held = held }

// IsEmpty reports whether the list names nothing and has nothing to drop.
func (l *List) IsEmpty() bool { return l.counts.Listed+len(l.tasks)+l.missing.Len() == 0 }

// Drop takes an empty list out of its source.
func (l *List) Drop() {
	delete(l.source.lists, l)
	l.source.all.letGo(l)
}

// Remove takes back the list's claims on these ids at once, those of them that it has.
func (l *List) Remove(ids ...string) {
	gone := make(map[string]bool, len(ids))
	for _, id := range ids {
		gone[id] = true
	}
	l.removeFunc(func(t *owners.Task) bool { return gone[t.ID] })
	for id := range gone {
		if l.source.all.Capacity.Unname(l.source.group.Account.Name, id, l.number) {
			l.counts.Listed--
			l.source.Tally.Remove(1)
		}
	}
}

// removeFunc takes back the list's claims on ids of which something is true. It goes through all that the list has.
func (l *List) removeFunc(gone func(t *owners.Task) bool) {
	before := len(l.tasks)
	release := func(t *owners.Task) (is bool) {
		if is = gone(t); is {
			l.missing.Take(t)
			l.release(t)
		}
		return is
	}
	l.tasks = slices.DeleteFunc(l.tasks, release)
	for t := range l.missing.All() {
		release(t)
	}
	removed := before - len(l.tasks)
	l.counts.Listed -= removed
	l.source.Tally.Remove(removed)
}

// note puts other counts in force, and counts by how much they grew.
func (l *List) note(now tally.Counts) {
	src := l.source
	src.Tally.Note(l.counts, now)
	src.all.Refused += now.Refused - l.counts.Refused
	src.group.Refused += now.GroupFull - l.counts.GroupFull
	l.counts = now
}

// releaseMissing takes back the list's claims on what its content lacks.
func (l *List) releaseMissing() {
	for t := range l.missing.All() {
		l.release(t)
	}
	l.missing.Clear()
}

// GiveUp notes that the group has no room for an id of the list.
func (l *List) GiveUp(t *owners.Task) {
	l.missing.Take(t)
	l.givenUp = true
	l.refuse(source.RejectedMaxTasks, true)
}

// refuse counts an id that the list claimed as one that is refused. Seen: it is in what was read so far of a content that is being replaced.
func (l *List) refuse(reason source.Rejection, seen bool) {
	was := l.counts
	l.counts.Refuse(reason)
	if seen {
		l.coming.Refuse(reason)
	}
	l.source.Tally.Reject(reason)
	l.source.all.Refused += l.counts.Refused - was.Refused
	l.source.group.Refused += l.counts.GroupFull - was.GroupFull
}

// Repeats counts an id that is another list's, too.
func (l *List) Repeats() { l.source.Tally.Reject(source.RejectedDuplicate) }

// leave notes that the task of an id has left memory.
func (l *List) leave(id string) {
	if l.Leaving == nil {
		return
	}
	l.Leaving(id)
	l.counts.Listed--
	l.source.Tally.Remove(1)
}

// release takes back the list's claim on an id.
func (l *List) release(t *owners.Task) { l.source.all.IDs.Release(l.source.group.Account, &l.List, t) }

// touch notes that the claims on an id of the list may have changed.
func (l *List) touch(t *owners.Task) { l.source.group.Account.Touch(t) }
