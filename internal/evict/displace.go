// Tasks without an answer that leave memory for those that came after them.

package evict

import (
	"github.com/kie-exporter/kie_exporter/internal/entry"
	"github.com/kie-exporter/kie_exporter/internal/source"
)

// lookAhead is how many tasks are looked for at a time at least: whoever looks goes through all tasks.
const lookAhead = 1 << 14

// Displace implements source.Memory. One at a time calls it: whoever takes changes of lists.
func (e *Evictor) Displace(w source.Wanted, may func(account, id string) bool) []source.Evicted {
	byAccount, left := make(map[string][]string), w.Need
	for looked := false; left > 0; {
		if len(e.waiting[w.Group]) == 0 {
			if looked {
				break // those that may not go are all that there are
			}
			looked = true
			e.waiting[w.Group] = e.longest(max(left, lookAhead), func(k *entry.Task) (leaving, bool) {
				if !isWaiting(k, w.Group) || !may(k.Kind.Group.Account.Name, k.ID) {
					return leaving{}, false
				}
				return leaving{since: k.Unfinished.Seen, place: uint32(k.BacklogIndex()), task: k}, true //nolint:gosec // an index in a list of tasks in memory
			})
		}
		some := e.waiting[w.Group]
		some = some[:min(left, atATime, len(some))]
		e.waiting[w.Group] = e.waiting[w.Group][len(some):]
		n := e.drop(some, w.Group, may, byAccount)
		left, looked = left-n, looked && n == 0
	}
	if len(e.waiting[w.Group]) == 0 {
		delete(e.waiting, w.Group)
	}
	gone := sorted(byAccount)
	for _, of := range gone {
		e.store.Forget(of.Account, of.IDs)
	}
	return gone
}

// drop drops tasks that still may go, adds their ids by account, and returns how many they are.
func (e *Evictor) drop(some []leaving, group string, may func(account, id string) bool, byAccount map[string][]string) (n int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, l := range some {
		if k := l.task; isWaiting(k, group) && may(k.Kind.Group.Account.Name, k.ID) {
			account := k.Kind.Group.Account.Name
			byAccount[account] = append(byAccount[account], k.ID)
			e.tasks.Drop(k)
			n++
		}
	}
	e.changed()
	return n
}

// isWaiting reports whether a task is tracked, without an answer, and of a group; empty: of any.
func isWaiting(k *entry.Task, group string) bool {
	o := k.Unfinished
	return !k.Marks.Has(entry.Removed) && o != nil && !o.GivenUp && !o.IsAnswered() && (group == "" || k.Kind.Group.Name == group)
}
