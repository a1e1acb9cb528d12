// A tracker that stands still, and tasks that it shows.

package snapshots

import (
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/taskseries"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/internal/webhook"
)

// Still is a tracker that knows what it was told.
type Still struct {
	snapshot atomic.Pointer[view.Snapshot]
	changes  atomic.Uint64
}

// Snapshot returns what was shown last.
func (s *Still) Snapshot() *view.Snapshot { return s.snapshot.Load() }

// Shown returns its tasks.
func (s *Still) Shown() view.Shown { return s.snapshot.Load().Shown }

// Changes counts what was shown.
func (s *Still) Changes() uint64 { return s.changes.Load() }

// Put has it know a snapshot that it has shown before.
func (s *Still) Put(known *view.Snapshot) { s.snapshot.Store(known) }

// Show has it know of some tasks.
func (s *Still) Show(shown view.Shown) {
	s.snapshot.Store(&view.Snapshot{
		At: time.Unix(1698765432, 0), Shown: shown,
		Models: []view.Model{{Group: "video", Model: "m", Tasks: map[kie.State]int{kie.StateSuccess: 3}, Finished: [2]uint64{2, 1}}},
		Groups: []view.Group{{Name: "video", Pending: 1}},
	})
	s.changes.Add(1)
}

// CollectorOf returns a collector of what a tracker knows.
func CollectorOf(known func() *view.Snapshot) *collector.Collector { return ChosenOf(known, nil) }

// ChosenOf is CollectorOf with the series of single tasks that are chosen.
func ChosenOf(known func() *view.Snapshot, choice func() taskseries.Choice) *collector.Collector {
	return collector.New(collector.Inputs{
		Known:     known,
		Sources:   func() []source.Stat { return []source.Stat{{Group: "video", Source: "inline", Tasks: 4}} },
		Callbacks: func() []webhook.Stat { return nil },
		Config:    func() collector.ConfigStatus { return collector.ConfigStatus{Successful: true} },
		Series:    choice,
	})
}

// Tasks returns tasks of any kind, in blocks of any size.
func Tasks(r *rand.Rand) view.Shown {
	words := Nasty()
	word := func() string { return words[r.IntN(len(words))] }
	maybe := func(t kie.Time) kie.Time { return t * kie.Time(r.IntN(2)) }
	shown := view.Shown{LabelKeys: []string{"a", "b", "zone"}[:r.IntN(4)]}
	id := 0
	for range r.IntN(6) {
		var tasks []view.Task
		for range r.IntN(80) {
			id++
			tasks = append(tasks, view.Task{
				Task: kie.Task{
					ID: fmt.Sprint(word(), id), Model: word(), State: kie.States()[r.IntN(len(kie.States()))], Created: maybe(kie.Time(r.Int64())),
					Completed: maybe(1698765432000 + kie.Time(r.IntN(1e6))), FailCode: word(), Reason: kie.Reasons()[r.IntN(8)],
					Credits: r.NormFloat64() * 100, HasCredits: r.IntN(2) == 0,
				},
				Group: word(), Account: word(), Labels: map[string]string{"a": word(), "zone": word()},
				FailedAt: maybe(1698765432000), LastAnswer: maybe(1698765439001).Time(), QueryError: kie.Classes()[r.IntN(18)],
			})
		}
		shown.Blocks = append(shown.Blocks, view.NewBlock(tasks...))
	}
	return shown
}
