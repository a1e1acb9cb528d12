// What has finished, in memory or only on disk.

package tracker

import (
	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// Finished calls yield with every finished task that is known, tracked or not, of those that wanted says by when that was learned, until
// it returns false. Wanted is called with the lock held, yield without. A task may come twice, first as it is in memory and then as it is
// on disk, where no labels are kept; what finishes meanwhile may be missing. After an error, some were left out.
func (t *Tracker) Finished(wanted func(learned kie.Time) bool, yield func(view.Task) bool) error {
	goesOn := true
	t.Reader.Finished(wanted, func(k view.Task) bool {
		goesOn = yield(k)
		return goesOn
	})
	if !goesOn {
		return nil
	}
	return t.store.Scan(func(account, id string, r store.Record) bool {
		if !r.State.Finished() || !wanted(r.Learned) {
			return true
		}
		if r.KeptByID() {
			account, _ = t.Owner(r)
		}
		return yield(entry.Kept(account, id, &r))
	})
}

// Kept returns what is known of the finished tasks with an id that are not tracked but kept on disk, one for each account that has it.
// It reads the disk.
func (t *Tracker) Kept(id string) (all []view.Task) {
	for _, account := range t.Status().Accounts {
		t.mu.Lock()
		tracked := t.tasks.Get(account.Name, id) != nil
		t.mu.Unlock()
		if tracked {
			continue
		}
		r := t.store.Find(account.Name, []string{id})[0]
		if owner, _ := t.Owner(r); r.State.Finished() && (!r.KeptByID() || owner == account.Name) {
			all = append(all, entry.Kept(account.Name, id, &r))
		}
	}
	return all
}
