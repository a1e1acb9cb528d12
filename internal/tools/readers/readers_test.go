// Package readers has the readers of other programs read what the exporter serves. It is a module of its own for what they
// bring along. OpenTelemetry's receiver needs no test here: it scrapes and parses with the code of Prometheus.
package readers

import (
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/VictoriaMetrics/VictoriaMetrics/lib/protoparser/prometheus"
	"github.com/VictoriaMetrics/VictoriaMetrics/lib/protoparser/prometheus/stream"
	"github.com/VictoriaMetrics/VictoriaMetrics/lib/protoparser/protoparserutil"
	registry "github.com/prometheus/client_golang/prometheus"

	"github.com/kie-exporter/kie_exporter/internal/exposition"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/test/kit/snapshots"
)

func TestVictoriaMetricsReadsEverySample(t *testing.T) {
	protoparserutil.StartUnmarshalWorkers()
	t.Cleanup(protoparserutil.StopUnmarshalWorkers)
	const tasks, blocks, samples = 200, 5, 11 // info, 7 states, latency, creation, completion
	var shown view.Shown
	for b := range blocks {
		var some []view.Task
		for i := range tasks {
			some = append(some, view.Task{
				Task: kie.Task{
					ID: strconv.Itoa(b*tasks + i), Model: "m \"odd\"\n", State: kie.StateSuccess, Created: 1698765400000, Completed: 1698765432000,
				},
				Group: "g", Account: "a",
			})
		}
		shown.Blocks = append(shown.Blocks, view.NewBlock(some...))
	}
	var known snapshots.Still
	known.Show(shown)
	handler := exposition.New(exposition.Options{
		Tracker: &known, Registry: registry.NewRegistry(), Log: slog.New(slog.DiscardHandler), Collector: snapshots.CollectorOf(known.Snapshot),
	})
	for _, accept := range []string{"", "application/openmetrics-text;version=1.0.0"} {
		for _, encoding := range []string{"", "gzip", "zstd"} {
			t.Run(accept+"/"+encoding, func(t *testing.T) {
				r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", http.NoBody)
				r.Header.Set("Accept", accept)
				r.Header.Set("Accept-Encoding", encoding)
				w := httptest.NewRecorder()
				handler.Serve(w, r, view.Scrape{})
				var ofTasks atomic.Int64
				count := func(rows []prometheus.Row, _ []prometheus.Metadata) error {
					for _, row := range rows {
						for _, tag := range row.Tags {
							if tag.Key == "task_id" {
								ofTasks.Add(1)
							}
						}
					}
					return nil
				}
				fault := func(line string) { t.Error(line) }
				if err := stream.Parse(w.Body, 0, encoding, false, false, count, fault); err != nil {
					t.Fatal(err)
				}
				if n := ofTasks.Load(); n != blocks*tasks*samples {
					t.Errorf("%d samples of tasks, want %d", n, blocks*tasks*samples)
				}
			})
		}
	}
}
