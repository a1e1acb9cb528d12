// What is learned of how old an unfinished task may be.

package schedule

import "time"

const (
	// DefaultOverdue is how old an unfinished task may be where nothing better is known.
	DefaultOverdue = 15 * time.Minute
	// enoughForOverdue is from how many tasks on the threshold is learned.
	enoughForOverdue = 30
	// overdueFactor × p90 is the learned threshold, but not less than minOverdue.
	overdueFactor = 4
	minOverdue    = 2 * time.Minute
)

// threshold is how old an unfinished task may be: 4 × p90 of the durations, each counted as the threshold of its time at most, so that
// tasks that hang do not raise it.
type threshold struct {
	held    time.Duration // in force until enough is known; 0: nothing was ever learned
	all     sample        // since the last change
	recent  sample        // of the last tasks, less than enough
	fell    bool          // when recent was enough last, it was far below the threshold
	changed bool          // durations have, and all is still to begin anew
}

// sample is tasks by what their durations count as.
type sample struct {
	weights [buckets]float32
	total   float64 // sum of the weights
	seen    int
}

func (s *sample) add(b int) {
	s.total = add(&s.weights, s.total, b)
	s.seen++
}

// enough reports whether a threshold can be told from so many tasks.
func (s *sample) enough() bool { return s.seen >= enoughForOverdue }

func (s *sample) threshold() time.Duration {
	p90 := quantile(&s.weights, s.total, 0.9)
	return max(time.Duration(overdueFactor*p90*float64(time.Second)).Round(time.Second), minOverdue)
}

// learned returns the threshold; false: nothing is known.
func (t *threshold) learned() (time.Duration, bool) {
	if t.all.enough() {
		return t.all.threshold(), true
	}
	return t.held, t.held > 0
}

// observe learns from a task, while the threshold in force is the limit. After a change it begins anew, as if nothing had been
// known, but not before there is a threshold to hold on to until then: durations that change all the time would never have one.
func (t *threshold) observe(took, limit time.Duration, changed bool) {
	t.changed = t.changed || changed
	if t.changed && t.all.enough() {
		t.held, t.all, t.changed = limit, sample{}, false
	}
	b := bucketOf(min(took, limit).Seconds())
	t.all.add(b)
	t.recent.add(b)
	if !t.recent.enough() {
		return
	}
	// noticeChange does not see that the first few tasks, which soon are less than a tenth of all, were slow. The sample in which
	// durations fell has tasks from before the fall, so the sample after it is preferred.
	recent := t.recent.threshold()
	if recent < limit/2 || t.fell && recent < limit {
		t.all = t.recent
	}
	t.fell, t.recent = recent < limit/2, sample{}
}

// Overdue returns how old an unfinished task may be.
func (d *Durations) Overdue() time.Duration {
	if d.variant {
		return d.parent.Overdue()
	}
	if after, ok := d.overdue.learned(); ok {
		return after
	}
	if d.elsewhere != nil {
		return d.elsewhere.Overdue()
	}
	return DefaultOverdue
}
