package totals_test

import (
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/totals"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

const holdBack = time.Minute

func show(m *totals.Model, now time.Time) (v view.Model) {
	m.Show(&v, now, holdBack)
	return v
}

func TestEachFinishedTaskIsCountedOnce(t *testing.T) {
	m, now := totals.NewModel(collector.NewHistogram), time.Now()
	if show(&m, now); !m.IsZero() {
		t.Error("something was counted")
	}
	for _, f := range []kie.Task{
		{ID: "a", State: kie.StateSuccess, Created: 1000, Completed: 11_000, Credits: 2, HasCredits: true, HasResult: true},
		{ID: "b", State: kie.StateSuccess, Created: 1000, Completed: 6000},
		{ID: "c", State: kie.StateFail, Reason: kie.ReasonUpstream, FailCode: "501", Credits: 1, HasCredits: true},
	} {
		m.Count(&f, "501")
	}
	v := show(&m, now.Add(holdBack))
	if v.Finished != [view.Outcomes]uint64{2, 1} || v.Credits != [view.Outcomes]float64{2, 1} || v.EmptyResults != 1 {
		t.Errorf("finished %v, credits %v, %d empty", v.Finished, v.Credits, v.EmptyResults)
	}
	if h := v.Latency[view.Succeeded]; h.Count() != 2 || h.Sum() != 15 || v.Latency[view.Failed].Count() != 0 {
		t.Errorf("%d latencies of %g s in all", h.Count(), h.Sum())
	}
	if len(v.FailedFor) != len(kie.Reasons()) || v.FailedFor[kie.ReasonUpstream] != 1 {
		t.Errorf("failed for %v", v.FailedFor)
	}
	if m.IsZero() || !slices.Equal(slices.Collect(m.Codes()), []string{"501"}) {
		t.Error("nothing was counted")
	}
}

// A counter begins with 0 when somebody first can see it, and stays so for a while, whatever was counted before.
func TestATotalIsFirstShownAsZero(t *testing.T) {
	m, start := totals.NewModel(collector.NewHistogram), time.Now()
	failed := kie.Task{ID: "a", State: kie.StateFail, Created: 1000, Completed: 2000, Credits: 3, HasCredits: true}
	m.Count(&failed, "501")
	zero := show(&m, start)
	if zero.Finished[view.Failed] != 0 || zero.Credits[view.Failed] != 0 || zero.Latency[view.Failed].Count() != 0 ||
		!reflect.DeepEqual(zero.Codes, []view.CodeCount{{Code: "501"}}) {
		t.Errorf("first shown is %+v", zero)
	}
	m.Count(&failed, "422")
	v := show(&m, start.Add(holdBack))
	if v.Finished[view.Failed] != 2 || v.Credits[view.Failed] != 6 || v.Latency[view.Failed].Count() != 2 ||
		!reflect.DeepEqual(v.Codes, []view.CodeCount{{Code: "422"}, {Code: "501", Count: 1}}) {
		t.Errorf("shown after the hold-back is %+v", v)
	}
	if v = show(&m, start.Add(2*holdBack)); v.Codes[0].Count != 1 {
		t.Errorf("a fail code that came later is shown as %+v", v.Codes)
	}
}

func TestAGroupTellsWhatIsNoNewsAndHowLateNewsCame(t *testing.T) {
	g := totals.NewGroup(collector.NewHistogram)
	g.Uncounted()
	g.Detected(3 * time.Second)
	var v view.Group
	if g.Show(&v); v.Uncounted != 1 || v.Detection.Count() != 1 || v.Detection.Sum() != 3 {
		t.Errorf("%d are no news, %d are with %g s of delay", v.Uncounted, v.Detection.Count(), v.Detection.Sum())
	}
	last := v.Detection
	if g.Show(&v); v.Detection != last {
		t.Error("a histogram is read again that has not changed")
	}
}
