// Reading records: some by id, or all of an account by bucket.

package shared

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/store"
)

const (
	commandsAtATime = 512 // in one pipeline, each for one bucket
	readWithin      = time.Minute
)

// errUnheld says that no part of any account is held.
var errUnheld = errors.New("no part of an account is held")

// Find returns what is kept of some tasks of an account, in their order: what waits to be written, else what Redis has, else what the copy has.
func (s *Store) Find(account string, ids []string) []store.Record {
	found := make([]store.Record, len(ids))
	ctx, cancel := context.WithTimeout(context.Background(), readWithin)
	defer cancel()
	s.read(ctx, account, ids, func(i int, r store.Record) { found[i] = r })
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
	s.read(ctx, account, ids, func(i int, r store.Record) { over[i] = r.IsOver() })
	return over
}

// read reads records by id. What can't be read is counted.
func (s *Store) read(ctx context.Context, account string, ids []string, each func(i int, r store.Record)) {
	if len(ids) == 0 {
		return
	}
	parser, err := s.newParser(ctx, account)
	if err != nil {
		s.fail(store.OpRead, account, err)
		return
	}
	order := make([]int, len(ids))
	in := make([]int, len(ids))
	for i, id := range ids {
		order[i], in[i] = i, bucketOf(id)
	}
	slices.SortFunc(order, func(a, b int) int { return in[a] - in[b] })
	var commands [][]any
	var asked [][]int
	send := func() bool {
		replies, err := s.client.Pipeline(ctx, call("read"), commands)
		if err != nil {
			s.fail(store.OpRead, account, err)
			return false
		}
		for c, reply := range replies {
			values, ok := reply.([]any)
			if !ok || len(values) != len(asked[c]) { // the bucket is no hash
				s.undecoded()
				continue
			}
			for v, i := range asked[c] {
				if text, ok := values[v].(string); ok {
					if compact, ok := parser.parse(ctx, ids[i], text); ok {
						each(i, compact.Record)
					}
				}
			}
		}
		commands, asked = commands[:0], asked[:0]
		return true
	}
	for at := 0; at < len(order); {
		end := at
		args := []any{"hmget", s.bucket(account, in[order[at]])}
		for ; end < len(order) && in[order[end]] == in[order[at]]; end++ {
			args = append(args, ids[order[end]])
		}
		commands, asked = append(commands, args), append(asked, order[at:end])
		at = end
		if (len(commands) == commandsAtATime || at == len(order)) && !send() {
			return
		}
	}
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
		p.names.forget()
		if _, err := p.store.loadNames(ctx, p.account); err == nil {
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
