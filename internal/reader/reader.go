// Package reader reads the tasks for whoever shows, lists or keeps them, some at a time under the lock that guards them.
package reader

import (
	"sync"
	"sync/atomic"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/tasks"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// Reader reads tasks. It is safe for concurrent use.
//
// Locks are taken in the order surveying, mu; then that of a dispatcher, then that of a budget.
type Reader struct {
	last    atomic.Pointer[snapshot]
	changes atomic.Uint64

	surveying sync.Mutex // held while a snapshot is made

	mu    sync.Locker // whoever owns the tasks holds it, too, when they change; it guards what follows
	tasks *tasks.Set
	state func() State
}

// State is what is read beside the tasks.
type State struct {
	Accounts   []*entry.Account
	Storage    store.Stats
	TaskSeries int           // tasks with series of their own
	HoldBack   time.Duration // how long the totals of a new label set show 0
}

// snapshot is what was known at one moment, for whoever asks again within a second.
type snapshot struct {
	*view.Snapshot
	changes uint64 // until then
}

// New returns a reader of tasks that a lock guards. State is called with that lock held.
func New(mu sync.Locker, set *tasks.Set, state func() State) *Reader {
	return &Reader{mu: mu, tasks: set, state: state}
}

// Changed notes a change that a new snapshot would show.
func (r *Reader) Changed() { r.changes.Add(1) }

// Changes returns a number that grows with everything that a new snapshot would show.
func (r *Reader) Changes() uint64 { return r.changes.Load() }
