// What is needed of a store.

package records

import (
	"iter"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/results"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

// Store keeps records of tasks beyond the process: in a file, or not at all. It asks the tracker as store.Tasks. All methods but Find, AreOver,
// All and Scan are called with the tracker's lock held: they wait for nothing, and call nothing of the tracker's.
type Store interface {
	results.Store // Find and Scan
	// FindListed is Find for tasks that are about to be tracked: those of which something is kept would be asked about for nothing if that could
	// not be read. It may wait for a server that is away.
	FindListed(account string, ids []string) []store.Record
	// Put keeps a record, in place of the one before. What comes of it:
	//   - true, and it is written: then written(first) is called once, from a goroutine that holds no lock, unless it is nil. First says whether
	//     the record is the first final one of its task that anybody put.
	//   - true, and it turns out that it can't be written: the same call, then.
	//   - false: there is memory only. Written is never called, and whether the record is the first final one the tracker knows itself.
	Put(account, id string, r store.Record, written func(first bool)) bool
	// Forget says that tasks of an account are tracked no longer.
	Forget(account string, ids []string)
	// Renew says that the records of many tasks are to be others now, and none of them was put.
	Renew()
	// AreOver reports of some tasks of an account, in their order, whether what is kept says that they are over: finished, or given up. Where
	// nothing can be kept it is true of all. It may wait for a disk.
	AreOver(account string, ids []string) []bool
	// All yields what is kept of every task, by id; there may be several of one id. It may wait for a disk.
	All() iter.Seq2[string, store.Record]
	// LastRun returns when another process last watched an account's tasks; zero if that is not known. Where replicas share what is kept and
	// it is not known, it is when this one took over: what finished before may have been counted.
	LastRun(account string) time.Time
	// Stats returns how the store does.
	Stats() store.Stats
}
