// The one writer: a batch a second, and what to do when it fails.

package store

import (
	"context"
	"errors"
	"iter"
	"maps"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

const (
	batchInterval     = time.Second
	heartbeatInterval = 5 * time.Second // without anything else to write
	retryInterval     = time.Minute
	batchSize         = 10_000 // records in a transaction
	recordsAtATime    = 1_000  // of which the tasks are asked
)

// Run writes until ctx ends, and then what is left. Nothing may be put after ctx has ended.
func (s *Store) Run(ctx context.Context, t Tasks) {
	tick := time.NewTicker(batchInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			s.finish(t)
			return
		case now := <-tick.C:
			s.step(now, t)
		}
	}
}

// finish writes what is left.
func (s *Store) finish(t Tasks) {
	if s.isUp() && s.write(time.Now()) {
		s.catchUp(t)
	}
}

func (s *Store) step(now time.Time, t Tasks) {
	switch {
	case s.isUp():
		if !s.file.inPlace() {
			s.fail(OpWrite, errGone)
			return
		}
		if s.pending(now) || now.Sub(s.written) >= heartbeatInterval {
			s.write(now)
		}
		if s.isUp() && s.isBehind(now) {
			s.catchUp(t)
		}
		if s.isUp() {
			s.sweepPart(now, t)
		}
	case !now.Before(s.retry):
		s.resume(now, t)
	}
}

// resume tries again what failed.
func (s *Store) resume(now time.Time, t Tasks) {
	if s.file != nil && !s.file.inPlace() {
		s.fail(OpWrite, errGone)
	}
	if s.file == nil {
		if err := s.open(nobody{}); err != nil {
			s.fail(OpOpen, err)
			return
		}
		s.mu.Lock()
		s.overflowed = true
		s.mu.Unlock()
	}
	if !s.write(now) || !s.catchUp(t) {
		return
	}
	s.mu.Lock()
	s.up = true
	s.mu.Unlock()
	s.retry = time.Time{}
	s.log.Info("Storage works again", "file", s.path)
}

// isBehind reports whether records were left out, and are to be made again now.
func (s *Store) isBehind(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.overflowed && !s.isRushLocked(now)
}

// catchUp writes what is known of every task, if records were left out. In order of ids, it touches each page but once.
func (s *Store) catchUp(t Tasks) bool {
	s.mu.Lock()
	overflowed := s.overflowed
	s.overflowed = false
	s.mu.Unlock()
	if !overflowed {
		return true
	}
	accounts := t.Accounts()
	slices.Sort(accounts)
	for _, account := range accounts {
		if !s.catchUpWith(account, t) {
			s.mu.Lock()
			s.overflowed = true
			s.mu.Unlock()
			return false
		}
	}
	return true
}

func (s *Store) catchUpWith(account string, t Tasks) bool {
	ids := t.IDs(account)
	slices.Sort(ids)
	for batch := range slices.Chunk(ids, batchSize) {
		for part := range slices.Chunk(batch, recordsAtATime) {
			s.fill(account, part, t.Records(account, part))
		}
		if !s.write(time.Now()) {
			return false
		}
	}
	return true
}

// fill queues records unless there are newer ones. They were made after what was queued was last written: one that is older
// than what is on disk would undo it.
func (s *Store) fill(account string, ids []string, records []Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, r := range records {
		if key := keyOf(account, ids[i]); r.Known() && !s.queue.has(key) {
			s.queue.put(key, r.AsKept())
		}
	}
}

// errGone says that the file is not where it was: it, or its folder, was removed or replaced.
var errGone = errors.New("the storage file is gone")

func (s *Store) isUp() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.up
}

// pending reports whether there is something to write now. In a rush that is only what somebody waits for.
func (s *Store) pending(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.waiting) > 0 || len(s.queue.records) > 0 && !s.isRushLocked(now)
}

// write commits the queue. In order of keys, a large one touches each page of the file but once.
func (s *Store) write(now time.Time) bool {
	s.mu.Lock()
	f, waiting := s.file, s.waiting
	s.writing, s.queue, s.waiting = s.queue, queue{}, nil
	s.mu.Unlock()
	f.findFinal(waiting)
	keys := slices.Sorted(maps.Keys(s.writing.records))
	for {
		part := keys[:min(batchSize, len(keys))]
		keys = keys[len(part):]
		if err := f.update(now, s.kneesNow(), s.encoded(part)); err != nil {
			s.fail(OpWrite, err)
			call(waiting)
			return false
		}
		if len(keys) == 0 {
			break
		}
	}
	s.written = now
	s.mu.Lock()
	s.writing = queue{}
	s.mu.Unlock()
	call(waiting)
	return true
}

// encoded returns records of those in flight, which only the writer changes.
func (s *Store) encoded(keys []string) iter.Seq[change] {
	return func(yield func(change) bool) {
		for _, key := range keys {
			if !yield(change{key, s.writing.records[key].encode(key, 0)}) {
				return
			}
		}
	}
}

// fail goes on with memory only. What a file lacks stays queued as long as the file can be read. One that is gone or broken
// is given up, and the next one gets everything.
func (s *Store) fail(op Operation, cause error) {
	f := s.file
	giveUp := f != nil && (errors.Is(cause, errGone) || f.view(func(_, _ *bbolt.Bucket) error { return nil }) != nil)
	s.mu.Lock()
	s.errors[op]++
	s.up = false
	s.requeueLocked()
	waiting := s.waiting
	s.waiting = nil
	if giveUp {
		s.file, s.queue = nil, queue{}
	}
	s.mu.Unlock()
	if giveUp {
		cause = errors.Join(cause, f.close())
	}
	if s.retry.IsZero() { // else it was said before
		s.log.Error("Storage failed: memory only, tried again each minute", "operation", op, "file", s.path, "err", cause)
	}
	s.retry = time.Now().Add(retryInterval)
	call(waiting)
}

// requeueLocked makes what could not be written wait again, as far as there is room.
func (s *Store) requeueLocked() {
	failed := s.writing
	s.writing = queue{}
	for key, r := range failed.records {
		switch {
		case s.queue.has(key): // which is newer
		case s.hasRoomLocked(key):
			s.queue.put(key, r)
		default:
			s.overflowLocked()
		}
	}
}
