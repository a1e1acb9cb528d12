package collector_test

import (
	"bytes"
	"flag"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors/version"
	dto "github.com/prometheus/client_model/go"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/internal/histogram"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/internal/webhook"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestScrapesAreAsRecorded(t *testing.T) {
	for name, k := range map[string]known{"empty": {}, "documented": documented(), "rich": rich()} {
		t.Run(name, func(t *testing.T) {
			e := expose(t, k.collector(), collector.ForScrape(view.Scrape{Waited: 1250 * time.Millisecond, Incomplete: true}))
			golden(t, name+".prom", e.text)
			golden(t, name+".openmetrics", e.openMetrics)
			golden(t, name+".protobuf", e.protobuf)
		})
	}
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if bytes.Equal(got, want) {
		return
	}
	gotLines, wantLines := strings.Split(string(got), "\n"), strings.Split(string(want), "\n")
	for i := range min(len(gotLines), len(wantLines)) {
		if gotLines[i] != wantLines[i] {
			t.Errorf("%s:%d: got\n%s\nwant\n%s", path, i+1, gotLines[i], wantLines[i])
			return
		}
	}
	t.Errorf("%s: got %d lines, want %d", path, len(gotLines), len(wantLines))
}

func TestDocumentedExampleTook32SecondsAndSucceeded(t *testing.T) {
	samples := samplesOf(expose(t, documented().collector()).families)
	labels := `group="default", model="` + klingModel + `"`
	if got := samples[`{__name__="kie_task_latency_seconds", `+labels+`, task_id="task_12345678"}`]; got != 32 {
		t.Errorf("latency is %v", got)
	}
	for _, state := range kie.States() {
		got, ok := samples[`{__name__="kie_task_state", `+labels+`, state="`+state.String()+`", task_id="task_12345678"}`]
		if want := state == kie.StateSuccess; !ok || (got == 1) != want {
			t.Errorf("state %v is %v, present %v", state, got, ok)
		}
	}
}

func TestEveryMetricIsCollectedAsDeclared(t *testing.T) {
	e := expose(t, rich().collector(), collector.ForScrape(view.Scrape{}), version.NewCollector("kie_exporter"), collector.NewPanics())
	families := map[string]*dto.MetricFamily{}
	for _, f := range e.families {
		families[f.GetName()] = f
	}
	for _, m := range collector.Table() {
		f := families[m.Name]
		delete(families, m.Name)
		if f == nil {
			t.Errorf("%s is not collected", m.Name)
			continue
		}
		if got := strings.ToLower(f.GetType().String()); got != string(m.Type) {
			t.Errorf("%s is a %s, declared as a %s", m.Name, got, m.Type)
		}
		for _, sample := range f.GetMetric() {
			if got := declaredLabels(m, sample); !slices.Equal(got, m.Labels) {
				t.Errorf("%s has the labels %q, declared %q", m.Name, got, m.Labels)
			}
		}
	}
	for name := range families {
		t.Errorf("%s is not declared", name)
	}
}

// declaredLabels returns the names of the labels of a sample, but for those of the tasks' own labels where m allows them.
func declaredLabels(m collector.Metric, sample *dto.Metric) []string {
	var names []string
	for _, pair := range sample.GetLabel() {
		if !m.TaskLabels || !strings.HasPrefix(pair.GetName(), "label_") {
			names = append(names, pair.GetName())
		}
	}
	return names
}

func TestDeclarationsFollowTheConventions(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range collector.Table() {
		if seen[m.Name] {
			t.Errorf("%s is declared twice", m.Name)
		}
		seen[m.Name] = true
		if !strings.HasPrefix(m.Name, "kie_") {
			t.Errorf("%s does not begin with kie_", m.Name)
		}
		if got := strings.HasSuffix(m.Name, "_total"); got != (m.Type == collector.Counter) {
			t.Errorf("%s is a %s", m.Name, m.Type)
		}
		if m.Type == collector.Histogram && !strings.HasSuffix(m.Name, "_seconds") {
			t.Errorf("%s has no unit", m.Name)
		}
		for _, suffix := range []string{"_count", "_sum", "_bucket"} {
			if strings.HasSuffix(m.Name, suffix) {
				t.Errorf("%s ends in %s", m.Name, suffix)
			}
		}
		for _, label := range []string{"type", "env", "region", "instance", "job"} {
			if slices.Contains(m.Labels, label) {
				t.Errorf("%s has a label %s", m.Name, label)
			}
		}
		if !slices.IsSorted(m.Labels) {
			t.Errorf("%s: labels %q are not sorted", m.Name, m.Labels)
		}
		if m.Help == "" || strings.HasSuffix(m.Help, ".") || strings.ContainsAny(m.Help, "|\n") {
			t.Errorf("%s has the help %q", m.Name, m.Help)
		}
		if m.Stability == "" || m.Cardinality == "" {
			t.Errorf("%s: stability %q, cardinality %q", m.Name, m.Stability, m.Cardinality)
		}
		if perTask := strings.HasPrefix(m.Name, "kie_task_"); perTask != slices.Contains(m.Labels, "task_id") {
			t.Errorf("%s has the labels %q", m.Name, m.Labels)
		}
	}
}

func TestDocumentationIsUpToDate(t *testing.T) {
	var want bytes.Buffer
	if err := collector.WriteDocs(&want); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../docs/metrics.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want.Bytes()) {
		t.Error("docs/metrics.md is not what the table says: run go generate ./collector")
	}
}

func TestEveryTaskIsInExactlyOneState(t *testing.T) {
	ones, series := map[string]int{}, map[string]int{}
	for _, f := range expose(t, rich().collector()).families {
		if f.GetName() != "kie_task_state" {
			continue
		}
		for _, m := range f.GetMetric() {
			id := m.GetLabel()[3].GetValue()
			series[id]++
			ones[id] += int(m.GetGauge().GetValue())
		}
	}
	for _, task := range rich().snapshot.Tasks() {
		if ones[task.ID] != 1 || series[task.ID] != len(kie.States()) {
			t.Errorf("%s: %d of %d states are 1", task.ID, ones[task.ID], series[task.ID])
		}
	}
}

func TestWhatIsNotKnownHasNoSeries(t *testing.T) {
	k := known{snapshot: view.Snapshot{
		Shown:    shown(nil, view.Task{Task: kie.Task{ID: "a"}, Group: "g", Account: "x"}),
		Models:   []view.Model{{Group: "g", Model: "m"}},
		Groups:   []view.Group{{Name: "g"}},
		Accounts: []view.Account{{Name: "x", AsksCredits: true}, {Name: "y", HasBalance: true}},
	}, sources: []source.Stat{{Group: "g", Source: "inline"}}}
	var got []string
	for _, f := range expose(t, k.collector()).families {
		got = append(got, f.GetName())
	}
	for _, absent := range []string{
		"kie_task_latency_seconds", "kie_task_created_timestamp_seconds", "kie_task_completed_timestamp_seconds",
		"kie_task_fail_code", "kie_task_failed_timestamp_seconds", "kie_task_credits",
		"kie_task_last_answer_timestamp_seconds", "kie_task_query_error",
		"kie_tasks_oldest_unfinished_timestamp_seconds", "kie_tasks_overdue_threshold_seconds",
		"kie_tasks_latency_seconds", "kie_up", "kie_credits_remaining", "kie_exporter_oldest_answer_timestamp_seconds",
		"kie_exporter_source_last_success_timestamp_seconds", "kie_exporter_config_last_reload_success_timestamp_seconds",
	} {
		if slices.Contains(got, absent) {
			t.Errorf("%s is there", absent)
		}
	}
	for _, present := range []string{"kie_task_info", "kie_task_state", "kie_tasks", "kie_credits_used_total"} {
		if !slices.Contains(got, present) {
			t.Errorf("%s is not there", present)
		}
	}
}

func TestSourcesOfTheSameNameShareTheirSeries(t *testing.T) {
	k := known{sources: []source.Stat{
		{Group: "g", Source: "inline", Tasks: 1, Errors: 2, LastSuccess: at(9), Rejected: rejected(3)},
		{Group: "h", Source: "inline", Tasks: 100},
		{Group: "g", Source: "inline", Tasks: 10, Errors: 20, LastSuccess: at(1), Rejected: rejected(30)},
		{Group: "g", Source: "\xff"},
		{Group: "g", Source: "\xfe", Rejected: rejected(1)},
	}}
	samples := samplesOf(expose(t, k.collector()).families)
	for series, want := range map[string]float64{
		`{__name__="kie_exporter_source_tasks", group="g", source="inline"}`:                              11,
		`{__name__="kie_exporter_source_errors_total", group="g", source="inline"}`:                       22,
		`{__name__="kie_exporter_source_last_success_timestamp_seconds", group="g", source="inline"}`:     millis(1).Seconds(),
		`{__name__="kie_exporter_source_rejected_total", group="g", reason="duplicate", source="inline"}`: 33,
		`{__name__="kie_exporter_source_tasks", group="h", source="inline"}`:                              100,
	} {
		if got := samples[series]; got != want {
			t.Errorf("%s is %v, want %v", series, got, want)
		}
	}
}

func TestLabelKeysMayChangeFromScrapeToScrape(t *testing.T) {
	var now view.Snapshot
	registry := prometheus.NewPedanticRegistry()
	registry.MustRegister(collector.New(collector.Inputs{
		Known:   func() *view.Snapshot { return &now },
		Sources: func() []source.Stat { return nil },
		Config:  func() collector.ConfigStatus { return collector.ConfigStatus{} },

		Callbacks: func() []webhook.Stat { return nil },
	}))
	for _, c := range []struct {
		keys []string
		want string
	}{
		{nil, ""},
		{[]string{"a"}, `label_a="A", `},
		{[]string{"b", "z"}, `label_b="B", `},
		{nil, ""},
	} {
		now = view.Snapshot{Shown: shown(
			c.keys,
			view.Task{Task: kie.Task{ID: "1"}, Group: "g", Labels: map[string]string{"a": "A", "b": "B"}},
			view.Task{Task: kie.Task{ID: "2"}, Group: "g"},
		)}
		families, err := registry.Gather()
		if err != nil {
			t.Fatalf("keys %q: %v", c.keys, err)
		}
		samples := samplesOf(families)
		for _, want := range []string{
			`{__name__="kie_task_info", group="g", ` + c.want + `task_id="1"}`,
			`{__name__="kie_task_info", group="g", task_id="2"}`,
		} {
			if samples[want] != 1 {
				t.Errorf("keys %q: no %s", c.keys, want)
			}
		}
	}
}

// nasty returns strings that are as odd as a label value may be.
func nasty() []string {
	return []string{
		"", " ", `"`, `\`, `\n`, "\n", "\\\n\"", "a\tb", "\uFFFD", "{a=\"b\"} 1", "# EOF", "# EOF\n", ",", "=", "}",
		"日本語/モデル", "e\u0301", "\u202Eabc", "🎬", "NaN", "+Inf", "__name__", "task_id", "kie_task_info",
		strings.Repeat("x", 128), strings.Repeat("é", 64), strings.Repeat("\\", 128), strings.Repeat("\"", 128),
	}
}

func TestAnyStringsAreParsedBack(t *testing.T) {
	var k known
	var tasks []view.Task
	for i, s := range nasty() {
		tasks = append(tasks, view.Task{
			Task: kie.Task{ID: s, Model: s, State: kie.StateFail, FailCode: s}, Group: s, Account: s, Labels: map[string]string{"a": s},
		})
		k.snapshot.Models = append(k.snapshot.Models, view.Model{
			Group: s, Model: s, Latency: [2]*histogram.Histogram{measured(string(rune('a'+i)), 1)}, FailCodes: []view.FailCode{{Code: s, Count: 1}},
		})
		k.sources = append(k.sources, source.Stat{Group: s, Source: s, Rejected: map[source.Rejection]uint64{source.Rejection(s): 1}})
	}
	k.snapshot.Shown = shown([]string{"a"}, tasks...)
	expose(t, k.collector())
}

// FuzzAnyStringsAreParsedBack: whatever clean text ids, groups, models, labels and fail codes are, the metrics can be read back.
func FuzzAnyStringsAreParsedBack(f *testing.F) {
	for i, s := range nasty() {
		f.Add(s, nasty()[(i+7)%len(nasty())])
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		if !utf8.ValidString(a) || !utf8.ValidString(b) {
			t.Skip("strings from outside are cleaned")
		}
		k := known{snapshot: view.Snapshot{Shown: shown([]string{"k"}, view.Task{
			Task: kie.Task{ID: a, Model: a + b, State: kie.StateFail, FailCode: a}, Group: b, Labels: map[string]string{"k": b},
		})}}
		expose(t, k.collector())
	})
}

func TestRandomSnapshotsAreParsedBack(t *testing.T) {
	for seed := range uint64(60) {
		expose(t, random(rand.New(rand.NewPCG(seed, 0))).collector())
		if t.Failed() {
			t.Fatalf("seed %d", seed)
		}
	}
}

// random returns a snapshot of anything that keeps to what view.Snapshot promises.
func random(r *rand.Rand) known {
	word := func() string { return nasty()[r.IntN(len(nasty()))] }
	maybe := func(t kie.Time) kie.Time { return t * kie.Time(r.IntN(2)) }
	k := known{config: collector.ConfigStatus{Successful: r.IntN(2) == 0}}
	var tasks []view.Task
	ids := map[[2]string]bool{}
	kinds := map[[2]string]bool{}
	for range r.IntN(16) {
		t := view.Task{
			Task: kie.Task{
				ID: word(), Model: word(), State: kie.States()[r.IntN(6)], Created: maybe(kie.Time(r.Int64())),
				Completed: maybe(millis(7)), FailCode: word(), Reason: kie.Reasons()[r.IntN(8)], Credits: r.ExpFloat64(),
				HasCredits: r.IntN(2) == 0,
			},
			Group: word(), Account: word(), Labels: map[string]string{"a": word(), "c": word()}, FailedAt: maybe(millis(8)),
			LastAnswer: maybe(millis(9)).Time(), QueryError: kie.Classes()[r.IntN(18)],
		}
		if id := [2]string{t.Group, t.ID}; !ids[id] {
			ids[id] = true
			tasks = append(tasks, t)
		}
		if kind := [2]string{t.Group, t.Model}; !kinds[kind] {
			kinds[kind] = true
			k.snapshot.Models = append(k.snapshot.Models, view.Model{
				Group: t.Group, Model: t.Model, Oldest: t.Created, Overdue: r.IntN(5), Finished: [2]uint64{r.Uint64N(9), r.Uint64N(9)},
				Latency: [2]*histogram.Histogram{measured("x", r.ExpFloat64()*100), measured("", r.ExpFloat64())},
			})
		}
		k.sources = append(k.sources, source.Stat{Group: word(), Source: word(), Tasks: r.IntN(9), Rejected: rejected(r.Uint64N(9))})
	}
	k.snapshot.Shown = shown([]string{"a", "b", "c"}[:r.IntN(4)], tasks...)
	return k
}
