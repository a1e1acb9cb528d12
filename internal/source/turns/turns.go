// Package turns says whose turn it is: to read sources or replace them, and to save what was pushed.
package turns

import (
	"context"
	"sync"
)

// Turns has one at a time read or replace sources. Who replaces them does not wait for a list to be read to its end: the read under
// way ends, and is begun again by the next one.
type Turns struct {
	token chan struct{} // taken by whose turn it is, before any lock

	mu      sync.Mutex         // guards what follows; taken after the token, and no other lock while it is held
	hurried int                // how many are waiting to replace, or do
	end     context.CancelFunc // of the reading in this turn; nil: none
	over    bool               // nothing is to be read any more
}

// New returns turns of which none is taken.
func New() *Turns { return &Turns{token: make(chan struct{}, 1)} }

// Read takes a turn in which lists are read, until the context that it returns ends.
func (t *Turns) Read(ctx context.Context) (context.Context, func()) {
	t.token <- struct{}{}
	ctx, end := context.WithCancel(ctx)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.beginLocked(end, t.hurried > 0)
	return ctx, func() { t.give(end) }
}

// Replace takes the turn from the one that reads. The context that it returns ends only with everything.
func (t *Turns) Replace(ctx context.Context) (context.Context, func()) {
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
func (t *Turns) beginLocked(end context.CancelFunc, hurried bool) {
	t.end = end
	if hurried || t.over {
		end()
	}
}

// give lets the next one take a turn.
func (t *Turns) give(end context.CancelFunc) {
	t.mu.Lock()
	defer t.mu.Unlock()
	end()
	t.end = nil
	<-t.token
}

// Stop ends all reading, that of a reload too.
func (t *Turns) Stop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.over = true
	if t.end != nil {
		t.end()
	}
}
