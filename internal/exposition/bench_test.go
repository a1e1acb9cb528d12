// What a scrape costs, next to what it costs exporters that are made the usual ways. Everything goes over real HTTP.

package exposition

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"runtime/metrics"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/promslog"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/taskseries"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/test/kit/scrape"
	"github.com/kie-exporter/kie_exporter/test/kit/snapshots"
)

var million = flag.Bool("million", false, "measure 1,000,000 tasks, too")

// BenchmarkScrape measures a scrape of so many tasks, of which some changed since the last one. The cost of showing the change
// counts, wherever it is paid; that of learning of it does not.
func BenchmarkScrape(b *testing.B) {
	sizes := []int{1_000, 10_000, 100_000}
	if *million {
		sizes = append(sizes, 1_000_000)
	}
	for _, n := range sizes {
		b.Run("tasks="+strconv.Itoa(n), func(b *testing.B) {
			w := newWorld(b, n)
			for _, encoding := range []string{"gzip", "identity"} {
				for _, c := range []change{{0, "none"}, {n / 100, "unfinished"}, {n / 100, "any"}, {n, "any"}} {
					for _, way := range ways() {
						b.Run(fmt.Sprintf("encoding=%s/changed=%d%%-%s/way=%s", encoding, 100*c.tasks/n, c.of, way.name),
							func(b *testing.B) { w.measure(b, way, encoding, c) })
					}
				}
			}
		})
	}
}

func TestBenchmarkedWaysShowTheSame(t *testing.T) {
	w := newWorld(t, 300)
	var want []byte
	for _, way := range ways() {
		answer := scrape.Get(t, way.make(w), string(expfmt.FmtOpenMetrics_1_0_0), "gzip")
		got := ofTasks(scrape.Text(t, answer))
		if want == nil {
			want = got
		}
		sameSamples(t, got, want)
	}
}

// ofTasks leaves only samples of single tasks.
func ofTasks(text []byte) []byte {
	lines := slices.DeleteFunc(linesOf(text), func(line string) bool { return !strings.Contains(line, "task_id=") })
	return []byte(strings.Join(lines, ""))
}

// change is how many tasks change from one scrape to the next: unfinished ones, or any.
type change struct {
	tasks int
	of    string
}

// way is a way to answer scrapes. Everything but the series of tasks comes from our collector, through promhttp.
type way struct {
	name string
	make func(*world) exporter
}

// exporter answers scrapes, after it was told what changed.
type exporter interface {
	http.Handler
	changed(tasks []int)
}

func ways() []way {
	return []way{
		{"const", newConstMetrics},
		{"ksm-like", newObjectStore},
		{"plain", newPlain},
		{"rendered", newRendered},
		{"ready", newReady},
	}
}

// measure scrapes again and again, over a connection that is kept.
func (w *world) measure(b *testing.B, way way, encoding string, c change) {
	b.Helper()
	e := way.make(w)
	server := httptest.NewServer(e)
	defer server.Close()
	client := &http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	scrape := func() int64 { return w.scrape(b, client, server.URL, encoding) }
	scrape()
	scrape()
	var used cost
	round := 0
	for b.Loop() {
		b.StopTimer()
		tasks := w.pick(c, round)
		round++
		w.change(b, tasks, c.of, round)
		runtime.GC()
		b.StartTimer()
		before := spent()
		e.changed(tasks)
		size := scrape()
		used.add(before, spent(), size)
	}
	b.StopTimer()
	used.report(b)
	idle, peak := memory(scrape)
	b.ReportMetric(idle/1e6, "idle-MB")
	b.ReportMetric(peak/1e6, "peak-MB")
}

func (w *world) scrape(b *testing.B, client *http.Client, url, encoding string) int64 {
	b.Helper()
	r, err := http.NewRequestWithContext(b.Context(), http.MethodGet, url, http.NoBody)
	if err != nil {
		b.Fatal(err)
	}
	r.Header.Set("Accept", string(expfmt.FmtOpenMetrics_1_0_0))
	r.Header.Set("Accept-Encoding", encoding)
	response, err := client.Do(r)
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	size, err := io.Copy(io.Discard, response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		b.Fatal(response.Status, err)
	}
	return size
}

// cost is what scrapes have taken of the process, the client's part included.
type cost struct {
	cpu     time.Duration
	allocs  uint64
	bytes   uint64
	size    int64
	scrapes int
}

func spent() cost {
	m := []metrics.Sample{{Name: "/gc/heap/allocs:objects"}, {Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(m)
	return cost{cpu: processorTime(), allocs: m[0].Value.Uint64(), bytes: m[1].Value.Uint64()}
}

func (c *cost) add(before, after cost, size int64) {
	c.cpu += after.cpu - before.cpu
	c.allocs += after.allocs - before.allocs
	c.bytes += after.bytes - before.bytes
	c.size = size
	c.scrapes++
}

func (c *cost) report(b *testing.B) {
	b.Helper()
	n := float64(c.scrapes)
	b.ReportMetric(c.cpu.Seconds()*1e3/n, "cpu-ms")
	b.ReportMetric(float64(c.allocs)/n, "allocs/op")
	b.ReportMetric(float64(c.bytes)/n, "B/op")
	b.ReportMetric(float64(c.size), "body-B")
}

// memory returns how much the heap holds before a scrape, and at most during it, garbage included.
func memory(scrape func() int64) (idle, peak float64) {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	read := func() float64 {
		metrics.Read(sample)
		return float64(sample[0].Value.Uint64())
	}
	runtime.GC()
	idle = read()
	var scraping sync.WaitGroup
	done := make(chan struct{})
	scraping.Go(func() {
		defer close(done)
		scrape()
	})
	defer scraping.Wait()
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			peak = max(peak, read())
		case <-done:
			return idle, max(peak, read())
		}
	}
}

// world is a tracker that knows tasks, a hundredth of them unfinished.
type world struct {
	tracker    *tracker.Tracker
	collector  *collector.Collector
	aggregates *view.Snapshot
	tasks      []view.Task // for those who keep them in their own way; unfinished ones first
	unfinished int
}

func newWorld(tb testing.TB, n int) *world {
	tb.Helper()
	w := &world{unfinished: n / 100}
	api := httptest.NewServer(http.HandlerFunc(w.answer))
	tb.Cleanup(api.Close)
	base, err := url.Parse(api.URL)
	if err != nil {
		tb.Fatal(err)
	}
	key := func() string { return "key" }
	client, err := kie.NewClient(kie.Options{
		BaseURL: base, Key: key, HTTPClient: commoncfg.DefaultHTTPClientConfig, Timeout: 10 * time.Second, MaxConnections: 8,
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(client.Close)
	w.tracker = tracker.New(tracker.Options{
		Accounts: []tracker.AccountOptions{{
			Name: "default", Budget: budget.New(budget.Options{
				Client: client, Key: key, Rate: 1e6, Concurrent: 8, Histograms: collector.NewHistogram,
			}),
		}},
		Groups: []tracker.GroupOptions{{Name: "images", Account: "default"}, {Name: "video", Account: "default"}}, Store: store.Memory{},
		Bounds: schedule.Bounds{Min: 3 * time.Second, Max: time.Minute}, TaskSeries: n, Models: 100, Log: promslog.NewNopLogger(),
		Histograms: collector.NewHistogram,
	})
	var all [2]source.Change
	var ids []int
	for i := range n {
		c := &all[i%2]
		c.Group = []string{"images", "video"}[i%2]
		c.Added = append(c.Added, source.Task{ID: taskID(i), Labels: labelsOf(0)})
		ids = append(ids, i)
	}
	w.tracker.Apply(all[0])
	w.tracker.Apply(all[1])
	w.ask(tb, ids)
	known := w.tracker.Snapshot()
	w.collector = snapshots.CollectorOf(w.tracker.Snapshot)
	w.tasks = make([]view.Task, n)
	position := make(map[string]int, n)
	for i := range n {
		position[taskID(i)] = i
	}
	for _, k := range known.Tasks() {
		w.tasks[position[k.ID]] = k
	}
	aggregates := *known
	aggregates.Shown = view.Shown{}
	w.aggregates = &aggregates
	return w
}

// taskID is as ids of the API are in practice: 32 hex digits without an order.
func taskID(i int) string {
	n := uint64(i + 1) //nolint:gosec // not negative
	return fmt.Sprintf("%016x%016x", n*0x9e3779b97f4a7c15, n*0xd1342543de82ef95)
}

func labelsOf(round int) map[string]string {
	return map[string]string{"team": []string{"film", "print"}[round%2]}
}

// answer is the API: it knows that all tasks are done but the first ones.
func (w *world) answer(rw http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("taskId")
	var high uint64
	_, _ = fmt.Sscanf(id[:16], "%x", &high)
	i := int64(high*0xf1de83e19937733d) - 1 //nolint:gosec // the inverse of what makes ids
	created := 1698765400000 + i*37
	data := map[string]any{
		"taskId": id, "model": fmt.Sprintf("vendor/%d-model-%d/image-to-video", i%2, i/2%5),
		"state": "generating", "createTime": created,
	}
	if i >= int64(w.unfinished) {
		data["state"], data["completeTime"], data["creditsConsumed"] = "success", created+2_000+i*7_919%300_000, float64(i%80)/2
		data["resultJson"] = `{"resultUrls":["https://example.com/1"]}`
	}
	_ = json.NewEncoder(rw).Encode(map[string]any{"code": 200, "msg": "success", "data": data})
}

// ask has the tracker ask about tasks.
func (w *world) ask(tb testing.TB, tasks []int) {
	tb.Helper()
	var asking sync.WaitGroup
	next := make(chan int)
	for range 8 {
		asking.Go(func() {
			for i := range next {
				if p := w.tracker.Probe(context.WithoutCancel(tb.Context()), "default", taskID(i)); p.Err != nil || !p.Asked {
					tb.Errorf("task %d: %v, %v", i, p.Asked, p.Err)
				}
			}
		})
	}
	for _, i := range tasks {
		next <- i
	}
	close(next)
	asking.Wait()
}

// pick returns the tasks that change in a round.
func (w *world) pick(c change, round int) []int {
	tasks := make([]int, c.tasks)
	for i := range tasks {
		switch {
		case c.of == "unfinished":
			tasks[i] = i % w.unfinished
		case c.tasks == len(w.tasks):
			tasks[i] = i
		default: // spread evenly
			tasks[i] = (i*(len(w.tasks)/c.tasks) + round) % len(w.tasks)
		}
	}
	return tasks
}

// change changes tasks: unfinished ones get another answer, any others another label.
func (w *world) change(b *testing.B, tasks []int, of string, round int) {
	b.Helper()
	if of == "unfinished" {
		w.ask(b, tasks)
		for _, i := range tasks {
			w.tasks[i].LastAnswer = time.Now()
		}
		return
	}
	var all [2]source.Change
	for _, i := range tasks {
		labels := labelsOf(round)
		c := &all[i%2]
		c.Group = w.tasks[i].Group
		c.Added = append(c.Added, source.Task{ID: w.tasks[i].ID, Labels: labels})
		w.tasks[i].Labels = labels
	}
	w.tracker.Apply(all[0])
	w.tracker.Apply(all[1])
}

// registry returns everything but the series of tasks.
func (w *world) registry() *prometheus.Registry {
	r := prometheus.NewRegistry()
	r.MustRegister(w.collector.AggregatesAt(w.aggregates), collector.ForScrape(view.Scrape{}))
	return r
}

// rendered is ours.
type rendered struct{ *Handler }

func newRendered(w *world) exporter {
	return rendered{New(Options{
		Tracker: fresh{w.tracker}, Collector: w.collector, Registry: prometheus.NewPedanticRegistry(), Log: slog.New(slog.DiscardHandler),
	})}
}

// fresh is a tracker that makes a snapshot for each scrape, however soon the next one comes.
type fresh struct{ *tracker.Tracker }

func (f fresh) Snapshot() *view.Snapshot {
	s := *f.Tracker.Snapshot()
	s.Shown = f.Shown()
	return &s
}

func (r rendered) ServeHTTP(w http.ResponseWriter, q *http.Request) { r.Serve(w, q, view.Scrape{}) }
func (r rendered) changed([]int)                                    { r.Refresh() }

// plain is our collector in an ordinary registry.
type plain struct{ http.Handler }

func newPlain(w *world) exporter {
	r := prometheus.NewRegistry()
	r.MustRegister(snapshots.CollectorOf(fresh{w.tracker}.Snapshot), collector.ForScrape(view.Scrape{}))
	return plain{promhttp.HandlerFor(r, promhttp.HandlerOpts{EnableOpenMetrics: true})}
}

func (plain) changed([]int) {}

// ready writes what it was given.
type ready struct{ bodies map[string][]byte }

func newReady(w *world) exporter {
	r := ready{map[string][]byte{}}
	for _, encoding := range []string{"gzip", "identity"} {
		q := httptest.NewRequest(http.MethodGet, "/", http.NoBody) //nolint:noctx // it goes nowhere
		q.Header.Set("Accept", string(expfmt.FmtOpenMetrics_1_0_0))
		q.Header.Set("Accept-Encoding", encoding)
		answer := httptest.NewRecorder()
		newRendered(w).ServeHTTP(answer, q)
		r.bodies[encoding] = answer.Body.Bytes()
	}
	return r
}

func (r ready) changed([]int) {}

func (r ready) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	encoding := q.Header.Get("Accept-Encoding")
	if encoding != "identity" {
		w.Header().Set("Content-Encoding", encoding)
	}
	_, _ = w.Write(r.bodies[encoding])
}

// objectStore keeps text for each task and family in a map and writes it family by family, compressed as it goes, which is how
// the metrics_store of kube-state-metrics does it.
type objectStore struct {
	world    *world
	text     *collector.TaskText
	mu       sync.RWMutex
	objects  map[string][][]byte
	registry http.Handler
}

func newObjectStore(w *world) exporter {
	s := &objectStore{world: w, text: collector.NewTaskText(taskseries.Choice{}, []string{"team"}), objects: make(map[string][][]byte, len(w.tasks))}
	s.registry = promhttp.HandlerFor(w.registry(), promhttp.HandlerOpts{DisableCompression: true, EnableOpenMetrics: true})
	all := make([]int, len(w.tasks))
	for i := range all {
		all[i] = i
	}
	s.changed(all)
	return s
}

func (s *objectStore) changed(tasks []int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, i := range tasks {
		of := view.NewBlock(s.world.tasks[i])
		families := make([][]byte, s.text.Families())
		for f := range families {
			families[f] = s.text.Append(nil, f, of)
		}
		s.objects[s.world.tasks[i].ID] = families
	}
}

func (s *objectStore) ServeHTTP(w http.ResponseWriter, q *http.Request) {
	var to io.Writer = w
	if q.Header.Get("Accept-Encoding") == "gzip" {
		w.Header().Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		defer func() { _ = z.Close() }()
		to = z
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for f := range s.text.Families() {
		_, _ = to.Write(s.text.AppendHead(nil, f))
		for _, families := range s.objects {
			_, _ = to.Write(families[f])
		}
	}
	s.registry.ServeHTTP(through{w, to}, q) // it writes the end
}

// through is a response whose body goes through a writer.
type through struct {
	http.ResponseWriter
	to io.Writer
}

func (t through) Write(p []byte) (int, error) { return t.to.Write(p) }

// constMetrics makes constant metrics on every scrape, as exporters do that use client_golang as its documentation shows.
type constMetrics struct {
	http.Handler
	world *world
	descs map[string]*prometheus.Desc
}

func newConstMetrics(w *world) exporter {
	c := &constMetrics{world: w, descs: map[string]*prometheus.Desc{}}
	for _, m := range collector.Table() {
		labels := m.Labels
		if m.TaskLabels {
			labels = []string{"account", "group", "label_team", "model", "task_id"}
		}
		c.descs[m.Name] = prometheus.NewDesc(m.Name, m.Help, labels, nil)
	}
	r := w.registry()
	r.MustRegister(c)
	c.Handler = promhttp.HandlerFor(r, promhttp.HandlerOpts{EnableOpenMetrics: true})
	return c
}

func (c *constMetrics) changed([]int) {}

// Describe implements prometheus.Collector.
func (c *constMetrics) Describe(ch chan<- *prometheus.Desc) { ch <- c.descs["kie_task_info"] }

// Collect implements prometheus.Collector.
func (c *constMetrics) Collect(ch chan<- prometheus.Metric) {
	put := func(name string, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(c.descs[name], prometheus.GaugeValue, value, labels...)
	}
	for i := range c.world.tasks {
		t := &c.world.tasks[i]
		put("kie_task_info", 1, t.Account, t.Group, t.Labels["team"], t.Model, t.ID)
		for _, state := range kie.States() {
			value := 0.0
			if t.State == state {
				value = 1
			}
			put("kie_task_state", value, t.Group, t.Model, state.String(), t.ID)
		}
		put("kie_task_created_timestamp_seconds", t.Created.Seconds(), t.Group, t.Model, t.ID)
		if !t.State.Finished() {
			put("kie_task_last_answer_timestamp_seconds", kie.TimeOf(t.LastAnswer).Seconds(), t.Group, t.Model, t.ID)
			continue
		}
		took, _ := t.Latency()
		put("kie_task_latency_seconds", took.Seconds(), t.Group, t.Model, t.ID)
		put("kie_task_completed_timestamp_seconds", t.Completed.Seconds(), t.Group, t.Model, t.ID)
		put("kie_task_credits", t.Credits, t.Group, t.Model, t.ID)
	}
}
