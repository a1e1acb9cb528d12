// Anything that a collector may be given.

package snapshots

import (
	"fmt"
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
	word := func() string { return nastyWord(r) }
	k := Known{Config: collector.ConfigStatus{Successful: r.IntN(2) == 0}}
	var tasks []view.Task
	ids := map[[2]string]bool{}
	kinds := map[[2]string]bool{}
	for range r.IntN(16) {
		t := randomTask(r, word())
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
	k.Snapshot.Shown = Shown(randomKeys(r), tasks...)
	return k
}

// Tasks returns tasks of any kind, in blocks of any size.
func Tasks(r *rand.Rand) view.Shown {
	shown := view.Shown{LabelKeys: randomKeys(r)}
	id := 0
	for range r.IntN(6) {
		var tasks []view.Task
		for range r.IntN(80) {
			id++
			tasks = append(tasks, randomTask(r, fmt.Sprint(nastyWord(r), id)))
		}
		shown.Blocks = append(shown.Blocks, view.NewBlock(tasks...))
	}
	return shown
}

func nastyWord(r *rand.Rand) string { return Nasty()[r.IntN(len(Nasty()))] }

// randomKeys are label keys, some of which the tasks have.
func randomKeys(r *rand.Rand) []string { return []string{"a", "b", "zone"}[:r.IntN(4)] }

// randomTask returns a task about which anything may be said, whether that goes together or not.
func randomTask(r *rand.Rand, id string) view.Task {
	word := func() string { return nastyWord(r) }
	maybe := func(t kie.Time) kie.Time { return t * kie.Time(r.IntN(2)) }
	return view.Task{
		Task: kie.Task{
			ID: id, Model: word(), State: kie.States()[r.IntN(len(kie.States()))], Created: maybe(kie.Time(r.Int64())),
			Completed: maybe(1698765432000 + kie.Time(r.IntN(1e6))), FailCode: word(), Reason: kie.Reasons()[r.IntN(8)],
			Credits: r.NormFloat64() * 100, HasCredits: r.IntN(2) == 0,
		},
		Group: word(), Account: word(), Labels: map[string]string{"a": word(), "zone": word()},
		FailedAt: maybe(1698765432000), LastAnswer: maybe(1698765439001).Time(), QueryError: kie.Classes()[r.IntN(18)],
	}
}
