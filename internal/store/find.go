// Records that are looked up by account and id.

package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"sort"
	"strings"
	"sync"

	"go.etcd.io/bbolt"
)

// find reads the records of an account that are not yet in found. In order of ids, neighbours share their pages.
func (f *file) find(account string, ids []string, found []Record) (invalid int, err error) {
	if f.tasks.Load() == 0 {
		return 0, nil
	}
	order := sortedIDs(ids, func(i int) bool { return !found[i].Known() })
	if len(order) < parallelFind {
		return f.findIn(account, order, ids, found)
	}
	var others int
	var failed error
	half := len(order) / 2
	var second sync.WaitGroup
	second.Go(func() { others, failed = f.findIn(account, order[half:], ids, found) })
	invalid, err = f.findIn(account, order[:half], ids, found)
	second.Wait()
	return invalid + others, errors.Join(err, failed)
}

// parallelFind is from how many records on two look for them.
const parallelFind = 4096

// findIn reads the records of some ids, which are in order.
func (f *file) findIn(account string, order []ordered, ids []string, found []Record) (invalid int, err error) {
	names := make(texts)
	err = f.view(func(_, tasks *bbolt.Bucket) error {
		own, old := f.lookIn(tasks), f.lookIn(tasks)
		wanted := []byte(keyOf(account, ""))
		prefix := len(wanted)
		for _, next := range order {
			i := next.index
			wanted = append(wanted[:prefix], ids[i]...)
			key := wanted
			value, err := own(key)
			if value == nil && err == nil && f.found.byID > 0 {
				key = wanted[prefix:]
				value, err = old(key)
			}
			if err != nil {
				return err
			}
			if value == nil {
				continue
			}
			r, _, ok := decode(key, value, names)
			if !ok {
				invalid++
			}
			r.byID = ok && len(key) < len(wanted)
			found[i] = r
		}
		return nil
	})
	return invalid, err
}

// lookIn returns how a bucket's values are found by key, nil where there is none. A value is valid until the next one is looked for.
func (f *file) lookIn(bucket *bbolt.Bucket) func(key []byte) ([]byte, error) {
	if bucket.Root() == 0 { // it is small, and within another page
		return func(key []byte) ([]byte, error) { return bucket.Get(key), nil }
	}
	t := &tree{file: f.handle, root: uint64(bucket.Root()), size: bucket.Tx().DB().Info().PageSize}
	return t.get
}

// mostOverflow is how many pages a page of records may go on over: none, as they are short.
const mostOverflow = 16

// tree finds values with ordinary reads. To have a page mapped takes ten times as long, and brings those around it into the process's memory.
// What it reads stays as it is as long as the transaction lasts that it belongs to.
type tree struct {
	file  io.ReaderAt
	root  uint64
	size  int
	pages []page // the last ones, from the root down: neighbours share most of them
}

// get returns the value of a key; nil: there is none.
func (t *tree) get(key []byte) ([]byte, error) {
	id := t.root
	for depth := range maxDepth {
		p, err := t.page(depth, id)
		if err != nil {
			return nil, err
		}
		isBranch := p.kind() == kindBranch
		if !isBranch && p.kind() != kindLeaf {
			return nil, damaged("page %d of kind %d", id, p.kind())
		}
		e, ok := p.last(key, isBranch)
		switch {
		case !ok:
			return nil, damaged("page %d", id)
		case !isBranch && bytes.Equal(e.key, key):
			return e.value, nil
		case !isBranch:
			return nil, nil
		}
		id = e.child
	}
	return nil, damaged("a tree too deep")
}

// page returns the page of a level.
func (t *tree) page(depth int, id uint64) (page, error) {
	if depth == len(t.pages) {
		t.pages = append(t.pages, nil)
	}
	if p := t.pages[depth]; p != nil && p.id() == id {
		return p, nil
	}
	p := slices.Grow(t.pages[depth][:0], t.size)[:t.size]
	t.pages[depth] = nil                                         // should reading fail
	if err := readAt(t.file, p, id*uint64(t.size)); err != nil { //nolint:gosec // a size is positive
		return nil, err
	}
	if p.id() != id {
		return nil, damaged("page %d says it is page %d", id, p.id())
	}
	if more := p.overflow(); more > mostOverflow {
		return nil, damaged("page %d is of %d", id, more+1)
	} else if more > 0 {
		p = make(page, (more+1)*uint64(t.size))                      //nolint:gosec // a size is positive
		if err := readAt(t.file, p, id*uint64(t.size)); err != nil { //nolint:gosec // a size is positive
			return nil, err
		}
	}
	t.pages[depth] = p
	return p, nil
}

// last returns the last element whose key is not above one, or the first; none of a leaf without elements.
func (p page) last(key []byte, isBranch bool) (e element, ok bool) {
	if p.count() == 0 {
		return element{}, !isBranch
	}
	sound := true
	above := sort.Search(p.count(), func(i int) bool {
		e, ok := p.element(i, isBranch)
		sound = sound && ok
		return bytes.Compare(e.key, key) > 0
	})
	e, ok = p.element(max(0, above-1), isBranch)
	return e, ok && sound
}

// ordered is one of some ids, with its first bytes: they nearly always tell which of two comes first.
type ordered struct {
	first uint64
	index int
}

// sortedIDs returns the indices of the wanted ids, in order of ids.
func sortedIDs(ids []string, wanted func(int) bool) []ordered {
	all := make([]ordered, 0, len(ids))
	for i, id := range ids {
		if wanted(i) {
			var first [8]byte
			copy(first[:], id)
			all = append(all, ordered{binary.BigEndian.Uint64(first[:]), i})
		}
	}
	slices.SortFunc(all, func(a, b ordered) int {
		if a.first != b.first {
			return cmp.Compare(a.first, b.first)
		}
		return strings.Compare(ids[a.index], ids[b.index])
	})
	return all
}
