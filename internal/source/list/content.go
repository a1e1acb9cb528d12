// Whole contents of a list, and parts of them.

package list

import (
	"context"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source/format"
	"github.com/kie-exporter/kie_exporter/internal/source/owners"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
	"github.com/kie-exporter/kie_exporter/internal/source/tally"
)

// options returns what is read within that names so many ids at the most.
func (l *List) options(ids int) parsed.Options {
	g, gr := l.source.all, l.source.group
	return parsed.Options{IDs: ids, Has: gr.Has, Secret: g.Secrets.HasValue, Seed: g.seed, Ages: g.Capacity.Ages(gr.Account.Name)}
}

// Content returns what the next whole content is read into. half reports whether its unterminated end may be half-written; nil: it is
// not.
func (l *List) Content(half func(tail string) bool) *parsed.List {
	o := l.options(l.source.all.Capacity.Limits.IDs)
	o.Half, o.Before = half, l.faults
	return parsed.New(o)
}

// Parts begins to parse a content from a place on, which needs no lock.
func (l *List) Parts(f format.Format, from format.Position) *format.Parts {
	o := l.options(0)
	o.Before, o.Faults = l.before, l.faults
	if from == (format.Position{}) { // another content, which is not begun yet
		o.Before, o.Faults = l.faults, parsed.Faults{}
	}
	return format.NewParts(f, o)
}

// Part returns what is read into that comes to what the list has.
func (l *List) Part() *parsed.List {
	o := l.options(max(0, l.source.all.Capacity.Limits.IDs-l.counts.Listed))
	o.Faults = l.faults
	return parsed.New(o)
}

// Parse reads a whole content in its format, without the owner's lock.
func (l *List) Parse(ctx context.Context, content string, f format.Format, half func(tail string) bool) (*parsed.List, error) {
	p, bytes := l.Content(half), l.source.all.Capacity.Limits.Bytes
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
		report.Beyond, report.Most = p.Beyond(), l.source.all.Capacity.Limits.IDs
	}
	return report
}

// Begin begins a content in place of the one that the list has. What Add adds from now on is its parts, up to End; if the end never comes,
// the list names what was in either.
func (l *List) Begin() {
	l.Round++
	l.backoff.Begin()
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
	l.backoff.End()
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
	r.takeWaiting()
	r.counts.Add(p)
	l.source.tally.NoteFaults(p)
	l.faults = p.Faults()
	l.firsts = p.Firsts(l.firsts)
	if l.replacing {
		l.coming = r.counts
		l.report.Append(p.Report())
		return nil
	}
	l.note(r.counts)
	return p.Report()
}
