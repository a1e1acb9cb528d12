// A bbolt file is checked before bbolt maps it, with ordinary reads. bbolt trusts its file: a wrong page number makes it
// run in circles, write over pages in use, or fault beyond the end. The check finds all of that first.

package store

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/fnv"
	"io"
	"sync/atomic"
)

// unusable says why a file is to be set aside.
type unusable string

// Error implements error.
func (u unusable) Error() string { return string(u) }

func damaged(format string, args ...any) error {
	return unusable("damaged: " + fmt.Sprintf(format, args...))
}

// The format of a bbolt file, version 2, as far as it matters here. Numbers are in the machine's byte order.
const (
	boltMagic   = 0xED0CDAED
	boltVersion = 2

	headerSize  = 16 // of a page: id, kind, number of elements, number of overflow pages
	elementSize = 16 // of an element's entry, whose key and value stand further down the page
	bucketSize  = 16 // of the head of a bucket: root page and sequence
	metaSize    = 64 // without the page header

	kindBranch = 1
	kindLeaf   = 2
	kindFree   = 16

	flagBucket = 1 // of a leaf's element: its value is a bucket

	minPage, maxPage = 1 << 10, 1 << 16
	maxDepth         = 32 // a tree of so many levels would hold more than any disk
)

// visit is called with a key of a bucket and its value, both valid during the call only. Part is which of the parts calls that a long bucket
// is checked in, each by a goroutine of its own.
type visit func(part int, bucket string, key, value []byte) error

// checker walks over all pages in use.
type checker struct {
	file  io.ReaderAt
	size  uint64   // of a page
	end   uint64   // pages from this one on are not in use
	used  []uint64 // a bit for each page that was met, in any part
	part  int
	pages [][]byte // the one at hand of each level
	each  visit
}

// check reads a bbolt file of the given length and hands out all it holds. An error is unusable or that of a read.
func check(file io.ReaderAt, length int64, each visit) error {
	m, err := readMeta(file, length)
	if err != nil {
		return err
	}
	c := &checker{
		file: file, size: m.pageSize, end: m.end, each: each,
		used: make([]uint64, m.end/64+1), pages: make([][]byte, maxDepth),
	}
	if err := c.tree(m.root, span{}, 0, c.bucket); err != nil {
		return err
	}
	return c.free(m.freelist)
}

type meta struct {
	pageSize, root, freelist, end, transaction uint64
}

// readMeta returns the newer one of the file's two heads. bbolt would be content with one of them, which may be older than
// what was acknowledged; a disk does not write half a sector, so that a bad one is damage.
func readMeta(file io.ReaderAt, length int64) (meta, error) {
	a, err := metaAt(file, length, 0)
	if err != nil {
		return meta{}, err
	}
	b, err := metaAt(file, length, a.pageSize)
	if err != nil {
		return meta{}, err
	}
	if b.transaction > a.transaction {
		a, b = b, a
	}
	switch {
	case a.pageSize != b.pageSize:
		return meta{}, damaged("two page sizes")
	case a.end > uint64(length)/a.pageSize: //nolint:gosec // a length is positive
		return meta{}, damaged("cut short to %d bytes of %d", length, a.end*a.pageSize)
	}
	return a, nil
}

func metaAt(file io.ReaderAt, length int64, offset uint64) (meta, error) {
	buf := make([]byte, headerSize+metaSize)
	if uint64(length) < offset+uint64(len(buf)) { //nolint:gosec // a length is positive
		return meta{}, damaged("cut short to %d bytes", length)
	}
	if err := readAt(file, buf, offset); err != nil {
		return meta{}, err
	}
	buf = buf[headerSize:]
	u32, u64 := binary.NativeEndian.Uint32, binary.NativeEndian.Uint64
	sum := fnv.New64a()
	_, _ = sum.Write(buf[:56]) // a hash has no way to fail
	switch {
	case u32(buf) != boltMagic:
		return meta{}, unusable("not a file of ours")
	case sum.Sum64() != u64(buf[56:]):
		return meta{}, damaged("bad checksum of the head")
	case u32(buf[4:]) != boltVersion:
		return meta{}, unusable("written by a newer version")
	}
	m := meta{
		pageSize: uint64(u32(buf[8:])), root: u64(buf[16:]), freelist: u64(buf[32:]),
		end: u64(buf[40:]), transaction: u64(buf[48:]),
	}
	if m.pageSize < minPage || m.pageSize > maxPage || m.pageSize&(m.pageSize-1) != 0 {
		return meta{}, damaged("page size %d", m.pageSize)
	}
	return m, nil
}

// span is where the keys of a page must lie: from is the first, all are below to; nil is no limit.
type span struct{ from, to []byte }

// leaf takes an element of a leaf.
type leaf func(e element, depth int) error

// branch takes the page below an element of a branch.
type branch func(id uint64, within span, depth int) error

// tree walks over the pages below and including one.
func (c *checker) tree(id uint64, within span, depth int, each leaf) error {
	return c.level(id, within, depth, each, func(id uint64, within span, depth int) error { return c.tree(id, within, depth, each) })
}

// level walks over one page.
func (c *checker) level(id uint64, within span, depth int, each leaf, below branch) error {
	if depth == maxDepth {
		return damaged("a tree too deep")
	}
	p, err := c.read(id, depth)
	if err != nil {
		return err
	}
	return c.walk(p, within, depth, each, below)
}

func (c *checker) walk(p page, within span, depth int, each leaf, below branch) error {
	isBranch := p.kind() == kindBranch
	if !isBranch && p.kind() != kindLeaf || isBranch && p.count() == 0 {
		return damaged("page %d of kind %d with %d elements", p.id(), p.kind(), p.count())
	}
	var last []byte
	for i := range p.count() {
		e, ok := p.element(i, isBranch)
		switch {
		case !ok,
			i == 0 && within.from != nil && !bytes.Equal(e.key, within.from),
			i > 0 && bytes.Compare(e.key, last) <= 0,
			within.to != nil && bytes.Compare(e.key, within.to) >= 0:
			return damaged("element %d of page %d", i, p.id())
		}
		last = e.key
		if !isBranch {
			if err := each(e, depth+1); err != nil {
				return err
			}
			continue
		}
		child := span{e.key, within.to}
		if next, ok := p.element(i+1, isBranch); ok {
			child.to = next.key
		}
		if err := below(e.child, child, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// bucket walks over a bucket, of which the root holds nothing but. A small one is not a tree but a page within the value.
func (c *checker) bucket(e element, depth int) error {
	if e.flags != flagBucket || len(e.value) < bucketSize {
		return damaged("something beside the buckets")
	}
	name := string(e.key)
	if err := c.each(c.part, name, nil, nil); err != nil {
		return err
	}
	if root := binary.NativeEndian.Uint64(e.value); root != 0 {
		return c.inParts(name, root, depth)
	}
	p := page(e.value[bucketSize:])
	if len(p) < headerSize || p.kind() != kindLeaf {
		return damaged("no page in bucket %q", name)
	}
	return c.walk(p, span{}, depth, c.entries(name), nil)
}

// entries takes what is in a bucket.
func (c *checker) entries(bucket string) leaf {
	return func(e element, _ int) error {
		if e.flags != 0 {
			return damaged("a bucket within bucket %q", bucket)
		}
		return c.each(c.part, bucket, e.key, e.value)
	}
}

// free checks that the pages that bbolt will write to are not in use.
func (c *checker) free(id uint64) error {
	p, err := c.read(id, 0)
	if err != nil {
		return err
	}
	if p.kind() != kindFree {
		return damaged("no list of free pages")
	}
	ids, n := p[headerSize:], uint64(p.count()) //nolint:gosec // is 16 bits
	if n == 0xFFFF {                            // the list is long and starts with its length
		if len(ids) < 8 {
			return damaged("list of free pages")
		}
		ids, n = ids[8:], binary.NativeEndian.Uint64(ids)
	}
	if n > uint64(len(ids)/8) {
		return damaged("list of free pages")
	}
	for i := range n {
		if err := c.use(binary.NativeEndian.Uint64(ids[i*8:])); err != nil {
			return err
		}
	}
	return nil
}

// read returns a page with those it flows over into.
func (c *checker) read(id uint64, depth int) (page, error) {
	if err := c.use(id); err != nil {
		return nil, err
	}
	buf := c.pages[depth]
	if uint64(len(buf)) < c.size {
		buf = make([]byte, c.size)
		c.pages[depth] = buf
	}
	if err := readAt(c.file, buf[:c.size], id*c.size); err != nil {
		return nil, err
	}
	p := page(buf[:c.size])
	if p.id() != id {
		return nil, damaged("page %d says it is page %d", id, p.id())
	}
	if p.overflow() == 0 {
		return p, nil
	}
	// Overflow pages are met before memory is taken for them: there can't be more than the file has.
	n := p.overflow()
	for i := range n {
		if err := c.use(id + 1 + i); err != nil {
			return nil, err
		}
	}
	all := make([]byte, (n+1)*c.size)
	return page(all), readAt(c.file, all, id*c.size)
}

// use marks a page as in use, or as one in the list of free pages; a second mark is damage.
func (c *checker) use(id uint64) error {
	if id < 2 || id >= c.end {
		return damaged("page %d of %d", id, c.end)
	}
	bit := uint64(1) << (id % 64)
	if atomic.OrUint64(&c.used[id/64], bit)&bit != 0 {
		return damaged("page %d in two places", id)
	}
	return nil
}

func readAt(file io.ReaderAt, buf []byte, offset uint64) error {
	if _, err := file.ReadAt(buf, int64(offset)); err != nil { //nolint:gosec // is below the file's length
		return fmt.Errorf("read: %w", err)
	}
	return nil
}

// page is a page with its overflow.
type page []byte

func (p page) id() uint64       { return binary.NativeEndian.Uint64(p) }
func (p page) kind() uint16     { return binary.NativeEndian.Uint16(p[8:]) }
func (p page) count() int       { return int(binary.NativeEndian.Uint16(p[10:])) }
func (p page) overflow() uint64 { return uint64(binary.NativeEndian.Uint32(p[12:])) }

type element struct {
	key   []byte
	value []byte // of a leaf
	flags uint32 // of a leaf
	child uint64 // of a branch
}

// element returns the i-th element; false if there is none, or not within the page.
func (p page) element(i int, branch bool) (e element, ok bool) {
	at := headerSize + i*elementSize
	if i >= p.count() || at+elementSize > len(p) {
		return element{}, false
	}
	head := p[at:]
	u32 := binary.NativeEndian.Uint32
	var pos, keySize, valueSize uint64
	if branch {
		pos, keySize = uint64(u32(head)), uint64(u32(head[4:]))
		e.child = binary.NativeEndian.Uint64(head[8:])
	} else {
		e.flags = u32(head)
		pos, keySize, valueSize = uint64(u32(head[4:])), uint64(u32(head[8:])), uint64(u32(head[12:]))
	}
	if keySize == 0 || pos+keySize+valueSize > uint64(len(head)) {
		return element{}, false
	}
	e.key, e.value = head[pos:pos+keySize], head[pos+keySize:pos+keySize+valueSize]
	return e, true
}
