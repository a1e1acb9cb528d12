// Package collector_test has Prometheus' own parser read what a collector shows, in each format.
package collector_test

import (
	"math/rand/v2"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors/version"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/common/expfmt"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/internal/histogram"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/test/kit/golden"
	"github.com/kie-exporter/kie_exporter/test/kit/scrape"
	"github.com/kie-exporter/kie_exporter/test/kit/snapshots"
	"github.com/kie-exporter/kie_exporter/test/served/parse"
)

// parsedBack fails the test unless each format of what cs show is parsed back to the same samples. It returns what protobuf says in
// readable lines, since its wire format is for nobody to read.
func parsedBack(tb testing.TB, cs ...prometheus.Collector) (protobuf []byte) {
	tb.Helper()
	registry, families := scrape.Gather(tb, cs...)
	want := scrape.Samples(families)
	handler := promhttp.HandlerFor(registry, promhttp.HandlerOpts{EnableOpenMetrics: true})
	for _, format := range []expfmt.Format{expfmt.FmtText, expfmt.FmtOpenMetrics_1_0_0, expfmt.FmtProtoDelim} {
		w := scrape.Get(tb, handler, string(format), "")
		all, err := parse.Read(w.Body.Bytes(), w.Header().Get("Content-Type"))
		if err != nil {
			tb.Fatal(err)
		}
		sameSamples(tb, string(format), parse.Samples(all), want)
		protobuf = parse.Dump(all) // the last format
	}
	return protobuf
}

func sameSamples(tb testing.TB, what string, got, want map[string]float64) {
	tb.Helper()
	for key, value := range want {
		if v, ok := got[key]; !ok {
			tb.Errorf("%s: %s is missing", what, key)
		} else if v != value {
			tb.Errorf("%s: %s is %v, want %v", what, key, v, value)
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			tb.Errorf("%s: %s should not be there", what, key)
		}
	}
}

func TestProtobufIsAsRecorded(t *testing.T) {
	for name, k := range snapshots.Recorded() {
		t.Run(name, func(t *testing.T) {
			golden.Check(t, name+".protobuf", parsedBack(t, k.Collector(), collector.ForScrape(view.Scrape{Waited: 1250 * time.Millisecond, Incomplete: true})))
		})
	}
}

func TestEveryMetricIsParsedBack(t *testing.T) {
	parsedBack(t, snapshots.Rich().Collector(), collector.ForScrape(view.Scrape{}), version.NewCollector("kie_exporter"), collector.NewPanics())
	parsedBack(t, snapshots.Unknown().Collector())
	parsedBack(t, snapshots.Twins().Collector())
}

func TestAnyStringsAreParsedBack(t *testing.T) {
	var k snapshots.Known
	var tasks []view.Task
	for i, s := range snapshots.Nasty() {
		tasks = append(tasks, view.Task{
			Task: kie.Task{ID: s, Model: s, State: kie.StateFail, FailCode: s}, Group: s, Account: s, Labels: map[string]string{"a": s},
		})
		k.Snapshot.Models = append(k.Snapshot.Models, view.Model{
			Group: s, Model: s, Latency: [2]histogram.Histogram{snapshots.Measured(string(rune('a'+i)), 1)}, Codes: []view.CodeCount{{Code: s, Count: 1}},
		})
		k.Sources = append(k.Sources, source.Stat{Group: s, Source: s, Rejected: map[source.Rejection]uint64{source.Rejection(s): 1}})
	}
	k.Snapshot.Shown = snapshots.Shown([]string{"a"}, tasks...)
	parsedBack(t, k.Collector())
}

// FuzzAnyStringsAreParsedBack: whatever clean text ids, groups, models, labels and fail codes are, the metrics can be read back.
func FuzzAnyStringsAreParsedBack(f *testing.F) {
	for i, s := range snapshots.Nasty() {
		f.Add(s, snapshots.Nasty()[(i+7)%len(snapshots.Nasty())])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) {
			t.Skip("strings from outside are cleaned")
		}
		k := snapshots.Known{Snapshot: view.Snapshot{Shown: snapshots.Shown([]string{"k"}, view.Task{
			Task: kie.Task{ID: a, Model: a + b, State: kie.StateFail, FailCode: a}, Group: b, Labels: map[string]string{"k": b},
		})}}
		parsedBack(t, k.Collector())
	})
}

func TestRandomSnapshotsAreParsedBack(t *testing.T) {
	for seed := range uint64(60) {
		parsedBack(t, snapshots.Random(rand.New(rand.NewPCG(seed, 0))).Collector())
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}
