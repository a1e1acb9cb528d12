// When lists are fetched from servers, and by whom: without the set's lock, so that no slow server holds anything up.

package source

import (
	"context"
	"fmt"
	"iter"
	"sync"
	"time"
)

// remotes yields the sources whose lists servers have.
func (s *Set) remotes() iter.Seq2[*source, *remote] {
	return func(yield func(*source, *remote) bool) {
		for _, src := range s.sources {
			if r, ok := src.feed.(*remote); ok && !yield(src, r) {
				return
			}
		}
	}
}

// startFetches starts to fetch every list that is due, and returns the time until the next one is. What arrives is read once after
// is closed; nil: at once.
func (s *Set) startFetches(ctx context.Context, fetches *sync.WaitGroup, after <-chan struct{}) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := interval
	for src, r := range s.remotes() {
		wait := time.Until(r.due)
		switch {
		case r.busy: // the end of that fetch is told by woken
		case wait > 0:
			next = min(next, wait)
		default:
			r.busy = true
			server, have, bytes := r.server, r.has(s.ledger), s.ledger.lists.bytes
			fetches.Go(func() {
				a := server.fetch(ctx, have, bytes)
				if after != nil {
					<-after
				}
				s.arrive(ctx, src, server, a)
			})
		}
	}
	return next
}

// arrive reads what a server answered, unless another one is asked meanwhile.
func (s *Set) arrive(ctx context.Context, src *source, from *server, a answer) {
	ctx, done := s.turns.read(ctx)
	defer done()
	s.mu.Lock()
	defer s.mu.Unlock()
	r := src.feed.(*remote)
	if r.server != from {
		return
	}
	r.busy, r.arrived = false, &a
	s.look()
	_ = s.read(ctx, src, false) // logged and counted already
	s.noteLimit()
	s.wake()
}

// wake makes Run look at what is due.
func (s *Set) wake() {
	select {
	case s.woken <- struct{}{}:
	default: // it will look anyway
	}
}

// fetchErrors returns why lists could not be fetched when last tried.
func (s *Set) fetchErrors() (errs []error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for src, r := range s.remotes() {
		if r.err != nil {
			errs = append(errs, fmt.Errorf("group %q: source %q: %w", src.group.name, src.label, r.err))
		}
	}
	return errs
}

// Close closes idle connections to the servers of lists.
func (s *Set) Close() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, r := range s.remotes() {
		r.server.close()
	}
}
