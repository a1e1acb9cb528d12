// The sweep lets go the records of tasks that have long been unlisted, and pushed ids of groups that have long taken none, as the store of one
// process does.

package shared

import (
	"context"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/store"
)

const (
	firstSweep = 10 * time.Minute // after the start: sources have been read then
	sweepPause = 24 * time.Hour
)

// sweep is how far the sweep has come.
type sweep struct {
	due      time.Time
	accounts []string // still to be swept; the first one from a bucket on
	bucket   int
	unpushed []unpushed // of that account, once all buckets are swept
}

// sweepOn sweeps some buckets, if it is time to.
func (s *Store) sweepOn(ctx context.Context, now time.Time, t store.Tasks) {
	if s.sweep.due.IsZero() {
		s.sweep.due = now.Add(firstSweep)
	}
	if now.Before(s.sweep.due) {
		return
	}
	if len(s.sweep.accounts) == 0 {
		s.sweep = sweep{due: now, accounts: s.heldAccounts()}
	}
	if len(s.sweep.accounts) > 0 {
		done, err := s.sweepSome(ctx, s.sweep.accounts[0], store.Day(now), t)
		if err != nil {
			s.fail(store.OpRead, s.sweep.accounts[0], err)
			return
		}
		if done {
			s.sweep = sweep{due: now, accounts: s.sweep.accounts[1:]}
		}
	}
	if len(s.sweep.accounts) == 0 {
		s.sweep.due = now.Add(sweepPause)
	}
}

// sweepSome sweeps as much of an account as one step may, and reports whether that was the last.
func (s *Store) sweepSome(ctx context.Context, account string, today uint16, t store.Tasks) (done bool, err error) {
	w := &s.sweep
	switch {
	case w.bucket < buckets:
		if err = s.sweepBuckets(ctx, account, w.bucket, today, t); err != nil {
			return false, err
		}
		if w.bucket += commandsAtATime; w.bucket < buckets {
			return false, nil
		}
		if w.unpushed, err = s.findUnpushed(ctx, account, today); err != nil {
			w.bucket -= commandsAtATime
		}
	case len(w.unpushed) > 0:
		gone, err := s.dropUnpushed(ctx, &w.unpushed[0])
		if err != nil {
			return false, err
		}
		if gone {
			w.unpushed = w.unpushed[1:]
		}
	}
	return err == nil && len(w.unpushed) == 0, err
}

// sweepBuckets marks records of tasks that are not listed with the day, and removes those that were marked long ago.
func (s *Store) sweepBuckets(ctx context.Context, account string, from int, today uint16, t store.Tasks) error {
	changes := make(map[Part]*replacement)
	names, err := s.loadNames(ctx, account)
	if err != nil {
		return err
	}
	err = s.readBuckets(ctx, account, from, func(id, value string, c store.Compact) {
		p := s.partOf(key{account, id})
		if s.rights.Mark(p) == "" {
			return
		}
		day, gone := store.Age(c.Unlisted, t.Listed(account, id), today)
		if !gone && day == c.Unlisted {
			return
		}
		next := []byte{}
		if c.Unlisted = day; !gone {
			next = c.Encode(account, id, names)
		}
		if changes[p] == nil {
			changes[p] = &replacement{keys: []string{s.fence(p), s.key(account, "meta")}}
		}
		changes[p].keys = append(changes[p].keys, s.bucket(account, bucketOf(id)))
		changes[p].args = append(changes[p].args, id, value, next)
	})
	if err != nil {
		return err
	}
	for p, c := range changes {
		for len(c.args) > 0 {
			n := min(batchSize, len(c.args)/3)
			keys := c.keys[: 2+n : 2+n]
			args := append([]any{s.rights.Mark(p), p.Part}, c.args[:3*n]...)
			if _, err := s.client.Run(ctx, call("sweep"), replaceScript, keys, args...); err != nil {
				return err
			}
			c.keys, c.args = append(c.keys[:2:2], c.keys[2+n:]...), c.args[3*n:]
		}
	}
	return nil
}

// replacement is what one script is to replace.
type replacement struct {
	keys []string
	args []any
}
