// How the API's clock is related to ours. What an answer says of it may be wrong, as a gateway's clock may be.

package life

import (
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

const (
	// recentClocks is of how many answers the difference is the median.
	recentClocks = 9
	// enoughClocks is from how many answers on a single wrong one has no say.
	enoughClocks = 3
	// offsetMoves is by how much the difference must change until what was concluded from it is looked at again, and
	// rejudgeEvery the least time between two such looks: they go through all unfinished tasks.
	offsetMoves  = 10 * time.Second
	rejudgeEvery = time.Minute
)

// Clock relates the API's clock to ours.
type Clock struct {
	offset time.Duration // the API's minus ours

	recent [recentClocks]time.Duration
	count  int // answers that told an offset
	wild   int // answers in a row whose Date was too far off

	judged   time.Duration // the offset by which the unfinished tasks were judged as a whole
	judgedAt time.Time
}

// Read takes the API's clock from an answer. Its Date header has whole seconds: a difference under 2 s is none. One that lies before what
// the answer tells of is wrong. Read reports whether the clock has now been too far off to be gone by for some answers.
func (c *Clock) Read(answer kie.Answer, now time.Time) (wild bool) {
	const slack = time.Minute
	if answer.Clock.IsZero() || answer.Clock.Add(slack) < max(answer.Created, answer.Updated, answer.Completed) {
		return false
	}
	offset := answer.Clock.Time().Sub(now)
	if offset.Abs() > kie.WidestOffset {
		c.wild++
		return c.wild == recentClocks
	}
	c.wild = 0
	c.recent[c.count%recentClocks] = offset
	c.count++
	c.offset = median(c.recent[:min(c.count, recentClocks)])
	if c.offset.Abs() < 2*time.Second {
		c.offset = 0
	}
	return false
}

// Rejudges reports whether what was concluded from the difference is to be looked at again now, because it is another one.
func (c *Clock) Rejudges(now time.Time) bool {
	if (c.offset-c.judged).Abs() < offsetMoves || now.Sub(c.judgedAt) < rejudgeEvery {
		return false
	}
	c.judged, c.judgedAt = c.offset, now
	return true
}

// At returns a moment of our time.
func (c *Clock) At(now time.Time) Moment {
	return Moment{Now: now, offset: c.offset, sure: c.count >= enoughClocks}
}

// median returns the middle of some offsets, or the smaller one of the two in the middle.
func median(offsets []time.Duration) time.Duration {
	sorted := slices.Sorted(slices.Values(offsets))
	low, high := sorted[(len(sorted)-1)/2], sorted[len(sorted)/2]
	if low.Abs() < high.Abs() {
		return low
	}
	return high
}

// Moment is a time of ours, with what is known of the API's clock.
type Moment struct {
	Now    time.Time
	offset time.Duration // the API's minus ours
	sure   bool          // a single wrong answer has no say in that
}

// at returns another moment, by the same clock.
func (m Moment) at(now time.Time) Moment {
	m.Now = now
	return m
}

// API returns the API's time at one of ours.
func (m Moment) API(ours time.Time) kie.Time { return kie.TimeOf(ours.Add(m.offset)) }

// APINow returns the API's time.
func (m Moment) APINow() kie.Time { return m.API(m.Now) }

// LeastSince returns how long ago a time of the API's was, by whichever clock says less.
func (m Moment) LeastSince(at kie.Time) time.Duration {
	return max(0, min(m.APINow().Sub(at), kie.TimeOf(m.Now).Sub(at)))
}

// Since returns how long ago a time of the API's was. As long as a single wrong answer may decide, it is as little as may be.
func (m Moment) Since(at kie.Time) time.Duration {
	if !m.sure {
		return m.LeastSince(at)
	}
	return max(0, m.APINow().Sub(at))
}
