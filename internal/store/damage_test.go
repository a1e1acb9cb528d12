package store

import (
	"bytes"
	"encoding/binary"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/kie-exporter/kie_exporter/test/kit/program"
)

// whole is a file as it was made, and what is in it.
type whole struct {
	all   tracked
	bytes []byte
	end   int // of the pages in use
}

func makeWhole(tb testing.TB, n int) whole {
	tb.Helper()
	w := whole{all: records(n)}
	_, path := made(tb, w.all)
	var err error
	if w.bytes, err = os.ReadFile(path); err != nil {
		tb.Fatal(err)
	}
	m, err := readMeta(bytes.NewReader(w.bytes), int64(len(w.bytes)))
	if err != nil {
		tb.Fatal(err)
	}
	w.end = int(m.end * m.pageSize) //nolint:gosec // a small file
	return w
}

// believed checks a file in memory, and returns how many of its records would be believed: all of them true ones.
func (w whole) believed(tb testing.TB, file []byte) (int, error) {
	tb.Helper()
	shown := witness{tb: tb, all: w.all}
	found, err := inspect(bytes.NewReader(file), int64(len(file)), &shown)
	if err != nil || found.format == 0 {
		if shown.records > 0 {
			tb.Errorf("%d records of a file that is not used are believed", shown.records)
		}
		return 0, err
	}
	if shown.records != int(found.tasks)-found.invalid {
		tb.Errorf("%d records are shown, %d of %d are invalid", shown.records, found.invalid, found.tasks)
	}
	return shown.records, nil
}

// witness is shown records, all of which must be true.
type witness struct {
	tb  testing.TB
	all map[string]Record

	mu      sync.Mutex
	records int
}

func (w *witness) Begin(int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.records = 0
}

func (w *witness) Record(part int, _, id []byte, r *Record) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.records++
	if part < 0 || part >= Parts {
		w.tb.Errorf("part %d", part)
	}
	if *r != w.all[string(id)] {
		w.tb.Errorf("a wrong record of %q is believed: %+v", id, *r)
	}
}

// open opens a store over a damaged file, uses it, and returns how many of the records it still had. It must be a sound
// file in the end, and what was set aside must be whole.
func (w whole) open(t *testing.T, file []byte) int {
	t.Helper()
	dir := t.TempDir()
	path := filepath.Join(dir, "kie_exporter.db")
	if err := os.WriteFile(path, file, 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	wantUp(t, s, true)
	n := 0
	for id, r := range s.All() {
		if n++; r != w.all[id] {
			t.Errorf("a wrong record of %q is believed: %+v", id, r)
		}
	}
	for _, aside := range asides(t, dir) {
		if kept, err := os.ReadFile(aside); err != nil || !bytes.Equal(kept, file) {
			t.Errorf("%s is not the file that was there: %v", aside, err)
		}
		if n > 0 || s.Stats().Errors[OpCheck] != 1 {
			t.Errorf("set aside with %d records believed; %v", n, s.Stats().Errors)
		}
	}
	more := tracked{"new": record(7777)}
	for i := range 50 {
		more[id(10_000+i)] = record(10_000 + i)
	}
	fillUp(t, s, more)
	s.Close()
	used, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if found, err := inspect(bytes.NewReader(used), int64(len(used)), nobody{}); err != nil || int(found.tasks)-found.invalid != n+len(more) {
		t.Errorf("the file in use holds %+v of %d: %v", found, n+len(more), err)
	}
	return n
}

func TestAFileCutAtAnyLengthIsSetAside(t *testing.T) {
	w := makeWhole(t, 600)
	for n := 1; n < len(w.bytes)-4096; n += 7 {
		if n >= w.end {
			n += 4096
		}
		got, err := w.believed(t, w.bytes[:n])
		if cut := n < w.end; cut && !isUnusable(err) || !cut && (err != nil || got != len(w.all)) {
			t.Fatalf("cut to %d bytes of %d: %d records, %v", n, w.end, got, err)
		}
	}
	for _, n := range []int{0, 1, 79, 80, 4095, 4096, 4176, 8192, 12_288, 16_384, w.end - 4096, w.end - 1} {
		if got := w.open(t, w.bytes[:n]); got != 0 {
			t.Errorf("cut to %d bytes: %d records", n, got)
		}
	}
	if got := w.open(t, w.bytes[:w.end]); got != len(w.all) {
		t.Errorf("cut behind all that is in use: %d records of %d", got, len(w.all))
	}
}

func TestNoBitFlippedMakesAWrongRecord(t *testing.T) {
	w := makeWhole(t, 600)
	random := rand.New(rand.NewPCG(1, 2))
	harmless, one, aside := 0, 0, 0
	var opened []int
	flips, opens := program.Fewer(400, 4000), program.Fewer(15, 150)
	for i := range flips {
		// Every second bit is one of the first of its page, where the structure is.
		at := random.IntN(w.end)
		if i%2 == 0 {
			at = at/4096*4096 + random.IntN(160)
		}
		bit := at*8 + random.IntN(8)
		flip(w.bytes, bit)
		n, err := w.believed(t, w.bytes)
		flip(w.bytes, bit)
		switch {
		case isUnusable(err):
			aside++
		case err == nil && n == len(w.all):
			harmless++
		case err == nil && n == len(w.all)-1:
			one++
		default:
			t.Fatalf("bit %d: %d records of %d, %v", bit, n, len(w.all), err)
		}
		if i < opens {
			opened = append(opened, bit)
		}
	}
	t.Logf("%d harmless, %d cost a record, %d set aside", harmless, one, aside)
	if harmless == 0 || one == 0 || aside == 0 {
		t.Error("some of the outcomes never came up")
	}
	for _, bit := range opened {
		flip(w.bytes, bit)
		if n := w.open(t, w.bytes); n != 0 && n < len(w.all)-1 {
			t.Errorf("bit %d: %d records of %d", bit, n, len(w.all))
		}
		flip(w.bytes, bit)
	}
}

func flip(file []byte, bit int) { file[bit/8] ^= 1 << (bit % 8) }

func isUnusable(err error) bool {
	_, ok := err.(unusable) //nolint:errorlint // check returns it bare
	return ok
}

func TestAPageOfZerosIsFound(t *testing.T) {
	w := makeWhole(t, 600)
	for page := range w.end / 4096 {
		file := bytes.Clone(w.bytes)
		clear(file[page*4096 : (page+1)*4096])
		n, err := w.believed(t, file)
		if err == nil && n != len(w.all) { // a free page may be anything
			t.Errorf("page %d: %d records", page, n)
		}
		if page%4 == 0 {
			w.open(t, file)
		}
	}
	if n := w.open(t, make([]byte, w.end)); n != 0 {
		t.Errorf("all zeros: %d records", n)
	}
}

func TestAPageInTwoPlacesIsFound(t *testing.T) {
	w := makeWhole(t, 600)
	m, err := readMeta(bytes.NewReader(w.bytes), int64(len(w.bytes)))
	if err != nil {
		t.Fatal(err)
	}
	// The first free page is made to be one in use: bbolt would write over it.
	free := page(w.bytes[m.freelist*m.pageSize:])
	if free.count() == 0 {
		t.Fatal("no page is free")
	}
	binary.NativeEndian.PutUint64(free[headerSize:], m.root)
	if _, err := w.believed(t, w.bytes); !isUnusable(err) {
		t.Errorf("got %v", err)
	}
	w.open(t, w.bytes)
}

func TestWhatIsNotOurFileIsSetAside(t *testing.T) {
	w := makeWhole(t, 10)
	for name, file := range map[string][]byte{
		"text":           []byte(strings.Repeat("Lorem ipsum dolor sit amet. ", 1000)),
		"a short text":   []byte("x"),
		"SQLite":         append([]byte("SQLite format 3\x00"), make([]byte, 40_000)...),
		"another bbolt":  boltFile(t, map[string]string{"books": "title"}),
		"one more of it": boltFile(t, map[string]string{bucketMeta: "x", bucketTasks: "x", "books": "x"}),
		"no format":      boltFile(t, map[string]string{bucketMeta: "x", bucketTasks: "x"}),
	} {
		if n := w.open(t, file); n != 0 {
			t.Errorf("%s: %d records", name, n)
		}
		if _, err := w.believed(t, file); !isUnusable(err) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := w.open(t, boltFile(t, nil)); n != 0 {
		t.Errorf("a file without anything: %d records", n)
	}
}

func TestAFileOfANewerVersionIsSetAsideWhole(t *testing.T) {
	dir, path := made(t, records(10))
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucketMeta)).Put([]byte(keyFormat), sealNumber(keyFormat, format+1))
	})
	if err != nil || db.Close() != nil {
		t.Fatal(err)
	}
	before, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	wantUp(t, s, true)
	want(t, s, tracked{})
	found := asides(t, dir)
	if len(found) != 1 {
		t.Fatalf("set aside: %q", found)
	}
	if after, err := os.ReadFile(found[0]); err != nil || !bytes.Equal(before, after) {
		t.Errorf("what was set aside has changed: %v", err)
	}
}

func TestAFolderInPlaceOfTheFileIsSetAside(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "kie_exporter.db")
	if err := os.MkdirAll(filepath.Join(path, "sub"), 0o700); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	fillUp(t, s, records(3))
	want(t, s, records(3))
	if found := asides(t, dir); len(found) != 1 {
		t.Errorf("set aside: %q", found)
	}
}

func TestABadRecordCostsOnlyItself(t *testing.T) {
	all := records(20)
	dir, path := made(t, all)
	db, err := bbolt.Open(path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		return tx.Bucket([]byte(bucketTasks)).Put([]byte(keyOf(acct, id(3))), record(4).encode(keyOf(acct, id(4)), 0))
	})
	if err != nil || db.Close() != nil {
		t.Fatal(err)
	}
	s := open(t, dir)
	if got := s.Find(acct, []string{id(3), id(4)}); got[0].Known() || got[1] != all[id(4)] {
		t.Errorf("found %+v", got)
	}
	if n := s.Stats().Errors[OpDecode]; n != 2 { // at the check, and when it was asked for
		t.Errorf("%d errors counted", n)
	}
	fillUp(t, s, tracked{id(3): all[id(3)]})
	want(t, s, all)
}

func TestAFileThatCanNotBeReadIsLeftAlone(t *testing.T) {
	w := makeWhole(t, 100)
	err := check(&failing{bytes.NewReader(w.bytes)}, int64(len(w.bytes)), func(int, string, []byte, []byte) error { return nil })
	if err == nil || isUnusable(err) {
		t.Errorf("a fault of the disk is taken for one of the file: %v", err)
	}
}

// failing fails to read beyond the first pages.
type failing struct{ io.ReaderAt }

func (f *failing) ReadAt(p []byte, off int64) (int, error) {
	if off > 8192 {
		return 0, os.ErrDeadlineExceeded
	}
	return f.ReaderAt.ReadAt(p, off)
}

func boltFile(t *testing.T, buckets map[string]string) []byte {
	t.Helper()
	path := filepath.Join(t.TempDir(), "db")
	db, err := bbolt.Open(path, 0o600, &bbolt.Options{Timeout: time.Second})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bbolt.Tx) error {
		for name, key := range buckets {
			b, err := tx.CreateBucket([]byte(name))
			if err != nil {
				return err
			}
			if err := b.Put([]byte(key), nil); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || db.Close() != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// FuzzDamagedFileIsNeverBelievedWrongly: of a file with bits flipped in two places, what is believed is what was written, and
// all but a few records are left or the file is refused whole.
func FuzzDamagedFileIsNeverBelievedWrongly(f *testing.F) {
	w := makeWhole(f, 200)
	f.Add(uint32(0), uint32(0), uint32(1))
	f.Add(uint32(4096*3+8), uint32(1), uint32(0xFFFFFFFF))
	f.Fuzz(func(t *testing.T, a, b, bits uint32) {
		file := bytes.Clone(w.bytes[:w.end])
		for _, at := range []uint32{a, b} {
			at := int(at) % (len(file) - 4)
			binary.NativeEndian.PutUint32(file[at:], binary.NativeEndian.Uint32(file[at:])^bits)
		}
		if n, err := w.believed(t, file); err == nil && n < len(w.all)-4 {
			t.Errorf("%d records of %d are left", n, len(w.all))
		}
	})
}
