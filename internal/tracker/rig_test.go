package tracker_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/promslog"
	"go.uber.org/goleak"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/test/kit/simtest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// rig is a tracker at work: groups "video" and "image" on one account, a simulated API behind it, all in a bubble.
type rig struct {
	*tracker.Tracker
	t       *testing.T
	sim     *kiesim.Server
	options tracker.Options
}

// TakesPushes implements store.Tasks, with the methods of a Tracker.
func (r *rig) TakesPushes(string) bool { return false }

// setup is what a test changes of the ordinary configuration.
type setup struct {
	sim     *kiesim.Server // nil: a new one, as api says
	api     kiesim.Options
	budget  budget.Options
	tracker tracker.Options
	credits time.Duration
	account tracker.AccountOptions // with a name, in place of the usual one
}

func bubble(t *testing.T, s setup, test func(t *testing.T, r *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := newRig(t, s)
		defer r.work()()
		test(t, r)
	})
}

// work has the tracker run until end is called, which waits for it.
func (r *rig) work() (end func()) {
	ctx, stop := context.WithCancel(r.t.Context())
	var running sync.WaitGroup
	running.Go(func() { r.Run(ctx) })
	return func() {
		stop()
		running.Wait()
	}
}

func newRig(t *testing.T, s setup) *rig {
	t.Helper()
	s.api.Record = true
	if s.sim == nil {
		simtest.Today()
		s.sim = kiesim.New(s.api)
	}
	sim, client := s.sim, simtest.Client(t, s.sim)
	s.budget.Client, s.budget.Key = client, func() string { return simtest.Key }
	if s.budget.Rate == 0 {
		s.budget.Rate, s.budget.Concurrent = 1000, 8
	}
	o := s.tracker
	if o.Accounts == nil {
		account := s.account
		if account.Name == "" {
			account = tracker.AccountOptions{Name: "main", CreditsInterval: s.credits}
		}
		account.Budget = budget.New(s.budget)
		o.Accounts = []tracker.AccountOptions{account}
	}
	if o.Groups == nil {
		o.Groups = []tracker.GroupOptions{{Name: "video", Account: "main"}, {Name: "image", Account: "main"}}
	}
	if o.Bounds == (schedule.Bounds{}) {
		o.Bounds = schedule.Bounds{Min: 3 * time.Second, Max: time.Minute}
	}
	if o.TaskSeries == 0 {
		o.TaskSeries = 1000
	}
	if o.Models == 0 {
		o.Models = 100
	}
	if o.MaxWait == 0 {
		o.MaxWait = 5 * time.Second
	}
	if o.Log == nil {
		o.Log = promslog.NewNopLogger()
	}
	if o.Store == nil {
		o.Store = store.Memory{}
	}
	o.Histograms = collector.NewHistogram
	return &rig{Tracker: tracker.New(o), t: t, sim: sim, options: o}
}

// sound checks what always holds of the tasks.
func (r *rig) sound() {
	r.t.Helper()
	if err := r.Check(); err != nil {
		r.t.Error(err)
	}
}

// Apply does what the tracker's does, as the following do, and checks the tasks.
func (r *rig) Apply(c source.Change) {
	r.t.Helper()
	r.Tracker.Apply(c)
	r.sound()
}

func (r *rig) Wait(ctx context.Context) view.Scrape {
	r.t.Helper()
	defer r.sound()
	return r.Tracker.Wait(ctx)
}

func (r *rig) Probe(ctx context.Context, account, id string) view.Probe {
	r.t.Helper()
	defer r.sound()
	return r.Tracker.Probe(ctx, account, id)
}

func (r *rig) Callback(account, id string) (tracked, asked bool) {
	r.t.Helper()
	defer r.sound()
	return r.Tracker.Callback(account, id)
}

func (r *rig) Reconfigure(o tracker.Options, relist func()) {
	r.t.Helper()
	defer r.sound()
	r.Tracker.Reconfigure(o, func() {
		relist()
		r.sound()
	})
}

// list lists ids in the group video, as a source does after its first read.
func (r *rig) list(ids ...string) { r.Apply(listing("video", ids...)) }

// backlog lists ids as a source's first read does.
func (r *rig) backlog(ids ...string) {
	c := listing("video", ids...)
	c.Backlog = true
	r.Apply(c)
}

func listing(group string, ids ...string) source.Change {
	c := source.Change{Group: group}
	for _, id := range ids {
		c.Added = append(c.Added, source.Task{ID: id})
	}
	return c
}

// task puts a task into the simulated API and lists it.
func (r *rig) task(t kiesim.Task) {
	if t.Model == "" {
		t.Model = "kling/v2"
	}
	r.sim.Put(t)
	r.list(t.ID)
}

// scrape is what a scrape does that comes when the last one is a second ago.
func (r *rig) scrape() *view.Snapshot {
	r.Wait(r.t.Context())
	r.AwaitFresh(r.t.Context())
	return r.Snapshot()
}

// watch lets time pass under the eyes of a Prometheus that scrapes every 15 s.
func (r *rig) watch(d time.Duration) *view.Snapshot {
	for end := time.Now().Add(d); time.Now().Before(end); {
		start := time.Now()
		r.scrape()
		time.Sleep(max(0, min(15*time.Second-time.Since(start), time.Until(end))))
	}
	return r.scrape()
}

// tracked returns how many tasks are tracked.
func (r *rig) tracked() int {
	n, _ := r.Count("main")
	return n
}

// queries returns when the task was asked, in seconds since from.
func (r *rig) queries(id string, from time.Time) (at []float64) {
	for _, q := range r.sim.Requests() {
		if q.Endpoint == kiesim.RecordInfo && q.ID == id {
			at = append(at, q.At.Sub(from).Round(time.Millisecond).Seconds())
		}
	}
	return at
}

// wantGaps checks how many seconds there are between two queries of a task.
func (r *rig) wantGaps(id string, least, most float64) {
	r.t.Helper()
	at := r.queries(id, time.Now())
	if len(at) < 2 {
		r.t.Fatalf("%s was asked %d times", id, len(at))
	}
	for i := 1; i < len(at); i++ {
		if gap := at[i] - at[i-1]; gap < least || gap > most {
			r.t.Fatalf("%s was asked again after %gs, want %gs to %gs", id, gap, least, most)
		}
	}
}

func (r *rig) wantQueries(id string, want int) {
	r.t.Helper()
	if got := r.sim.Queries(id); got != want {
		r.t.Errorf("%s was asked %d times, want %d", id, got, want)
	}
}

func find(tb testing.TB, s *view.Snapshot, id string) view.Task {
	tb.Helper()
	i := slices.IndexFunc(s.Tasks(), func(k view.Task) bool { return k.ID == id })
	if i < 0 {
		tb.Fatalf("no series of task %q in %d", id, len(s.Tasks()))
	}
	return s.Tasks()[i]
}

// took returns the latency of a task, negative if there is none.
func took(k view.Task) time.Duration {
	if took, ok := k.Latency(); ok {
		return took
	}
	return -1
}

func model(tb testing.TB, s *view.Snapshot, group, name string) view.Model {
	tb.Helper()
	i := slices.IndexFunc(s.Models, func(m view.Model) bool { return m.Group == group && m.Model == name })
	if i < 0 {
		tb.Fatalf("nothing known of model %q in group %q", name, group)
	}
	return s.Models[i]
}

// ids returns n ids that sort as they are listed.
func ids(prefix string, n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("%s%06d", prefix, i)
	}
	return all
}

func failing(s *view.Snapshot, c kie.Class) int { return s.Groups[0].QueryFailing[c] }
