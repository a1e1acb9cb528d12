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

	limits   source.Limits
	groups   map[string]*Group
	lists    map[*claim.List]*List
	numbers  map[uint32]*List // lists, by number
	number   uint32           // of the last list
	futile   time.Time        // when there was last nothing to evict
	past     *past.Memory     // ids whose tasks have left memory
	order    int              // places in the order of changes
	accounts map[string]*account
	count    int          // ids of all of them
	shared   claim.Shared // what was made since the last settle
	secrets  *secrets.Known
	refused  int    // ids of all lists for which there was no room
	limited  bool   // that is so, and the log says it
	round    uint32 // changes when all lists are to be read again, whether they changed or not
	seed     maphash.Seed
}

// task is a tracked id. There are a million of them, so what is alike for many is held once.
type task struct {
	id string
	*claim.Listing
}

// New returns a ledger without groups.
func New(limits source.Limits) *Ledger {
	g := &Ledger{
		Outside: func(slow func()) { slow() },
		limits:  limits, groups: make(map[string]*Group), lists: make(map[*claim.List]*List), numbers: make(map[uint32]*List), accounts: make(map[string]*account),
		shared: claim.NewShared(), secrets: &secrets.Known{}, seed: maphash.MakeSeed(),
	}
	g.past = past.New(g.isStale)
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
func (g *Ledger) Count() int { return g.count }

// Accounts returns how many accounts are known.
func (g *Ledger) Accounts() int { return len(g.accounts) }

// Listings returns how many different listings the ids of an account have, and how many are kept to be found while lists are read.
func (g *Ledger) Listings(account string) (different, kept int) {
	seen := make(map[*claim.Listing]bool)
	for t := range g.account(account).tasks.All() {
		seen[t.Listing] = true
	}
	return len(seen), g.shared.Len()
}

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
func (g *Ledger) release(l *List, t *task) {
	t.Listing = g.shared.Listing(g.shared.GivenUp(t.Claims, &l.List), t.Reported)
	g.touch(l, t)
}

// touch notes that the claims on an id of a list may have changed.
func (g *Ledger) touch(l *List, t *task) {
	a := l.source.group.account
	a.touched = append(a.touched, t)
}

// TouchShared has it decided anew whose the ids are that are listed more than once.
func (g *Ledger) TouchShared() {
	for _, a := range g.accounts {
		for t := range a.tasks.All() {
			if t.Claims != nil && t.Claims.Next != nil {
				a.touched = append(a.touched, t)
			}
		}
	}
}

// settleAtATime is how many ids a change has at the most, so that a list of a million is handed on in parts.
const settleAtATime = 1 << 17

// Settle decides anew whose the touched ids are, and yields what changed, some ids at a time and group by group.
func (g *Ledger) Settle() iter.Seq[source.Change] {
	return func(yield func(source.Change) bool) {
		defer func() {
			g.shared = claim.NewShared()
			for _, gr := range g.groups {
				gr.Coming = 0
			}
		}()
		for _, a := range g.inOrder() {
			all := a.touched
			a.touched = nil
			for touched := range slices.Chunk(all, settleAtATime) {
				for _, c := range g.settleSome(a, touched) {
					if len(c.Added)+len(c.Removed) > 0 && !yield(c) {
						return
					}
				}
			}
		}
	}
}

// settleSome returns what changed of some ids of an account, by group.
func (g *Ledger) settleSome(a *account, touched []*task) []source.Change {
	changes := make([]source.Change, g.order)
	for _, t := range touched {
		g.settleTask(a, t, changes)
	}
	return changes
}

func (g *Ledger) settleTask(a *account, t *task, changes []source.Change) {
	reported, owner := t.Reported, g.ownerOf(t)
	if owner == nil {
		if reported != nil { // else it was touched twice, or went to another account
			c := reported.Group.ChangeIn(changes)
			c.Removed = append(c.Removed, t.id)
		}
		g.report(t, nil, nil)
		g.untrack(a, t)
		return
	}
	claims := t.Claims
	for c := range t.Claims.All() {
		// An id on its way from one list to another is not listed twice.
		if c != owner && !c.Counted && c.IsLive() && owner.IsLive() {
			counted := *c
			counted.Counted = true
			claims = g.shared.With(claims, counted)
			g.lists[c.List].source.tally.Reject(source.RejectedDuplicate)
		}
	}
	g.report(t, g.shared.MarkLost(claims, owner.Attrs.Group), owner.Attrs)
	if reported == nil || reported.Group != t.Reported.Group || !maps.Equal(reported.Labels, t.Reported.Labels) {
		c := t.Reported.Group.ChangeIn(changes)
		c.Added = append(c.Added, source.Task{ID: t.id, Model: t.Reported.Model, Labels: t.Reported.Labels})
	}
}

// report notes that an id is reported to the sink as a group's, by what its list says of it.
func (g *Ledger) report(t *task, claims *claim.Claim, now *claim.Attrs) {
	if was := t.Reported; was == nil || now == nil || was.Group != now.Group {
		if was != nil {
			was.Group.Tasks--
		}
		if now != nil {
			now.Group.Tasks++
		}
	}
	t.Listing = g.shared.Listing(claims, now)
}

// ownerOf returns the claim on an id that counts. A group that would get the id, and may have no more, gives its claims up.
func (g *Ledger) ownerOf(t *task) *claim.Claim {
	for t.Claims != nil {
		owner := t.Claims.Owner()
		gr := owner.List.Source.Group
		if gr.Most == 0 || gr.Tasks < gr.Most || t.Reported != nil && t.Reported.Group == gr {
			return owner
		}
		g.lists[owner.List].giveUp(t)
		t.Listing = g.shared.Listing(g.shared.GivenUp(t.Claims, owner.List), t.Reported)
	}
	return nil
}
