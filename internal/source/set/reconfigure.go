// Other sources, in place of those in force.

package set

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/groups"
	"github.com/kie-exporter/kie_exporter/internal/source/remote"
)

// rereadTime is how long a reload reads lists.
const rereadTime = 5 * time.Second

// Prepared is what Reconfigure puts in force.
type Prepared struct {
	groups  []groups.Group
	limits  source.Limits
	servers map[string]*remote.Server // by group: those that are new, or to be asked in another way
}

// Prepare gets ready for other groups and other limits. Lists by HTTP that are new, or to be fetched in another way, are
// fetched once; if ctx ends that, Run does it later. It changes nothing that is in force. The error is groups.Check's.
func (s *Set) Prepare(ctx context.Context, all []groups.Group, limits source.Limits) (*Prepared, error) {
	if err := groups.Check(all); err != nil {
		return nil, err
	}
	s.mu.Lock()
	p, err := s.prepareLocked(all, limits)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	var fetches sync.WaitGroup
	for _, server := range p.servers {
		fetches.Go(func() { server.Ask(ctx, limits.Bytes) })
	}
	fetches.Wait()
	return p, nil
}

// prepareLocked does what Prepare does before anything is fetched.
func (s *Set) prepareLocked(all []groups.Group, limits source.Limits) (*Prepared, error) {
	p := &Prepared{groups: all, limits: limits, servers: make(map[string]*remote.Server)}
	for _, g := range all {
		if g.HTTP == nil {
			continue
		}
		if before := s.kinds.remote[g.Name]; before != nil && before.From().Same(g.HTTP) {
			continue
		}
		server, err := remote.Connect(g.HTTP)
		if err != nil {
			return nil, fmt.Errorf("group %q: http: %w", g.Name, err)
		}
		p.servers[g.Name] = server
	}
	return p, nil
}

// Reconfigure puts what was prepared in force; nothing else may be put in force between the two. A source that is there again,
// by its group, name and path, stays what it is: its ids, its failures and its counts. New ones are read once, and what they
// list is a backlog; what is not read within five seconds, Run reads. Ids that only a source listed which is no more are dropped, and so
// are inline ids that are no longer written down, and ids that are another replica's now. A source that can't be read is logged, and
// tried again by Run.
func (s *Set) Reconfigure(ctx context.Context, p *Prepared) {
	ctx, done := s.turns.Replace(ctx)
	defer done()
	ctx, cancel := context.WithTimeout(ctx, rereadTime)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ledger.Bound(p.limits) {
		for _, m := range s.members {
			m.soon = true
		}
	}
	a := s.arrangeLocked(p)
	s.backlog = false
	for _, m := range a.changed {
		_ = m.source.Refresh(ctx) // what it lacks goes at once
		m.publishLocked()
	}
	s.settleLocked(false)
	// What is new claims its ids before what is gone lets go of them: an id that moves is not dropped on its way.
	s.readNewLocked(ctx, a)
	for _, m := range a.changed {
		m.claims.ReleaseMissing()
	}
	for _, m := range a.gone {
		m.source.Retire()
		s.ledger.Retire(m.claims)
	}
	s.settleLocked(false)
	s.readRefusedLocked(ctx, a.added)
	s.ledger.Forget(len(p.groups))
	s.ledger.Shrink()
	s.ledger.NoteLimits(s.log)
	s.wake()
}

// readNewLocked reads the sources that are new or at another server, as far as they need no fetch.
func (s *Set) readNewLocked(ctx context.Context, a *arrangement) {
	for _, m := range s.members {
		added := slices.Contains(a.added, m)
		if (added || slices.Contains(a.moved, m)) && m.source.Fetch() == nil {
			_ = s.refreshLocked(ctx, m, added) // logged and counted already
		}
	}
}

// readRefusedLocked reads again what was refused ids for which there is room, now that others are gone.
func (s *Set) readRefusedLocked(ctx context.Context, added []*member) {
	for _, m := range s.members {
		switch {
		case !m.claims.Wants():
		case m.source.Fetch() != nil:
			m.soon = true
		default:
			_ = s.refreshLocked(ctx, m, slices.Contains(added, m)) // logged and counted already
		}
	}
}
