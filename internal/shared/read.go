// Reading records: some by id, or all of an account by bucket.

package shared

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/redis"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

const (
	commandsAtATime = 512 // in one pipeline, each for one bucket
	readWithin      = time.Minute
	readers         = 2                      // read at the same time where there is much to read
	muchToRead      = 10_000                 // records
	readAgain       = 200 * time.Millisecond // after it failed
)

// errUnheld says that no part of any account is held.
var errUnheld = errors.New("no part of an account is held")

// Find returns what is kept of some tasks of an account, in their order: what waits to be written, else what Redis has, else what the copy has.
func (s *Store) Find(account string, ids []string) []store.Record { return s.find(account, ids, false) }

// FindListed is Find, but while Redis does not answer, and the account is held, it waits: for a minute at most. So a takeover during a failover does
// not have everything asked again.
func (s *Store) FindListed(account string, ids []string) []store.Record {
	return s.find(account, ids, true)
}

// StopWaiting has nobody wait for Redis any more.
func (s *Store) StopWaiting() { close(s.stopped) }

func (s *Store) find(account string, ids []string, patient bool) []store.Record {
	found := make([]store.Record, len(ids))
	ctx, cancel := context.WithTimeout(context.Background(), readWithin)
	defer cancel()
	s.read(ctx, account, ids, patient, func(i int, r store.Record) { found[i] = r })
	var absent []string
	var at []int
	s.mu.Lock()
	for i, id := range ids {
		k := key{account, id}
		switch {
		case found[i].State.Finished(): // which nothing replaces
		case s.queue[k] != nil:
			found[i] = s.queue[k].record
		case s.writing[k] != nil:
			found[i] = s.writing[k].record
		case !found[i].Known():
			absent, at = append(absent, id), append(at, i)
		}
	}
	s.mu.Unlock()
	if len(absent) > 0 {
		for i, r := range s.Copy.Find(account, absent) {
			found[at[i]] = r
		}
	}
	return found
}

// AreOver reports of some tasks of an account, in their order, whether Redis has a record that says that they are over.
func (s *Store) AreOver(account string, ids []string) []bool {
	over := make([]bool, len(ids))
	ctx, cancel := context.WithTimeout(context.Background(), readWithin)
	defer cancel()
	s.read(ctx, account, ids, false, func(i int, r store.Record) { over[i] = r.IsOver() })
	return over
}

// persist makes a call until it succeeds, or until it makes no sense to wait for that.
func (s *Store) persist(ctx context.Context, account string, patient bool, call func() error) error {
	for failed := false; ; failed = true {
		err := call()
		if err == nil {
			return nil
		}
		if !failed {
			s.fail(store.OpRead, account, err)
		}
		if !patient || !redis.IsPassing(err) || !slices.Contains(s.heldAccounts(), account) {
			return err
		}
		select {
		case <-time.After(readAgain):
		case <-s.stopped:
			return err
		case <-ctx.Done():
			return err
		}
	}
}

// read reads records by id, and yields those that there are, at the same time if there are many. What can't be read is counted.
func (s *Store) read(ctx context.Context, account string, ids []string, patient bool, each func(i int, r store.Record)) {
	if len(ids) == 0 {
		return
	}
	if s.persist(ctx, account, patient, func() error { _, err := s.loadNames(ctx, account); return err }) != nil {
		return
	}
	r := reading{store: s, account: account, ids: ids, in: make([]int, len(ids)), patient: patient, each: each}
	order := make([]int, len(ids))
	for i, id := range ids {
		order[i], r.in[i] = i, bucketOf(id)
	}
	slices.SortFunc(order, func(a, b int) int { return r.in[a] - r.in[b] })
	n := len(order)
	if n >= muchToRead {
		n = (n + readers - 1) / readers
	}
	var all sync.WaitGroup
	for part := range slices.Chunk(order, n) {
		all.Go(func() { r.some(ctx, part) })
	}
	all.Wait()
}

// reading is records of an account that are read by id.
type reading struct {
	store   *Store
	account string
	ids     []string
	in      []int // the bucket of each
	patient bool
	each    func(i int, r store.Record)
}

// some reads the records of some ids, by index in order of their buckets, until it fails.
func (r *reading) some(ctx context.Context, order []int) {
	parser := parser{store: r.store, account: r.account, names: r.store.namesOf(r.account)}
	var commands [][]any
	var asked [][]int
	for at := 0; at < len(order); {
		end := at
		args := []any{"hmget", r.store.bucket(r.account, r.in[order[at]])}
		for ; end < len(order) && r.in[order[end]] == r.in[order[at]]; end++ {
			args = append(args, r.ids[order[end]])
		}
		commands, asked = append(commands, args), append(asked, order[at:end])
		at = end
		if len(commands) == commandsAtATime || at == len(order) {
			if !r.send(ctx, &parser, commands, asked) {
				return
			}
			commands, asked = commands[:0], asked[:0]
		}
	}
}

// send has buckets asked for records, by index, and yields those that there are.
func (r *reading) send(ctx context.Context, p *parser, commands [][]any, asked [][]int) bool {
	var replies []any
	err := r.store.persist(ctx, r.account, r.patient, func() (err error) {
		replies, err = r.store.client.Pipeline(ctx, redis.Call{Name: "read", Urgent: r.patient}, commands)
		return err
	})
	if err != nil {
		return false
	}
	for c, reply := range replies {
		values, ok := reply.([]any)
		if !ok || len(values) != len(asked[c]) { // the bucket is no hash
			r.store.undecoded()
			continue
		}
		for v, i := range asked[c] {
			if text, ok := values[v].(string); ok {
				if compact, ok := p.parse(ctx, r.ids[i], text); ok {
					r.each(i, compact.Record)
				}
			}
		}
	}
	return true
}

// parser reads records of an account. A number without a name may be newer than what is known of the dictionary, which is read again once.
type parser struct {
	store   *Store
	account string
	names   *names
	again   bool // the dictionary was read again
}

func (s *Store) newParser(ctx context.Context, account string) (*parser, error) {
	names, err := s.loadNames(ctx, account)
	return &parser{store: s, account: account, names: names}, err
}

// parse reads a record, and counts one that can't be believed.
func (p *parser) parse(ctx context.Context, id, value string) (store.Compact, bool) {
	compact, known, ok := store.ParseCompact(p.account, id, []byte(value), p.names)
	if !ok && known && !p.again {
		p.again = true
		if err := p.store.readNames(ctx, p.account); err == nil {
			compact, _, ok = store.ParseCompact(p.account, id, []byte(value), p.names)
		}
	}
	if !ok {
		p.store.undecoded()
	}
	return compact, ok
}

// Scan calls yield with every record of the parts that are held, until it returns false. After an error, records were left out.
func (s *Store) Scan(yield func(account, id string, r store.Record) bool) error {
	accounts := s.heldAccounts()
	if len(accounts) == 0 {
		return errUnheld
	}
	ctx, cancel := context.WithTimeout(context.Background(), readWithin)
	defer cancel()
	for _, account := range accounts {
		if more, err := s.scan(ctx, account, yield); err != nil || !more {
			return err
		}
	}
	return nil
}

// ScanAccount does so with the records of the parts of one account.
func (s *Store) ScanAccount(ctx context.Context, account string, yield func(account, id string, r store.Record) bool) error {
	_, err := s.scan(ctx, account, yield)
	return err
}

func (s *Store) scan(ctx context.Context, account string, yield func(account, id string, r store.Record) bool) (more bool, err error) {
	more = true
	for from := 0; from < buckets && more; from += commandsAtATime {
		err := s.readBuckets(ctx, account, from, func(id, _ string, c store.Compact) {
			if more && s.rights.Mark(s.partOf(key{account, id})) != "" {
				more = yield(account, id, c.Record)
			}
		})
		if err != nil {
			s.fail(store.OpRead, account, err)
			return false, fmt.Errorf("read records in Redis: %w", err)
		}
	}
	return more, nil
}

// readBuckets reads all records in some buckets.
func (s *Store) readBuckets(ctx context.Context, account string, from int, each func(id, value string, c store.Compact)) error {
	parser, err := s.newParser(ctx, account)
	if err != nil {
		return err
	}
	commands := make([][]any, 0, commandsAtATime)
	for n := from; n < min(from+commandsAtATime, buckets); n++ {
		commands = append(commands, []any{"hgetall", s.bucket(account, n)})
	}
	replies, err := s.client.Pipeline(ctx, call("read"), commands)
	if err != nil {
		return err
	}
	for _, reply := range replies {
		pairs, ok := reply.([]any)
		if !ok {
			s.undecoded()
			continue
		}
		for i := 0; i+1 < len(pairs); i += 2 {
			id, _ := pairs[i].(string)
			value, _ := pairs[i+1].(string)
			if c, ok := parser.parse(ctx, id, value); ok {
				each(id, value, c)
			}
		}
	}
	return nil
}
