package tracker_test

import (
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

func TestOnlyNewsCounts(t *testing.T) {
	took := func(d time.Duration) kiesim.Task { return kiesim.Task{Duration: d} }
	finished := func(ago time.Duration) kiesim.Task {
		return kiesim.Task{Created: time.Now().Add(-ago - time.Minute), Duration: time.Minute}
	}
	timeless := func(updated any) kiesim.Task {
		return kiesim.Task{Data: map[string]any{"createTime": nil, "completeTime": nil, "updateTime": updated}}
	}
	for _, test := range []struct {
		name    string
		task    func(offset time.Duration) kiesim.Task
		backlog bool
		after   time.Duration // between the start and the listing
		news    bool
	}{
		{"seen unfinished", func(time.Duration) kiesim.Task { return took(40 * time.Second) }, false, 0, true},
		{"seen unfinished, with times long past", func(o time.Duration) kiesim.Task {
			k := took(40 * time.Second)
			k.Data = map[string]any{"createTime": time.Now().Add(o - time.Hour).UnixMilli()}
			return k
		}, false, 0, true},
		{"finished just before it was listed", func(time.Duration) kiesim.Task { return finished(9 * time.Minute) }, false, 0, true},
		{"finished long before it was listed", func(time.Duration) kiesim.Task { return finished(11 * time.Minute) }, false, 0, false},
		{"without times", func(time.Duration) kiesim.Task { return timeless(nil) }, false, 0, true},
		{"updated long ago", func(o time.Duration) kiesim.Task {
			return timeless(time.Now().Add(o - 20*time.Minute).UnixMilli())
		}, false, 0, false},
		{"backlog, seen unfinished", func(time.Duration) kiesim.Task { return took(40 * time.Second) }, true, 0, true},
		{"backlog, finished before the start", func(time.Duration) kiesim.Task { return finished(time.Minute) }, true, 0, false},
		{"backlog, finished after the start", func(time.Duration) kiesim.Task { return took(30 * time.Second) }, true, time.Minute, true},
		{"backlog, without times", func(time.Duration) kiesim.Task { return timeless(nil) }, true, 0, false},
	} {
		for skew, offset := range map[string]time.Duration{"": 0, ", API's clock ahead": time.Hour, ", API's clock behind": -time.Hour} {
			t.Run(test.name+skew, func(t *testing.T) {
				bubble(t, setup{api: kiesim.Options{ClockOffset: offset}}, func(t *testing.T, r *rig) {
					task := test.task(offset)
					task.ID, task.Model = "a", "kling/v2"
					r.sim.Put(task)
					time.Sleep(test.after)
					if test.backlog {
						r.backlog("a")
					} else {
						r.list("a")
					}
					checkNews(t, r.watch(5*time.Minute), test.news)
				})
			})
		}
	}
}

func checkNews(t *testing.T, s *view.Snapshot, news bool) {
	t.Helper()
	var counted, uncounted uint64 = 0, 1
	if news {
		counted, uncounted = 1, 0
	}
	m := model(t, s, "video", "kling/v2")
	if m.Finished[view.Succeeded] != counted || s.Groups[0].Uncounted != uncounted {
		t.Errorf("%d counted, %d not counted; want %d, %d", m.Finished[view.Succeeded], s.Groups[0].Uncounted, counted, uncounted)
	}
	if m.Tasks[kie.StateSuccess] != 1 {
		t.Error("the state is not shown")
	}
}

func TestOnlyFailuresThatAreNewsHaveATime(t *testing.T) {
	bubble(t, setup{}, func(t *testing.T, r *rig) {
		bad := &kiesim.Failure{Code: "500", Msg: "timed out"}
		r.task(kiesim.Task{ID: "new", Duration: 20 * time.Second, Fail: bad})
		r.task(kiesim.Task{ID: "old", Created: time.Now().Add(-time.Hour), Fail: bad})
		s := r.watch(time.Minute)
		if k := find(t, s, "new"); k.FailedAt != k.Completed || k.FailedAt.IsZero() {
			t.Errorf("new failed at %v, completed at %v", k.FailedAt, k.Completed)
		}
		if k := find(t, s, "old"); !k.FailedAt.IsZero() || k.FailCode != "500" || k.Reason != kie.ReasonTimeout {
			t.Errorf("old: %+v", k)
		}
	})
}

func TestTotalsOfANewLabelSetShow0ForAMinuteThenCatchUp(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true, HoldBack: time.Minute}}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a", Credits: 3})
		r.task(kiesim.Task{ID: "empty", EmptyResult: true})
		r.task(kiesim.Task{ID: "b", Credits: 2, Fail: &kiesim.Failure{Code: "500", Msg: "nsfw"}})
		time.Sleep(10 * time.Minute) // nobody looks meanwhile
		zero := model(t, r.Snapshot(), "video", "kling/v2")
		if zero.Finished != [2]uint64{} || zero.Credits != [2]float64{} || zero.FailedFor[kie.ReasonContentPolicy] != 0 ||
			zero.EmptyResults != 0 || zero.Latency[view.Succeeded].Count() != 0 ||
			len(zero.Codes) != 1 || zero.Codes[0] != (view.CodeCount{Code: "500"}) {
			t.Errorf("at first sight: %+v", zero)
		}
		if zero.Tasks[kie.StateSuccess] != 2 || zero.Tasks[kie.StateFail] != 1 {
			t.Errorf("gauges are held back too: %v", zero.Tasks)
		}
		time.Sleep(59 * time.Second)
		if m := model(t, r.Snapshot(), "video", "kling/v2"); m.Finished != [2]uint64{} {
			t.Errorf("after 59s: %v", m.Finished)
		}
		time.Sleep(time.Second)
		m := model(t, r.Snapshot(), "video", "kling/v2")
		if m.Finished != [2]uint64{2, 1} || m.Credits != [2]float64{3, 2} || m.FailedFor[kie.ReasonContentPolicy] != 1 ||
			m.EmptyResults != 1 || m.Latency[view.Succeeded].Count() != 2 ||
			m.Codes[0] != (view.CodeCount{Code: "500", Count: 1}) {
			t.Errorf("after a minute: %+v", m)
		}
		// A fail code that comes later is a label set of its own.
		r.task(kiesim.Task{ID: "c", Fail: &kiesim.Failure{Code: "422"}})
		time.Sleep(2 * time.Second)
		m = model(t, r.Snapshot(), "video", "kling/v2")
		if m.Codes[0] != (view.CodeCount{Code: "422"}) || m.Finished[view.Failed] != 2 {
			t.Errorf("a new fail code: %+v", m)
		}
		time.Sleep(time.Minute)
		if m = model(t, r.Snapshot(), "video", "kling/v2"); m.Codes[0].Count != 1 {
			t.Errorf("a minute later: %+v", m.Codes)
		}
	})
}

func TestDetectionDelayIsMeasuredByTheAPIsClock(t *testing.T) {
	for _, offset := range []time.Duration{0, time.Hour, -time.Hour} {
		t.Run(offset.String(), func(t *testing.T) {
			bubble(t, setup{api: kiesim.Options{ClockOffset: offset}, tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
				time.Sleep(time.Second - time.Duration(time.Now().Nanosecond())) // the Date header has whole seconds
				r.task(kiesim.Task{ID: "a", Duration: 10 * time.Second})         // asked at 0, 3, 6, 9, 12 s
				time.Sleep(time.Minute)
				d := r.Snapshot().Groups[0].Detection
				if d.Count() != 1 || d.Sum() < 1.5 || d.Sum() > 2.5 {
					t.Errorf("%d samples, sum %g; want one of 2s", d.Count(), d.Sum())
				}
			})
		})
	}
}

func TestALatencySampleNamesItsTask(t *testing.T) {
	long := "x" + ids("", 1)[0]
	for len(long) < 128 {
		long += "x"
	}
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "a", Duration: 10 * time.Second})
		r.task(kiesim.Task{ID: long, Duration: 50 * time.Second, Model: "another"})
		time.Sleep(2 * time.Minute)
		s := r.Snapshot()
		var named []string
		for _, b := range model(t, s, "video", "kling/v2").Latency[view.Succeeded].(collector.Counted).DTO.GetBucket() {
			for _, l := range b.GetExemplar().GetLabel() {
				named = append(named, l.GetValue())
			}
		}
		if len(named) != 1 || named[0] != "a" {
			t.Errorf("exemplars name %q, want a", named)
		}
		if n := model(t, s, "video", "another").Latency[view.Succeeded].Count(); n != 1 {
			t.Errorf("%d samples of a task whose id is too long for an exemplar, want 1", n)
		}
	})
}
