// Package ledger knows which groups there are and which list names which id, decides which of an account's groups an id belongs to, and
// yields what that changed.
package ledger

import (
	"cmp"
	"iter"
	"log/slog"
	"maps"
	"slices"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/list"
	"github.com/kie-exporter/kie_exporter/internal/source/secrets"
)

// Ledger knows the claims of all lists on all tracked ids. Changes of lists, their sources' Expire, and Arrange change claims; Settle draws
// the conclusions. It has no lock: its owner's guards it, and everything that it hands out.
type Ledger struct {
	*list.All

	groups  map[string]*group
	order   int  // places in the order of changes
	limited bool // ids were refused for want of room, and the log says it
}

// group is a group by its place in the configuration.
type group struct {
	list.Group
	sources []*list.Source
}

// New returns a ledger without groups.
func New(limits source.Limits) *Ledger {
	return &Ledger{All: list.NewAll(limits), groups: make(map[string]*group)}
}

// Bound puts other limits in force, and reports whether all lists are to be read again.
func (g *Ledger) Bound(limits source.Limits) bool {
	changed := limits.Bytes != g.Capacity.Limits.Bytes || limits.IDs != g.Capacity.Limits.IDs
	g.Capacity.Limits = limits
	if changed {
		g.Round++
	}
	return changed
}

// Look brings up to date which secrets there are. If that changes them, all lists are to be read again.
func (g *Ledger) Look(c secrets.Config) {
	if now := g.Secrets.Look(c); now != g.Secrets {
		g.Secrets = now
		g.Round++
	}
}

// Count returns how many ids are tracked.
func (g *Ledger) Count() int { return g.IDs.Count() }

// Accounts returns how many accounts are known.
func (g *Ledger) Accounts() int { return g.IDs.Accounts() }

// Listings returns how many different listings the ids of an account have, and how many are kept to be found while lists are read.
func (g *Ledger) Listings(account string) (different, kept int) { return g.IDs.Listings(account) }

// IsPast reports whether the task of an account's id has left memory and may still be listed.
func (g *Ledger) IsPast(account, id string) bool { return g.Capacity.IsPast(account, id) }

// NoteLimits logs once that ids are refused for want of room, until there was room for all of them.
func (g *Ledger) NoteLimits(log *slog.Logger) {
	if g.Refused > 0 && !g.limited {
		log.Warn("Limit of tasks reached, ids are refused, the oldest first", "limit", g.Capacity.Limits.Tasks, "refused", g.Refused)
	}
	g.limited = g.Refused > 0
	for _, gr := range slices.SortedFunc(maps.Values(g.groups), func(a, b *group) int { return cmp.Compare(a.Index, b.Index) }) {
		gr.NoteLimit(log)
	}
}

// TouchShared has it decided anew whose the ids are that are listed more than once.
func (g *Ledger) TouchShared() { g.IDs.TouchShared() }

// Settle decides anew whose the touched ids are, and yields what changed, some ids at a time and group by group.
func (g *Ledger) Settle() iter.Seq[source.Change] {
	return func(yield func(source.Change) bool) {
		defer func() {
			for _, gr := range g.groups {
				gr.Coming = 0
			}
		}()
		for c := range g.IDs.Settle(g.order) {
			if !yield(c) {
				return
			}
		}
	}
}

// SettleAlone has a list changed, and yields what that changes. What else has changed and was not settled yet stays so: whoever
// reads other lists at the moment is not disturbed.
func (g *Ledger) SettleAlone(l *list.List, change func()) iter.Seq[source.Change] {
	return func(yield func(source.Change) bool) {
		gr := g.groups[l.Source.Group.Name]
		coming := gr.Coming
		defer func() { gr.Coming = coming }()
		for c := range g.IDs.SettleAlone(gr.Account, g.order, change) {
			if !yield(c) {
				return
			}
		}
	}
}
