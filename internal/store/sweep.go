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

// position is where reading goes on; the zero one is the beginning.
type position struct {
	key []byte
	end bool
}

// kept is a record on disk.
type kept struct {
	key      string
	record   Record
	unlisted day
	ok       bool // it is what had been written
}

// part reads on from a position, over what an earlier part was in.
func (f *file) part(from position, names texts, over []kept) (part []kept, next position, err error) {
	part = slices.Grow(over[:0], partSize)
	err = f.view(func(_, tasks *bbolt.Bucket) error {
		c := tasks.Cursor()
		key, value := c.Seek(from.key)
		for ; key != nil && len(part) < partSize; key, value = c.Next() {
			k := kept{key: string(key)}
			k.record, k.unlisted, k.ok = decode(key, value, names)
			part = append(part, k)
		}
		next = position{key: bytes.Clone(key), end: key == nil}
		if len(part) >= trimAfter {
			trim(tasks.Tx())
		}
		return nil
	})
	return part, next, err
}

// sweep is how far the sweep has come.
type sweep struct {
	from position
	due  time.Time
}

// sweepPart sweeps the next part, if it is time to. A record whose task is found unlisted is given the day; it goes when it
// still bears it after 60 days. So nothing is written for tasks that are listed.
func (s *Store) sweepPart(now time.Time, t Tasks) {
	if s.sweep.due.IsZero() {
		s.sweep.due = now.Add(firstSweep)
	}
	if now.Before(s.sweep.due) {
		return
	}
	part, next, err := s.file.part(s.sweep.from, make(texts), nil)
	if err != nil {
		s.fail(OpRead, err)
		return
	}
	all, err := s.file.changes(part, dayOf(now), t)
	if err != nil {
		s.fail(OpRead, err)
		return
	}
	if len(all) > 0 {
		if err := s.file.update(now, nil, slices.Values(all)); err != nil {
			s.fail(OpWrite, err)
			return
		}
	}
	s.sweep.from = next
	if next.end {
		if err := s.sweepPushes(dayOf(now), t.TakesPushes); err != nil {
			s.fail(OpWrite, err)
			return
		}
		s.sweep = sweep{due: now.Add(sweepPause)}
	}
}

// changes returns what is to become of a part of the records.
func (f *file) changes(part []kept, today day, t Tasks) (all []change, err error) {
	err = f.view(func(_, tasks *bbolt.Bucket) error {
		for _, k := range part {
			all = append(all, k.next(tasks, today, t)...)
		}
		return nil
	})
	return all, err
}

// next returns what is to become of a record. One that is kept by id alone goes to its account, unless that has one already, which
// is newer.
func (k kept) next(tasks *bbolt.Bucket, today day, t Tasks) []change {
	account, id, byID := splitKey(k.key)
	switch {
	case !k.ok:
		return []change{{k.key, nil}}
	case !byID:
		return k.aged(k.key, t.Listed(account, id), today)
	}
	account, owned := t.Owner(k.record)
	if !owned {
		return k.aged(k.key, false, today)
	}
	moved := []change{{k.key, nil}}
	if key := keyOf(account, id); tasks.Get([]byte(key)) == nil {
		moved = append(moved, k.aged(key, t.Listed(account, id), today)...)
	}
	return moved
}

// aged returns the change that the sweep makes to a record, and under which key: marked with the day, unmarked, or deleted.
func (k kept) aged(key string, listed bool, today day) []change {
	unlisted, gone := Age(uint16(k.unlisted), listed, uint16(today))
	if gone {
		return []change{{key, nil}}
	}
	if day(unlisted) == k.unlisted && key == k.key {
		return nil
	}
	return []change{{key, k.record.encode(key, day(unlisted))}}
}

// Age returns the day that a record is to bear, given the one that it bears and whether its task is listed, and whether the record is to go.
func Age(unlisted uint16, listed bool, today uint16) (next uint16, gone bool) {
	switch {
	case listed:
		return 0, false
	case unlisted == 0:
		return today, false
	}
	return unlisted, int(today)-int(unlisted) >= keepUnlisted
}

// Day returns the day of a moment as records bear it.
func Day(t time.Time) uint16 { return uint16(dayOf(t)) }
