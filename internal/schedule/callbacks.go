// When tasks are asked whose end a callback tells.

package schedule

import "time"

const (
	// callbackLag is how long a callback may be under way.
	callbackLag = 10 * time.Second
	// netQuantile is the part of the tasks that have finished when one is first asked without a callback.
	netQuantile = 0.98
	// unlearnedNet is the age at which a task is first asked where nothing is known of how long such tasks take.
	unlearnedNet = 5 * time.Minute
	// widestNet is the longest time without a query about an unfinished task that is not old, unless b.Max is longer.
	widestNet = 15 * time.Minute
	// missesUntilPolled is how many tasks in a row must finish without a callback until callbacks are not relied on.
	missesUntilPolled = 3
)

// Callbacks judge whether the callbacks about some tasks can be relied on. Until one has come they can't.
type Callbacks struct {
	relied bool
	missed int // tasks in a row that finished without one
}

// Relied reports whether a task's end is expected to be told by a callback.
func (c *Callbacks) Relied() bool { return c.relied }

// Came notes the first callback about a task.
func (c *Callbacks) Came() { *c = Callbacks{relied: true} }

// Missed notes a task that was found finished without a callback, so long after its end.
func (c *Callbacks) Missed(after time.Duration) {
	if after < callbackLag {
		return // it may still come
	}
	c.missed++
	c.relied = c.relied && c.missed < missesUntilPolled
}

// SafetyNet returns how long after an answer, or its first sight, a task of this age is asked unless its callback comes: first at
// p98 + callbackLag of such tasks, or when it is overdue if that is sooner, then at 1.5 × the age of the last time. Without a query no
// more than max(widestNet, b.Max) passes.
func (d *Durations) SafetyNet(b Bounds, age, overdue time.Duration) time.Duration {
	if age >= OldAge {
		return b.Interval(age)
	}
	first := unlearnedNet
	if known := d.narrowestKnown(); known != nil {
		first = time.Duration(quantile(&known.weights, known.total, netQuantile)*float64(time.Second)) + callbackLag
	}
	wait := min(first, overdue) - age
	if wait < callbackLag {
		wait = max(age/2, b.Max)
	}
	return min(max(wait, b.Min), max(widestNet, b.Max))
}
