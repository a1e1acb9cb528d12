// Reading all records a part at a time, and the sweep that lets go those of tasks that have long been unlisted.

package store

import (
	"bytes"
	"slices"
	"time"

	"go.etcd.io/bbolt"
)

const (
	partSize = 10_000 // records read at a time

	keepUnlisted = 60               // days
	firstSweep   = 10 * time.Minute // after the start: sources have been read then
	sweepPause   = 24 * time.Hour
)

// place is where reading goes on; the zero one is the beginning.
type place struct {
	key []byte
	end bool
}

// kept is a record on disk.
type kept struct {
	id       string
	record   Record
	unlisted day
	ok       bool // it is what had been written
}

// part reads on from a place, over what an earlier part was in.
func (f *file) part(from place, names interned, over []kept) (part []kept, next place, err error) {
	part = slices.Grow(over[:0], partSize)
	err = f.view(func(_, tasks *bbolt.Bucket) error {
		c := tasks.Cursor()
		key, value := c.Seek(from.key)
		for ; key != nil && len(part) < partSize; key, value = c.Next() {
			k := kept{id: string(key)}
			k.record, k.unlisted, k.ok = decode(key, value, names)
			part = append(part, k)
		}
		next = place{key: bytes.Clone(key), end: key == nil}
		if len(part) >= trimAfter {
			trim(tasks.Tx())
		}
		return nil
	})
	return part, next, err
}

// sweep is how far the sweep has come.
type sweep struct {
	from place
	due  time.Time
}

// sweepOn sweeps the next part, if it is time to. A record whose task is found unlisted is given the day; it goes when it
// still bears it after 60 days. So nothing is written for tasks that are listed.
func (s *Store) sweepOn(now time.Time, t Tasks) {
	if s.sweep.due.IsZero() {
		s.sweep.due = now.Add(firstSweep)
	}
	if now.Before(s.sweep.due) {
		return
	}
	part, next, err := s.file.part(s.sweep.from, make(interned), nil)
	if err != nil {
		s.fail(OpRead, err)
		return
	}
	if all := changes(part, dayOf(now), t); len(all) > 0 {
		if err := s.file.update(now, slices.Values(all)); err != nil {
			s.fail(OpWrite, err)
			return
		}
	}
	s.sweep.from = next
	if next.end {
		s.sweep = sweep{due: now.Add(sweepPause)}
	}
}

func changes(part []kept, today day, t Tasks) []change {
	var all []change
	for _, k := range part {
		listed := k.ok && t.Listed(k.id)
		switch {
		case !k.ok, !listed && k.unlisted > 0 && int(today)-int(k.unlisted) >= keepUnlisted:
			all = append(all, change{k.id, nil})
		case listed && k.unlisted > 0:
			all = append(all, change{k.id, k.record.encode(k.id, 0)})
		case !listed && k.unlisted == 0:
			all = append(all, change{k.id, k.record.encode(k.id, today)})
		}
	}
	return all
}
