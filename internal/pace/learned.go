// How many requests a second the API lets pass, as learned from those that it refused.

package pace

import (
	"math"
	"time"
)

const (
	// WorthMore is what a query must be worth, in seconds of delay, for more than the configured rate to be used.
	WorthMore = 0.5

	// least is the part of the configured rate that is always used.
	least = 0.05
	// below is the part of the knee at which the pace stays after a refusal.
	below = 0.92
	// After impatient to patient requests that pass the pace comes from below × knee to the knee: one refusal in so many is risked. It is
	// twice as many each time the knee is found where it was, and fewest again when it has moved by more than moved.
	impatient, patient = 700, 4000
	moved              = 1.4
	// surprise is the part of that before which a refusal is no answer to a probe: the limit is another one now, or others use more of it.
	surprise = 0.8
	// soon is how many requests after a refusal another surprise says that the knee is far lower.
	soon = 60
	// slowRequests is what a second without a request counts at least: a knee so low that hardly anything is sent is doubted in time.
	slowRequests = 0.2
	// doubling is the time in which the pace doubles while no knee is known, or far below it.
	doubling = time.Minute
	// restart is the part of the pace at which it begins after a surprise, and rebound the time in which it doubles then.
	restart = 0.25
	rebound = 3 * time.Second
	// lookback is the time over which it is measured how many requests pass; a knee is not above credible times that.
	lookback = 5 * time.Second
	credible = 1.5
	// held is the part of the allowed rate from which on the pace is what holds requests up.
	held = 0.67
)

// learned is the rate, up to most, that the API bears. After a refusal it stays below the knee for long, then rises above it faster and
// faster; what counts is requests that pass while the pace is what holds them up.
type learned struct {
	rate, most float64 // configured: what is used anyway, and at most
	allowed    float64 // a second
	knee       float64 // at which the API refused last; 0: it never has
	anchor     float64 // the knee when patience changed last
	patience   float64 // requests until the pace reaches the knee
	since      float64 // of these, already sent
	rebounds   bool    // goes back up after a surprise
	passed     float64 // requests a second that passed lately, as of last
	last       time.Time
	sent       int  // requests since the last refusal
	vain       bool // not even one passed
}

func newLearned(o Options) *learned {
	return &learned{rate: o.Rate, most: o.Most, allowed: o.Rate}
}

// recall begins below a knee that was found before.
func (l *learned) recall(knee float64) {
	l.knee = l.atLeast(knee)
	l.anchor, l.patience, l.since = l.knee, impatient, 0
	l.allowed = l.atLeast(min(l.rate, below*l.knee))
}

// reconfigure puts other bounds in force, for a part of the account that is so many times what it was.
func (l *learned) reconfigure(o Options, times float64) {
	l.knee, l.anchor, l.passed, l.allowed = l.knee*times, l.anchor*times, l.passed*times, l.allowed*times
	l.rate, l.most = o.Rate, o.Most
	if l.knee == 0 {
		l.allowed = max(l.allowed, l.rate)
	}
	l.allowed = min(l.most, l.atLeast(l.allowed))
}

// atLeast returns a rate, or the least one that is allowed.
func (l *learned) atLeast(perSecond float64) float64 { return max(least*l.rate, perSecond) }

// send notes a request that is sent now. Worth is that of the one before.
func (l *learned) send(now time.Time, worth float64) {
	gap := math.Inf(1)
	if !l.last.IsZero() {
		gap = now.Sub(l.last).Seconds()
	}
	l.passed = l.passed*math.Exp(-gap/lookback.Seconds()) + 1/lookback.Seconds()
	l.last = now
	l.sent++
	if worth >= WorthMore && gap*l.allowed*held <= 1 {
		l.climb(gap)
	}
}

// climb raises what is allowed, after a request for which the pace was waited for, gap seconds after the one before.
func (l *learned) climb(gap float64) {
	safe, double := l.most, doubling
	if l.knee > 0 {
		safe = min(l.most, below*l.knee)
	}
	if l.rebounds {
		double = rebound
	}
	switch {
	case l.allowed >= l.most:
	case l.allowed < safe:
		l.allowed = min(safe, l.allowed*math.Exp2(gap/double.Seconds()))
	default:
		l.rebounds = false
		l.since += max(1, slowRequests*gap)
		part := l.since / l.patience
		l.allowed = min(l.most, max(l.allowed, l.knee*math.Pow(below, 1-part*part*part)))
	}
}

// refuse notes that the API refused a request as too fast.
func (l *learned) refuse(now time.Time) {
	first := l.sent <= 1 && l.knee > 0 // since the last refusal: that may be too short ago, or the limit far lower
	l.sent = 0
	if first {
		if !l.vain {
			l.knee = l.atLeast(math.Sqrt(l.knee * l.allowed))
		}
		l.allowed, l.vain = l.atLeast(l.allowed/2), true
		return
	}
	l.vain = false
	passed := l.passed * math.Exp(-now.Sub(l.last).Seconds()/lookback.Seconds())
	reached := min(l.allowed, passed)
	surprised := l.allowed == l.most || l.knee > 0 && l.allowed >= below*l.knee && l.since < surprise*l.patience
	knee := min(l.allowed, credible*passed)
	switch {
	case surprised && l.since < soon:
		knee, l.allowed = math.Sqrt(l.allowed*reached), l.allowed*restart
	case surprised:
		l.allowed *= restart
	default:
		l.allowed = below * reached
	}
	l.knee, l.allowed = l.atLeast(knee), l.atLeast(l.allowed)
	l.since, l.rebounds = 0, surprised
	l.adapt(surprised)
}

// adapt sets how patiently the knee that was just found is probed.
func (l *learned) adapt(surprised bool) {
	switch hasMoved := l.anchor == 0 || l.knee > moved*l.anchor || l.knee < l.anchor/moved; {
	case hasMoved:
		l.patience, l.anchor = impatient, l.knee
	case !surprised:
		l.patience, l.anchor = min(patient, 2*l.patience), l.knee
	}
}
