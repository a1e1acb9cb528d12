// What the store asks for.

package reader

import (
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/table"
)

// Accounts implements store.Tasks.
func (r *Reader) Accounts() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tasks.Table.Names()
}

// IDs implements store.Tasks.
func (r *Reader) IDs(account string) []string {
	var ids []string
	for i := range table.Shards {
		ids = r.appendIDs(ids, account, i)
	}
	return ids
}

func (r *Reader) appendIDs(ids []string, account string, shard int) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if ids == nil {
		n := r.tasks.Table.Len(account)
		ids = make([]string, 0, n+n/8)
	}
	for k := range r.tasks.Table.Shard(account, shard) {
		ids = append(ids, k.ID)
	}
	return ids
}

// Records implements store.Tasks.
func (r *Reader) Records(account string, ids []string) []store.Record {
	records := make([]store.Record, len(ids))
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, id := range ids {
		if k := r.tasks.Get(account, id); k != nil {
			records[i] = k.Record()
		}
	}
	return records
}

// Listed implements store.Tasks: it reports whether an account's task is in a list.
func (r *Reader) Listed(account, id string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.tasks.Get(account, id) != nil
}
