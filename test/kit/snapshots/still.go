// A tracker that stands still.

package snapshots

import (
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
