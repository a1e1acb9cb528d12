// Who may read or replace sources, one at a time.

package set

import (
	"context"
	"sync"
)

// turns has one at a time read or replace sources. Who replaces them does not wait for a list to be read to its end: the read under
// way ends, and is begun again by the next one.
type turns struct {
	token chan struct{} // taken by whose turn it is, before any lock

	mu      sync.Mutex         // guards what follows; taken after the token, and no other lock while it is held
	hurried int                // how many are waiting to replace, or do
	end     context.CancelFunc // of the reading in this turn; nil: none
	over    bool               // nothing is to be read any more
}

func newTurns() *turns { return &turns{token: make(chan struct{}, 1)} }

// read takes a turn in which lists are read, until the context that it returns ends.
func (t *turns) read(ctx context.Context) (context.Context, func()) {
	t.token <- struct{}{}
	ctx, end := context.WithCancel(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.beginLocked(end, t.hurried > 0)
	return ctx, func() { t.give(end) }
}

// replace takes a turn from whoever is reading. The context that it returns ends only with everything.
func (t *turns) replace(ctx context.Context) (context.Context, func()) {
	ctx, end := context.WithCancel(ctx)
	t.mu.Lock()
	t.hurried++
	if t.end != nil {
		t.end()
	}
	t.mu.Unlock()
	t.token <- struct{}{}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.beginLocked(end, false)
	return ctx, func() {
		t.mu.Lock()
		t.hurried--
		t.mu.Unlock()
		t.give(end)
	}
}

// beginLocked begins a turn.
func (t *turns) beginLocked(end context.CancelFunc, hurried bool) {
	t.end = end
	if hurried || t.over {
		end()
	}
}

// give lets the next one take a turn.
func (t *turns) give(end context.CancelFunc) {
	t.mu.Lock()
	defer t.mu.Unlock()
	end()
	t.end = nil
	<-t.token
}

// stop ends all reading, that of a reload too.
func (t *turns) stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	if t.end != nil {
		t.end()
	}
}
