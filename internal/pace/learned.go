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
	// After impatient requests that pass, or patient ones once the knee was found where it was, the pace comes from its margin below the knee
	// to the knee: one refusal in so many is risked. They are impatient again when the knee has moved by more than moved.
	impatient, patient = 700, 4000
	moved              = 1.4
	// surprise is the part of that before which a refusal is no answer to a probe: the limit is not quite so high, or others use more of it.
	surprise = 0.8
	// above is how steeply the pace rises above the knee; a refusal at more than far times the knee finds it less exactly.
	above, far = 0.95, 1.04
	// doubling is the time in which the pace doubles while no knee is known, or far below it.
	doubling = time.Minute
	// A refusal after so few requests that passed since another, or within so long, says that the limit has fallen by much.
	soonRequests, soon = 8, 12 * time.Second
	// restart is the part of the pace at which it begins then, and rebound the time in which it doubles if the last time was a false alarm.
	restart = 1. / 16
	rebound = 3 * time.Second
	// slowRequests is what a second without a request counts at least: a knee so low that hardly anything is sent is doubted in time.
	slowRequests = 0.2
	// lookback is the time over which it is measured how many requests pass, and credible the part of them that a pace that climbs takes for
	// the limit: a bucket of two seconds, as a window of ten, lets pass more for that long.
	lookback = 10 * time.Second
	credible = 0.9
	// held is the part of the allowed rate from which on the pace is what holds requests up.
	held = 0.67
)

// The part of the knee by which the pace is below it after a refusal. It grows with each that comes as a surprise, as where the application
// asks at random, and shrinks with each that was an answer to a probe.
const (
	leastMargin, firstMargin, mostMargin = 0.01, 0.05, 0.1
	widen, narrow                        = 1.5, 0.25
)

// learned is the rate, up to most, that the API bears. After a refusal it stays below the knee for long, then rises above it faster and
// faster; what counts is requests that pass while the pace is what holds them up.
type learned struct {
	rate, most float64 // configured: what is used anyway, and at most
	allowed    float64 // a second
	knee       float64 // at which the API refused last; 0: it never has
	margin     float64
	anchor     float64 // the knee when patience began
	patience   float64 // requests until the pace reaches the knee
	since      float64 // of these, already sent
	fell       bool    // the limit is taken to have fallen, and the pace climbs until it is refused or where it was
	falseAlarm bool    // the last time it had not
	passed     float64 // requests a second that passed lately, as of last
	last       time.Time
	sent       int // requests since the last refusal
}

func newLearned(o Options) *learned {
	return &learned{rate: o.Rate, most: o.Most, allowed: o.Rate, margin: firstMargin}
}

// recall begins below a knee that was found before.
func (l *learned) recall(knee float64) {
	l.stay(knee)
	l.allowed = min(l.allowed, l.rate)
}

// stay goes on below a knee that was found.
func (l *learned) stay(knee float64) {
	l.knee = l.atLeast(knee)
	l.allowed, l.since, l.fell = l.safe(), 0, false
	if l.anchor == 0 || l.knee > moved*l.anchor || l.knee < l.anchor/moved {
		l.patience, l.anchor = impatient, l.knee
	}
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

// safe returns the rate at which the pace stays after a refusal, the most if there was none.
func (l *learned) safe() float64 {
	if l.knee == 0 {
		return l.most
	}
	return min(l.most, l.atLeast((1-l.margin)*l.knee))
}

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
	double := doubling
	if l.fell && l.falseAlarm {
		double = rebound
	}
	switch {
	case l.allowed >= l.most:
	case l.allowed < l.safe():
		l.allowed = min(l.safe(), l.allowed*math.Exp2(gap/double.Seconds()))
	default:
		if l.fell {
			l.fell, l.falseAlarm = false, true
		}
		l.since += max(1, slowRequests*gap)
		part, base := l.since/l.patience, 1-l.margin
		if part > 1 {
			base = above
		}
		l.allowed = min(l.most, max(l.allowed, l.knee*math.Pow(base, 1-part*part*part)))
	}
}

// refuse notes that the API refused a request as too fast.
func (l *learned) refuse(now time.Time) {
	nonePassed := l.sent <= 1
	l.sent = 0
	passed := l.passed * math.Exp(-now.Sub(l.last).Seconds()/lookback.Seconds())
	switch {
	case l.fell && nonePassed: // what was sent before fills a window still, or the limit is lower yet
		l.allowed = l.atLeast(l.allowed / 2)
	case l.fell, l.allowed < l.safe():
		l.falseAlarm = l.falseAlarm && !l.fell
		l.stay(max(l.allowed/2, credible*min(l.allowed, passed))) // what passed lately is little after a start or a pause
	case l.knee == 0, nonePassed, l.since <= max(soonRequests, soon.Seconds()*l.allowed):
		l.widen()
		l.stay(l.allowed)
		l.allowed, l.fell = l.atLeast(restart*l.knee), true
	case l.since < surprise*l.patience:
		l.widen()
		l.patience = min(patient, 2*l.patience)
		l.stay(l.allowed)
	case l.allowed > far*l.knee:
		l.patience = impatient
		l.stay(math.Sqrt(l.knee * l.allowed))
	default:
		l.margin = max(leastMargin, narrow*l.margin)
		l.patience = patient
		l.stay(l.allowed)
	}
}

func (l *learned) widen() { l.margin = min(mostMargin, widen*l.margin) }
