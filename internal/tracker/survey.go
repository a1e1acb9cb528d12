// What is known of all unfinished tasks, gathered in portions.

package tracker

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/blocks"
)

// surveyAtATime is of how many tasks a snapshot looks at each while it holds the lock: whole pieces of them.
const surveyAtATime = 64 * blocks.PieceSize

// survey goes through the unfinished tasks from the first to the last. The lock is not held all the time, so what the tasks
// come to is that of some moment on the way for each of them; but each that is there all the time counts once.
type survey struct {
	now    time.Time
	next   int // position; those below were visited
	limit  int // of newest
	sum    summary
	newest blocks.Newest[*task]
}

// survey returns what the unfinished tasks come to. One at a time: whoever calls it holds surveying.
func (t *Tracker) survey() *survey {
	s := &survey{now: time.Now(), sum: newSummary()}
	for t.surveyOn(s) {
	}
	return s
}

// surveyOn visits the next portion; false: it was the last.
func (t *Tracker) surveyOn(s *survey) (more bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	s.limit = t.options.TaskSeries
	end := min(s.next+surveyAtATime, len(t.unfinished))
	for _, k := range t.unfinished[min(s.next, end):end] {
		s.visit(k)
	}
	t.blocks.Look(list(t.unfinished), s.next, end)
	s.next = end
	if more = end < len(t.unfinished); more {
		t.surveyed = s
	} else {
		t.surveyed = nil
	}
	return more
}

func (s *survey) visit(k *task) {
	s.sum.add(k, s.now)
	if k.unfinished.IsAnswered() {
		s.newest.Add(aged{Born: k.born(), ID: k.id, Account: k.group.account.name, Task: k}, s.limit)
	}
}

// moved takes the news that a task goes from one position to another, and visits it if it would be missed.
func (s *survey) moved(k *task, from, to int) {
	if s != nil && to < s.next && from >= s.next {
		s.visit(k)
	}
}
