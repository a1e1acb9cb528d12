// Records that are looked up by account and id.

package store

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"errors"
	"io"
	"slices"
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

// spares has records that nobody uses any more, of a few finds of many. The garbage collector empties it.
var spares sync.Pool

// spare returns so many records without content.
func spare(count int) []Record {
	if count < parallelFind {
		return make([]Record, count)
	}
	if all, ok := spares.Get().(*[]Record); ok && cap(*all) >= count {
		found := (*all)[:count]
		clear(found)
		return found
	}
	return make([]Record, count)
}

// Recycle takes records back that FindListed returned, and that nobody uses any more.
func Recycle(records []Record) {
	if cap(records) >= parallelFind {
		spares.Put(&records)
	}
}

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
// What it reads stays as it is as long as the transaction lasts that it belongs to. In order of keys, it goes on where it was.
type tree struct {
	file  io.ReaderAt
	root  uint64
	size  int
	pages []page // the last ones, from the root down: neighbours share most of them

	leaf  page   // that of the last key; nil: there was none
	at    int    // in it, of the last element that is not above that key, or 0
	above []byte // the first key that is in no leaf up to that one; nil: there is none
}

// get returns the value of a key; nil: there is none.
func (t *tree) get(key []byte) ([]byte, error) {
	if t.isNext(key) {
		return t.value(key)
	}
	t.leaf, t.above = nil, nil
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
		if !isBranch {
			t.leaf, t.at = p, 0
			return t.value(key)
		}
		at, e, ok := p.last(key, 0, true)
		if !ok {
			return nil, damaged("page %d", id)
		}
		if next, ok := p.element(at+1, true); ok {
			t.above = next.key
		}
		id = e.child
	}
	return nil, damaged("a tree too deep")
}

// isNext reports whether a key is in the same leaf as the last one, from there on, if it is anywhere.
func (t *tree) isNext(key []byte) bool {
	if t.leaf == nil || t.above != nil && bytes.Compare(key, t.above) >= 0 {
		return false
	}
	last, ok := t.leaf.element(t.at, false)
	return ok && bytes.Compare(key, last.key) >= 0
}

// value returns the value of a key that is in the leaf, from the last one on, or nowhere.
func (t *tree) value(key []byte) ([]byte, error) {
	at, e, ok := t.leaf.last(key, t.at, false)
	if !ok {
		return nil, damaged("page %d", t.leaf.id())
	}
	t.at = at
	if !bytes.Equal(e.key, key) {
		return nil, nil
	}
	return e.value, nil
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

// last returns the last element from one on whose key is not above one, and where it is; if all are above it, the first of them. There is none in
// a leaf without elements.
func (p page) last(key []byte, from int, isBranch bool) (at int, e element, ok bool) {
	if p.count() == 0 {
		return 0, element{}, !isBranch
	}
	low, high := from, p.count()
	for low < high { // all before low are not above the key, all from high on are
		middle := (low + high) / 2
		e, ok := p.element(middle, isBranch)
		if !ok {
			return 0, element{}, false
		}
		if bytes.Compare(e.key, key) > 0 {
			high = middle
		} else {
			low = middle + 1
		}
	}
	at = max(from, low-1)
	e, ok = p.element(at, isBranch)
	return at, e, ok
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
