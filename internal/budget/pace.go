// How many requests a second are allowed now.

package budget

import (
	"context"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/pace"
)

// Pace says when the next request of an account may be sent. The account calls it with no lock held but the turn, as one that is
// shared with other processes would take time; local is the only one so far but for tests. It is safe for concurrent use.
type Pace interface {
	// Take takes the right to send one request now, and returns 0. If there is none now, it returns after how long to ask again. It
	// returns soon after ctx has ended. A right that is taken and not used is lost.
	Take(ctx context.Context) (wait time.Duration)
	// Worth tells what the request for which a right was taken last is worth, in seconds of delay. It must not block.
	Worth(seconds float64)
	// Slow says that the API refused a request as too fast.
	Slow()
	// Reconfigure puts other rates and another burst in force. What was taken stays taken.
	Reconfigure(o pace.Options)
	// Allowed returns how many requests a second are allowed, as far as this process knows. It must not block.
	Allowed() float64
	// Recall begins with what Knee returned before, unless something is known. It must not block.
	Recall(knee float64)
	// Knee returns how many requests a second of the whole account the API was found to let pass at most; 0: that is not known. It must not
	// block.
	Knee() float64
}

// local is the pace of an account that is this process's alone.
type local struct {
	mu      sync.Mutex // guards limiter
	limiter *pace.Limiter
}

func newLocal(o pace.Options, empty bool) *local {
	l := &local{limiter: pace.New(o)}
	if empty {
		l.limiter.Empty(time.Now())
	}
	return l
}

// Take implements Pace.
func (l *local) Take(context.Context) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limiter.Take(time.Now()) // read under the lock: to a limiter whose time goes back, the same time comes twice
}

// Worth implements Pace.
func (l *local) Worth(seconds float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limiter.Worth(seconds)
}

// Slow implements Pace.
func (l *local) Slow() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limiter.Refused(time.Now())
}

// Reconfigure implements Pace.
func (l *local) Reconfigure(o pace.Options) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limiter.Reconfigure(o, time.Now())
}

// Recall implements Pace.
func (l *local) Recall(knee float64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.limiter.Recall(knee)
}

// Knee implements Pace.
func (l *local) Knee() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limiter.Knee()
}

// Allowed implements Pace.
func (l *local) Allowed() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.limiter.Allowed(time.Now())
}
