// Package ledger knows which list names which id, decides which of an account's groups an id belongs to, and yields what that changed.
//
// A Source gives it changes of its Lists: ids that are added, ids that are removed, or a whole content, of which a List works out the
// change itself, because it has what it named before and nobody else needs a second copy.
package ledger

import (
	"cmp"
	"hash/maphash"
	"iter"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/claim"
	"github.com/kie-exporter/kie_exporter/internal/source/owners"
	"github.com/kie-exporter/kie_exporter/internal/source/past"
	"github.com/kie-exporter/kie_exporter/internal/source/secrets"
)

// Grace is how long the successful reads of a source must lack an id until it is dropped.
const Grace = 30 * time.Second

// Ledger knows the claims of all lists on all tracked ids. Changes of lists, Expire and Arrange change claims; Settle draws the
// conclusions. It has no lock: its owner's guards it, and everything that it hands out.
type Ledger struct {
	// Outside calls slow without the owner's lock, while nobody else reads or replaces sources.
	Outside func(slow func())
	// Memory makes room where there is none; nil: nothing does. Flush hands on what Settle yields, meanwhile.
	Memory source.Memory
	Flush  func()

	limits  source.Limits
	groups  map[string]*Group
	lists   map[*claim.List]*List
	numbers map[uint32]*List // lists, by number
	number  uint32           // of the last list
	futile  time.Time        // when there was last nothing to evict
	past    *past.Memory     // ids whose tasks have left memory
	order   int              // places in the order of changes
	ids     *owners.Owners
	secrets *secrets.Known
	refused int    // ids of all lists for which there was no room
	limited bool   // that is so, and the log says it
	round   uint32 // changes when all lists are to be read again, whether they changed or not
	seed    maphash.Seed
}

// New returns a ledger without groups.
func New(limits source.Limits) *Ledger {
	g := &Ledger{
		Outside: func(slow func()) { slow() },
		limits:  limits, groups: make(map[string]*Group), lists: make(map[*claim.List]*List), numbers: make(map[uint32]*List),
		secrets: &secrets.Known{}, seed: maphash.MakeSeed(),
	}
	g.past = past.New(g.isStale)
	g.ids = owners.New(func(l *claim.List) owners.List { return g.lists[l] })
	return g
}

// Bound puts other limits in force, and reports whether all lists are to be read again.
func (g *Ledger) Bound(limits source.Limits) bool {
	changed := limits.Bytes != g.limits.Bytes || limits.IDs != g.limits.IDs
	g.limits = limits
	if changed {
		g.round++
	}
	return changed
}

// Look brings up to date which secrets there are. If that changes them, all lists are to be read again.
func (g *Ledger) Look(c secrets.Config) {
	if now := g.secrets.Look(c); now != g.secrets {
		g.secrets = now
		g.round++
	}
}

// Count returns how many ids are tracked.
func (g *Ledger) Count() int { return g.ids.Count() }

// Accounts returns how many accounts are known.
func (g *Ledger) Accounts() int { return g.ids.Accounts() }

// Listings returns how many different listings the ids of an account have, and how many are kept to be found while lists are read.
func (g *Ledger) Listings(account string) (different, kept int) { return g.ids.Listings(account) }

// NoteLimits logs once that ids are refused for want of room, until there was room for all of them.
func (g *Ledger) NoteLimits(log *slog.Logger) {
	if g.refused > 0 && !g.limited {
		log.Warn("Limit of tasks reached, further ids are refused", "limit", g.limits.Tasks, "refused", g.refused)
	}
	g.limited = g.refused > 0
	for _, gr := range slices.SortedFunc(maps.Values(g.groups), func(a, b *Group) int { return cmp.Compare(a.Index, b.Index) }) {
		gr.NoteLimit(log)
	}
}

// Expire drops the claims of a source on ids that its successful reads have lacked for long enough. The read that ended now
// was successful, but for the lists that are held.
func (g *Ledger) Expire(src *Source, now time.Time) {
	for l := range src.lists {
		if l.held {
			continue
		}
		for t, since := range l.missing {
			switch {
			case since.IsZero():
				l.missing[t] = now
			case now.Sub(since) >= Grace:
				delete(l.missing, t)
				g.release(l, t)
			}
		}
		if len(l.missing) == 0 {
			l.missing = nil // a map never gives memory back
		}
	}
}

// release takes back a list's claim on an id.
func (g *Ledger) release(l *List, t *owners.Task) { g.ids.Release(l.source.group.account, &l.List, t) }

// touch notes that the claims on an id of a list may have changed.
func (g *Ledger) touch(l *List, t *owners.Task) { l.source.group.account.Touch(t) }

// TouchShared has it decided anew whose the ids are that are listed more than once.
func (g *Ledger) TouchShared() { g.ids.TouchShared() }

// Settle decides anew whose the touched ids are, and yields what changed, some ids at a time and group by group.
func (g *Ledger) Settle() iter.Seq[source.Change] {
	return func(yield func(source.Change) bool) {
		defer func() {
			for _, gr := range g.groups {
				gr.Coming = 0
			}
		}()
		for c := range g.ids.Settle(g.order) {
			if !yield(c) {
				return
			}
		}
	}
}
