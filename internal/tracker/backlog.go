// What is held once for many tasks of a backlog.

package tracker

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/life"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
)

// Place implements backlog.Task.
func (k *task) Place() int { return int(k.detail) } //nolint:gosec // SetPlace was given an int

// SetPlace implements backlog.Task.
func (k *task) SetPlace(place int) { k.detail = uint64(place) } //nolint:gosec // a place in a list

// DueAt implements backlog.Task.
func (k *task) DueAt() time.Time { return k.unfinished.Due }

// alike holds what is known of unfinished tasks that were never asked once for all of which the same is known.
type alike map[life.Unfinished]*life.Unfinished

// begin gives a task what is known of it as an unfinished one.
func (a alike) begin(k *task, o life.Unfinished) *task {
	if o.Lane = o.NextLane(); o.Lane != schedule.LaneBacklog {
		k.unfinished = new(o)
		return k
	}
	o.Shared = true
	if k.unfinished = a[o]; k.unfinished == nil {
		k.unfinished = new(o)
		a[o] = k.unfinished
	}
	return k
}
