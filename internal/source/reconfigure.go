// Other sources, in place of those in force.

package source

import (
	"context"
	"maps"
	"slices"
)

// Reconfigure puts other groups and another limit in force. A source that is in them again, by its group, name and path, stays
// what it is: its ids, its failures and its counts. New ones are read once, and what they list is a backlog. Ids that only a
// source listed which is no more are dropped, and so are inline ids that are no longer written down. The error is Check's, and
// then nothing changes; a source that can't be read is logged, and tried again by Run.
func (s *Set) Reconfigure(ctx context.Context, groups []Group, limit int) error {
	if err := Check(groups); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.limit = limit
	added, gone := s.arrange(groups)
	s.settle(false)
	// What is new claims its ids before what is gone lets go of them: an id that moves is not dropped on its way.
	for _, src := range added {
		_ = s.read(ctx, src, true) // logged and counted already
	}
	s.reread(ctx)
	for _, src := range gone {
		s.ledger.retire(src)
	}
	s.settle(false)
	s.ledger.groups = len(groups)
	s.noteLimit()
	return nil
}

// reread reads the inline lists that were changed. What they lack now is dropped at once.
func (s *Set) reread(ctx context.Context) {
	for _, src := range s.sources {
		if list, ok := src.feed.(*inline); ok && list.stale {
			_ = list.read(ctx, s.ledger) // reads no file and can't fail
			s.ledger.releaseMissing(list.list)
			src.publish()
		}
	}
}

// arrange makes the sources of groups out of those that there are, and returns the new ones and those that are no more, which
// come last in precedence as long as they still have claims.
func (s *Set) arrange(groups []Group) (added, gone []*source) {
	a := arrangement{set: s, groups: make(map[string]*group), before: make(map[place]*source, len(s.sources))}
	for _, src := range s.sources {
		a.before[src.place()] = src
		a.groups[src.group.name] = src.group
	}
	for _, g := range a.groups {
		g.index = -1
	}
	s.sources = nil
	for i, from := range groups {
		a.addGroup(from, i)
	}
	s.ledger.groups = len(groups)
	for _, g := range a.groups {
		if g.index < 0 {
			g.index = s.ledger.groups
			s.ledger.groups++
		}
	}
	gone = slices.Collect(maps.Values(a.before))
	for i, src := range gone {
		src.rank = len(s.sources) + i
	}
	if len(a.before) > 0 || len(a.added) < len(s.sources) {
		s.ledger.touchShared() // precedence may have changed
	}
	shown := s.sources
	s.shown.Store(&shown)
	return a.added, gone
}

// place is what makes a source the same one as before.
type place struct{ group, label, path string }

func (src *source) place() place { return place{src.group.name, src.label, src.path} }

// arrangement is the work of arrange.
type arrangement struct {
	set    *Set
	groups map[string]*group
	before map[place]*source // those that were not taken over
	added  []*source
}

func (a *arrangement) addGroup(from Group, index int) {
	g := a.groups[from.Name]
	if g == nil {
		g = &group{name: from.Name}
		a.groups[from.Name] = g
	}
	g.index = index
	base := &traits{group: g, labels: from.Labels}
	if len(from.Inline) > 0 {
		src, known := a.source(base, inlineLabel, "")
		if !known {
			src.feed = &inline{stale: true, ids: from.Inline, list: &list{source: src}, log: src.logger(a.set.log)}
		} else if list := src.feed.(*inline); !slices.Equal(list.ids, from.Inline) {
			list.ids, list.stale = from.Inline, true
		}
	}
	for _, p := range from.Files {
		if src, known := a.source(base, p.Written, p.Path); !known {
			src.feed = newFiles(src, p.Path, p.isGlob(), src.logger(a.set.log))
		}
	}
}

// source appends the source of that place to the set: the one that was there, or a new one that has no feed yet.
func (a *arrangement) source(base *traits, label, path string) (src *source, known bool) {
	s := a.set
	at := place{base.group.name, label, path}
	src, known = a.before[at]
	if known {
		delete(a.before, at)
		if !maps.Equal(src.base.labels, base.labels) {
			s.ledger.rebase(src, base)
			src.base = base
		}
	} else {
		src = &source{
			group: base.group, label: label, path: path, base: base,
			rejected: map[Rejection]uint64{RejectedInvalid: 0, RejectedDuplicate: 0, RejectedLimit: 0},
		}
		src.publish()
		a.added = append(a.added, src)
	}
	src.rank = len(s.sources)
	s.sources = append(s.sources, src)
	return src, known
}
