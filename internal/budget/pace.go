// How many requests a second are allowed now.

package budget

import (
	"context"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Pace says when the next request of an account may be sent. It may be remote and shared with other processes, so the account calls it
// with no lock held but the turn. It is safe for concurrent use.
type Pace interface {
	// Take takes the right to send one request now, and returns 0. If there is none now, it returns after how long to ask again. It
	// returns soon after ctx has ended. A right that is taken and not used is lost.
	Take(ctx context.Context) (wait time.Duration)
	// Slow says that the API refused a request as too fast.
	Slow()
	// Reconfigure puts another rate and another burst in force. What was taken stays taken.
	Reconfigure(perSecond float64, burst int)
	// Allowed returns how many requests a second are allowed, as far as this process knows. It must not block.
	Allowed() float64
}

// local is the pace of an account that is this process's alone.
type local struct {
	mu      sync.Mutex // guards all
	limiter *rate.Limiter
	speed   speed
}

func newLocal(perSecond float64, burst int, empty bool) *local {
	l := &local{
		limiter: rate.NewLimiter(rate.Limit(perSecond), burst),
		speed:   speed{full: perSecond, base: perSecond},
	}
	if empty {
		l.limiter.AllowN(time.Now(), burst)
	}
	return l
}

// Take implements Pace.
func (l *local) Take(context.Context) (wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now() // under the lock: to a limiter whose time goes back, the same time comes twice
	l.limiter.SetLimitAt(now, rate.Limit(l.speed.allowed(now)))
	if l.limiter.AllowN(now, 1) {
		return 0
	}
	missing := 1 - l.limiter.TokensAt(now)
	return max(time.Duration(missing/float64(l.limiter.Limit())*float64(time.Second)), time.Microsecond)
}

// Slow implements Pace.
func (l *local) Slow() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.speed.halve(time.Now())
}

// Reconfigure implements Pace.
func (l *local) Reconfigure(perSecond float64, burst int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	l.speed.scale(perSecond, now)
	l.limiter.SetLimitAt(now, rate.Limit(l.speed.allowed(now)))
	l.limiter.SetBurstAt(now, burst)
}

// Allowed implements Pace.
func (l *local) Allowed() float64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.speed.allowed(time.Now())
}

// speed is the rate allowed: the full one, or less for some time after the API refused requests as too fast.
type speed struct {
	full  float64
	base  float64 // what was allowed at since
	since time.Time
}

const (
	slowest  = 0.1 // of the full rate
	recovery = 0.1 // of the full rate, a minute
)

// allowed returns the requests a second allowed at now.
func (s *speed) allowed(now time.Time) float64 {
	if s.base >= s.full {
		return s.full
	}
	return min(s.full, s.base+s.full*recovery*now.Sub(s.since).Minutes())
}

// halve halves the rate allowed, down to slowest × full.
func (s *speed) halve(now time.Time) {
	s.base, s.since = max(s.full*slowest, s.allowed(now)/2), now
}

// scale makes another rate the full one. What is allowed of it stays the same part.
func (s *speed) scale(full float64, now time.Time) {
	s.base, s.since = full*s.allowed(now)/s.full, now
	s.full = full
}
