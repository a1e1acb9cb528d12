// What is known of the balance of an account, and when it is asked for.

package dispatch

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/spending"
)

// credits is what is known of an account's balance.
type credits struct {
	interval   time.Duration // 0: never asked for
	asking     bool
	next       time.Time // when it is to be asked for; zero: at once
	failed     int       // calls in a row that failed
	balance    float64
	reportedAt time.Time // when the API told the balance last; zero: never
	used       float64   // sum of the balance's decreases
	spending   spending.Rate
}

// dueAt returns when the balance is to be asked for; false: not before an answer has come, or never.
func (c *credits) dueAt() (time.Time, bool) { return c.next, c.interval > 0 && !c.asking }

func (c *credits) isDue(now time.Time) bool {
	at, asks := c.dueAt()
	return asks && !at.After(now)
}

// setInterval has the balance asked for at another interval.
func (c *credits) setInterval(interval time.Duration, now time.Time) {
	c.interval = interval
	if soonest := now.Add(interval); c.next.After(soonest) {
		c.next = soonest
	}
}

// mostUsed is more than any account uses between two looks at its balance; what is beyond would spoil the sum for good.
const mostUsed = 1e9

// end takes what became of a credit call. A balance that has grown was topped up, and says nothing about use.
func (c *credits) end(balance float64, err error, now time.Time) {
	c.asking, c.next = false, now.Add(c.interval)
	if err != nil {
		c.failed++
		c.next = now.Add(max(min(schedule.Backoff(c.failed), c.interval), budget.RetryAfter(err)))
		return
	}
	c.failed = 0
	if used := c.balance - balance; !c.reportedAt.IsZero() && used > 0 && used <= mostUsed {
		c.used += used
	}
	c.balance, c.reportedAt = balance, now
	c.spending.Add(now, c.used)
}

// known returns the balance unless it is too old to be shown.
func (c *credits) known(now time.Time) (float64, bool) {
	return c.balance, !c.reportedAt.IsZero() && now.Sub(c.reportedAt) <= 3*c.interval
}
