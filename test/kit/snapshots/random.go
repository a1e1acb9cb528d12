// Anything that a collector may be given.

package snapshots

import (
	"math/rand/v2"
	"strings"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/internal/histogram"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// Nasty returns strings that are as odd as a label value may be.
func Nasty() []string {
	return []string{
		"", " ", `"`, `\`, `\n`, "\n", "\\\n\"", "a\tb", "\uFFFD", "{a=\"b\"} 1", "# EOF", "# EOF\n", ",", "=", "}",
		"日本語/モデル", "e\u0301", "\u202Eabc", "🎬", "NaN", "+Inf", "__name__", "task_id", "kie_task_info",
		strings.Repeat("x", 128), strings.Repeat("é", 64), strings.Repeat("\\", 128), strings.Repeat("\"", 128),
	}
}

// Random returns a snapshot of anything that keeps to what view.Snapshot promises.
func Random(r *rand.Rand) Known {
	word := func() string { return Nasty()[r.IntN(len(Nasty()))] }
	maybe := func(t kie.Time) kie.Time { return t * kie.Time(r.IntN(2)) }
	k := Known{Config: collector.ConfigStatus{Successful: r.IntN(2) == 0}}
	var tasks []view.Task
	ids := map[[2]string]bool{}
	kinds := map[[2]string]bool{}
	for range r.IntN(16) {
		t := view.Task{
			Task: kie.Task{
				ID: word(), Model: word(), State: kie.States()[r.IntN(len(kie.States()))], Created: maybe(kie.Time(r.Int64())),
				Completed: maybe(Millis(7)), FailCode: word(), Reason: kie.Reasons()[r.IntN(8)], Credits: r.ExpFloat64(),
				HasCredits: r.IntN(2) == 0,
			},
			Group: word(), Account: word(), Labels: map[string]string{"a": word(), "c": word()}, FailedAt: maybe(Millis(8)),
			LastAnswer: maybe(Millis(9)).Time(), QueryError: kie.Classes()[r.IntN(18)],
		}
		if id := [2]string{t.Group, t.ID}; !ids[id] {
			ids[id] = true
			tasks = append(tasks, t)
		}
		if kind := [2]string{t.Group, t.Model}; !kinds[kind] {
			kinds[kind] = true
			k.Snapshot.Models = append(k.Snapshot.Models, view.Model{
				Group: t.Group, Model: t.Model, Oldest: t.Created, Overdue: r.IntN(5), Finished: [2]uint64{r.Uint64N(9), r.Uint64N(9)},
				Latency: [2]histogram.Histogram{Measured("x", r.ExpFloat64()*100), Measured("", r.ExpFloat64())},
			})
		}
		k.Sources = append(k.Sources, source.Stat{Group: word(), Source: word(), Tasks: r.IntN(9), Rejected: Rejected(r.Uint64N(9))})
	}
	k.Snapshot.Shown = Shown([]string{"a", "b", "c"}[:r.IntN(4)], tasks...)
	return k
}
