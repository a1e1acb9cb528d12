// Scrapes that wait for an account.

package dispatch

import (
	"slices"
	"time"
)

// Waiters are the scrapes that wait until everything is asked that was due when they came. They are guarded by the tasks' lock.
type Waiters []*Waiter

// Waiter is a scrape that waits for one account.
type Waiter struct {
	Done  chan struct{} // closed when it need wait no longer
	Asked bool          // everything that was due has been asked; good once Done is closed, or the waiter is removed

	arrived time.Time
}

// IsDone reports whether the scrape need not wait.
func (w *Waiter) IsDone() bool {
	select {
	case <-w.Done:
		return true
	default:
		return false
	}
}

// Add adds a scrape that arrives now.
func (w *Waiters) Add(now time.Time) *Waiter {
	one := &Waiter{arrived: now, Done: make(chan struct{})}
	*w = append(*w, one)
	return one
}

// Remove forgets a scrape that waits no longer. Its waiter is not written to after that.
func (w *Waiters) Remove(one *Waiter) {
	*w = slices.DeleteFunc(*w, func(other *Waiter) bool { return other == one })
}

// Release ends the waiting of the scrapes that arrived before first, the time since which the earliest task is due; of all if none is
// due, or if all requests are refused.
func (w *Waiters) Release(first time.Time, due, refused bool) {
	*w = slices.DeleteFunc(*w, func(one *Waiter) bool {
		asked := !due || first.After(one.arrived)
		if !asked && !refused {
			return false
		}
		one.Asked = asked
		close(one.Done)
		return true
	})
}
