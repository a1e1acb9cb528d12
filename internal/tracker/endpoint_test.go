package tracker_test

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/test/kit/output"
)

// askedAt returns the endpoints at which a task was asked about, each once.
func (r *rig) askedAt(id string) (at []kiesim.Endpoint) {
	for _, q := range r.sim.Requests() {
		if q.ID == id && !slices.Contains(at, q.Endpoint) {
			at = append(at, q.Endpoint)
		}
	}
	return at
}

// wantAt checks at which endpoints a task was asked about.
func (r *rig) wantAt(id string, want ...kiesim.Endpoint) {
	r.t.Helper()
	if at := r.askedAt(id); !slices.Equal(at, want) {
		r.t.Errorf("%s was asked about at %v, want %v", id, at, want)
	}
}

func TestATaskIsAskedAboutAtTheEndpointOfItsGroup(t *testing.T) {
	groups := []tracker.GroupOptions{{Name: "video", Account: "main"}, {Name: "songs", Account: "main", Endpoint: kie.Suno}}
	bubble(t, setup{tracker: tracker.Options{Groups: groups, Background: true}}, func(t *testing.T, r *rig) {
		r.sim.Put(kiesim.Task{ID: "a", Model: "kling/v2", Duration: time.Hour})
		r.sim.Put(kiesim.Task{ID: "b", Model: "V4_5", Endpoint: kiesim.Suno, Duration: time.Hour})
		r.list("a")
		r.Apply(listing("songs", "b"))
		if p := r.Probe(t.Context(), "main", "b"); p.Err != nil || p.Task.State != kie.StateWaiting || p.Task.Model != "V4_5" {
			t.Errorf("a probe of a listed task: %+v", p)
		}
		if p := r.Probe(t.Context(), "main", "unlisted"); kie.ClassOf(p.Err) != kie.ClassNotFound {
			t.Errorf("a probe of an unlisted task: %v", p.Err)
		}
		time.Sleep(30 * time.Minute)
		if k := find(t, r.Snapshot(), "b"); k.State != kie.StateGenerating {
			t.Errorf("state %v while there are lyrics only", k.State)
		}
		r.wantAt("a", kiesim.RecordInfo)
		r.wantAt("b", kiesim.Suno)
		r.wantAt("unlisted", kiesim.RecordInfo)
		r.Apply(listing("video", "b"))
		time.Sleep(time.Hour)
		r.wantAt("b", kiesim.Suno, kiesim.RecordInfo) // where the group to which it has come is asked about
	})
}

// A task that was given up, since nobody knows it where it was asked about, is asked where its group says now.
func TestAnotherEndpointOfAGroupHasItsUnknownTasksAskedAgain(t *testing.T) {
	groups := []tracker.GroupOptions{{Name: "songs", Account: "main"}}
	bubble(t, setup{tracker: tracker.Options{Groups: groups, Background: true}}, func(t *testing.T, r *rig) {
		r.sim.Put(kiesim.Task{ID: "a", Model: "V4_5", Endpoint: kiesim.Suno, Duration: 10 * 24 * time.Hour})
		r.Apply(listing("songs", "a"))
		time.Sleep(8 * 24 * time.Hour)
		if k := find(t, r.Snapshot(), "a"); !k.GivenUp || k.QueryError != kie.ClassNotFound {
			t.Fatalf("%+v", k)
		}
		o := r.options
		o.Groups = []tracker.GroupOptions{{Name: "songs", Account: "main", Endpoint: kie.Suno}}
		r.Reconfigure(o, nothing)
		time.Sleep(time.Minute)
		if k := find(t, r.Snapshot(), "a"); k.GivenUp || k.State == kie.StateUnknown || k.Model != "V4_5" {
			t.Errorf("%+v", k)
		}
	})
}

// A task of another endpoint looks just like one that there is not, so the log says once for a group where it asked.
func TestTheLogSaysAtWhichEndpointATaskIsUnknown(t *testing.T) {
	var out output.Text
	groups := []tracker.GroupOptions{{Name: "songs", Account: "main", Endpoint: kie.Veo}, {Name: "others", Account: "main"}}
	log := slog.New(slog.NewTextHandler(&out, nil))
	bubble(t, setup{tracker: tracker.Options{Groups: groups, Background: true, Log: log}}, func(_ *testing.T, r *rig) {
		for _, id := range []string{"a", "b"} {
			r.sim.Put(kiesim.Task{ID: id, Model: "V5", Endpoint: kiesim.Suno, Duration: time.Hour})
		}
		r.Apply(listing("songs", "a", "b"))
		time.Sleep(time.Hour)
		r.Apply(source.Change{Group: "others", Added: []source.Task{{ID: "c", Endpoint: "lyrics"}}})
		time.Sleep(time.Hour)
	})
	for line, want := range map[string]int{"at a wrong endpoint a task looks like that, too": 2, "group=songs endpoint=veo": 1, "group=others endpoint=lyrics": 1} {
		if n := strings.Count(out.String(), line); n != want {
			t.Errorf("%d times %q, want %d: %s", n, line, want, out.String())
		}
	}
}

// Where neither answer nor list names the model, the endpoint does.
func TestTheModelIsTheAnswersThenTheListsThenTheEndpoints(t *testing.T) {
	groups := []tracker.GroupOptions{{Name: "video", Account: "main", Endpoint: kie.Aleph}}
	bubble(t, setup{tracker: tracker.Options{Groups: groups, Background: true}}, func(t *testing.T, r *rig) {
		for _, id := range []string{"bare", "hinted"} {
			r.sim.Put(kiesim.Task{ID: id, Endpoint: kiesim.Aleph})
		}
		r.list("bare")
		r.Apply(source.Change{Group: "video", Added: []source.Task{{ID: "hinted", Model: "aleph/v2"}}})
		time.Sleep(time.Minute)
		s := r.Snapshot()
		if bare, hinted := find(t, s, "bare").Model, find(t, s, "hinted").Model; bare != "aleph" || hinted != "aleph/v2" {
			t.Errorf("models %q and %q", bare, hinted)
		}
	})
}

// Tasks of every endpoint share the budget of an account, and each is known to be finished soon after its end.
func TestAllEndpointsShareTheBudgetOfAnAccount(t *testing.T) {
	var groups []tracker.GroupOptions
	for _, word := range kie.EndpointWords() {
		e, _ := kie.EndpointNamed(word)
		groups = append(groups, tracker.GroupOptions{Name: word, Account: "main", Endpoint: e})
	}
	s := setup{
		api:     kiesim.Options{RequestsPerSecond: 9, Latency: 300 * time.Millisecond},
		budget:  budget.Options{Rate: 4, Concurrent: 4},
		tracker: tracker.Options{Groups: groups, Background: true},
	}
	bubble(t, s, func(t *testing.T, r *rig) {
		const each = 5
		for _, g := range groups {
			tasks := ids(g.Name, each)
			for i, id := range tasks {
				k := kiesim.Task{ID: id, Model: "m", Endpoint: kiesim.Endpoint(g.Name), Duration: time.Duration(60+10*i) * time.Second}
				if g.Endpoint == kie.Jobs || g.Endpoint == kie.Playground {
					k.Endpoint = ""
				}
				if i == 0 {
					k.Fail = &kiesim.Failure{Code: "500", Msg: "Internal Error, Please try again later."}
				}
				r.sim.Put(k)
			}
			r.Apply(listing(g.Name, tasks...))
		}
		time.Sleep(10 * time.Minute)
		snapshot, stats := r.Snapshot(), r.sim.Stats()
		for _, k := range snapshot.Tasks() {
			want := kie.StateSuccess
			if k.ID == ids(k.Group, each)[0] {
				want = kie.StateFail
			}
			if k.State != want || k.Model == "" {
				t.Errorf("%s is %v, of model %q", k.ID, k.State, k.Model)
			}
			r.wantAt(k.ID, asked(k.Group))
		}
		for _, m := range snapshot.Models {
			if m.Finished != [view.Outcomes]uint64{view.Succeeded: each - 1, view.Failed: 1} || m.EmptyResults != 0 {
				t.Errorf("%s: finished %v, without a result %d", m.Group, m.Finished, m.EmptyResults)
			}
		}
		if stats.Codes[429] != 0 || stats.MaxInFlight > 4 {
			t.Errorf("codes %v, %d at a time", stats.Codes, stats.MaxInFlight)
		}
		for _, g := range snapshot.Groups {
			if n := g.Detection.Count(); n > 0 && g.Detection.Sum()/float64(n) > 30 {
				t.Errorf("%s: ends are known after %v s", g.Name, g.Detection.Sum()/float64(n))
			}
		}
		if account := snapshot.Accounts[0]; !account.Requests.Uses(kie.Veo) || account.Requests.Requests[kie.Veo][kie.ClassOK] == 0 {
			t.Error("requests are not counted by endpoint")
		}
	})
}

// asked returns the simulated endpoint of a word.
func asked(word string) kiesim.Endpoint {
	if word == "jobs" {
		return kiesim.RecordInfo
	}
	return kiesim.Endpoint(word)
}

// Suno tells no times: nothing is in the histogram, a counter says of how many, and the schedule goes by what was seen of other tasks.
func TestWithoutTimesThereIsNoLatencyAndTheScheduleLearnsFromFirstSight(t *testing.T) {
	groups := []tracker.GroupOptions{{Name: "songs", Account: "main", Endpoint: kie.Suno}}
	bubble(t, setup{tracker: tracker.Options{Groups: groups, Background: true}}, func(t *testing.T, r *rig) {
		song := func(id string) {
			r.sim.Put(kiesim.Task{ID: id, Model: "V5", Endpoint: kiesim.Suno, Duration: 5 * time.Minute})
			r.Apply(listing("songs", id))
		}
		for _, id := range ids("song", 30) {
			song(id)
			time.Sleep(10 * time.Minute)
		}
		m := model(t, r.Snapshot(), "songs", "V5")
		if m.Finished[view.Succeeded] != 30 || m.WithoutLatency[view.Succeeded] != 30 || m.Latency[view.Succeeded].Count() != 0 {
			t.Errorf("%d finished, %d without latency, %d with", m.Finished[view.Succeeded], m.WithoutLatency[view.Succeeded], m.Latency[view.Succeeded].Count())
		}
		if m.OverdueAfter < 15*time.Minute || m.OverdueAfter > 30*time.Minute {
			t.Errorf("overdue after %v, want about 4 × 5 min", m.OverdueAfter)
		}
		if first, last := r.sim.Queries("song000000"), r.sim.Queries("song000029"); last >= first {
			t.Errorf("the first was asked %d times, and the last, when much was known, %d", first, last)
		}
	})
}

// What was there at the start has no first sight to go by.
func TestNothingIsLearnedFromTheFirstSightOfABacklog(t *testing.T) {
	groups := []tracker.GroupOptions{{Name: "video", Account: "main", Endpoint: kie.Suno}}
	bubble(t, setup{tracker: tracker.Options{Groups: groups, Background: true}}, func(t *testing.T, r *rig) {
		for _, id := range ids("song", 30) {
			r.sim.Put(kiesim.Task{ID: id, Model: "V5", Endpoint: kiesim.Suno, Duration: 5 * time.Minute})
		}
		before := model(t, r.watchBacklog(ids("song", 30)), "video", "V5")
		if before.Finished[view.Succeeded] != 30 || before.OverdueAfter != 15*time.Minute { // as of a model of which nothing is known
			t.Errorf("%d finished, overdue after %v", before.Finished[view.Succeeded], before.OverdueAfter)
		}
	})
}

// watchBacklog lists ids as a first read does, and waits for their ends.
func (r *rig) watchBacklog(ids []string) *view.Snapshot {
	r.backlog(ids...)
	time.Sleep(20 * time.Minute)
	return r.Snapshot()
}

// A list says of single ids where they are asked about, and another time that they are asked about elsewhere.
func TestATaskIsAskedAboutWhereItsListSays(t *testing.T) {
	bubble(t, setup{tracker: tracker.Options{Background: true}}, func(t *testing.T, r *rig) {
		r.sim.Put(kiesim.Task{ID: "song", Model: "V5", Endpoint: kiesim.Suno, Duration: time.Hour})
		r.sim.Put(kiesim.Task{ID: "late", Model: "V5", Endpoint: kiesim.Suno, Duration: 20 * 24 * time.Hour})
		r.task(kiesim.Task{ID: "job", Duration: time.Hour})
		r.list("late")
		r.Apply(source.Change{Group: "video", Added: []source.Task{{ID: "song", Endpoint: "suno"}}})
		time.Sleep(2 * time.Hour)
		if k := find(t, r.Snapshot(), "song"); k.State != kie.StateSuccess || k.Endpoint != kie.Suno || k.Model != "V5" {
			t.Errorf("%+v", k)
		}
		r.wantAt("song", kiesim.Suno)
		r.wantAt("job", kiesim.RecordInfo)
		time.Sleep(8 * 24 * time.Hour)
		if k := find(t, r.Snapshot(), "late"); !k.GivenUp {
			t.Fatalf("%+v", k)
		}
		r.Apply(source.Change{Group: "video", Added: []source.Task{{ID: "late", Endpoint: "suno"}}})
		time.Sleep(time.Minute)
		if k := find(t, r.Snapshot(), "late"); k.GivenUp || k.State != kie.StateGenerating || !r.Snapshot().Accounts[0].Requests.Uses(kie.Suno) {
			t.Errorf("%+v", k)
		}
		r.wantAt("late", kiesim.RecordInfo, kiesim.Suno)
	})
}

func TestAProbeOfAnUnlistedTaskAsksAtTheEndpointThatItNames(t *testing.T) {
	bubble(t, setup{api: kiesim.Options{Latency: time.Second}}, func(t *testing.T, r *rig) {
		r.sim.Put(kiesim.Task{ID: "song", Model: "V5", Endpoint: kiesim.Suno, Duration: time.Hour})
		r.task(kiesim.Task{ID: "listed", Duration: time.Hour})
		var wrong view.Probe
		var both sync.WaitGroup
		both.Go(func() { wrong = r.Tracker.Probe(t.Context(), "main", "song") })
		time.Sleep(time.Millisecond)
		if p := r.ProbeAt(t.Context(), "main", "song", kie.Suno); p.Err != nil || p.Task.Model != "V5" || p.Task.State != kie.StateWaiting {
			t.Errorf("%+v", p)
		}
		if both.Wait(); kie.ClassOf(wrong.Err) != kie.ClassNotFound {
			t.Errorf("a probe at another endpoint meanwhile: %+v", wrong)
		}
		if p := r.ProbeAt(t.Context(), "main", "listed", kie.Suno); p.Err != nil || p.Task.State != kie.StateGenerating {
			t.Errorf("a listed task is asked about where its group says: %+v", p)
		}
		r.wantAt("song", kiesim.RecordInfo, kiesim.Suno)
		r.wantAt("listed", kiesim.RecordInfo)
	})
}

// Endpoints of groups are shown with 0 from the start, others not at all.
func TestOnlyEndpointsInUseAreShown(t *testing.T) {
	groups := []tracker.GroupOptions{{Name: "songs", Account: "main", Endpoint: kie.Suno}}
	bubble(t, setup{tracker: tracker.Options{Groups: groups}}, func(t *testing.T, r *rig) {
		for _, e := range kie.Endpoints() {
			want := e == kie.Jobs || e == kie.Credit || e == kie.Suno
			if requests := r.Snapshot().Accounts[0].Requests; requests.Uses(e) != want {
				t.Errorf("%v is in use: %v, want %v", e, !want, want)
			}
		}
	})
}
