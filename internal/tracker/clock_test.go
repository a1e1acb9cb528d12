package tracker_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
)

// wildDates lets the next answers about a task have a Date that is so far off.
func (r *rig) wildDates(id string, times int, off time.Duration) {
	date := time.Now().Add(off).UTC().Format(http.TimeFormat)
	r.sim.Inject(kiesim.Match{ID: id, Times: times}, kiesim.Fault{Header: http.Header{"Date": {date}}})
}

func TestOneWildDateParksNoTaskAndShowsNoneOverdue(t *testing.T) {
	const day = 24 * time.Hour
	for _, off := range []time.Duration{61 * day, -61 * day, 20 * time.Hour, -20 * time.Hour, 26 * time.Hour} {
		for name, before := range map[string]time.Duration{"first": 0, "second": 2 * time.Second, "later": 5 * time.Minute} {
			t.Run(name+" "+off.String(), func(t *testing.T) {
				bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
					if before == 0 {
						r.wildDates("a", 1, off)
					}
					r.task(kiesim.Task{ID: "a", Duration: 10 * time.Hour})
					time.Sleep(before)
					if before > 0 {
						r.wildDates("a", 1, off)
					}
					for range 600 {
						time.Sleep(time.Second)
						if k := find(t, r.Snapshot(), "a"); k.Overdue {
							t.Fatalf("overdue at an age of %v", time.Since(k.Created.Time()))
						}
					}
					r.wantGaps("a", 3, 60)
				})
			})
		}
	}
}

func TestAWildDateGivesNoTaskUp(t *testing.T) {
	for _, times := range []int{1, 9} {
		for _, off := range []time.Duration{61 * 24 * time.Hour, -61 * 24 * time.Hour} {
			bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
				r.wildDates("a", times, off)
				r.task(kiesim.Task{ID: "a", Duration: 10 * time.Hour})
				time.Sleep(29 * time.Second) // nine answers
				r.sim.Inject(kiesim.Match{ID: "a", Times: 20}, kiesim.Fault{Code: 422, Msg: "recordInfo is null"})
				time.Sleep(6 * 24 * time.Hour)
				if k := find(t, r.Snapshot(), "a"); k.GivenUp {
					t.Error("given up")
				}
			})
		}
	}
}

func TestAWildDateLosesNoTimesAndNoNews(t *testing.T) {
	for _, off := range []time.Duration{61 * 24 * time.Hour, -61 * 24 * time.Hour} {
		t.Run(off.String(), func(t *testing.T) {
			bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
				r.wildDates("", 0, off)
				r.task(kiesim.Task{ID: "new", Created: time.Now().Add(-time.Minute), Duration: 50 * time.Second})
				r.task(kiesim.Task{ID: "old", Created: time.Now().Add(-time.Hour), Duration: 50 * time.Second})
				time.Sleep(2 * time.Second)
				s := r.Snapshot()
				for _, id := range []string{"new", "old"} {
					if k := find(t, s, id); k.State != kie.StateSuccess || took(k) != 50*time.Second {
						t.Errorf("%+v", k)
					}
				}
				wantTotals(t, r, 1, 1)
				if d := s.Groups[0].Detection; d.Count() != 1 || d.Sum() > 15 {
					t.Errorf("detection: %v", d)
				}
			})
		})
	}
}

func TestADateBeforeWhatTheAnswerTellsOfIsNotGoneBy(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		r.wildDates("old", 0, -20*time.Hour)
		r.sim.Put(kiesim.Task{ID: "old", Model: "kling/v2", Created: time.Now().Add(-10 * time.Hour), Duration: time.Minute})
		r.backlog("old")
		time.Sleep(2 * time.Second)
		wantTotals(t, r, 0, 1) // it ended long before this exporter started
	})
}

func TestWhatWildDatesShowedIsTakenBack(t *testing.T) {
	o := tracker.Options{Background: true, Groups: []tracker.GroupOptions{{Name: "video", Account: "main", Overdue: 10 * time.Hour}}}
	bubble(t, setup{tracker: o}, func(t *testing.T, r *rig) {
		for _, id := range ids("wild", 4) {
			r.wildDates(id, 1, 20*time.Hour)
			r.task(kiesim.Task{ID: id, Created: time.Now().Add(-5 * time.Hour), Duration: 100 * time.Hour})
			time.Sleep(time.Second)
		}
		last := ids("wild", 4)[3]
		if k := find(t, r.scrape(), last); !k.Overdue {
			t.Fatal("four answers that agree are believed")
		}
		before := r.sim.Queries(last)
		r.task(kiesim.Task{ID: "a", Duration: time.Hour})
		time.Sleep(2 * time.Minute)
		if k := find(t, r.Snapshot(), last); k.Overdue {
			t.Error("overdue still")
		}
		if n := r.sim.Queries(last); n == before {
			t.Error("parked still")
		}
	})
}
