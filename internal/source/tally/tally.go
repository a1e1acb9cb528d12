// Package tally counts what lists have, and what of them was rejected and where first.
package tally

import (
	"maps"
	"slices"
	"strings"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/parsed"
)

// Counts are of the ids that a list has now.
type Counts struct {
	Listed    int // all but those of NoTask
	Repeated  int // of these, listed above in it already
	Refused   int // without room
	GroupFull int // for which the group has no room
	NoTask    int // answers in the content that created no task
	Beyond    int // beyond those that a list may have
}

// Add adds what a parser counted of a content. Its ids are counted one by one.
func (c *Counts) Add(p *parsed.List) {
	c.Listed += p.Beyond()
	c.NoTask += p.NoTask()
	c.Beyond += p.Beyond()
}

// Refuse counts an id for which there is no room.
func (c *Counts) Refuse(reason source.Rejection) {
	if reason == source.RejectedMaxTasks {
		c.GroupFull++
	} else {
		c.Refused++
	}
}

// Short returns for how many ids there is no room.
func (c *Counts) Short() int { return c.Refused + c.GroupFull }

// Follow counts what came to be refused since some counts were others.
func (c *Counts) Follow(was, now Counts) {
	c.Refused += now.Refused - was.Refused
	c.GroupFull += now.GroupFull - was.GroupFull
}

// Firsts are the lines where something was rejected first of a list.
type Firsts struct {
	Name  string // of the list
	Lines map[source.Rejection]int
}

// Source is what was counted of a source.
type Source struct {
	listed   int
	rejected map[source.Rejection]uint64
}

// New returns a source of which nothing was counted.
func New() Source {
	s := Source{rejected: make(map[source.Rejection]uint64)}
	for _, reason := range source.Rejections() {
		s.rejected[reason] = 0
	}
	return s
}

// Note counts by how much the counts of a list grew.
func (s *Source) Note(was, now Counts) {
	s.listed += now.Listed - was.Listed
	s.rejected[source.RejectedDuplicate] += more(now.Repeated, was.Repeated)
	s.rejected[source.RejectedLimit] += more(now.Refused, was.Refused)
	s.rejected[source.RejectedMaxTasks] += more(now.GroupFull, was.GroupFull)
	s.rejected[source.RejectedListIDs] += more(now.Beyond, was.Beyond)
	s.rejected[source.RejectedNoTask] += more(now.NoTask, was.NoTask)
}

// NoteFaults counts what is wrong with lines of a list.
func (s *Source) NoteFaults(p *parsed.List) {
	s.rejected[source.RejectedInvalid] += more(p.Report().Count-p.Secrets(), 0)
	s.rejected[source.RejectedSecret] += more(p.Secrets(), 0)
}

// more returns by how much a count grew: what a content repeats or was refused once is not counted at each read.
func more(now, before int) uint64 { return uint64(max(0, now-before)) }

// Reject counts an id that was rejected.
func (s *Source) Reject(reason source.Rejection) { s.rejected[reason]++ }

// RejectSome counts ids that were rejected for one reason.
func (s *Source) RejectSome(reason source.Rejection, ids uint64) { s.rejected[reason] += ids }

// Remove takes ids out of those that are listed.
func (s *Source) Remove(ids int) { s.listed -= ids }

// Listed returns how many ids the source lists, duplicates included.
func (s *Source) Listed() int { return s.listed }

// Rejected returns how many ids were rejected, by why.
func (s *Source) Rejected() map[source.Rejection]uint64 { return maps.Clone(s.rejected) }

// Skipped returns what of the source is not tracked, by reason, and where the first of each is: in the first list by name.
func (s *Source) Skipped(lists []Firsts) (skipped []source.Skip) {
	slices.SortFunc(lists, func(a, b Firsts) int { return strings.Compare(a.Name, b.Name) })
	for reason, count := range s.rejected {
		if count == 0 {
			continue
		}
		skip := source.Skip{Reason: reason, Count: count}
		if i := slices.IndexFunc(lists, func(l Firsts) bool { return l.Lines[reason] > 0 }); i >= 0 {
			skip.File, skip.Line = lists[i].Name, lists[i].Lines[reason]
		}
		skipped = append(skipped, skip)
	}
	slices.SortFunc(skipped, func(a, b source.Skip) int { return strings.Compare(string(a.Reason), string(b.Reason)) })
	return skipped
}
