package tracker_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
	"github.com/kie-exporter/kie_exporter/test/kit/heap"
	"github.com/kie-exporter/kie_exporter/test/kit/program"
)

func TestTenThousandModelsAndFailCodesStayBounded(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{TaskSeries: 100}}, func(t *testing.T, r *rig) {
		most := program.Fewer(1000, 10_000)
		long := strings.Repeat("X", 10<<10)
		all := ids("t", most)
		for i, id := range all {
			code := fmt.Sprintf("CODE_%d", i)
			if i%500 == 0 {
				code += long
			}
			r.sim.Put(kiesim.Task{ID: id, Model: fmt.Sprint("model", i), Fail: &kiesim.Failure{Code: code}})
		}
		before := heap.InUse()
		r.backlog(all...)
		for r.scrape().Groups[0].Pending > 0 {
			time.Sleep(time.Second)
		}
		s := r.scrape()
		codes := map[string]bool{}
		for _, m := range s.Models {
			for _, c := range m.Codes {
				codes[c.Code] = true
			}
		}
		if len(s.Models) != 101 || len(codes) > 51 || len(s.Tasks()) != 100 {
			t.Errorf("%d models, %d fail codes, %d tasks with series", len(s.Models), len(codes), len(s.Tasks()))
		}
		if other := model(t, s, "video", "other"); other.Tasks[kie.StateFail] != most-100 {
			t.Errorf("%d tasks of other models, want %d", other.Tasks[kie.StateFail], most-100)
		}
		if after := heap.InUse(); after > before+20<<20 {
			t.Errorf("%d KiB are kept of %d answers", (after-before)>>10, most)
		}
	})
}

func TestAQueryThatHangsFreesItsPlace(t *testing.T) {
	for name, fault := range map[string]kiesim.Fault{"no answer": {Hang: true}, "connection reset": {Reset: true}} {
		t.Run(name, func(t *testing.T) {
			b := budget.Options{Rate: 1000, Concurrent: 1}
			bubble(t, setup{budget: b, tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
				r.task(kiesim.Task{ID: "bad", Duration: 10 * time.Hour})
				r.sim.Inject(kiesim.Match{ID: "bad"}, fault)
				time.Sleep(5 * time.Second)
				r.task(kiesim.Task{ID: "good", Duration: time.Minute})
				time.Sleep(5 * time.Minute)
				s := r.Snapshot()
				if k := find(t, s, "good"); k.State != kie.StateSuccess {
					t.Errorf("good is %v", k.State)
				}
				if n := s.Accounts[0].Requests.InFlight; n > 1 {
					t.Errorf("%d requests in flight", n)
				}
			})
		})
	}
}

func TestAnAnswerAboutAnotherTaskTeachesNothing(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		r.task(kiesim.Task{ID: "mine", Duration: time.Hour})
		r.task(kiesim.Task{ID: "yours", Duration: time.Hour})
		time.Sleep(time.Second)
		remove := r.sim.Inject(kiesim.Match{ID: "mine"}, kiesim.Fault{Body: `{"code":200,"data":{"taskId":"yours","state":"success","model":"z"}}`})
		time.Sleep(5 * time.Minute)
		s := r.Snapshot()
		for id, class := range map[string]kie.Class{"mine": kie.ClassMismatch, "yours": kie.ClassOK} {
			if k := find(t, s, id); k.State != kie.StateGenerating || k.QueryError != class || k.Model != "kling/v2" {
				t.Errorf("%s: %+v", id, k)
			}
		}
		remove()
		time.Sleep(time.Hour)
		if k := find(t, r.Snapshot(), "mine"); k.State != kie.StateSuccess || took(k) != time.Hour {
			t.Errorf("in the end: %+v", k)
		}
	})
}

func TestATaskInAnUnknownStateIsAskedOn(t *testing.T) {
	for _, word := range []string{"dreaming", ""} {
		t.Run("state "+word, func(t *testing.T) {
			bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
				r.task(kiesim.Task{ID: "odd", Data: map[string]any{"state": word}})
				time.Sleep(10 * time.Minute)
				if k := find(t, r.Snapshot(), "odd"); k.State != kie.StateUnknown || k.QueryError != kie.ClassOK {
					t.Errorf("%+v", k)
				}
				r.wantGaps("odd", 3, 60)
				r.task(kiesim.Task{ID: "odd"})
				time.Sleep(time.Minute)
				if k := find(t, r.Snapshot(), "odd"); k.State != kie.StateSuccess {
					t.Errorf("in the end: %+v", k)
				}
			})
		})
	}
}
