// APIs that limit how many requests a second a key may send, and the application that uses the same key.

package polling

import (
	"math/rand/v2"
	"time"
)

// Limiter is how an API limits the requests of a key.
type Limiter interface {
	// Admit reports whether a request that comes now is let pass. One that is refused does not count.
	Admit(now time.Time, perSecond float64) bool
}

// tokenBucket lets pass as many as tokens have come in; up to so many seconds' worth are saved.
type tokenBucket struct {
	depth  time.Duration
	tokens float64
	last   time.Time
}

func (b *tokenBucket) Admit(now time.Time, perSecond float64) bool {
	full := max(1, perSecond*b.depth.Seconds())
	b.tokens = min(full, b.tokens+perSecond*now.Sub(b.last).Seconds())
	b.last = now
	if b.tokens < 1 {
		return false
	}
	b.tokens--
	return true
}

// slidingWindow lets so many pass in any span of its length.
type slidingWindow struct {
	span     time.Duration
	admitted []time.Time
}

func (w *slidingWindow) Admit(now time.Time, perSecond float64) bool {
	for len(w.admitted) > 0 && now.Sub(w.admitted[0]) >= w.span {
		w.admitted = w.admitted[1:]
	}
	if float64(len(w.admitted)+1) > perSecond*w.span.Seconds()+1e-9 {
		return false
	}
	w.admitted = append(w.admitted, now)
	return true
}

// fixedWindow lets so many pass from one full multiple of its length to the next.
type fixedWindow struct {
	span  time.Duration
	began time.Time
	count int
}

func (w *fixedWindow) Admit(now time.Time, perSecond float64) bool {
	if began := now.Truncate(w.span); began != w.began {
		w.began, w.count = began, 0
	}
	if float64(w.count+1) > perSecond*w.span.Seconds()+1e-9 {
		return false
	}
	w.count++
	return true
}

// unlimited lets all pass.
type unlimited struct{}

func (unlimited) Admit(time.Time, float64) bool { return true }

// The kinds of limits that are simulated.
const (
	Unlimited   = "none"
	Bucket      = "token bucket of 2 s"
	Sliding     = "sliding window of 10 s"
	Fixed       = "fixed window of 10 s"
	ShortWindow = "sliding window of 2 s"
)

// NewLimiter returns a limiter of a kind.
func NewLimiter(kind string) Limiter {
	switch kind {
	case Bucket:
		return &tokenBucket{depth: 2 * time.Second}
	case Sliding:
		return &slidingWindow{span: 10 * time.Second}
	case Fixed:
		return &fixedWindow{span: 10 * time.Second}
	case ShortWindow:
		return &slidingWindow{span: 2 * time.Second}
	default:
		return unlimited{}
	}
}

// Traffic is when an application sends its requests: one at any time within each of equal spans, so that it never keeps step with
// anybody, or at random (Poisson).
type Traffic struct {
	PerSecond float64
	Random    bool
	span      time.Time
	next      time.Time
	random    *rand.Rand
}

// begin has the first request come soon after the start.
func (t *Traffic) begin() {
	t.random = rand.New(rand.NewPCG(1, 5)) //nolint:gosec // repeatable, guards no secret
	t.span, t.next = Start(), Start()
	t.advance()
}

// advance passes on to the next request.
func (t *Traffic) advance() {
	switch {
	case t.PerSecond <= 0:
		t.next = t.next.Add(10 * 365 * 24 * time.Hour)
	case t.Random:
		t.next = t.next.Add(seconds(t.random.ExpFloat64() / t.PerSecond))
	default:
		t.next = t.span.Add(seconds(t.random.Float64() / t.PerSecond))
		t.span = t.span.Add(seconds(1 / t.PerSecond))
	}
}
