// How the API's clock is related to ours. What an answer says of it may be wrong, as a gateway's clock may be.

package tracker

import (
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
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

// clock relates the API's clock to ours.
type clock struct {
	now    time.Time
	offset time.Duration // the API's minus ours

	recent [recentClocks]time.Duration
	count  int // answers that told an offset
	wild   int // answers in a row whose Date was too far off

	judged   time.Duration // the offset by which the unfinished tasks were judged as a whole
	judgedAt time.Time
}

// read takes the API's clock from an answer. Its Date header has whole seconds: a difference under 2 s is none. One that lies
// before what the answer tells of is wrong.
func (c *clock) read(answer kie.Answer, now time.Time) {
	const slack = time.Minute
	c.now = now
	if answer.Clock.IsZero() || answer.Clock.Add(slack) < max(answer.Created, answer.Updated, answer.Completed) {
		return
	}
	offset := answer.Clock.Time().Sub(now)
	if offset.Abs() > kie.WidestOffset {
		c.wild++
		return
	}
	c.wild = 0
	c.recent[c.count%recentClocks] = offset
	c.count++
	c.offset = median(c.recent[:min(c.count, recentClocks)])
	if c.offset.Abs() < 2*time.Second {
		c.offset = 0
	}
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

// api returns the API's time at one of ours.
func (c *clock) api(ours time.Time) kie.Time { return kie.TimeOf(ours.Add(c.offset)) }

// leastSince returns how long ago a time of the API's was, by whichever clock says less.
func (c *clock) leastSince(at kie.Time) time.Duration {
	return max(0, min(c.api(c.now).Sub(at), kie.TimeOf(c.now).Sub(at)))
}

// since returns how long ago a time of the API's was. As long as a single wrong answer may decide, it is as little as may be.
func (c *clock) since(at kie.Time) time.Duration {
	if c.count < enoughClocks {
		return c.leastSince(at)
	}
	return max(0, c.api(c.now).Sub(at))
}

// readClock takes the API's clock from an answer, and takes back what was concluded from another difference than there is now.
func (t *Tracker) readClock(a *account, answer kie.Answer, now time.Time) {
	c := &a.clock
	c.read(answer, now)
	if c.wild == recentClocks {
		a.log.Warn("The API's Date is more than a day off our clock and is not gone by", "date", answer.Clock.Time().UTC())
	}
	if (c.offset-c.judged).Abs() < offsetMoves || now.Sub(c.judgedAt) < rejudgeEvery {
		return
	}
	c.judged, c.judgedAt = c.offset, now
	for _, k := range t.unfinished {
		if k.group.account == a && !k.open.Answered.IsZero() && !k.created.IsZero() {
			t.rejudge(k, *c)
		}
	}
}

// rejudge concludes from a task's last answer what follows from it by a clock that was read later.
func (t *Tracker) rejudge(k *task, c clock) {
	now := c.now
	c.now = k.open.Answered
	age := k.age(c)
	o := k.open
	if !o.asking {
		o = k.own()
	}
	wasOld := o.old
	o.old, o.Born = age >= schedule.OldAge, o.Answered.Add(-age)
	if wasOld && !o.old && o.faults > 0 {
		o.Due = minTime(o.Due, now.Add(schedule.Backoff(o.faults)))
	}
	if !o.asking {
		k.enqueue()
	}
	t.retimeTask(k, now)
}
