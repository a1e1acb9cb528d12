// One list, and how it changes.

package ledger

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/claim"
	"github.com/kie-exporter/kie_exporter/internal/source/format"
	"github.com/kie-exporter/kie_exporter/internal/source/owners"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
	"github.com/kie-exporter/kie_exporter/internal/source/tally"
)

// List is what the ledger has of one list of a source. It takes changes: Add and Remove, or Replace for a whole content.
type List struct {
	claim.List
	source *Source
	number uint32
	tasks  []*owners.Task
	// missing holds the ids that the content lacks and that are not dropped yet, with the first successful read of the
	// source that lacked them; zero: there was none yet.
	missing map[*owners.Task]time.Time

	counts  tally.Counts
	faults  parsed.Faults
	firsts  map[source.Rejection]int // the lines of the content where something was rejected first
	givenUp bool                     // some of tasks are claimed no more
	attrs   known                    // what was said of ids

	// Of a whole content that comes in parts: what was of the one before it, what is of this one.
	replacing bool
	before    parsed.Faults
	coming    tally.Counts
	report    *parsed.Report

	held bool // it can't be read now, so that nobody knows what it lacks

	// Of a list that is told its ids: what was said of them, and those whose tasks have left memory.
	told bool
	said said
	left []string
}

// Content returns what the next whole content is read into. half reports whether its unterminated end may be half-written; nil: it is
// not.
func (l *List) Content(half func(tail string) bool) *parsed.List {
	g := l.source.ledger
	return parsed.New(parsed.Options{
		IDs: g.limits.IDs, Has: l.source.group.has, Half: half, Seed: g.seed, Before: l.faults,
	})
}

// ParsePart reads a part of a content, without the owner's lock, and returns where the next one begins. It has no bound but its length.
func (l *List) ParsePart(
	ctx context.Context, content string, f format.Format, from format.Place, half func(tail string) bool,
) (p *parsed.List, next format.Place, err error) {
	o := parsed.Options{IDs: len(content), Has: l.source.group.has, Half: half, Seed: l.source.ledger.seed, Lines: from.Lines}
	if o.Before, o.Faults = l.before, l.faults; from == (format.Place{}) { // another content, which is not begun yet
		o.Before, o.Faults = l.faults, parsed.Faults{}
	}
	p = parsed.New(o)
	l.source.Outside(func() { next, err = f.ReadPart(ctx, content, from, p) })
	return p, next, err
}

// Part returns what is read into that comes to what the list has.
func (l *List) Part() *parsed.List {
	g := l.source.ledger
	return parsed.New(parsed.Options{IDs: max(0, g.limits.IDs-l.counts.Listed), Has: l.source.group.has, Seed: g.seed, Faults: l.faults})
}

// Parse reads a whole content in its format, without the owner's lock.
func (l *List) Parse(ctx context.Context, content string, f format.Format, half func(tail string) bool) (*parsed.List, error) {
	p, bytes := l.Content(half), l.source.ledger.limits.Bytes
	var err error
	l.source.Outside(func() { err = f.Read(ctx, content, bytes, p) })
	return p, err
}

// Wants reports whether the list should be read again though it did not change: there is room now for ids refused before.
// Refused ids are not kept, for there may be any number of them.
func (l *List) Wants() bool {
	g := l.source.ledger
	if l.counts.Refused+l.counts.GroupFull > 0 && g.mayEvict() {
		return true
	}
	return l.counts.Refused > 0 && g.ids.Count() < g.limits.Tasks || l.counts.GroupFull > 0 && !l.source.group.IsFull()
}

// Hold says whether the list can't be read now: then what it lacks stays.
func (l *List) Hold(held bool) { l.held = held }

// IsEmpty reports whether the list names nothing and has nothing to drop.
func (l *List) IsEmpty() bool { return l.counts.Listed+len(l.tasks)+len(l.missing) == 0 }

// Drop takes an empty list out of its source.
func (l *List) Drop() {
	delete(l.source.lists, l)
	l.source.ledger.letGo(l)
}

// Replace makes p all that the list names: ids that it had and p lacks are dropped after their grace. It returns what is wrong with
// lines that it did not return before.
func (l *List) Replace(p *parsed.List) *parsed.Report {
	beyond := l.counts.Beyond
	l.Begin()
	l.Add(p)
	report := l.End()
	if beyond == 0 {
		report.Beyond, report.Most = p.Beyond(), l.source.ledger.limits.IDs
	}
	return report
}

// Begin begins a content in place of the one that the list has. What Add adds from now on is its parts, up to End; if the end never comes,
// the list names what was in either.
func (l *List) Begin() {
	l.Round++
	l.replacing, l.coming, l.report = true, tally.Counts{}, &parsed.Report{}
	l.before, l.faults, l.firsts = l.faults, parsed.Faults{}, nil
}

// End ends a content that was begun: what it lacks is dropped after its grace. It returns what is wrong with lines that it did not
// return before.
func (l *List) End() *parsed.Report {
	l.tasks = slices.DeleteFunc(l.tasks, func(t *owners.Task) bool {
		c := t.Claims.By(&l.List)
		if c == nil || c.Round == l.Round {
			return c == nil // it was given up
		}
		l.miss(t, time.Time{})
		l.source.ledger.touch(l, t)
		return true
	})
	if cap(l.tasks)-len(l.tasks) > len(l.tasks)/8 {
		l.tasks = slices.Clone(l.tasks) // to give back what was too much
	}
	report := l.report
	l.note(l.coming)
	l.replacing, l.before, l.report = false, parsed.Faults{}, nil
	return report
}

// Add adds what p names to what the list has. It returns what is wrong with lines; of a content that was begun, End does.
func (l *List) Add(p *parsed.List) *parsed.Report {
	if l.givenUp {
		l.tasks = slices.DeleteFunc(l.tasks, func(t *owners.Task) bool { return t.Claims.By(&l.List) == nil })
		l.givenUp = false
	}
	r := reading{list: l, last: l.Round, counts: l.counts, parsed: p}
	if l.replacing {
		r.last, r.counts = l.Round-1, l.coming
	}
	r.read()
	r.makeRoom()
	r.counts.Add(p)
	l.source.tally.NoteFaults(p)
	l.faults = p.Faults()
	if l.firsts == nil {
		l.firsts = p.Firsts()
	} else {
		l.addFirsts(p.Firsts())
	}
	if l.replacing {
		l.coming = r.counts
		l.report.Append(p.Report())
		return nil
	}
	l.note(r.counts)
	return p.Report()
}

// addFirsts notes where a part has something rejected, if nothing was before.
func (l *List) addFirsts(lines map[source.Rejection]int) {
	for reason, line := range lines {
		if l.firsts[reason] == 0 {
			l.firsts[reason] = line
		}
	}
}

// Remove takes back the list's claims on these ids at once, those of them that it has.
func (l *List) Remove(ids ...string) {
	gone := make(map[string]bool, len(ids))
	for _, id := range ids {
		gone[id] = true
	}
	l.removeFunc(func(t *owners.Task) bool { return gone[t.ID] })
	for id := range gone {
		if l.source.ledger.past.Remove(l.source.group.account.Name, id, l.number) {
			l.counts.Listed--
			l.source.tally.Remove(1)
		}
	}
}

// removeFunc takes back the list's claims on ids of which something is true. It goes through all that the list has.
func (l *List) removeFunc(gone func(t *owners.Task) bool) {
	before := len(l.tasks)
	l.tasks = slices.DeleteFunc(l.tasks, func(t *owners.Task) bool {
		if !gone(t) {
			return false
		}
		delete(l.missing, t)
		l.source.ledger.release(l, t)
		return true
	})
	for t := range l.missing {
		if gone(t) {
			delete(l.missing, t)
			l.source.ledger.release(l, t)
		}
	}
	removed := before - len(l.tasks)
	l.counts.Listed -= removed
	l.source.tally.Remove(removed)
}

// note puts other counts in force, and counts by how much they grew.
func (l *List) note(now tally.Counts) {
	src := l.source
	src.tally.Note(l.counts, now)
	src.ledger.refused += now.Refused - l.counts.Refused
	src.group.Refused += now.GroupFull - l.counts.GroupFull
	l.counts = now
}

// releaseMissing takes back the list's claims on what its content lacks.
func (l *List) releaseMissing() {
	for t := range l.missing {
		l.source.ledger.release(l, t)
	}
	l.missing = nil
}

// miss notes since when the source's reads lacked an id of the list.
func (l *List) miss(t *owners.Task, since time.Time) {
	if l.missing == nil {
		l.missing = make(map[*owners.Task]time.Time)
	}
	l.missing[t] = since
}

// GiveUp notes that the group has no room for an id of the list.
func (l *List) GiveUp(t *owners.Task) {
	delete(l.missing, t)
	l.givenUp = true
	l.counts.GroupFull++
	l.coming.GroupFull++ // which is what counts if a content is being replaced
	l.source.group.Refused++
	l.source.tally.Reject(source.RejectedMaxTasks)
}

// Repeats counts an id that is another list's, too.
func (l *List) Repeats() { l.source.tally.Reject(source.RejectedDuplicate) }

// reading is what a list names while it is gone through.
type reading struct {
	list   *List
	last   uint32 // the round of claims that are in force
	counts tally.Counts
	parsed *parsed.List

	waiting []parsed.Found // there was no room for them yet
	pressed bool           // no more room will be made

	// What became of the listing of the id before, which is what becomes of that of the next one, nearly always.
	before, after *claim.Listing
	attrs         *claim.Attrs
}

// read goes through all that was parsed.
func (r *reading) read() {
	l := r.list
	for _, t := range l.tasks[max(0, len(l.tasks)-alike):] {
		l.source.ledger.ids.Shared.Know(t.Listing)
	}
	parsed.Each(r.parsed, l.listed, r.visit)
}

// listed returns what is said of ids of the list, by it and by its group.
func (l *List) listed(own *parsed.Attrs) *claim.Attrs { return l.attrs.listed(l.source.base, own) }

func (r *reading) visit(f parsed.Found, id string, of *claim.Attrs) {
	l := r.list
	g, a := l.source.ledger, l.source.group.account
	if g.secrets.HasValue(id) {
		r.parsed.Secret(f, id)
		return
	}
	t := a.Tasks.Get(id)
	if t == nil && g.past.Len() > 0 && r.isPast(f, id) {
		return
	}
	if (t == nil || t.Claims.By(&l.List) == nil) && r.noRoom(f, t) {
		return
	}
	r.counts.Listed++
	if t == nil {
		t = g.ids.Track(a, strings.Clone(id)) // a clone, so that an id does not keep the whole content in memory
	}
	c := t.Claims.By(&l.List)
	switch {
	case c == nil:
		g.touch(l, t)
	case c.Round == l.Round:
		r.counts.Repeated++
		r.parsed.First(source.RejectedDuplicate, f)
		return
	default:
		if c.Attrs != of || c.Round != r.last {
			g.touch(l, t)
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

// noRoom reports whether there is no room for an id that the list does not claim yet, and counts it then.
func (r *reading) noRoom(f parsed.Found, t *owners.Task) bool {
	g := r.list.source.ledger
	reason := g.refuses(t, r.list)
	if reason != "" && g.Memory != nil && !r.pressed {
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
		shared := &r.list.source.ledger.ids.Shared
		r.before, r.attrs, r.after = s, of, shared.Listing(shared.With(s.Claims, c), s.Reported)
	}
	return r.after
}
