package collector_test

import (
	"bytes"
	"encoding/json"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors/version"
	dto "github.com/prometheus/client_model/go"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/taskseries"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/internal/webhook"
	"github.com/kie-exporter/kie_exporter/test/kit/golden"
	"github.com/kie-exporter/kie_exporter/test/kit/scrape"
	"github.com/kie-exporter/kie_exporter/test/kit/snapshots"
)

func TestScrapesAreAsRecorded(t *testing.T) {
	for name, k := range snapshots.Recorded() {
		t.Run(name, func(t *testing.T) {
			e := expose(t, k.Collector(), collector.ForScrape(view.Scrape{Waited: 1250 * time.Millisecond, Incomplete: true}))
			golden.Check(t, name+".prom", e.text)
			golden.Check(t, name+".openmetrics", e.openMetrics)
		})
	}
}

func TestDocumentedExampleTook32SecondsAndSucceeded(t *testing.T) {
	samples := scrape.Samples(expose(t, snapshots.Documented().Collector()).families)
	labels := `group="default", model="` + snapshots.Model + `"`
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
	e := expose(t, snapshots.Rich().Collector(), collector.ForScrape(view.Scrape{}), version.NewCollector("kie_exporter"), collector.NewPanics())
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
	for path, write := range map[string]func(io.Writer) error{"../docs/metrics.md": collector.WriteDocs, "../docs/metrics.json": collector.WriteContract} {
		var want bytes.Buffer
		if err := write(&want); err != nil {
			t.Fatal(err)
		}
		got, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want.Bytes()) {
			t.Errorf("%s is not what the table says: run go generate ./collector", path)
		}
	}
}

// Whatever has a closed set of values shows no other, and where the values of each other label come from is said.
func TestTheContractTellsOfEveryLabel(t *testing.T) {
	var text bytes.Buffer
	if err := collector.WriteContract(&text); err != nil {
		t.Fatal(err)
	}
	var contract struct {
		Metrics []struct {
			Name   string
			Labels []struct {
				Name, From string
				Values     []string
			}
		}
	}
	if err := json.Unmarshal(text.Bytes(), &contract); err != nil {
		t.Fatal(err)
	}
	values := map[string][]string{}
	for _, m := range contract.Metrics {
		for _, l := range m.Labels {
			if (l.From == "") == (l.Values == nil) {
				t.Errorf("%s: the label %s has the values %q, and they come from %q", m.Name, l.Name, l.Values, l.From)
			}
			values[m.Name+" "+l.Name] = l.Values
		}
	}
	for _, f := range expose(t, snapshots.Rich().Collector()).families {
		for _, m := range f.GetMetric() {
			for _, pair := range m.GetLabel() {
				if closed := values[f.GetName()+" "+pair.GetName()]; closed != nil && !slices.Contains(closed, pair.GetValue()) {
					t.Errorf("%s: %s is %q, which is none of %q", f.GetName(), pair.GetName(), pair.GetValue(), closed)
				}
			}
		}
	}
}

func TestEveryTaskIsInExactlyOneState(t *testing.T) {
	ones, series := map[string]int{}, map[string]int{}
	for _, f := range expose(t, snapshots.Rich().Collector()).families {
		if f.GetName() != "kie_task_state" {
			continue
		}
		for _, m := range f.GetMetric() {
			id := m.GetLabel()[3].GetValue()
			series[id]++
			ones[id] += int(m.GetGauge().GetValue())
		}
	}
	for _, task := range snapshots.Rich().Snapshot.Tasks() {
		if ones[task.ID] != 1 || series[task.ID] != len(kie.States()) {
			t.Errorf("%s: %d of %d states are 1", task.ID, ones[task.ID], series[task.ID])
		}
	}
}

func TestTheCurrentStateIsTheOneThatIs1OfAll(t *testing.T) {
	state := func(choice taskseries.Choice) (all []string) {
		k := snapshots.Rich()
		c := snapshots.ChosenOf(func() *view.Snapshot { return &k.Snapshot }, func() taskseries.Choice { return choice })
		for series, value := range scrape.Samples(expose(t, c).families) {
			if strings.Contains(series, `"kie_task_state"`) && value == 1 {
				all = append(all, series)
			}
		}
		return slices.Sorted(slices.Values(all))
	}
	if all, current := state(taskseries.Choice{}), state(taskseries.Choice{CurrentState: true}); !slices.Equal(all, current) || len(all) == 0 {
		t.Errorf("of all states these are 1:\n%q\nand the current ones are\n%q", all, current)
	}
}

// What can be chosen is what there is: neither list can grow without the other.
func TestTheMetricsThatMayBeChosenAreThoseOfSingleTasks(t *testing.T) {
	var names []string
	for _, m := range collector.Table() {
		if slices.Contains(m.Labels, "task_id") {
			names = append(names, m.Name)
		}
	}
	if !slices.Equal(names, taskseries.Metrics()) {
		t.Errorf("of tasks there are %q, to choose from %q", names, taskseries.Metrics())
	}
}

func TestWhatIsNotKnownHasNoSeries(t *testing.T) {
	k := snapshots.Unknown()
	var got []string
	for _, f := range expose(t, k.Collector()).families {
		got = append(got, f.GetName())
	}
	for _, absent := range []string{
		"kie_task_latency_seconds", "kie_task_created_timestamp_seconds", "kie_task_completed_timestamp_seconds",
		"kie_task_fail_code", "kie_task_failed_timestamp_seconds", "kie_task_credits",
		"kie_task_last_answer_timestamp_seconds", "kie_task_query_error",
		"kie_tasks_oldest_unfinished_timestamp_seconds", "kie_tasks_overdue_threshold_seconds",
		"kie_tasks_latency_seconds", "kie_up", "kie_credits_remaining", "kie_exporter_oldest_answer_timestamp_seconds",
		"kie_exporter_source_last_success_timestamp_seconds", "kie_exporter_source_last_push_timestamp_seconds", "kie_exporter_config_last_reload_success_timestamp_seconds",
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
	k := snapshots.Twins()
	samples := scrape.Samples(expose(t, k.Collector()).families)
	for series, want := range map[string]float64{
		`{__name__="kie_exporter_source_tasks", group="g", source="inline"}`:                              11,
		`{__name__="kie_exporter_source_errors_total", group="g", source="inline"}`:                       22,
		`{__name__="kie_exporter_source_last_success_timestamp_seconds", group="g", source="inline"}`:     snapshots.Millis(1).Seconds(),
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
		now = view.Snapshot{Shown: snapshots.Shown(
			c.keys,
			view.Task{Task: kie.Task{ID: "1"}, Group: "g", Labels: map[string]string{"a": "A", "b": "B"}},
			view.Task{Task: kie.Task{ID: "2"}, Group: "g"},
		)}
		families, err := registry.Gather()
		if err != nil {
			t.Fatalf("keys %q: %v", c.keys, err)
		}
		samples := scrape.Samples(families)
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
