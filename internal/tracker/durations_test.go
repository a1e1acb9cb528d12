package tracker_test

import (
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/tracker"
)

// Another process that takes an account over knows what was learned before it has a task, instead of what it may have known once.
func TestWhoTakesAnAccountOverGoesOnWithWhatWasLearned(t *testing.T) {
	var before, other time.Duration
	var learned map[string][]byte
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		_, before = r.taughtTwoGroups()
		other = r.overdueAfter("image")
		learned = r.Durations("main")
		if len(r.Durations("none")) != 0 {
			t.Error("an account that there is not has learned something")
		}
	})
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		r.taught("video", "o", time.Minute)
		moving := ids("new", 2)
		r.Reconfigure(r.groups("video", "image"), func() {
			learned["image\x00bad"] = []byte{1, 2}
			learned["gone\x00m"] = []byte{1}
			if unread := r.GoOn("main", learned); unread != 1 {
				t.Errorf("%d can't be read, want 1", unread)
			}
		})
		r.runs("video", moving[0], time.Hour)
		r.runs("image", moving[1], time.Hour)
		if video, image := r.overdueAfter("video"), r.overdueAfter("image"); video != before || image != other {
			t.Errorf("overdue after %v and %v, before %v and %v", video, image, before, other)
		}
	})
}
