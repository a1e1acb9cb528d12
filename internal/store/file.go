// The bbolt file: opening, locking, setting aside, and access to it in which no fault of the file ends the process.

package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"sync/atomic"
	"time"

	"go.etcd.io/bbolt"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// format is the version of what is in the file. A file of a newer one is set aside. In format 1 the records were kept by id alone;
// such ones may be in a file of format 2 until the sweep has come to them.
const format = 2

// The buckets of the file, and the keys of the first.
const (
	bucketMeta  = "meta"
	bucketTasks = "tasks"

	keyFormat    = "format"
	keyHeartbeat = "heartbeat" // when it was last written to, in Unix milliseconds
	keyTasks     = "tasks"     // how many records there are
)

const (
	lockPatience = time.Second // for a predecessor that is about to end
	lockInterval = 50 * time.Millisecond
)

// file is an open bbolt file. Its methods may be called concurrently, but for update, which is the writer's.
type file struct {
	db     *bbolt.DB
	handle *os.File
	path   string
	judge  judge
	reader Reader
	found  contents
	tasks  atomic.Int64 // records in it
	// broken: bbolt panicked, so that neither its locks nor its memory can be relied upon.
	broken atomic.Bool
}

// judge is told of a folder or a file that is to be used. An error is a reason not to.
type judge func(path string, info fs.FileInfo) error

// contents is what the check of a file found in it.
type contents struct {
	empty   bool // of no length: new
	format  int64
	lastRun time.Time
	knees   map[string]float64 // by account
	tasks   int64
	counted int64 // tasks as of the last transaction
	invalid int   // records that are not what had been written, or can't be true
	byID    int64 // records kept by id alone
	pushes  bool  // there are pushed ids, or were
}

// setAside says that the file was not usable, and where it is now.
type setAside struct {
	reason unusable
	to     string
}

// Error implements error.
func (a *setAside) Error() string { return string(a.reason) }

// openFile checks and opens the file, or makes it. The error is ErrLocked, a *setAside after which the path is free, or
// says why there is none.
func openFile(path string, judge judge, reader Reader) (*file, error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	info, err := os.Stat(dir)
	if err == nil {
		err = judge(dir, info)
	}
	if err != nil {
		return nil, err
	}
	if info, err := os.Lstat(path); err == nil && irregular(info.Mode()) != "" {
		if err := judge(path, info); err != nil {
			return nil, err
		}
		return nil, moveAway(path, irregular(info.Mode()))
	}
	f := &file{path: path, judge: judge, reader: reader}
	err = guard(f.open)
	if err == nil && f.found.format == 0 {
		err = f.makeBuckets()
	}
	if err == nil {
		f.tasks.Store(f.found.tasks)
		return f, nil
	}
	if f.db != nil {
		err = errors.Join(err, f.close())
	} else if errors.Is(err, errPanic) {
		err = errors.Join(err, release(f.handle))
	}
	if f.found.empty { // what a full disk left of it would be taken for damage
		err = errors.Join(err, os.Remove(path))
	}
	return nil, err
}

func (f *file) open() (err error) {
	f.db, err = bbolt.Open(f.path, 0o600, &bbolt.Options{
		OpenFile: f.admit,
		Timeout:  time.Second, // admit has the lock already
		// The list of free pages is in the file: without it bbolt reads the whole file in a goroutine of its own, where a
		// fault could not be caught. The map finds free pages faster than the array.
		NoFreelistSync: false,
		FreelistType:   bbolt.FreelistMapType,
		// When the file grows, its new length is on disk before its new pages are.
		NoGrowSync:   false,
		NoStatistics: true,
	})
	return err
}

// admit opens the file for bbolt, which goes on only if the file is locked and was found good.
func (f *file) admit(path string, flag int, mode fs.FileMode) (*os.File, error) {
	handle, err := os.OpenFile(path, flag|openPlain, mode)
	if err != nil {
		return nil, err
	}
	f.handle = handle
	info, err := acquire(handle)
	if err == nil {
		err = f.judge(path, info)
	}
	if err == nil && irregular(info.Mode()) != "" {
		err = irregular(info.Mode())
	}
	if err == nil {
		f.found, err = inspect(handle, info.Size(), f.reader)
	}
	reason, bad := errors.AsType[unusable](err)
	if bad && renamesOpenFiles {
		err = moveAway(path, reason) // while the lock keeps others from doing the same
	}
	if err == nil && !f.inPlace() {
		err = errors.New("the file was replaced while it was opened")
	}
	if err != nil {
		f.found = contents{}
		err = errors.Join(err, handle.Close())
		if bad && !renamesOpenFiles {
			err = moveAway(path, reason) // a process that opens it first keeps it, and does the same
		}
		return nil, err
	}
	return handle, nil
}

// renamesOpenFiles says that a file can be renamed, removed and cut while it is open.
const renamesOpenFiles = runtime.GOOS != "windows"

// acquire locks the file, or gives up with ErrLocked.
func acquire(handle *os.File) (fs.FileInfo, error) {
	for end := time.Now().Add(lockPatience); ; time.Sleep(lockInterval) {
		switch ok, err := lock(handle); {
		case err != nil:
			return nil, fmt.Errorf("lock: %w", err)
		case ok:
			return handle.Stat()
		case time.Now().After(end):
			return nil, ErrLocked
		}
	}
}

// inspect reads the whole file, and shows its records to a reader. The error is unusable or that of a read; then nothing that was shown counts.
func inspect(file io.ReaderAt, length int64, reader Reader) (contents, error) {
	reader.Begin(0)
	if length == 0 {
		return contents{empty: true}, nil
	}
	var found contents
	var parts [Parts]inspection
	buckets := 0
	err := check(file, length, func(part int, bucket string, key, value []byte) error {
		switch {
		case key == nil:
			buckets++
			if bucket == bucketTasks { // what says how many records there are comes before them
				reader.Begin(int(max(0, min(found.counted, length/leastRecord))))
			}
			return found.begin(bucket)
		case bucket == bucketMeta:
			found.take(key, value)
		default:
			parts[part].take(part, bucket, key, value, reader)
		}
		return nil
	})
	for i := range parts {
		found.add(&parts[i])
	}
	switch {
	case err != nil:
	case buckets == 0: // made, and not furnished
		return contents{}, nil
	case found.format > pushFormat:
		err = unusable(fmt.Sprintf("written by a newer version: format %d", found.format))
	case found.format < 1 || buckets != 2 && (buckets != 3 || !found.pushes) || found.pushes != (found.format == pushFormat):
		err = damaged("no format")
	case found.tasks != found.counted:
		err = damaged("%d records of %d", found.tasks, found.counted)
	}
	if err != nil {
		reader.Begin(0)
		return contents{}, err
	}
	return found, nil
}

// begin takes a bucket.
func (c *contents) begin(bucket string) error {
	switch bucket {
	case bucketMeta, bucketTasks:
	case bucketPushes:
		c.pushes = true
	default:
		return unusable("not a file of ours")
	}
	return nil
}

// take takes an entry of the first bucket.
func (c *contents) take(key, value []byte) {
	switch string(key) {
	case keyFormat:
		c.format = unsealNumber(key, value)
	case keyTasks:
		c.counted = unsealNumber(key, value)
	case keyHeartbeat:
		c.lastRun = kie.Time(unsealNumber(key, value)).Time()
	default:
		c.takeKnee(key, value)
	}
}

// add adds what a part found.
func (c *contents) add(p *inspection) {
	c.tasks += p.tasks
	c.byID += p.byID
	c.invalid += p.invalid
}

// makeBuckets makes the buckets of a new file, and syncs the folder.
func (f *file) makeBuckets() error {
	err := f.guarded(func() error {
		return f.db.Update(func(tx *bbolt.Tx) error {
			meta, err := tx.CreateBucketIfNotExists([]byte(bucketMeta))
			if err != nil {
				return err
			}
			if _, err := tx.CreateBucketIfNotExists([]byte(bucketTasks)); err != nil {
				return err
			}
			return meta.Put([]byte(keyFormat), sealNumber(keyFormat, format))
		})
	})
	if err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(f.path))
	if err != nil {
		return err
	}
	defer dir.Close() //nolint:errcheck // only read
	_ = dir.Sync()    // not every system can
	return nil
}

// moveAway renames what is at path, whole, and returns a *setAside.
func moveAway(path string, reason unusable) error {
	to := path + ".set-aside-" + time.Now().UTC().Format("20060102T150405.000000000Z")
	if err := os.Rename(path, to); err != nil {
		return fmt.Errorf("%s; it can't be set aside: %w", string(reason), err)
	}
	return &setAside{reason: reason, to: to}
}

// inPlace reports whether the open file is still what is found under its path.
func (f *file) inPlace() bool {
	ours, err := f.handle.Stat()
	if err != nil {
		return false
	}
	there, err := os.Lstat(f.path)
	return err == nil && os.SameFile(ours, there)
}

// view reads.
func (f *file) view(read func(meta, tasks *bbolt.Bucket) error) error {
	return f.guarded(func() error {
		return f.db.View(func(tx *bbolt.Tx) error {
			return read(tx.Bucket([]byte(bucketMeta)), tx.Bucket([]byte(bucketTasks)))
		})
	})
}

// trimAfter is after how many records in a row the pages of the file that were read are let go. They would count as memory of
// the process until the system needs room, or its limit is reached.
const trimAfter = 2048

// trim lets the pages of the file go that were read. It is for readers of many records, and only within a transaction: then
// the file stays where it is mapped.
func trim(tx *bbolt.Tx) {
	discard(tx.DB().Info().Data, uintptr(tx.Size())) //nolint:gosec // no file has a negative size
}

// findFinal notes whose records are not the first final ones, because there is one on disk. What can't be read is none.
func (f *file) findFinal(waiting []waiter) {
	if len(waiting) == 0 {
		return
	}
	names := make(texts)
	_ = f.view(func(_, tasks *bbolt.Bucket) error { // if it fails, so does the write that comes next
		for i := range waiting {
			key := []byte(waiting[i].key)
			if r, _, ok := decode(key, tasks.Get(key), names); ok && r.State.Finished() {
				waiting[i].first = false
			}
		}
		return nil
	})
}

// change is a new value for a record; nil: it goes.
type change struct {
	key   string
	value []byte
}

// update makes all changes or none, and notes the time and knees.
func (f *file) update(now time.Time, knees map[string]float64, all iter.Seq[change]) error {
	count := f.tasks.Load()
	err := f.guarded(func() error {
		return f.db.Update(func(tx *bbolt.Tx) error {
			added, err := apply(tx.Bucket([]byte(bucketTasks)), all)
			if err != nil {
				return err
			}
			count += added
			meta := tx.Bucket([]byte(bucketMeta))
			return errors.Join(
				meta.Put([]byte(keyFormat), sealNumber(keyFormat, formatOf(tx))),
				meta.Put([]byte(keyHeartbeat), sealNumber(keyHeartbeat, now.UnixMilli())),
				meta.Put([]byte(keyTasks), sealNumber(keyTasks, count)),
				putKnees(meta, knees))
		})
	})
	if err == nil {
		f.tasks.Store(count)
	}
	return err
}

// apply makes changes, and returns by how many the records became more.
func apply(tasks *bbolt.Bucket, all iter.Seq[change]) (added int64, err error) {
	n := 0
	for c := range all {
		if n++; n%trimAfter == 0 {
			trim(tasks.Tx())
		}
		key := []byte(c.key)
		old := tasks.Get(key)
		switch {
		case bytes.Equal(old, c.value): // also where nothing goes
			continue
		case c.value == nil:
			added--
			err = tasks.Delete(key)
		case old == nil:
			added++
			fallthrough
		default:
			err = tasks.Put(key, c.value)
		}
		if err != nil {
			return 0, fmt.Errorf("record %q: %w", c.key, err)
		}
	}
	return added, nil
}

// close unlocks the file. A broken one keeps its place in the address space: somebody may still be reading there.
func (f *file) close() error {
	if f.broken.Load() {
		return release(f.handle)
	}
	return f.guarded(f.db.Close)
}

// errPanic marks a panic of bbolt, or a fault of the memory that maps the file.
var errPanic = errors.New("storage file fault")

func (f *file) guarded(access func() error) error {
	if f.broken.Load() {
		return errPanic
	}
	err := guard(access)
	if errors.Is(err, errPanic) {
		f.broken.Store(true)
	}
	return err
}

// guard turns panics and memory faults, as of a file that was cut while it was mapped, into errors.
func guard(access func() error) (err error) {
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: %v", errPanic, p)
		}
	}()
	return access()
}
