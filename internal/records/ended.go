// When tasks ended, for whoever keeps their ids only for a while after.

package records

import (
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// Ended returns when tasks of an account were found finished, or given up, in their order; the zero time where they were not. What is not
// tracked is looked for in the store, which may wait for a disk.
func (k *Keeper) Ended(account string, ids []string) []time.Time {
	ended := make([]time.Time, 0, len(ids))
	var absent []string
	var at []int
	for some := range slices.Chunk(ids, atATime) {
		k.mu.Lock()
		for _, id := range some {
			t := k.tasks.Get(account, id)
			if t == nil {
				absent, at = append(absent, id), append(at, len(ended))
			}
			ended = append(ended, k.endedLocked(t))
		}
		k.mu.Unlock()
	}
	for i, r := range k.store.Find(account, absent) {
		if r.State.Finished() {
			ended[at[i]] = k.firstKnown(r.Learned, r.Completed)
		}
	}
	return ended
}

func (k *Keeper) endedLocked(t *entry.Task) time.Time {
	switch {
	case t == nil:
		return time.Time{}
	case t.Unfinished == nil:
		return k.firstKnown(t.Learned(), t.Completed())
	case t.Unfinished.GivenUp:
		return t.Unfinished.Due // when that was; or when we started, for no record says it
	default:
		return time.Time{}
	}
}

// firstKnown returns the first of some times that is known, or when we started.
func (k *Keeper) firstKnown(times ...kie.Time) time.Time {
	if at := kie.FirstTime(times...); !at.IsZero() {
		return at.Time()
	}
	return k.started
}
