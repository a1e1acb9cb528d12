// What waits to be written, within a bound.

package store

import "time"

// queueLimit bounds the memory that what is not on disk yet takes, in bytes. What is put beyond it is left out, and made again
// from the tasks when there is room.
const queueLimit = 8 << 20

// rushed is how long ago a record must have been left out for there to be time to make it again.
const rushed = 3 * time.Second

// recordBytes is about what a record takes in the queue, besides what is its own of its texts.
const recordBytes = 320

// queue holds the last record of each task, and what they take. The zero one is empty.
type queue struct {
	records map[string]Record
	bytes   int
}

func cost(key string, r *Record) int { return recordBytes + len(key) + len(r.FailCode) }

// put adds a record, in place of the one before.
func (q *queue) put(key string, r Record) {
	q.remove(key)
	if q.records == nil {
		q.records = make(map[string]Record)
	}
	q.records[key] = r
	q.bytes += cost(key, &r)
}

func (q *queue) remove(key string) {
	r, ok := q.records[key]
	if !ok {
		return
	}
	q.bytes -= cost(key, &r)
	if delete(q.records, key); len(q.records) == 0 {
		*q = queue{} // a map never gives memory back
	}
}

func (q *queue) has(key string) bool {
	_, ok := q.records[key]
	return ok
}

// hasRoomLocked reports whether a record may wait, too.
func (s *Store) hasRoomLocked(key string, r *Record) bool {
	return s.queue.has(key) || s.queue.bytes+s.flight.bytes+cost(key, r) <= queueLimit
}

// leaveOutLocked notes that records have to be made again.
func (s *Store) leaveOutLocked() { s.behind, s.leftOut = true, time.Now() }

// isRushLocked reports whether records were left out lately, as when a long list is read first: then it is too early to make them
// again, and whoever reads the list has better use for the processor.
func (s *Store) isRushLocked(now time.Time) bool { return s.behind && now.Sub(s.leftOut) < rushed }

// Forget lets go what waits of tasks of an account that are tracked no longer and have not finished, if nothing can be written: it is of no
// use any more. What is known of finished ones goes on waiting, so that they are neither asked nor counted again.
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
