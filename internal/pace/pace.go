// Package pace says when the next request may be sent, so that there are no more than so many a second, and learns how many the API
// lets pass. It has no clock: times are passed in, so that the simulation runs the very code that the exporter does.
package pace

import (
	"time"

	"golang.org/x/time/rate"
)

// Options say how fast requests may be.
type Options struct {
	Rate  float64 // requests a second
	Most  float64 // up to which it is learned how many the API lets pass; Rate or less: nothing is learned
	Burst int     // requests at once: a window of W seconds sees at most Burst + max(Rate, Most)·W. Where it is learned, there is one at a time
	Part  float64 // which part of an account all these are; 0: the whole
}

// Share returns which part of an account the options are.
func (o Options) Share() float64 {
	if o.Part == 0 {
		return 1
	}
	return o.Part
}

func (o Options) learns() bool { return o.Most > o.Rate }

func (o Options) burst() int {
	if o.learns() {
		return 1 // where a limit counts short spans, several at once are refused though the pace is not too fast
	}
	return o.Burst
}

// Limiter spaces requests. It is not safe for concurrent use. Times must not go back.
type Limiter struct {
	options Options
	limiter *rate.Limiter
	speed   speed
	learned *learned // nil: nothing is learned
	worth   float64  // of the last request
}

// New returns a full limiter.
func New(o Options) *Limiter {
	l := &Limiter{
		options: o, speed: speed{full: o.Rate, base: o.Rate},
		limiter: rate.NewLimiter(rate.Limit(o.Rate), o.burst()),
	}
	if o.learns() {
		l.learned = newLearned(o)
	}
	return l
}

// Empty takes the rights to all requests that might be sent at once.
func (l *Limiter) Empty(now time.Time) { l.limiter.AllowN(now, l.limiter.Burst()) }

// Reconfigure puts other options in force. What was taken stays taken. Where nothing is learned, what is allowed of the rate stays the same
// part; else what is known of the account stays.
func (l *Limiter) Reconfigure(o Options, now time.Time) {
	l.speed.scale(o.Rate, now)
	switch {
	case !o.learns():
		l.learned = nil
	case l.learned == nil:
		l.learned = newLearned(o)
	default:
		l.learned.reconfigure(o, o.Share()/l.options.Share())
	}
	l.options = o
	l.limiter.SetLimitAt(now, rate.Limit(l.Allowed(now)))
	l.limiter.SetBurstAt(now, o.burst())
}

// Recall begins with a knee of the whole account that was found before, unless one is known.
func (l *Limiter) Recall(knee float64) {
	if l.learned != nil && l.learned.knee == 0 && knee > 0 {
		l.learned.recall(knee * l.options.Share())
	}
}

// Knee returns how many requests a second of the whole account the API was found to let pass at most; 0: it is not known.
func (l *Limiter) Knee() float64 {
	if l.learned == nil {
		return 0
	}
	return l.learned.knee / l.options.Share()
}

// Take takes the right to send a request now and returns 0, or how long to wait before asking again.
func (l *Limiter) Take(now time.Time) (wait time.Duration) {
	l.limiter.SetLimitAt(now, rate.Limit(l.Allowed(now)))
	if l.limiter.AllowN(now, 1) {
		if l.learned != nil {
			l.learned.send(now, l.worth)
		}
		return 0
	}
	missing := 1 - l.limiter.TokensAt(now)
	return max(time.Duration(missing/float64(l.limiter.Limit())*float64(time.Second)), time.Microsecond)
}

// Worth tells what the request that was sent last is worth, in seconds of delay.
func (l *Limiter) Worth(seconds float64) { l.worth = seconds }

// Refused notes that the API refused a request as too fast.
func (l *Limiter) Refused(now time.Time) {
	if l.learned != nil {
		l.learned.refuse(now)
		return
	}
	l.speed.halve(now)
}

// Allowed returns how many requests a second are allowed.
func (l *Limiter) Allowed(now time.Time) float64 {
	switch {
	case l.learned == nil:
		return l.speed.allowed(now)
	case l.worth < WorthMore:
		return min(l.learned.allowed, l.learned.rate)
	default:
		return l.learned.allowed
	}
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
