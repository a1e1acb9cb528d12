package tracker_test

import (
	"context"
	"net/http/httptest"
	"net/url"
	"strconv"
	"sync"
	"testing"
	"time"

	commoncfg "github.com/prometheus/common/config"
	"github.com/prometheus/common/promslog"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
)

// BenchmarkFirstPass measures how long it takes to learn of 2,000 finished tasks over loopback, with 8 queries at a time of
// 50 ms each and five scrapers, as a multiple of the ideal 2000 · 50 ms / 8.
func BenchmarkFirstPass(b *testing.B) {
	const tasks, atATime, latency = 2000, 8, 50 * time.Millisecond
	for b.Loop() {
		sim := kiesim.New(kiesim.Options{Latency: latency})
		server := httptest.NewServer(sim)
		all := ids("t", tasks)
		for _, id := range all {
			sim.Put(kiesim.Task{ID: id})
		}
		took := firstPass(b, server.URL, all, atATime)
		server.Close()
		b.ReportMetric(float64(took)/float64(tasks*latency/atATime), "×ideal")
		b.ReportMetric(float64(sim.Stats().MaxInFlight), "max-in-flight")
		b.ReportMetric(float64(sim.Stats().Requests[kiesim.RecordInfo])/tasks, "queries/task")
	}
}

// firstPass tracks the tasks until all are known, and returns how long that took.
func firstPass(b *testing.B, api string, all []string, atATime int) time.Duration {
	b.Helper()
	base, err := url.Parse(api)
	if err != nil {
		b.Fatal(err)
	}
	key := func() string { return "key" }
	client, err := kie.NewClient(kie.Options{
		BaseURL: base, Key: key, HTTPClient: commoncfg.DefaultHTTPClientConfig, Timeout: 10 * time.Second, MaxConnections: atATime,
	})
	if err != nil {
		b.Fatal(err)
	}
	defer client.Close()
	t := tracker.New(tracker.Options{
		Accounts: []tracker.AccountOptions{{
			Name: "main", Budget: budget.New(budget.Options{Client: client, Key: key, Rate: 10000, Concurrent: atATime}),
		}},
		Groups:  []tracker.GroupOptions{{Name: "video", Account: "main"}},
		Bounds:  schedule.Bounds{Min: 3 * time.Second, Max: time.Minute},
		MaxWait: 5 * time.Second, TaskSeries: 1000, Models: 100, Store: store.Memory{}, Log: promslog.NewNopLogger(),
	})
	ctx, stop := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { t.Run(ctx) })
	change := listing("video", all...)
	change.Backlog = true
	t.Apply(change)
	start := time.Now()
	var scrapers sync.WaitGroup
	for range 5 {
		scrapers.Go(func() {
			for t.Snapshot().Groups[0].Pending > 0 {
				t.Wait(ctx)
			}
		})
	}
	scrapers.Wait()
	took := time.Since(start)
	stop()
	running.Wait()
	return took
}

// BenchmarkRelabel measures how long it takes that 100,000 pending tasks, whose records are on disk, get other labels, as by a reload.
func BenchmarkRelabel(b *testing.B) {
	kept, err := store.Open(b.TempDir(), promslog.NewNopLogger())
	if err != nil {
		b.Fatal(err)
	}
	defer kept.Close()
	t := tracker.New(tracker.Options{
		Accounts: []tracker.AccountOptions{{Name: "main", Budget: budget.New(budget.Options{Rate: 1, Concurrent: 1})}},
		Groups:   []tracker.GroupOptions{{Name: "video", Account: "main"}},
		Bounds:   schedule.Bounds{Min: 3 * time.Second, Max: time.Minute},
		Models:   100, Store: kept, Log: promslog.NewNopLogger(),
	})
	change := listing("video", ids("t", 100_000)...)
	t.Apply(change)
	ctx, stop := context.WithCancel(b.Context())
	stop()
	kept.Run(ctx, benchTasks{t}) // writes all there is
	for i := 0; b.Loop(); i++ {
		labels := map[string]string{"round": strconv.Itoa(i)}
		for at := range change.Added {
			change.Added[at].Labels = labels
		}
		t.Apply(change)
	}
}

// benchTasks implements store.Tasks.
type benchTasks struct{ *tracker.Tracker }

func (benchTasks) TakesPushes(string) bool { return false }
