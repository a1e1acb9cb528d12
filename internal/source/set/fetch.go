// What sources need from elsewhere, such as lists of servers: got without the set's lock, so that nothing slow holds anything up.

package set

import (
	"context"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
)

// startFetches starts the fetch of every source that is due and needs one, and returns the time until the next source is due. What
// arrives is read once after is closed; nil: at once.
func (s *Set) startFetches(ctx context.Context, fetches *sync.WaitGroup, after <-chan struct{}) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := source.Interval
	for _, m := range s.members {
		due := m.source.Due()
		switch {
		case due.IsZero() || m.fetching: // read at each look; or the end of the fetch sends to woken
		case !m.dueLocked():
			next = min(next, time.Until(due))
		default:
			s.startFetchLocked(ctx, m, fetches, after)
		}
	}
	return next
}

// startFetchLocked starts the fetch of a source, if it needs one.
func (s *Set) startFetchLocked(ctx context.Context, m *member, fetches *sync.WaitGroup, after <-chan struct{}) {
	fetch := m.source.Fetch()
	if fetch == nil {
		return
	}
	m.fetching = true
	fetches.Go(func() {
		arrive := fetch(ctx)
		if after != nil {
			<-after
		}
		s.arrive(ctx, m, arrive)
	})
}

// arrive reads what was fetched, if the source still wants it.
func (s *Set) arrive(ctx context.Context, m *member, arrive func() bool) {
	ctx, done := s.turns.Read(ctx)
	defer done()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !arrive() {
		return
	}
	m.fetching = false
	s.ledger.Look(s.secrets)
	_ = s.refreshLocked(ctx, m, false) // logged and counted already
	s.ledger.NoteLimits(s.log)
	s.wake()
}

// wake makes Run look at what is due.
func (s *Set) wake() {
	select {
	case s.woken <- struct{}{}:
	default: // it will look anyway
	}
}

// fetchErrors returns why sources that fetch could not be read when last tried.
func (s *Set) fetchErrors() (errs []error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.members {
		if m.reads.Last != nil && m.source.Fetch() != nil {
			errs = append(errs, m.named(m.reads.Last))
		}
	}
	return errs
}

// Close ends all sources, and closes the connections that they have.
func (s *Set) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range s.members {
		m.source.Retire()
	}
}
