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
)

// Run writes until ctx ends, and then what is left. Whoever puts records is to have ended before.
func (s *Store) Run(ctx context.Context, t Tasks) {
	if s == nil {
		<-ctx.Done()
		return
	}
	tick := time.NewTicker(batchInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			if s.isUp() {
				s.write(time.Now())
			}
			return
		case now := <-tick.C:
			s.step(now, t)
		}
	}
}

func (s *Store) step(now time.Time, t Tasks) {
	switch {
	case s.isUp():
		if !s.file.inPlace() {
			s.fail(OpWrite, errGone)
			return
		}
		if s.pending() || now.Sub(s.written) >= heartbeatInterval {
			s.write(now)
		}
		if s.isUp() {
			s.sweepOn(now, t)
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
		if err := s.open(); err != nil {
			s.fail(OpOpen, err)
			return
		}
		for id, r := range t.Records() {
			s.fill(id, r)
		}
	}
	if !s.write(now) {
		return
	}
	s.mu.Lock()
	s.up = true
	s.mu.Unlock()
	s.retry = time.Time{}
	s.log.Info("Storage works again", "file", s.path)
}

// fill queues a record unless there is a newer one.
func (s *Store) fill(id string, r Record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.queue[id]; !ok {
		s.queue[id] = r
	}
}

// errGone says that the file is not where it was: it, or its folder, was removed or replaced.
var errGone = errors.New("the storage file is gone")

func (s *Store) isUp() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.up
}

func (s *Store) pending() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.queue) > 0 || len(s.waiting) > 0
}

// write commits the queue. In order of ids, a large one touches each page of the file but once.
func (s *Store) write(now time.Time) bool {
	s.mu.Lock()
	f, waiting := s.file, s.waiting
	s.flight, s.queue, s.waiting = s.queue, make(map[string]Record), nil
	ids := slices.Sorted(maps.Keys(s.flight))
	s.mu.Unlock()
	for {
		part := ids[:min(batchSize, len(ids))]
		ids = ids[len(part):]
		if err := f.update(now, s.encoded(part)); err != nil {
			s.fail(OpWrite, err)
			call(waiting)
			return false
		}
		if len(ids) == 0 {
			break
		}
	}
	s.written = now
	s.mu.Lock()
	s.flight = nil
	s.mu.Unlock()
	call(waiting)
	return true
}

// encoded returns records of those in flight, which only the writer changes.
func (s *Store) encoded(ids []string) iter.Seq[change] {
	return func(yield func(change) bool) {
		for _, id := range ids {
			if !yield(change{id, s.flight[id].encode(id, 0)}) {
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
	for id, r := range s.flight {
		if _, ok := s.queue[id]; !ok {
			s.queue[id] = r
		}
	}
	waiting := s.waiting
	s.flight, s.waiting = nil, nil
	if giveUp {
		s.file = nil
		clear(s.queue)
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
