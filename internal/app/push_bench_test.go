package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/config"
	"github.com/kie-exporter/kie_exporter/internal/history"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

// BenchmarkPushes has 64 producers push over HTTP to an exporter with a storage, some ids at a time. An operation is an id.
func BenchmarkPushes(b *testing.B) {
	for _, f := range []struct{ kind, line string }{
		{"text/plain", "%032x\n"},
		{"application/x-ndjson", `{"taskId":"%032x","model":"kling/v2","labels":{"team":"film"}}` + "\n"},
		{"application/jsonl", `{"code":200,"msg":"success","data":{"taskId":"%032x"}}` + "\n"}, // an answer of createTask
	} {
		b.Run(f.kind, func(b *testing.B) { benchmarkPushes(b, f.kind, f.line) })
	}
}

func benchmarkPushes(b *testing.B, kind, line string) {
	b.Helper()
	for _, ids := range []int{1, 500} {
		b.Run(fmt.Sprintf("%d ids a push", ids), func(b *testing.B) {
			url := servePushes(b)
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 64}}
			b.Cleanup(client.CloseIdleConnections)
			var next atomic.Int64
			var producing sync.WaitGroup
			b.ResetTimer()
			for range 64 {
				producing.Go(func() {
					for {
						first := next.Add(int64(ids)) - int64(ids)
						if first >= int64(b.N) {
							return
						}
						pushSome(b, client, url, kind, line, first, ids)
					}
				})
			}
			producing.Wait()
			b.ReportMetric(float64(next.Load())/b.Elapsed().Seconds(), "ids/s")
		})
	}
}

func pushSome(b *testing.B, client *http.Client, url, kind, line string, first int64, ids int) {
	b.Helper()
	var body strings.Builder
	for i := range ids {
		fmt.Fprintf(&body, line, first+int64(i))
	}
	for {
		resp, err := client.Post(url, kind, strings.NewReader(body.String())) //nolint:noctx // ends with the benchmark
		if err != nil {
			b.Error(err)
			return
		}
		text, _ := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if resp.StatusCode == http.StatusOK {
			return
		}
		if resp.StatusCode != http.StatusServiceUnavailable {
			b.Errorf("%d %s", resp.StatusCode, text)
			return
		}
		time.Sleep(time.Millisecond)
	}
}

// servePushes serves an exporter with a group that takes pushes, and returns where they go.
func servePushes(b *testing.B) string {
	b.Helper()
	dir := b.TempDir()
	path := filepath.Join(dir, "kie.yml")
	if err := os.WriteFile(path, []byte("accounts: [{base_url: 'http://127.0.0.1:1'}]\ngroups: [{name: g, push: {}}]\nlimits: {tasks: 10000000}\n"), 0o600); err != nil {
		b.Fatal(err)
	}
	log := slog.New(slog.DiscardHandler)
	load := func() (*config.Config, error) { return config.Load(path, func(string) string { return "key" }) }
	e, err := newExporter(load, fixed{}, func(*history.History) (recordStore, error) { return store.Open(filepath.Join(dir, "data"), log) }, 0, log)
	if err != nil {
		b.Fatal(err)
	}
	mux := http.NewServeMux()
	e.pushes.Register(mux)
	server := httptest.NewServer(mux)
	ctx, stop := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { e.run(ctx) })
	b.Cleanup(func() {
		server.Close()
		stop()
		running.Wait()
		e.close()
	})
	<-e.loaded
	return server.URL + "/api/v1/groups/g/tasks"
}
