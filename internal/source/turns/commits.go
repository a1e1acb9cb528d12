// Pushes that are saved together.

package turns

import (
	"sync"

	"github.com/kie-exporter/kie_exporter/internal/source"
)

// Commits has pushes taken together: those that come while some are being saved wait, and all that wait are saved next, at once.
type Commits struct {
	turn chan struct{} // has one who saves; taken before any lock

	mu      sync.Mutex // guards waiting; no other lock is taken while it is held
	waiting []*commit
}

// commit is a push that waits, or was taken. done belongs to whose turn it is.
type commit struct {
	push *source.Push
	done bool
}

// NewCommits returns commits of no pushes.
func NewCommits() *Commits { return &Commits{turn: make(chan struct{}, 1)} }

// Do has a push taken by take, with others of its kind.
func (c *Commits) Do(p *source.Push, take func([]*source.Push)) {
	own := &commit{push: p}
	c.mu.Lock()
	c.waiting = append(c.waiting, own)
	c.mu.Unlock()
	c.Alone(func() {
		for !own.done {
			together := c.next()
			pushes := make([]*source.Push, len(together))
			for i, w := range together {
				pushes[i], w.done = w.push, true
			}
			take(pushes)
		}
	})
}

// next returns those who have waited longest, of one kind: what is added and what is removed in one write would have no order.
func (c *Commits) next() []*commit {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, removes := 0, len(c.waiting[0].push.Remove) > 0
	for n < len(c.waiting) && (len(c.waiting[n].push.Remove) > 0) == removes {
		n++
	}
	next := c.waiting[:n:n]
	c.waiting = append([]*commit(nil), c.waiting[n:]...)
	return next
}

// Alone calls f while nothing is being saved.
func (c *Commits) Alone(f func()) {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	f()
}
