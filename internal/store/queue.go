// What waits to be written, within a bound.

package store

import "time"

// queueLimit bounds the memory that what is not on disk yet takes, in bytes. What is put beyond it is left out, and made again
// from the tasks when there is room.
const queueLimit = 8 << 20

// rushInterval is the least time from the last overflow until records are made again.
const rushInterval = 3 * time.Second

// recordBytes is about what a record takes in the queue, besides its key. Its texts are those of many.
const recordBytes = 320

// queue holds the last record of each task, and what they take. The zero one is empty.
type queue struct {
	records map[string]Record
	bytes   int
}

func cost(key string) int { return recordBytes + len(key) }

// put adds a record, in place of the one before.
func (q *queue) put(key string, r Record) {
	q.remove(key)
	if q.records == nil {
		q.records = make(map[string]Record)
	}
	q.records[key] = r
	q.bytes += cost(key)
}

func (q *queue) remove(key string) {
	if !q.has(key) {
		return
	}
	q.bytes -= cost(key)
	if delete(q.records, key); len(q.records) == 0 {
		*q = queue{} // a map never gives memory back
	}
}

func (q *queue) has(key string) bool {
	_, ok := q.records[key]
	return ok
}

// hasRoomLocked reports whether a record may wait, too.
func (s *Store) hasRoomLocked(key string) bool {
	return s.queue.has(key) || s.queue.bytes+s.writing.bytes+cost(key) <= queueLimit
}

// overflowLocked notes that a record was left out of the queue: all are made again from the tasks later.
func (s *Store) overflowLocked() { s.overflowed, s.overflowedAt = true, time.Now() }

// isRushLocked reports whether records were left out within rushInterval, as when a long list is read first: making them again now
// would take time from the reading and be done twice.
func (s *Store) isRushLocked(now time.Time) bool {
	return s.overflowed && now.Sub(s.overflowedAt) < rushInterval
}

// Forget drops, while nothing can be written, the queued records of an account's unfinished tasks that are not tracked any more. Those of
// finished ones stay queued, so that these are neither asked nor counted again.
func (s *Store) Forget(account string, ids []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.up {
		return
	}
	for _, id := range ids {
		key := keyOf(account, id)
		if r := s.queue.records[key]; !r.State.Finished() {
			s.queue.remove(key)
		}
	}
}
