// Other sources, in place of those in force.

package source

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// rereadTime is how long a reload reads lists.
const rereadTime = 5 * time.Second

// Prepared is what Reconfigure puts in force.
type Prepared struct {
	groups   []Group
	limits   Limits
	arrivals map[string]*arrival // by group
}

// arrival is a server to ask for the list of a group, and what it answered; nil: it was not asked yet.
type arrival struct {
	server *server
	answer *answer
}

// Prepare gets ready for other groups and other limits. Lists by HTTP that are new, or to be fetched in another way, are
// fetched once; if ctx ends that, Run does it later. It changes nothing that is in force. The error is Check's.
func (s *Set) Prepare(ctx context.Context, groups []Group, limits Limits) (*Prepared, error) {
	if err := Check(groups); err != nil {
		return nil, err
	}
	p, err := s.prepare(groups, limits)
	if err != nil {
		return nil, err
	}
	var fetches sync.WaitGroup
	for _, a := range p.arrivals {
		fetches.Go(func() {
			if answer := a.server.fetch(ctx, version{}, limits.Bytes); ctx.Err() == nil {
				a.answer = &answer
			}
		})
	}
	fetches.Wait()
	return p, nil
}

// prepare does what Prepare does before anything is fetched.
func (s *Set) prepare(groups []Group, limits Limits) (*Prepared, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	before := make(map[string]*remote)
	for src, r := range s.remotes() {
		before[src.group.name] = r
	}
	p := &Prepared{groups: groups, limits: limits, arrivals: make(map[string]*arrival)}
	for _, g := range groups {
		if g.HTTP == nil || before[g.Name] != nil && before[g.Name].from.same(g.HTTP) {
			continue
		}
		server, err := newServer(g.HTTP)
		if err != nil {
			return nil, fmt.Errorf("group %q: http: %w", g.Name, err)
		}
		p.arrivals[g.Name] = &arrival{server: server}
	}
	return p, nil
}

// Reconfigure puts what was prepared in force; nothing else may be put in force between the two. A source that is there again,
// by its group, name and path, stays what it is: its ids, its failures and its counts. New ones are read once, and what they
// list is a backlog; what is not read within five seconds, Run reads. Ids that only a source listed which is no more are dropped, and so are inline ids that are no longer written
// down. A source that can't be read is logged, and tried again by Run.
func (s *Set) Reconfigure(ctx context.Context, p *Prepared) {
	ctx, done := s.turns.replace(ctx)
	defer done()
	ctx, cancel := context.WithTimeout(ctx, rereadTime)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ledger.bound(p.limits) {
		s.fetchSoon()
	}
	added, gone := s.arrange(p)
	changed := s.reread(ctx, added)
	s.settle(false)
	// What is new claims its ids before what is gone lets go of them: an id that moves is not dropped on its way.
	s.readNew(ctx, added)
	for _, l := range changed {
		s.ledger.releaseMissing(l)
	}
	for _, src := range gone {
		s.retire(src)
	}
	s.settle(false)
	s.readRefused(ctx, added)
	s.ledger.groups = len(p.groups)
	s.ledger.forget(s.sources)
	s.noteLimit()
	s.wake()
}

// fetchSoon has all servers asked again.
func (s *Set) fetchSoon() {
	for _, r := range s.remotes() {
		r.due = time.Time{}
	}
}

// reread reads the inline lists that were changed, and returns them: what they lack now goes at once.
func (s *Set) reread(ctx context.Context, added []*source) (changed []*list) {
	for _, src := range s.sources {
		if own, ok := src.feed.(*inline); ok && own.stale && !slices.Contains(added, src) {
			_ = own.read(ctx, s.ledger) // reads no file and can't fail
			src.publish()
			changed = append(changed, own.list)
		}
	}
	return changed
}

// readNew reads the sources that are new, and those whose server is.
func (s *Set) readNew(ctx context.Context, added []*source) {
	for _, src := range s.sources {
		r, fetched := src.feed.(*remote)
		if fetched && r.arrived != nil || !fetched && slices.Contains(added, src) {
			_ = s.read(ctx, src, !fetched) // logged and counted already
		}
	}
}

func (s *Set) retire(src *source) {
	if r, ok := src.feed.(*remote); ok {
		r.retire()
	}
	s.ledger.retire(src)
}

// readRefused reads again what was refused ids for which there is room, now that others are gone.
func (s *Set) readRefused(ctx context.Context, added []*source) {
	for _, src := range s.sources {
		for l := range src.feed.lists() {
			if !s.ledger.wants(l) {
				continue
			}
			if r, ok := src.feed.(*remote); ok {
				r.due = time.Time{}
			} else {
				_ = s.read(ctx, src, slices.Contains(added, src)) // logged and counted already
			}
			break
		}
	}
}

// arrange makes the sources of groups out of those that there are, and returns the ones to be read for the first time and those
// that are no more, which come last in precedence as long as they still have claims.
func (s *Set) arrange(p *Prepared) (added, gone []*source) {
	a := arrangement{set: s, arrivals: p.arrivals, groups: make(map[string]*group), before: make(map[place]*source, len(s.sources))}
	for _, src := range s.sources {
		a.before[src.place()] = src
		a.groups[src.group.name] = src.group
	}
	for _, g := range a.groups {
		g.index = -1
	}
	s.sources = nil
	for i, from := range p.groups {
		a.addGroup(from, i)
	}
	s.ledger.groups = len(p.groups)
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
	set      *Set
	arrivals map[string]*arrival
	groups   map[string]*group
	before   map[place]*source // those that were not taken over
	added    []*source
}

func (a *arrangement) addGroup(from Group, index int) {
	g := a.groups[from.Name]
	if g == nil {
		g = &group{name: from.Name, account: a.set.ledger.account(from.Account)}
		a.groups[from.Name] = g
	}
	if to := a.set.ledger.account(from.Account); g.account != to {
		a.set.ledger.entrust(g, to, slices.Collect(maps.Values(a.before)))
	}
	g.index, g.most = index, from.MaxTasks
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
	if from.HTTP != nil {
		a.addRemote(from, base)
	}
}

func (a *arrangement) addRemote(from Group, base *traits) {
	src, known := a.source(base, httpLabel, "")
	if !known {
		src.owed = true // whenever its first read is
		src.feed = newRemote(src, src.logger(a.set.log))
	}
	r := src.feed.(*remote)
	if arrival := a.arrivals[from.Name]; arrival != nil {
		r.move(from.HTTP, arrival)
	}
	r.every(from.HTTP.Interval)
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
			rejected: map[Rejection]uint64{
				RejectedInvalid: 0, RejectedDuplicate: 0, RejectedLimit: 0, RejectedMaxTasks: 0, RejectedListIDs: 0, RejectedNoTask: 0, RejectedSecret: 0,
			},
		}
		src.publish()
		a.added = append(a.added, src)
	}
	src.rank = len(s.sources)
	s.sources = append(s.sources, src)
	return src, known
}
