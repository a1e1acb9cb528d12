package tracker_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
)

// taught has tasks of a model finish in a group, 40 of them, and returns their ids.
func (r *rig) taught(group, prefix string, d time.Duration) []string {
	all := ids(prefix, 40)
	for _, id := range all {
		r.sim.Put(kiesim.Task{ID: id, Model: "kling/v2", Duration: d})
	}
	r.Apply(listing(group, all...))
	time.Sleep(2 * d)
	return all
}

func (r *rig) overdueAfter(group string) time.Duration {
	r.t.Helper()
	time.Sleep(time.Second) // as old as a snapshot may be
	return model(r.t, r.Snapshot(), group, "kling/v2").OverdueAfter
}

// groups returns the options with other groups, all of one account.
func (r *rig) groups(names ...string) tracker.Options {
	o := r.options
	o.Groups = nil
	for _, name := range names {
		o.Groups = append(o.Groups, tracker.GroupOptions{Name: name, Account: "main"})
	}
	return o
}

func TestARenamedGroupGoesOnWithWhatWasLearned(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		moving := r.taught("video", "v", 10*time.Minute)
		r.taught("image", "i", time.Minute) // the same model, which is faster here
		before, other := r.overdueAfter("video"), r.overdueAfter("image")
		if before < 30*time.Minute || other > 10*time.Minute {
			t.Fatalf("learned: %v, %v", before, other)
		}
		r.Reconfigure(r.groups("film", "image"), func() { r.Apply(listing("film", moving[0])) })
		if got := r.overdueAfter("film"); got != before {
			t.Errorf("under its new name overdue after %v, before %v", got, before)
		}
		if got := r.overdueAfter("image"); got != other {
			t.Errorf("the other group: overdue after %v, before %v", got, other)
		}
		r.Reconfigure(r.groups("video"), func() { r.Apply(listing("video", moving[0])) })
		if got := r.overdueAfter("video"); got != before {
			t.Errorf("under its first name again overdue after %v, before %v", got, before)
		}
	})
}

// Its tasks may come only after the reload, when their list has been read, and the group that they were in is gone.
func TestAGroupWhoseListComesLaterGoesOnWithWhatWasLearned(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		moving := r.taught("video", "v", 10*time.Minute)
		r.taught("image", "i", time.Minute)
		before := r.overdueAfter("video")
		r.Reconfigure(r.groups("film", "image"), nothing)
		time.Sleep(time.Minute)
		r.Apply(listing("film", moving[0]))
		if got := r.overdueAfter("film"); got != before {
			t.Errorf("overdue after %v, before %v", got, before)
		}
	})
}

func TestIDsThatMoveToAnotherGroupTakeWhatWasLearnedAlong(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		moving := r.taught("video", "v", 10*time.Minute)
		before := r.overdueAfter("video")
		r.Apply(listing("image", moving...))
		if video, image := r.overdueAfter("video"), r.overdueAfter("image"); video != before || image != before {
			t.Errorf("overdue after %v and %v, before %v", video, image, before)
		}
		for i := range 60 { // from now on it learns for itself
			r.runs("image", fmt.Sprint("own", i), time.Minute)
			time.Sleep(2 * time.Minute)
		}
		if video, image := r.overdueAfter("video"), r.overdueAfter("image"); video != before || image > 10*time.Minute {
			t.Errorf("overdue after %v and %v, before %v", video, image, before)
		}
	})
}

// Of a model that is new in a group, the best guess is what it takes elsewhere.
func TestAModelOfANewGroupIsExpectedToTakeAsLongAsElsewhere(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		r.taught("video", "v", 10*time.Minute)
		before := r.overdueAfter("video")
		r.runs("image", "a", time.Hour)
		if got := r.overdueAfter("image"); got != before {
			t.Errorf("overdue after %v, in the group that knows the model %v", got, before)
		}
	})
}

// taughtTwoGroups has the group video learn a threshold, unlike that of the group image. It returns the tasks that taught it.
func (r *rig) taughtTwoGroups() (tasks []string, overdueAfter time.Duration) {
	tasks = r.taught("video", "v", 10*time.Minute)
	r.taught("image", "i", time.Minute)
	return tasks, r.overdueAfter("video")
}

func TestAGroupRenamedAtARestartGoesOnWithWhatWasLearned(t *testing.T) {
	inAWorld(t, func(t *testing.T, w *world) {
		var before time.Duration
		var moving []string
		w.process(func(r *rig) {
			moving, before = r.taughtTwoGroups()
		})
		w.groups = []string{"film", "image"}
		for _, when := range []string{"at the restart that renames it", "at the next one"} {
			w.process(func(r *rig) {
				r.Apply(source.Change{Group: "film", Added: listing("film", moving...).Added, Backlog: true})
				if got := r.overdueAfter("film"); got != before {
					t.Errorf("%s: overdue after %v, before %v", when, got, before)
				}
				time.Sleep(time.Minute)
			})
		}
	})
}

func TestWhatARenamedGroupLearnedSurvivesARestart(t *testing.T) {
	inAWorld(t, func(t *testing.T, w *world) {
		var before time.Duration
		var moving []string
		w.process(func(r *rig) {
			moving, before = r.taughtTwoGroups()
			r.Reconfigure(r.groups("film", "image"), func() { r.Apply(listing("film", moving...)) })
			time.Sleep(time.Minute)
		})
		w.groups = []string{"film", "image"}
		w.process(func(r *rig) {
			if got := r.overdueAfter("film"); got != before {
				t.Errorf("overdue after %v, before %v", got, before)
			}
		})
	})
}
