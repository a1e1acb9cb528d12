// What is known of all unfinished tasks, gathered in portions.

package tracker

import (
	"cmp"
	"container/heap"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// surveyAtATime is of how many tasks a snapshot looks at each while it holds the lock: whole pieces of them.
const surveyAtATime = 64 * pieceSize

// survey goes through the unfinished tasks from the first to the last. The lock is not held all the time, so what the tasks
// come to is that of some moment on the way for each of them; but each that is there all the time counts once.
type survey struct {
	now    time.Time
	next   int // position; those below were visited
	sum    summary
	newest newest
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
	s.newest.limit = t.options.TaskSeries
	end := min(s.next+surveyAtATime, len(t.unfinished))
	for _, k := range t.unfinished[min(s.next, end):end] {
		s.visit(k)
	}
	t.hot.look(t.unfinished, s.next/pieceSize, (end+pieceSize-1)/pieceSize)
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
	if !k.unfinished.Answered.IsZero() {
		s.newest.add(k)
	}
}

// moved takes the news that a task goes from one position to another, and visits it if it would be missed.
func (s *survey) moved(k *task, from, to int) {
	if s != nil && to < s.next && from >= s.next {
		s.visit(k)
	}
}

// newest holds the newest of some answered tasks, so many at most.
type newest struct {
	limit int
	tasks []answered // a heap, the oldest on top
}

// answered is a task with what orders it, as it was when it was looked at.
type answered struct {
	born    kie.Time
	id      string
	account string
	task    *task
}

// compare orders by age, the newest first.
func (a answered) compare(b answered) int {
	return cmp.Or(cmp.Compare(b.born, a.born), cmp.Compare(a.id, b.id), cmp.Compare(a.account, b.account))
}

func (n *newest) add(k *task) {
	a := answered{k.born(), k.id, k.group.account.name, k}
	switch {
	case len(n.tasks) < n.limit:
		heap.Push(n, a)
	case n.limit > 0 && a.compare(n.tasks[0]) < 0:
		n.tasks[0] = a
		heap.Fix(n, 0)
	}
}

// sorted returns the tasks, the newest first.
func (n *newest) sorted() []answered {
	slices.SortFunc(n.tasks, answered.compare)
	return n.tasks
}

// Len implements heap.Interface.
func (n *newest) Len() int { return len(n.tasks) }

// Less implements heap.Interface.
func (n *newest) Less(i, j int) bool { return n.tasks[i].compare(n.tasks[j]) > 0 }

// Swap implements heap.Interface.
func (n *newest) Swap(i, j int) { n.tasks[i], n.tasks[j] = n.tasks[j], n.tasks[i] }

// Push implements heap.Interface.
func (n *newest) Push(x any) { n.tasks = append(n.tasks, x.(answered)) }

// Pop implements heap.Interface, and is not needed.
func (n *newest) Pop() any { panic("nothing is taken out") }
