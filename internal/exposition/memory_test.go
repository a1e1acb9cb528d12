package exposition

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/prometheus/common/expfmt"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/test/kit/heap"
	"github.com/kie-exporter/kie_exporter/test/kit/scrape"
)

// What a task with series takes besides what the tracker holds of every task: its place in a block, and its series as they are
// sent. No text is kept, so that they are made anew where the block changes, and inflated for clients that take no gzip.
func TestATaskWithSeriesTakesFewBytes(t *testing.T) {
	const tasks, atATime, most = 50_000, 1024, 400
	ids := make([]string, tasks)
	for i := range ids {
		ids[i] = fmt.Sprintf("%016x%016x", uint64(i+1)*0x9e3779b97f4a7c15, uint64(i+1)*0xd1342543de82ef95)
	}
	labels := map[string]string{"team": "film"}
	s := serve(t, view.Shown{})
	scrape.Get(t, s, "", "gzip")
	before := heap.InUse()
	shown := view.Shown{LabelKeys: []string{"team"}}
	for i := 0; i < tasks; i += atATime {
		var some []view.Task
		for j, id := range ids[i:min(i+atATime, tasks)] {
			created := 1698765400000 + kie.Time(i+j)*37
			some = append(some, view.Task{
				Task: kie.Task{
					ID: id, Model: fmt.Sprintf("vendor/model-%d/image-to-video", j%10), State: kie.StateSuccess, Created: created,
					Completed: created + 2_000 + kie.Time((i+j)*7919%300_000), Credits: float64(j%80) / 2, HasCredits: true,
				},
				Group: "video", Account: "default", Labels: labels,
			})
		}
		shown.Blocks = append(shown.Blocks, view.NewBlock(some...))
	}
	s.Show(shown)
	scrape.Get(t, s, string(expfmt.FmtOpenMetrics_1_0_0), "gzip")
	shown = view.Shown{}
	if each := (heap.InUse() - before) / tasks; each > most {
		t.Errorf("%d bytes a task, want %d at the most", each, most)
	} else {
		t.Logf("%d bytes a task", each)
	}
	s.Show(view.Shown{})
	scrape.Get(t, s, "", "gzip")
	if left := heap.InUse() - before; left > tasks*most/10 {
		t.Errorf("%d bytes are not given back", left)
	}
	runtime.KeepAlive(ids)
}
