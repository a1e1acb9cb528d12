package learned

import (
	"maps"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

// teach has tasks of a model take so long.
func teach(d *schedule.Durations, took time.Duration) {
	for range 50 {
		d.Observe(took)
	}
}

func TestAGroupThatIsThereAgainGoesOnWithWhatWasKnown(t *testing.T) {
	s := NewGroups()
	teach(s.Begin("video").Model("m"), 10*time.Minute)
	want := s.Get("video").Model("m").Overdue()
	if want == schedule.DefaultOverdue {
		t.Fatal("nothing was learned")
	}
	s.End("video")
	if got := s.Get("video").Model("m").Overdue(); got != want {
		t.Errorf("of a group that is no more %v is known, want %v", got, want)
	}
	if got := s.Begin("video").Model("m").Overdue(); got != want || len(s.former) != 0 {
		t.Errorf("again it begins with %v, want %v", got, want)
	}
}

func TestTheLastGroupsThatAreNoMoreAreRemembered(t *testing.T) {
	s := NewGroups()
	for i := range maxFormer + 5 {
		s.Begin(strconv.Itoa(i))
		s.End(strconv.Itoa(i))
	}
	if s.Get("4") != nil || s.Get("5") == nil || len(s.former) != maxFormer {
		t.Errorf("%d groups are remembered", len(s.former))
	}
}

func TestAGroupThatNobodyKnowsIsRemembered(t *testing.T) {
	s := NewGroups()
	if g := s.Recall("gone"); g == nil || s.Recall("gone") != g || s.Get("gone") != g {
		t.Error("it is another one each time")
	}
	if g := s.Begin("here"); s.Recall("here") != g {
		t.Error("a group that there is is another one")
	}
}

func TestAModelThatIsForgottenBeginsAnew(t *testing.T) {
	s := NewGroups()
	stays, leaves := s.Begin("stays"), s.Begin("leaves")
	for _, g := range []*Group{stays, leaves} {
		teach(g.Model("m"), 10*time.Minute)
	}
	held := leaves.Model("m")
	s.ForgetModels(map[string]struct{}{"m": {}}, func(group string) bool { return group == "leaves" })
	if _, ok := stays.byModel["m"]; ok || leaves.Model("m") != held {
		t.Error("forgotten is not what is not spared")
	}
	if _, ok := s.all.byModel["m"]; ok {
		t.Error("it is known still in all groups")
	}
}

func TestAModelBeginsWithWhatIsKnownOfItElsewhere(t *testing.T) {
	s := NewGroups()
	teach(s.Begin("video").Model("m"), 10*time.Minute)
	want := s.Get("video").Model("m").Overdue()
	if got := s.Begin("image").Expect("m").Overdue(); got != want {
		t.Errorf("a model of another group is expected with %v, want %v", got, want)
	}
	if g := s.Get("image"); g.Expect("never seen") != g.any {
		t.Error("one that no answer has named is not expected to be like the group's tasks")
	}
}

func TestTheLastSamplesOfEachModelAreLearnedFrom(t *testing.T) {
	records := make(map[string]store.Record)
	add := func(model string, learned int, counted bool) {
		records[strconv.Itoa(len(records))] = store.Record{
			Task:  kie.Task{Model: model, State: kie.StateSuccess, Created: 1000, Completed: 2000},
			Group: "video", Learned: kie.Time(learned), Counted: counted,
		}
	}
	for i := range 3 * recent {
		add("m", 1+i, true)
	}
	add("n", 1, true)
	add("n", 2, false)
	got := map[string]int{}
	var parts [2]Samples
	for i, r := range slices.Collect(maps.Values(records)) {
		parts[i%2].Add(&r)
	}
	parts[0].Merge(&parts[1])
	samples, latest := parts[0].Last()
	if latest != 3*recent {
		t.Errorf("the last end was learned at %d, want %d", latest, 3*recent)
	}
	for _, s := range samples {
		if got[s.Model]++; s.Model == "m" && s.learned <= 2*recent || s.Took != time.Second || s.Group != "video" {
			t.Fatalf("%+v is one of the last", s)
		}
	}
	if got["m"] != recent || got["n"] != 1 {
		t.Errorf("%v samples, want %d of m and the one of n that is news", got, recent)
	}
}
