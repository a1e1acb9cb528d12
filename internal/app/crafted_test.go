package app_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/test/kit/strict"
)

// finishedRecord is a record as this program would write it.
var finishedRecord = store.Record{
	Task: kie.Task{
		Model: "m", State: kie.StateSuccess, Created: 1_790_000_000_000, Completed: 1_790_000_060_000, Credits: 2, HasCredits: true,
	},
	Group: "default", Seen: 1_790_000_000_000, Learned: 1_790_000_061_000, Counted: true,
}

// crafted are records that can't be true, each with the checksum that belongs to it.
func crafted() map[string]func(r *store.Record) {
	failed := func(code string) func(r *store.Record) {
		return func(r *store.Record) { r.State, r.Reason, r.FailCode = kie.StateFail, kie.ReasonOther, code }
	}
	unfinished := func(change func(r *store.Record)) func(r *store.Record) {
		return func(r *store.Record) {
			*r = store.Record{Task: kie.Task{Model: r.Model, State: kie.StateGenerating, Created: r.Created}, Group: r.Group, Seen: r.Seen, Watched: true}
			change(r)
		}
	}
	return map[string]func(r *store.Record){
		"model-not-utf8":         func(r *store.Record) { r.Model = "m\xff\xfe" },
		"model-of-two-lines":     func(r *store.Record) { r.Model = "m\nkie_up 7" },
		"model-of-64-KiB":        func(r *store.Record) { r.Model = strings.Repeat("m", 64<<10) },
		"group-not-utf8":         func(r *store.Record) { r.Group = "g\xff" },
		"code-not-utf8":          failed("5\xff1"),
		"code-of-64-KiB":         failed(strings.Repeat("5", 64<<10)),
		"code-no-code":           failed(`nsfw prompt "a cat"`),
		"reason-unknown":         func(r *store.Record) { r.State, r.Reason = kie.StateFail, 99 },
		"state-unknown":          func(r *store.Record) { r.State = 99 },
		"credits-NaN":            func(r *store.Record) { r.Credits = math.NaN() },
		"credits-infinite":       func(r *store.Record) { r.Credits = math.Inf(1) },
		"credits-negative":       func(r *store.Record) { r.Credits = -5 },
		"latency-negative":       func(r *store.Record) { r.Created, r.Completed = 1, 1<<58 },
		"times-beyond-all":       func(r *store.Record) { r.Created, r.Completed, r.Learned = math.MinInt64, math.MaxInt64, math.MaxInt64 },
		"open-model-not-utf8":    unfinished(func(r *store.Record) { r.Model = "\xc0\xaf" }),
		"open-created-never":     unfinished(func(r *store.Record) { r.Created = math.MaxInt64 }),
		"open-seen-before-time":  unfinished(func(r *store.Record) { r.Seen = math.MinInt64 }),
		"open-with-what-is-last": unfinished(func(r *store.Record) { r.Completed, r.Credits, r.HasCredits, r.Counted = 5, math.NaN(), true, true }),
	}
}

// keep writes records as they are into a storage folder.
func keep(t *testing.T, folder string, records map[string]store.Record) {
	t.Helper()
	s, err := store.Open(folder, promslog.NewNopLogger())
	if err != nil {
		t.Fatal(err)
	}
	for id, r := range records {
		if !s.Put("default", id, r, nil) {
			t.Fatal("not taken")
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s.Run(ctx, nil) // which writes what is left
	s.Close()
}

// TestACraftedStoreMakesNoAnswerUnreadable starts with a storage that holds, besides a true record, ones that somebody wrote with good
// checksums. Those are as if they were not there: their tasks are asked, and all that is served can be read.
func TestACraftedStoreMakesNoAnswerUnreadable(t *testing.T) {
	t.Parallel()
	sim, api := serveAPI(t, kiesim.Options{})
	records := map[string]store.Record{"true": finishedRecord, "\xff\xfe": finishedRecord}
	ids := []string{"true"}
	for id, change := range crafted() {
		r := finishedRecord
		change(&r)
		records[id] = r
		ids = append(ids, id)
		sim.Put(kiesim.Task{ID: id, Model: "asked", Created: time.Now().Add(-time.Minute), Duration: 30 * time.Second, Credits: 1})
	}
	folder := t.TempDir()
	keep(t, folder, records)
	p := start(t, "--storage.path="+folder, "--config.file="+configFile(t, api, "groups: [{tasks: ["+strings.Join(ids, ", ")+"]}]\npolling: {background: true}\n"))
	body := p.until(20*time.Second, fmt.Sprintf(`kie_tasks{group="default",model="asked",state="success"} %d`, len(ids)-1),
		`kie_tasks{group="default",model="m",state="success"} 1`)
	if sim.Queries("true") > 0 {
		t.Error("a true record is not believed")
	}
	wantReadable(t, body)
	if strings.Contains(body, "} -") {
		t.Error("something is negative")
	}
	_, open := p.getWith("/metrics", http.Header{"Accept": {string(expfmt.FmtOpenMetrics_1_0_0)}})
	strict.OpenMetrics(t, []byte(open))
	status, tasks := p.get("/api/v1/tasks")
	var list struct {
		Tasks []struct {
			ID      string   `json:"task_id"`
			Latency *float64 `json:"latency_seconds"`
			Credits *float64 `json:"credits"`
		} `json:"tasks"`
	}
	if err := json.Unmarshal([]byte(tasks), &list); err != nil || status != http.StatusOK || len(list.Tasks) != len(ids) {
		t.Fatalf("status %d, %d tasks of %d, %v: %.500s", status, len(list.Tasks), len(ids), err, tasks)
	}
	for _, k := range list.Tasks {
		if k.ID != "true" && (k.Latency == nil || *k.Latency != 30 || k.Credits == nil || *k.Credits != 1) {
			t.Errorf("%s is not as the API says: %+v", k.ID, k)
		}
	}
}

// wantReadable fails the test unless the text format can be read.
func wantReadable(t *testing.T, text string) {
	t.Helper()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil || len(families) == 0 {
		t.Errorf("the metrics can't be read: %d families, %v", len(families), err)
	}
	for name, f := range families {
		for _, m := range f.GetMetric() {
			for _, l := range m.GetLabel() {
				if len(l.GetValue()) > 2048 || !model.LabelValue(l.GetValue()).IsValid() {
					t.Errorf("%s has a %s of %d bytes: %.50q", name, l.GetName(), len(l.GetValue()), l.GetValue())
				}
			}
		}
	}
}
