// What is remembered of tasks that finished while they were in no list.

package tracker

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// maxStrays is how many of them are remembered.
const maxStrays = 10_000

type strayKey struct{ account, id string }

// strays holds the last final answers about tasks that were in no list: such a task is not asked again, listed or not.
type strays struct {
	answers map[strayKey]kie.Task
	order   []strayKey // oldest first
}

func newStrays() strays { return strays{answers: make(map[strayKey]kie.Task)} }

// keep remembers what an answer told about a task that is in no list, if it is final, and gives it to the task if that is listed by now.
func (t *Tracker) keep(a *account, f kie.Task) {
	if !f.State.Finished() {
		return
	}
	t.strays.remember(strayKey{a.name, f.ID}, f)
	if k := t.tasks.get(a.name, f.ID); k != nil {
		t.resolve(k, time.Now())
	}
}

// resolve gives a tracked task that is not being asked the final answer that came while it was in no list, if there is one.
func (t *Tracker) resolve(k *task, now time.Time) {
	if k.unfinished == nil || k.unfinished.Asking {
		return
	}
	a := k.group.account
	if f, ok := t.strays.answers[strayKey{a.name, k.id}]; ok {
		k.own()
		t.answered(k, f, a.clock.At(now))
		a.release()
	}
}

func (s *strays) remember(key strayKey, f kie.Task) {
	if _, ok := s.answers[key]; !ok {
		s.order = append(s.order, key)
	}
	s.answers[key] = f
	if len(s.order) > maxStrays {
		delete(s.answers, s.order[0])
		s.order = s.order[1:]
	}
}
