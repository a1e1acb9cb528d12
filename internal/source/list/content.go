// Whole contents of a list, and parts of them.

package list

import (
	"context"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source/format"
	"github.com/kie-exporter/kie_exporter/internal/source/latest"
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
	l.begin(l.orderOf(p, l.source.all.First || l.Round == 0 && p.Count() > fewIDs, l.Round == 0))
	var refused []uint64
	l.add(p, &refused)
	report := l.End()
	l.refused = latest.NewRefused(refused)
	if beyond == 0 {
		report.Beyond, report.Most = p.Beyond(), l.source.all.Capacity.Limits.IDs
	}
	return report
}

// fewIDs is how many ids a content has at most that may have been written since the last look.
const fewIDs = 1000

// orderOf returns how room is given to the ids of a whole content. Quiet: none is new. Otherwise, where it is not known which ids were refused
// before, those are new that stand behind all that are known: a file that was copied has others before them.
func (l *List) orderOf(p *parsed.List, quiet, appended bool) latest.Order {
	free := l.source.all.Capacity.Free(&l.source.group.Group) - l.later
	if p.Count() <= free {
		return latest.Whole(0, 0, 0, l.refused, quiet)
	}
	needs, before := l.source.all.Capacity.Needs(p, l.source.group.Account, &l.List)
	if !appended {
		before = 0
	}
	return latest.Whole(needs, free, before, l.refused, quiet)
}

// Begin begins a content in place of the one that the list has, of which nothing is known but whether all of it may be new. What Add adds from now
// on is its parts, up to End; if the end never comes, the list names what was in either. All is the one part of a content; nil: there are more.
func (l *List) Begin(mayBeNew bool, all *parsed.List) {
	if quiet := l.source.all.First || !mayBeNew; all == nil {
		l.begin(latest.First(quiet))
	} else {
		l.begin(l.orderOf(all, quiet, true))
	}
}

// BeginAgain begins the content again that the list has, with more behind it perhaps.
func (l *List) BeginAgain() {
	l.begin(latest.Again(l.counts.Short(), l.source.all.Capacity.MayFree(&l.source.group.Group)))
}

// Reserve leaves room to lists that are read after it, with so many ids, other replicas' among them.
func (l *List) Reserve(ids int) { l.later = latest.ShareOf(l.source.group.Has).Of(ids) }

// Room returns how many ids a content may name, other replicas' among them, so that there is room for all, in the place of tasks that are over,
// too, about.
func (l *List) Room() int {
	return latest.ShareOf(l.source.group.Has).Needs(max(0, l.source.all.Capacity.MayFree(&l.source.group.Group)-l.later))
}

// PassOver has the parts that come next leave the room to those behind them, until it is told otherwise.
func (l *List) PassOver(yes bool) { l.order.PassOver(yes) }

func (l *List) begin(o latest.Order) {
	l.Round++
	l.order, l.refused = o, nil
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
		l.missing.Put(t, time.Time{})
		l.touch(t)
		return true
	})
	if cap(l.tasks)-len(l.tasks) > len(l.tasks)/8 {
		l.tasks = slices.Clone(l.tasks) // to give back what was too much
	}
	report := l.report
	l.later = 0
	l.backoff.End()
	l.note(l.coming)
	l.replacing, l.before, l.report, l.order, l.dropped = false, parsed.Faults{}, nil, latest.Order{}, 0
	return report
}

// Add adds what p names to what the list has. It returns what is wrong with lines; of a content that was begun, End does.
func (l *List) Add(p *parsed.List) *parsed.Report { return l.add(p, nil) }

// sparse is which part of a list's ids it may have lost until they are closed up.
const sparse = 64

func (l *List) add(p *parsed.List, refused *[]uint64) *parsed.Report {
	if l.givenUp || l.dropped > len(l.tasks)/sparse {
		l.tasks = slices.DeleteFunc(l.tasks, func(t *owners.Task) bool { return t.Claims.By(&l.List) == nil })
		l.givenUp, l.dropped = false, 0
	}
	r := reading{list: l, last: l.Round, counts: l.counts, parsed: p, refused: refused}
	if l.replacing {
		r.last, r.counts = l.Round-1, l.coming
	}
	r.read()
	r.takeWaiting()
	r.counts.Add(p)
	l.source.Tally.NoteFaults(p)
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
