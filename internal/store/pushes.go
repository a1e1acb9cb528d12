// The ids that were pushed. Nobody lists them, so they are on disk before their producer is told that they are safe, and losing
// them costs more than queries.

package store

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"go.etcd.io/bbolt"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/source"
)

// bucketPushes is the bucket of pushed ids, by group and id. It is made by the first push: a file without it can be read by versions
// that know no pushes, which would take one with it for that of somebody else.
const bucketPushes = "pushes"

// pushFormat is the version of a file with that bucket.
const pushFormat = 3

// The first byte of what is kept of a pushed id says whether an endpoint follows.
const (
	pushVersion   = 1 // the id is asked about where its group says
	pushVersionAt = 2 // versions that know no endpoints pass over such an id, rather than ask about it elsewhere
)

// pushesAtATime is how many pushed ids are read into a list of their own.
const pushesAtATime = 1 << 13

// mostLabels is how many labels a pushed id has at the most.
const mostLabels = 32

// ErrDown says that there is no file that pushed ids could be written to.
var ErrDown = errors.New("the storage is down")

// SavePushes writes what changed of the pushed ids. When it returns nil, all of it is on disk; after an error some of it may be. It waits
// for the disk, beside whatever else is written.
func (s *Store) SavePushes(changes []source.Pushed) error {
	s.mu.Lock()
	f := s.file
	s.mu.Unlock()
	if f == nil {
		return ErrDown
	}
	err := errGone
	if f.inPlace() {
		err = f.savePushes(changes)
	}
	if err != nil {
		s.count(OpWrite, 1)
	}
	return err
}

// Pushes returns the pushed ids of a group.
func (s *Store) Pushes(group string) ([]source.Task, error) {
	s.mu.Lock()
	f := s.file
	s.mu.Unlock()
	if f == nil {
		return nil, ErrDown
	}
	tasks, invalid, err := f.pushes(group)
	s.count(OpDecode, invalid)
	if err != nil {
		s.count(OpRead, 1)
	}
	return tasks, err
}

// PushesFile returns a number that is another one when the file is, so that what was saved is to be saved again; 0: there is none.
func (s *Store) PushesFile() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return 0
	}
	return s.opened
}

// savePushes makes all changes, some thousands at a time. In order of keys they touch each page once.
func (f *file) savePushes(changes []source.Pushed) error {
	changes = slices.Clone(changes)
	slices.SortStableFunc(changes, func(a, b source.Pushed) int { // of two about one id the later one counts
		if order := strings.Compare(a.Group, b.Group); order != 0 {
			return order
		}
		return strings.Compare(a.Task.ID, b.Task.ID)
	})
	for part := range slices.Chunk(changes, batchSize) {
		err := f.guarded(func() error {
			return f.db.Update(func(tx *bbolt.Tx) error { return putPushes(tx, part) })
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func putPushes(tx *bbolt.Tx, changes []source.Pushed) error {
	bucket := tx.Bucket([]byte(bucketPushes))
	if bucket == nil {
		var err error
		if bucket, err = tx.CreateBucket([]byte(bucketPushes)); err != nil {
			return err
		}
		if err := tx.Bucket([]byte(bucketMeta)).Put([]byte(keyFormat), sealNumber(keyFormat, pushFormat)); err != nil {
			return err
		}
	}
	for _, c := range changes {
		key := keyOf(c.Group, c.Task.ID)
		var err error
		if c.Gone {
			err = bucket.Delete([]byte(key))
		} else {
			err = bucket.Put([]byte(key), encodePush(key, &c.Task))
		}
		if err != nil {
			return fmt.Errorf("pushed id %q: %w", key, err)
		}
	}
	return nil
}

// formatOf returns the version of the file as a transaction leaves it.
func formatOf(tx *bbolt.Tx) int64 {
	if tx.Bucket([]byte(bucketPushes)) != nil {
		return pushFormat
	}
	return format
}

func (f *file) pushes(group string) (tasks []source.Task, invalid int, err error) {
	names, labels := make(texts), make(map[string]map[string]string)
	var parts [][]source.Task
	err = f.guarded(func() error {
		return f.db.View(func(tx *bbolt.Tx) error {
			bucket := tx.Bucket([]byte(bucketPushes))
			if bucket == nil {
				return nil
			}
			prefix := []byte(keyOf(group, ""))
			c := bucket.Cursor()
			n := 0
			for key, value := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, value = c.Next() {
				if n++; n%trimAfter == 0 {
					trim(tx)
				}
				t, ok := decodePush(key, value, names, labels)
				if !ok {
					invalid++
					continue
				}
				if tasks = append(tasks, t); len(tasks) == pushesAtATime { // a list that grows by a quarter is copied five times
					parts, tasks = append(parts, tasks), make([]source.Task, 0, pushesAtATime)
				}
			}
			return nil
		})
	})
	if len(parts) > 0 {
		tasks = slices.Concat(append(parts, tasks)...)
	}
	return tasks, invalid, err
}

// encodePush returns the value that is written under a key: sealed, a version, the endpoint if it has one, the model, then names and
// values of labels.
func encodePush(key string, t *source.Task) []byte {
	v := newSealed(16 + len(t.Endpoint) + len(t.Model))
	if t.Endpoint == "" {
		v = append(v, pushVersion)
	} else {
		v = appendText(append(v, pushVersionAt), t.Endpoint)
	}
	v = appendText(v, t.Model)
	for _, name := range slices.Sorted(maps.Keys(t.Labels)) {
		v = appendText(appendText(v, name), t.Labels[name])
	}
	return seal(key, v)
}

func appendText(v []byte, s string) []byte {
	return append(binary.AppendUvarint(v, uint64(len(s))), s...)
}

// EncodePush returns what is kept of an id that was pushed to a group, where each has a place of its own.
func EncodePush(group string, t *source.Task) []byte { return encodePush(keyOf(group, t.ID), t) }

// PushDecoder reads what EncodePush wrote. Tasks with the same labels share them.
type PushDecoder struct {
	names  texts
	labels map[string]map[string]string
}

// NewPushDecoder returns a decoder.
func NewPushDecoder() *PushDecoder {
	return &PushDecoder{make(texts), make(map[string]map[string]string)}
}

// Decode reads what is kept of an id; false: it is not what was written of it, or can't be true.
func (d *PushDecoder) Decode(group, id string, value []byte) (source.Task, bool) {
	return decodePush([]byte(keyOf(group, id)), value, d.names, d.labels)
}

// decodePush reads what encodePush wrote; false: it is not what was written under this key, or can't be true. Tasks with the same labels
// share them in shared, unless it is nil.
func decodePush(key, value []byte, names texts, shared map[string]map[string]string) (t source.Task, ok bool) {
	t, id, ok := decodePushOf(key, value, names, shared)
	if ok {
		t.ID = string(id)
	}
	return t, ok
}

// decodePushOf does so, and makes no copy of the id, which is a part of the key.
func decodePushOf(key, value []byte, names texts, shared map[string]map[string]string) (t source.Task, id []byte, ok bool) {
	content := unseal(key, value)
	if len(content) < 2 || content[0] != pushVersion && content[0] != pushVersionAt || !validKey(key) {
		return source.Task{}, nil, false
	}
	_, id, found := bytes.Cut(key, []byte{0})
	d := decoder{rest: content[1:]}
	if content[0] == pushVersionAt {
		t.Endpoint = names.get(d.text())
		_, known := kie.EndpointNamed(t.Endpoint)
		d.bad = d.bad || !known
	}
	t.Model = names.get(d.text())
	rest := d.rest
	var known bool
	if t.Labels, known = shared[string(rest)]; !known { // which makes no copy of the key
		t.Labels = d.labels()
		if shared != nil && len(shared) < mostTexts {
			shared[string(rest)] = t.Labels
		}
	}
	if !found || d.bad || !kie.IsCleanLabel(t.Model) {
		return source.Task{}, nil, false
	}
	return t, id, true
}

// labels reads all that is left as names and values of labels; nil: there are none.
func (d *decoder) labels() map[string]string {
	var labels map[string]string
	for len(d.rest) > 0 && !d.bad {
		name, value := string(d.text()), string(d.text())
		if name == "" || value != "" && !kie.ValidID(value) || len(labels) >= mostLabels {
			d.skip(-1)
			return nil
		}
		if labels == nil {
			labels = make(map[string]string)
		}
		labels[name] = value
	}
	return labels
}
