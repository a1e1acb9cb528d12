// The one writer: a batch of each part a second.

package shared

import (
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/store"
)

const (
	batchInterval     = time.Second
	heartbeatInterval = 5 * time.Second // without anything else to write
	batchSize         = 500             // records written by one script: that takes some milliseconds of Redis' time
	recordsAtATime    = 1_000           // of which the tasks are asked
	lastWords         = 5 * time.Second // for what is written when the process ends
	soon              = 5 * time.Second // after it was sealed a part is held, if it ever is
)

// Run writes until ctx ends, and then what is left.
func (s *Store) Run(ctx context.Context, t store.Tasks) {
	copying, stopCopying := context.WithCancel(context.WithoutCancel(ctx))
	var copied sync.WaitGroup
	copied.Go(func() { s.Copy.Run(copying, t) })
	defer copied.Wait()
	defer stopCopying()
	tick := time.NewTicker(batchInterval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWords)
			defer cancel()
			s.step(last, t, true)
			return
		case <-tick.C:
			s.step(ctx, t, false)
		}
	}
}

// Flush writes what waits of a part, before it is given to another replica.
func (s *Store) Flush(ctx context.Context, p Part) { s.writePart(ctx, p, true) }

func (s *Store) step(ctx context.Context, t store.Tasks, last bool) {
	held := s.rights.Held()
	s.dropUnheld()
	s.noteKnees()
	for _, p := range held {
		if !s.writePart(ctx, p, last) {
			continue
		}
		if !last {
			s.restorePart(ctx, p)
		}
	}
	if last {
		return
	}
	for _, account := range s.heldAccounts() {
		s.catchUp(ctx, account, t)
	}
	s.sweepOn(ctx, time.Now(), t)
}

// dropUnheld gives up what waits of parts that are not held any more. Who holds them asks once more and counts.
func (s *Store) dropUnheld() {
	s.mu.Lock()
	dropped := make(queue)
	for k, e := range s.queue {
		if s.rights.Mark(s.partOf(k)) == "" {
			dropped[k] = e
			delete(s.queue, k)
		}
	}
	for p, found := range s.seals {
		if s.rights.Mark(p) == "" && time.Since(found.at) > soon { // one that was sealed a moment ago is about to be held
			delete(s.seals, p)
			delete(s.restore, p)
			delete(s.overflowed, p.Account)
		}
	}
	s.mu.Unlock()
	dropped.giveUp()
}

func (s *Store) partOf(k key) Part { return Part{k.account, s.rights.Of(k.account, k.id)} }

// writePart writes what waits of a part, or only that it is watched; false: it can't.
func (s *Store) writePart(ctx context.Context, p Part, heartbeat bool) bool {
	for {
		batch := s.take(p)
		if len(batch) == 0 && !heartbeat && time.Since(s.lastWritten(p)) < heartbeatInterval {
			return true
		}
		ok := s.commit(ctx, p, batch)
		if !ok || len(batch) < batchSize {
			return ok
		}
	}
}

func (s *Store) lastWritten(p Part) time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.written[p]
}

// take takes a batch of a part from the queue, to be written.
func (s *Store) take(p Part) (batch []key) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, e := range s.queue {
		if s.partOf(k) != p {
			continue
		}
		batch = append(batch, k)
		s.writing[k] = e
		delete(s.queue, k)
		if len(batch) == batchSize {
			break
		}
	}
	return batch
}

// errDictionary says that Redis has other numbers for names than were used.
var errDictionary = errors.New("redis: the dictionary changed")

// commit writes a batch. What can't be written waits on; what another replica may write now is given up.
func (s *Store) commit(ctx context.Context, p Part, batch []key) bool {
	var results []any
	var err error
	for range 3 { // once more after Redis lost its memory, and once more after its dictionary changed
		mark := s.rights.Mark(p)
		if mark == "" {
			err = ErrFenced
			break
		}
		results, err = s.tryCommit(ctx, p, mark, batch)
		if errors.Is(err, ErrFenced) {
			err = s.sealAgain(ctx, p, mark)
			if err == nil {
				continue
			}
		}
		if !errors.Is(err, errDictionary) {
			break
		}
		s.namesOf(p.Account).forget()
	}
	switch {
	case errors.Is(err, ErrFenced):
		s.mu.Lock()
		s.refused += uint64(len(batch))
		gone := s.leaveLocked(batch)
		s.mu.Unlock()
		gone.giveUp()
		return false
	case err != nil:
		s.fail(store.OpWrite, p.Account, err)
		s.mu.Lock()
		for k, e := range s.leaveLocked(batch) {
			s.queue.putBack(k, e)
		}
		s.mu.Unlock()
		return false
	}
	s.done(p, batch, results)
	return true
}

// leaveLocked takes a batch out of what is being written.
func (s *Store) leaveLocked(batch []key) queue {
	gone := make(queue, len(batch))
	for _, k := range batch {
		gone[k] = s.writing[k]
		delete(s.writing, k)
	}
	return gone
}

// sealAgain seals a part that is held still after Redis lost its memory, or the last of it.
func (s *Store) sealAgain(ctx context.Context, p Part, mark string) error {
	epoch, err := strconv.ParseUint(mark[:max(0, strings.IndexByte(mark, '|'))], 10, 64)
	if err != nil {
		return err
	}
	if err := s.Seal(ctx, p, mark, epoch); err != nil {
		return err
	}
	s.log.Warn("Redis lost records: all that is known is written again", "account", p.Account, "part", p.Part)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.overflowed[p.Account] = true
	s.restore[p] = time.Time{}
	s.losses++
	return nil
}

// tryCommit runs the script for a batch.
func (s *Store) tryCommit(ctx context.Context, p Part, mark string, batch []key) ([]any, error) {
	s.mu.Lock()
	entries := make([]entry, len(batch))
	used := make(map[string]bool)
	for i, k := range batch {
		entries[i] = *s.writing[k]
		r := &entries[i].record
		used[r.Group], used[r.Model], used[r.FailCode] = true, true, true
	}
	s.mu.Unlock()
	if err := s.numberNames(ctx, p.Account, used); err != nil {
		return nil, err
	}
	names := s.namesOf(p.Account)
	keys := []string{s.fence(p), s.key(p.Account, "meta"), s.key(p.Account, "names")}
	args := []any{mark, p.Part, s.kneeNow(p.Account), 0}
	for name := range used {
		if n := names.Number(name); n > 0 {
			args = append(args, name, strconv.FormatUint(n, 10))
		}
	}
	args[3] = (len(args) - 4) / 2
	for i, k := range batch {
		keys = append(keys, s.bucket(p.Account, bucketOf(k.id)))
		compact := store.Compact{Record: entries[i].record, Nonce: entries[i].nonce}
		args = append(args, k.id, compact.Encode(p.Account, k.id, names))
	}
	reply, err := s.client.Run(ctx, call("commit"), commitScript, keys, args...)
	if err != nil {
		return nil, err
	}
	switch results, code := result(reply); {
	case code == 0 && len(results) == len(batch)+2:
		return results[1:], nil
	case code == -3:
		return nil, errDictionary
	default:
		return nil, ErrFenced
	}
}

// done notes what came of a batch, of which the first says how many records there are, has what was written copied, and tells who waits.
func (s *Store) done(p Part, batch []key, results []any) {
	s.mu.Lock()
	s.written[p] = time.Now()
	written := s.leaveLocked(batch)
	if found, ok := s.seals[p]; ok {
		n, _ := results[0].(int64)
		found.records = int(n)
		s.seals[p] = found
	}
	results = results[1:]
	unreadable := 0
	for _, r := range results {
		if r == int64(2) {
			unreadable++
		}
	}
	s.errors[store.OpDecode] += uint64(unreadable)
	delete(s.told, p.Account)
	s.mu.Unlock()
	for i, k := range batch {
		e := written[k]
		if results[i] == int64(1) {
			s.Copy.Put(k.account, k.id, e.record, nil)
		}
		e.call(results[i] == int64(1))
	}
}

// fail counts an error and logs it when it begins.
func (s *Store) fail(op store.Operation, account string, err error) {
	s.mu.Lock()
	s.errors[op]++
	said := s.told[account]
	s.told[account] = true
	s.mu.Unlock()
	if !said {
		s.log.Error("Records can't be kept in Redis for now, they wait", "account", account, "operation", op, "err", err)
	}
}

// catchUp puts what is known of every task of an account, if records were left out or lost.
func (s *Store) catchUp(ctx context.Context, account string, t store.Tasks) {
	s.mu.Lock()
	behind := s.overflowed[account]
	delete(s.overflowed, account)
	s.mu.Unlock()
	if !behind {
		return
	}
	ids := t.IDs(account)
	slices.Sort(ids)
	for part := range slices.Chunk(ids, recordsAtATime) {
		s.fill(account, part, t.Records(account, part))
		for _, p := range s.rights.Held() {
			if p.Account == account && !s.writePart(ctx, p, false) {
				s.mu.Lock()
				s.overflowed[account] = true
				s.mu.Unlock()
				return
			}
		}
	}
}

// fill queues records of an account unless there are newer ones.
func (s *Store) fill(account string, ids []string, records []store.Record) {
	for i, r := range records {
		s.mu.Lock()
		absent := s.queue[key{account, ids[i]}] == nil
		s.mu.Unlock()
		if r.Known() && absent {
			s.Put(account, ids[i], r, nil)
		}
	}
}

// restorePart writes again what the copy has of final records and Redis may lack, after the part was taken.
func (s *Store) restorePart(ctx context.Context, p Part) {
	s.mu.Lock()
	since, wanted := s.restore[p]
	delete(s.restore, p)
	s.mu.Unlock()
	if !wanted {
		return
	}
	var ids []string
	var records []store.Record
	whole := true
	flush := func() bool {
		s.fill(p.Account, ids, records)
		ids, records = ids[:0], records[:0]
		return s.writePart(ctx, p, false)
	}
	err := s.Copy.Scan(func(account, id string, r store.Record) bool {
		if account != p.Account || !r.State.Finished() || s.rights.Of(account, id) != p.Part || r.Learned.Time().Before(since) {
			return true
		}
		if ids, records = append(ids, id), append(records, r); len(ids) == batchSize {
			whole = flush()
		}
		return whole
	})
	if !whole || err == nil && !flush() {
		s.mu.Lock()
		s.restore[p] = since
		s.mu.Unlock()
	}
}
