// Whole contents of a list, and parts of them.

package list

import (
	"context"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/format"
	"github.com/kie-exporter/kie_exporter/internal/source/owners"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
	"github.com/kie-exporter/kie_exporter/internal/source/tally"
)

// Content returns what the next whole content is read into. half reports whether its unterminated end may be half-written; nil: it is
// not.
func (l *List) Content(half func(tail string) bool) *parsed.List {
	g := l.source.all
	return parsed.New(parsed.Options{
		IDs: g.Room.Limits.IDs, Has: l.source.group.Has, Half: half, Seed: g.seed, Before: l.faults,
	})
}

// ParsePart reads a part of a content, without the owner's lock, and returns where the next one begins. It has no bound but its length.
func (l *List) ParsePart(
	ctx context.Context, content string, f format.Format, from format.Place, half func(tail string) bool,
) (p *parsed.List, next format.Place, err error) {
	o := parsed.Options{IDs: len(content), Has: l.source.group.Has, Half: half, Seed: l.source.all.seed, Lines: from.Lines}
	if o.Before, o.Faults = l.before, l.faults; from == (format.Place{}) { // another content, which is not begun yet
		o.Before, o.Faults = l.faults, parsed.Faults{}
	}
	p = parsed.New(o)
	l.source.Outside(func() { next, err = f.ReadPart(ctx, content, from, p) })
	return p, next, err
}

// Part returns what is read into that comes to what the list has.
func (l *List) Part() *parsed.List {
	g := l.source.all
	return parsed.New(parsed.Options{IDs: max(0, g.Room.Limits.IDs-l.counts.Listed), Has: l.source.group.Has, Seed: g.seed, Faults: l.faults})
}

// Parse reads a whole content in its format, without the owner's lock.
func (l *List) Parse(ctx context.Context, content string, f format.Format, half func(tail string) bool) (*parsed.List, error) {
	p, bytes := l.Content(half), l.source.all.Room.Limits.Bytes
	var err error
	l.source.Outside(func() { err = f.Read(ctx, content, bytes, p) })
	return p, err
}

// Replace makes p all that the list names: ids that it had and p lacks are dropped after their grace. It returns what is wrong with
// lines that it did not return before.
func (l *List) Replace(p *parsed.List) *parsed.Report {
	beyond := l.counts.Beyond
	l.Begin()
	l.Add(p)
	report := l.End()
	if beyond == 0 {
		report.Beyond, report.Most = p.Beyond(), l.source.all.Room.Limits.IDs
	}
	return report
}

// Begin begins a content in place of the one that the list has. What Add adds from now on is its parts, up to End; if the end never comes,
// the list names what was in either.
func (l *List) Begin() {
	l.Round++
	l.patience.Begin()
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
		l.touch(t)
		return true
	})
	if cap(l.tasks)-len(l.tasks) > len(l.tasks)/8 {
		l.tasks = slices.Clone(l.tasks) // to give back what was too much
	}
	report := l.report
	l.patience.End()
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
