// A long bucket is checked in parts, each by a goroutine of its own.

package store

import (
	"bytes"
	"sync"
	"sync/atomic"
)

// Parts is how many goroutines at most check a file, and show a Reader its records.
const Parts = 2

const (
	levels     = 2       // of a tree that are checked first: what is below them is many times as much as there are parts
	mostBelow  = 1 << 14 // trees that wait to be checked
	longestKey = 256     // of what waits: no key of ours is longer

	leastRecord = 32 // bytes that a record takes at least
)

// subtree is what of a tree is checked by itself.
type subtree struct {
	id     uint64
	within span
	depth  int
}

// Reader is shown the records of a file while it is checked, so that they are read and decoded but once. What it was shown counts when the
// store was opened, and not before.
type Reader interface {
	// Begin says that what was shown before does not count, and that so many records come at the most, unless there is another call.
	Begin(most int)
	// Record shows a record. Several goroutines call it, each with a part of its own; what it is given is valid during the call only. The account
	// is empty if the record was kept by id alone.
	Record(part int, account, id []byte, r *Record)
}

// nobody reads nothing.
type nobody struct{}

func (nobody) Begin(int)                           {}
func (nobody) Record(int, []byte, []byte, *Record) {}

// inspection is what is found in a part of a file.
type inspection struct {
	names   texts
	labels  map[string]map[string]string // of pushed ids
	record  Record                       // the one at hand: there may be a million
	tasks   int64
	byID    int64
	invalid int
	_       [64]byte // so that two goroutines write to no line of memory in turns
}

// take takes a record, or a pushed id.
func (p *inspection) take(part int, bucket string, key, value []byte, reader Reader) {
	if p.names == nil {
		p.names, p.labels = make(texts), make(map[string]map[string]string)
	}
	if bucket == bucketPushes {
		if _, _, ok := decodePushOf(key, value, p.names, p.labels); !ok {
			p.invalid++
		}
		return
	}
	p.tasks++
	account, id, found := bytes.Cut(key, []byte{0})
	if !found {
		p.byID++
		account, id = nil, key
	}
	var unlisted day
	var ok bool
	if p.record, unlisted, ok = decode(key, value, p.names); !ok {
		p.invalid++
		return
	}
	p.record.byID, p.record.unlisted = !found, unlisted > 0
	reader.Record(part, account, id, &p.record)
}

// inParts walks over a bucket's tree.
func (c *checker) inParts(bucket string, root uint64, depth int) error {
	var below []subtree
	if err := c.upper(root, span{}, depth, levels, c.entries(bucket), &below); err != nil {
		return err
	}
	var next atomic.Int64
	var failed atomic.Bool
	errs := make([]error, len(below))
	var parts sync.WaitGroup
	for part := range min(Parts, len(below)) {
		parts.Go(func() {
			own := &checker{file: c.file, size: c.size, end: c.end, used: c.used, each: c.each, part: part, pages: make([][]byte, maxDepth)}
			each := own.entries(bucket)
			for i := next.Add(1) - 1; i < int64(len(below)) && !failed.Load(); i = next.Add(1) - 1 {
				if errs[i] = own.tree(below[i].id, below[i].within, below[i].depth, each); errs[i] != nil {
					failed.Store(true)
				}
			}
		})
	}
	parts.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// upper walks over the upper levels of a tree, and adds what is below them. What would take much memory to add is walked over, too.
func (c *checker) upper(id uint64, within span, depth, levels int, each leaf, all *[]subtree) error {
	return c.level(id, within, depth, each, func(id uint64, within span, depth int) error {
		switch {
		case levels > 1:
			return c.upper(id, within, depth, levels-1, each, all)
		case len(*all) == mostBelow || len(within.from) > longestKey || len(within.to) > longestKey:
			return c.tree(id, within, depth, each)
		}
		*all = append(*all, subtree{id, span{bytes.Clone(within.from), bytes.Clone(within.to)}, depth})
		return nil
	})
}
