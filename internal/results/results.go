// Package results finds what has finished, in memory or only on disk.
package results

import (
	"sync"

	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/reader"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/tasks"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// Store is where records are read. It may wait for a disk.
type Store interface {
	// Find returns what is kept of some tasks of an account, in their order; zero records where nothing is.
	Find(account string, ids []string) []store.Record
	// Scan calls yield with what is kept of every task, until it returns false; the account is empty where it is not known. After an
	// error, some were left out.
	Scan(yield func(account, id string, r store.Record) bool) error
}

// Results finds finished tasks. It is safe for concurrent use.
type Results struct {
	mu    sync.Locker // guards tasks
	tasks *tasks.Set

	memory *reader.Reader
	store  Store
	owner  func(r store.Record) (account string, ok bool) // of a record that was kept by id alone
}

// New returns what finds the finished tasks among those that a lock guards, which a reader reads, and in a store.
func New(mu sync.Locker, set *tasks.Set, memory *reader.Reader, kept Store, owner func(r store.Record) (string, bool)) *Results {
	return &Results{mu: mu, tasks: set, memory: memory, store: kept, owner: owner}
}

// Finished calls yield with every finished task that is known, tracked or not, of those that wanted says by when that was learned, until
// it returns false. Wanted is called with the lock held, yield without. A task may come twice, first as it is in memory and then as it is
// on disk, where no labels are kept; what finishes meanwhile may be missing. After an error, some were left out.
func (r *Results) Finished(wanted func(learned kie.Time) bool, yield func(view.Task) bool) error {
	goesOn := true
	r.memory.ReadFinished(wanted, func(k view.Task) bool {
		goesOn = yield(k)
		return goesOn
	})
	if !goesOn {
		return nil
	}
	return r.store.Scan(func(account, id string, kept store.Record) bool {
		if !kept.State.Finished() || !wanted(kept.Learned) {
			return true
		}
		if kept.KeptByID() {
			account, _ = r.owner(kept)
		}
		return yield(entry.Kept(account, id, &kept))
	})
}

// Kept returns what is known of the finished tasks with an id that are not tracked but kept on disk, one for each account that has it.
// It reads the disk.
func (r *Results) Kept(id string) (all []view.Task) {
	for _, account := range r.accountsWithout(id) {
		kept := r.store.Find(account, []string{id})[0]
		if owner, _ := r.owner(kept); kept.State.Finished() && (!kept.KeptByID() || owner == account) {
			all = append(all, entry.Kept(account, id, &kept))
		}
	}
	return all
}

// accountsWithout returns the accounts of groups that track no task of an id.
func (r *Results) accountsWithout(id string) (names []string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	seen := map[string]bool{}
	for _, g := range r.tasks.Groups {
		if name := g.Account.Name; !seen[name] && r.tasks.Get(name, id) == nil {
			seen[name] = true
			names = append(names, name)
		}
	}
	return names
}
