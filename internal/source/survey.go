// What a person wants to know of the sources: what each has, and what of it was skipped.

package source

import (
	"slices"
	"strings"
	"time"
)

// patience is for how long a source must have failed for nobody to wait for it any longer.
const patience = time.Minute

// Report is what one source has now.
type Report struct {
	Group, Source string
	IDs           int    // those that are tracked because of it
	Skipped       []Skip // by reason
	Err           error  // of the last read
	Partly        bool   // Err concerns entries that are no lists, and all lists were read
}

// Skip is what of a source is not tracked for one reason.
type Skip struct {
	Reason Rejection
	Count  uint64
	File   string // that has the first; empty: the source is no file
	Line   int    // of the first; of an inline list, its place there; 0: not known
}

// Survey returns a report of each source, in order.
func (s *Set) Survey() []Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	reports := make([]Report, len(s.sources))
	for i, src := range s.sources {
		reports[i] = src.report()
	}
	return reports
}

func (src *source) report() Report {
	_, part := asPart(src.err)
	r := Report{Group: src.group.name, Source: src.label, Err: src.err, Partly: part}
	lists := slices.SortedFunc(src.feed.lists(), func(a, b *list) int { return strings.Compare(a.name, b.name) })
	for _, l := range lists {
		for _, t := range l.tasks {
			if owner := t.claims.owner(); owner != nil && owner.list == l {
				r.IDs++
			}
		}
	}
	for reason, count := range src.rejected {
		if count == 0 {
			continue
		}
		skip := Skip{Reason: reason, Count: count}
		if i := slices.IndexFunc(lists, func(l *list) bool { return l.firsts[reason] > 0 }); i >= 0 {
			skip.File, skip.Line = lists[i].name, lists[i].firsts[reason]
		}
		r.Skipped = append(r.Skipped, skip)
	}
	slices.SortFunc(r.Skipped, func(a, b Skip) int { return strings.Compare(string(a.Reason), string(b.Reason)) })
	return r
}

// Settled reports whether every source was really read once, or has failed for a minute.
func (s *Set) Settled() bool {
	return !slices.ContainsFunc(*s.shown.Load(), func(src *source) bool { return !src.settled() })
}

func (src *source) settled() bool {
	stat := src.stat.Load()
	return stat.Read || !stat.FailingSince.IsZero() && time.Since(stat.FailingSince) >= patience
}
