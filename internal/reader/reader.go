// Package reader reads the tasks, some at a time with their lock held: for snapshots, pages and the store.
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
// Order of locks: surveying, mu, a dispatcher's, a budget's.
type Reader struct {
	last    atomic.Pointer[snapshot]
	changes atomic.Uint64

	surveying sync.Mutex // held while a snapshot is made, so that there is one survey at a time

	mu    sync.Locker // the tracker's lock; it guards what follows
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

// snapshot is the last snapshot made, which is returned for snapshotInterval.
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
