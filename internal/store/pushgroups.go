// Pushed ids of groups that take pushes no more. They stay for a while, as the group may come back.

package store

import (
	"bytes"
	"slices"

	"go.etcd.io/bbolt"
)

// unpushed begins the key under which is kept on which day a group was first found to take no pushes. Versions that know nothing of it pass
// it over.
const unpushed = "unpushed\x00"

// sweepPushes has the pushed ids of groups go that have been found to take no pushes for 60 days.
func (s *Store) sweepPushes(today day, takes func(group string) bool) error {
	groups, err := s.file.pushGroups()
	if err != nil {
		return err
	}
	for _, group := range groups {
		since, err := s.file.unpushedSince(group)
		switch {
		case err != nil:
		case takes(group) && since > 0:
			err = s.file.noteUnpushed(group, 0)
		case takes(group):
		case since == 0:
			s.log.Info("Ids were pushed to a group that takes no pushes now; they are kept for 60 days, in case it does again", "group", group)
			err = s.file.noteUnpushed(group, today)
		case int(today)-int(since) >= keepUnlisted:
			s.log.Info("Ids pushed to a group that has taken no pushes for 60 days are forgotten", "group", group)
			err = s.file.dropPushes(group)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// pushGroups returns the groups that have pushed ids.
func (f *file) pushGroups() (groups []string, err error) {
	err = f.guarded(func() error {
		return f.db.View(func(tx *bbolt.Tx) error {
			bucket := tx.Bucket([]byte(bucketPushes))
			if bucket == nil {
				return nil
			}
			c := bucket.Cursor()
			for key, _ := c.First(); key != nil; {
				group, _, _ := bytes.Cut(key, []byte{0})
				groups = append(groups, string(group))
				key, _ = c.Seek(append(slices.Clone(group), 1)) // behind all that begin with the group and a zero
			}
			return nil
		})
	})
	return groups, err
}

// unpushedSince returns the day on which a group was first found to take no pushes; 0: it was not.
func (f *file) unpushedSince(group string) (since day, err error) {
	key := unpushed + group
	err = f.view(func(meta, _ *bbolt.Bucket) error {
		since = day(unsealNumber([]byte(key), meta.Get([]byte(key)))) //nolint:gosec // it was a day
		return nil
	})
	return since, err
}

// noteUnpushed keeps the day since which a group takes no pushes; 0: it does.
func (f *file) noteUnpushed(group string, since day) error {
	key := unpushed + group
	return f.guarded(func() error {
		return f.db.Update(func(tx *bbolt.Tx) error {
			meta := tx.Bucket([]byte(bucketMeta))
			if since == 0 {
				return meta.Delete([]byte(key))
			}
			return meta.Put([]byte(key), sealNumber(key, int64(since)))
		})
	})
}

// dropPushes deletes the pushed ids of a group, some thousands at a time, and then the day.
func (f *file) dropPushes(group string) error {
	prefix := []byte(keyOf(group, ""))
	for more := true; more; {
		err := f.guarded(func() error {
			return f.db.Update(func(tx *bbolt.Tx) error {
				bucket := tx.Bucket([]byte(bucketPushes))
				var keys [][]byte
				c := bucket.Cursor()
				for key, _ := c.Seek(prefix); bytes.HasPrefix(key, prefix) && len(keys) < batchSize; key, _ = c.Next() {
					keys = append(keys, bytes.Clone(key))
				}
				more = len(keys) == batchSize
				for _, key := range keys {
					if err := bucket.Delete(key); err != nil {
						return err
					}
				}
				return nil
			})
		})
		if err != nil {
			return err
		}
	}
	return f.noteUnpushed(group, 0)
}
