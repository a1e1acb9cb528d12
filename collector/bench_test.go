// What a scrape costs, next to what it costs an exporter that makes its metrics the usual ways.

package collector_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"runtime/metrics"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
)

// BenchmarkScrape serves 100,000 finished tasks, of which some have series of their own.
func BenchmarkScrape(b *testing.B) {
	for _, withSeries := range []int{1_000, 100_000} {
		k := finished(100_000, withSeries)
		for _, way := range ways() {
			registry := prometheus.NewRegistry()
			registry.MustRegister(way.collectors(k)...)
			handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
			for _, f := range []struct {
				name   string
				format expfmt.Format
			}{{"text", expfmt.FmtText}, {"openmetrics", expfmt.FmtOpenMetrics_1_0_0}} {
				for _, encoding := range []string{"identity", "gzip"} {
					b.Run(fmt.Sprintf("series=%d/format=%s/encoding=%s/way=%s", withSeries, f.name, encoding, way.name),
						func(b *testing.B) { benchmarkScrape(b, handler, f.format, encoding) })
				}
			}
		}
	}
}

func benchmarkScrape(b *testing.B, handler http.Handler, accept expfmt.Format, encoding string) {
	b.Helper()
	request := httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/metrics", http.NoBody)
	request.Header.Set("Accept", string(accept))
	request.Header.Set("Accept-Encoding", encoding)
	var w *counting
	b.ReportAllocs()
	for b.Loop() {
		w = &counting{header: http.Header{}}
		handler.ServeHTTP(w, request)
		if w.status != 0 && w.status != http.StatusOK {
			b.Fatalf("status %d", w.status)
		}
	}
	b.ReportMetric(float64(w.bytes), "body-B")
	b.ReportMetric(peak(func() { handler.ServeHTTP(&counting{header: http.Header{}}, request) }), "peak-heap-B")
}

// counting is an http.ResponseWriter that counts what it is given.
type counting struct {
	header http.Header
	status int
	bytes  int
}

func (w *counting) Header() http.Header         { return w.header }
func (w *counting) WriteHeader(status int)      { w.status = status }
func (w *counting) Write(p []byte) (int, error) { w.bytes += len(p); return len(p), nil }

// peak returns how many bytes more the heap held while f ran than before, at most. It counts garbage that is not yet swept.
func peak(f func()) float64 {
	sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
	read := func() float64 {
		metrics.Read(sample)
		return float64(sample[0].Value.Uint64())
	}
	runtime.GC()
	before := read()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	highest := before
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			highest = max(highest, read())
		case <-done:
			return max(highest, read()) - before
		}
	}
}

// way is a way to make the series of tasks. Everything else is from this package's collector.
type way struct {
	name  string
	tasks func([]tracker.Task) prometheus.Collector
}

func ways() []way {
	return []way{
		{name: "ours"},
		{name: "const", tasks: func(tasks []tracker.Task) prometheus.Collector { return newConstMetrics(tasks) }},
		{name: "gaugevec", tasks: func(tasks []tracker.Task) prometheus.Collector { return newGaugeVecs(tasks) }},
	}
}

func (w way) collectors(k known) []prometheus.Collector {
	if w.tasks == nil {
		return []prometheus.Collector{k.collector()}
	}
	tasks := w.tasks(k.snapshot.Tasks)
	k.snapshot.Tasks = nil
	return []prometheus.Collector{k.collector(), tasks}
}

func TestBenchmarkedWaysShowTheSame(t *testing.T) {
	k := finished(300, 100)
	var want []byte
	for _, way := range ways() {
		registry := prometheus.NewRegistry()
		registry.MustRegister(way.collectors(k)...)
		body, _ := scrape(t, promhttp.HandlerFor(registry, promhttp.HandlerOpts{}), expfmt.FmtText)
		if way.tasks == nil {
			want = body
		} else if string(body) != string(want) {
			t.Errorf("%s shows something else:\n%s", way.name, body)
		}
	}
}

// taskDescs are the descriptors of the series that a finished task has.
type taskDescs struct {
	info, state, latency, created, completed, credits *prometheus.Desc
}

// constMetrics makes constant metrics on every scrape, as exporters do that use client_golang as its documentation shows.
type constMetrics struct {
	tasks []tracker.Task
	descs taskDescs
}

func newConstMetrics(tasks []tracker.Task) *constMetrics {
	help := helps()
	desc := func(name string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc(name, help[name], labels, nil)
	}
	return &constMetrics{tasks: tasks, descs: taskDescs{
		info:      desc("kie_task_info", "account", "group", "model", "task_id"),
		state:     desc("kie_task_state", "group", "model", "state", "task_id"),
		latency:   desc("kie_task_latency_seconds", "group", "model", "task_id"),
		created:   desc("kie_task_created_timestamp_seconds", "group", "model", "task_id"),
		completed: desc("kie_task_completed_timestamp_seconds", "group", "model", "task_id"),
		credits:   desc("kie_task_credits", "group", "model", "task_id"),
	}}
}

// Describe sends nothing: the other collector has described these metrics.
func (c *constMetrics) Describe(chan<- *prometheus.Desc) {}

func (c *constMetrics) Collect(ch chan<- prometheus.Metric) {
	gauge := func(desc *prometheus.Desc, value float64, labels ...string) {
		ch <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	for i := range c.tasks {
		t := &c.tasks[i]
		gauge(c.descs.info, 1, t.Account, t.Group, t.Model, t.ID)
		for _, state := range kie.States() {
			value := 0.0
			if t.State == state {
				value = 1
			}
			gauge(c.descs.state, value, t.Group, t.Model, state.String(), t.ID)
		}
		gauge(c.descs.latency, t.Latency.Seconds(), t.Group, t.Model, t.ID)
		gauge(c.descs.created, t.Created.Seconds(), t.Group, t.Model, t.ID)
		gauge(c.descs.completed, t.Completed.Seconds(), t.Group, t.Model, t.ID)
		gauge(c.descs.credits, t.Credits, t.Group, t.Model, t.ID)
	}
}

// gaugeVecs resets vectors and fills them again on every scrape, which is how exporters get rid of the series of things that are gone.
type gaugeVecs struct {
	tasks                                             []tracker.Task
	info, state, latency, created, completed, credits *prometheus.GaugeVec
}

func newGaugeVecs(tasks []tracker.Task) *gaugeVecs {
	help := helps()
	vec := func(name string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help[name]}, labels)
	}
	return &gaugeVecs{
		tasks:     tasks,
		info:      vec("kie_task_info", "account", "group", "model", "task_id"),
		state:     vec("kie_task_state", "group", "model", "state", "task_id"),
		latency:   vec("kie_task_latency_seconds", "group", "model", "task_id"),
		created:   vec("kie_task_created_timestamp_seconds", "group", "model", "task_id"),
		completed: vec("kie_task_completed_timestamp_seconds", "group", "model", "task_id"),
		credits:   vec("kie_task_credits", "group", "model", "task_id"),
	}
}

// Describe sends nothing: the other collector has described these metrics.
func (c *gaugeVecs) Describe(chan<- *prometheus.Desc) {}

func (c *gaugeVecs) Collect(ch chan<- prometheus.Metric) {
	all := []*prometheus.GaugeVec{c.info, c.state, c.latency, c.created, c.completed, c.credits}
	for _, vec := range all {
		vec.Reset()
	}
	for i := range c.tasks {
		t := &c.tasks[i]
		c.info.WithLabelValues(t.Account, t.Group, t.Model, t.ID).Set(1)
		for _, state := range kie.States() {
			value := 0.0
			if t.State == state {
				value = 1
			}
			c.state.WithLabelValues(t.Group, t.Model, state.String(), t.ID).Set(value)
		}
		c.latency.WithLabelValues(t.Group, t.Model, t.ID).Set(t.Latency.Seconds())
		c.created.WithLabelValues(t.Group, t.Model, t.ID).Set(t.Created.Seconds())
		c.completed.WithLabelValues(t.Group, t.Model, t.ID).Set(t.Completed.Seconds())
		c.credits.WithLabelValues(t.Group, t.Model, t.ID).Set(t.Credits)
	}
	for _, vec := range all {
		vec.Collect(ch)
	}
}

func helps() map[string]string {
	help := map[string]string{}
	for _, m := range collector.Table() {
		help[m.Name] = m.Help
	}
	return help
}

// finished returns what is known of so many successful tasks of ten models in two groups, in no order.
func finished(tasks, withSeries int) known {
	k := documented()
	k.snapshot.Models, k.snapshot.Groups = nil, nil
	groups := []string{"images", "video"}
	for g, group := range groups {
		k.snapshot.Groups = append(k.snapshot.Groups, tracker.Group{
			Name: group, WithoutSeries: (tasks - withSeries) / len(groups), Detection: histogram("", 2),
		})
		for m := range 5 {
			k.snapshot.Models = append(k.snapshot.Models, tracker.Model{
				Group: group, Model: modelName(g, m), Tasks: map[kie.State]int{kie.StateSuccess: tasks / 10},
				Finished: [2]uint64{uint64(tasks / 10)}, //nolint:gosec // not negative
				Latency:  [2]*dto.Histogram{histogram("task_1", 32, 118), histogram("")},
			})
		}
	}
	k.snapshot.Tasks = make([]tracker.Task, withSeries)
	for i := range k.snapshot.Tasks {
		took := kie.Time(2_000 + i*7_919%300_000)
		created := millis(0) + kie.Time(i*37)
		k.snapshot.Tasks[i] = tracker.Task{
			// As the API's ids are in practice: 32 hex digits without an order.
			ID:    fmt.Sprintf("%016x%016x", uint64(i)*0x9e3779b97f4a7c15, uint64(i)*0xd1342543de82ef95),
			Group: groups[i%2], Account: "default", Model: modelName(i%2, i/2%5), State: kie.StateSuccess,
			Created: created, Completed: created + took, Latency: (created + took).Sub(created), HasLatency: true,
			Credits: float64(i%80) / 2, HasCredits: true,
		}
	}
	return k
}

func modelName(group, i int) string {
	return "vendor/" + strconv.Itoa(group) + "-model-" + strconv.Itoa(i) + "/image-to-video"
}
