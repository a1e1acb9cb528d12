// Package store keeps on disk what is to outlive the process: the tasks that have finished and which of them are news,
// when the unfinished ones were first seen, and when the exporter last ran. Losing it costs queries, and ids that were
// pushed and are in no list; nothing that happens to it stops the exporter: without its file the store keeps nothing until it has one again.
package store

import (
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"maps"
	"path/filepath"
	"slices"
	"sync"
	"time"
)

// ErrLocked says that another process uses the same path.
var ErrLocked = errors.New("in use by another process")

// errNoFile says that there is no file for now.
var errNoFile = errors.New("the storage can't be used")

// Tasks are the tasks whose records are kept. The store calls it with no lock of its own held.
type Tasks interface {
	// Accounts returns the accounts that have tasks.
	Accounts() []string
	// IDs returns the id of every task of an account.
	IDs(account string) []string
	// Records returns the records of some tasks of an account as of one moment, in their order, for a file that lacks them; the zero
	// Record for a task that is not tracked. What is Put after that is newer.
	Records(account string, ids []string) []Record
	// Listed reports whether the task is listed. Records of tasks unlisted for 60 days go.
	Listed(account, id string) bool
	// Owner returns the account of a record that was kept by id alone; false: it is not known.
	Owner(r Record) (account string, ok bool)
	// TakesPushes reports whether a group does. Pushed ids of groups that take none for 60 days go.
	TakesPushes(group string) bool
}

// Operation is what an error of the store happened to.
type Operation string

// The operations.
const (
	OpOpen   Operation = "open"
	OpCheck  Operation = "check"  // the file was found unusable and set aside
	OpDecode Operation = "decode" // a record was not what had been written, or can't be true, and not believed
	OpRead   Operation = "read"
	OpWrite  Operation = "write"
)

// Operations returns every operation.
func Operations() []Operation { return []Operation{OpOpen, OpCheck, OpDecode, OpRead, OpWrite} }

// Stats is the health of a store.
type Stats struct {
	Keeps  bool                 // false: memory only by choice
	Up     bool                 // false: memory only, by choice or for now
	Redis  bool                 // kept in Redis, of which there is a copy on disk
	Tasks  int                  // records on disk
	Errors map[Operation]uint64 // each operation is present
}

func newStats() Stats {
	st := Stats{Errors: make(map[Operation]uint64)}
	for _, op := range Operations() {
		st.Errors[op] = 0
	}
	return st
}

// Store keeps records on disk. It is safe for concurrent use, and Put and Stats never wait for the disk.
type Store struct {
	path    string
	strict  bool // what others can write is refused
	log     *slog.Logger
	lastRun time.Time
	knees   map[string]float64        // of the previous process
	kneesOf func() map[string]float64 // of this one; nil: nothing is known of any

	mu           sync.Mutex // guards what follows up to errors, and is never held while the disk is waited for
	file         *file      // nil: none
	opened       int        // files so far
	up           bool       // what is put will be written
	queue        queue      // what the file lacks
	writing      queue      // being written
	overflowed   bool       // the file lacks records that there was no room for
	overflowedAt time.Time  // when that was so last
	waiting      []waiter   // for the queue to be committed
	errors       map[Operation]uint64

	// What follows belongs to Open, then Run.
	warned  map[distrusted]bool // what was warned of
	written time.Time           // last
	retry   time.Time           // when to try again what failed; zero: nothing did
	sweep   sweep
}

// Options say how a store is opened.
type Options struct {
	Strict bool   // what others can write is an error; else it is warned of
	Reader Reader // is shown the records of the file, before Open returns; nil: nobody is
}

// Open opens the store in a directory, which is made if need be. Without a file that can be used, the store starts without
// one. The only error is ErrLocked, or that others can write the directory or the file.
//
// The file is locked by flock, or what the system has instead. Over NFS that needs a server with working locks: where
// locking fails, the store stays memory only, and where it is faked, two hosts can damage each other's file.
func Open(dir string, log *slog.Logger) (*Store, error) { return OpenWith(dir, Options{}, log) }

// OpenWith does what Open does, with options.
func OpenWith(dir string, o Options, log *slog.Logger) (*Store, error) {
	s := &Store{
		path:   filepath.Join(dir, "kie_exporter.db"),
		strict: o.Strict,
		log:    log,
		errors: make(map[Operation]uint64),
		warned: make(map[distrusted]bool),
	}
	if o.Reader == nil {
		o.Reader = nobody{}
	}
	err := s.open(o.Reader)
	if _, refused := errors.AsType[*distrusted](err); refused || errors.Is(err, ErrLocked) {
		return nil, err
	}
	if err != nil {
		o.Reader.Begin(0)
		s.fail(OpOpen, err)
		return s, nil
	}
	s.up = true
	if at := s.file.found.lastRun; !at.After(time.Now()) { // else a wrong clock wrote it
		s.lastRun = at
	}
	s.believeKnees(s.file.found.knees)
	return s, nil
}

// open opens the file, if need be another one after what was there was set aside.
func (s *Store) open(reader Reader) error {
	f, err := openFile(s.path, s.judge, reader)
	if aside, ok := errors.AsType[*setAside](err); ok {
		s.count(OpCheck, 1)
		s.log.Error("Storage file can't be used and was set aside: what it held will be asked for again",
			"file", s.path, "set_aside", aside.to, "reason", aside)
		f, err = openFile(s.path, s.judge, reader)
	}
	if err != nil {
		return err
	}
	if n := f.found.invalid; n > 0 {
		s.count(OpDecode, n)
		s.log.Warn("Records of the storage file were damaged or can't be true, and are not believed", "file", s.path, "records", n)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.file = f
	s.opened++
	return nil
}

// LastRun returns when the previous process last wrote; the zero time if that is not known. It is the same for all accounts.
func (s *Store) LastRun(string) time.Time { return s.lastRun }

// Put keeps a record, in place of the one before, as records.Store says. Whether it is the first final one of its task is told as far as the
// file could be read.
func (s *Store) Put(account, id string, r Record, written func(first bool)) bool {
	key := keyOf(account, id)
	r = r.AsKept()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		return false // all is written when there is a file again
	}
	first := written != nil && r.State.Finished() && !s.queuedLocked([]byte(key)).State.Finished()
	// Records with a callback are of answers, which come no faster than the budget allows: they are exempt from the limit.
	if s.up && written != nil || s.hasRoomLocked(key) {
		s.queue.put(key, r)
	} else {
		s.overflowLocked()
	}
	if !s.up {
		return false
	}
	if written != nil {
		s.waiting = append(s.waiting, waiter{key, first, written})
	}
	return true
}

// Renew has the records of all tasks made again, for many of them are to be others now.
func (s *Store) Renew() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.overflowLocked()
}

// FindListed is Find: a disk that can't be read now is waited for by nobody. Who gives back what it returns, by Recycle, has the next one take
// less memory.
func (s *Store) FindListed(account string, ids []string) []Record {
	return s.find(account, ids, spare(len(ids)))
}

// Find returns what is kept of some tasks of an account, in their order. Those not known, or not readable, are the zero Record.
// It reads from disk, and is fastest with many ids at once.
func (s *Store) Find(account string, ids []string) []Record {
	return s.find(account, ids, make([]Record, len(ids)))
}

func (s *Store) find(account string, ids []string, found []Record) []Record {
	s.mu.Lock()
	f := s.file
	if len(s.queue.records)+len(s.writing.records) > 0 {
		key := []byte(keyOf(account, ""))
		prefix := len(key)
		for i, id := range ids {
			key = append(key[:prefix], id...)
			found[i] = s.queuedLocked(key)
		}
	}
	s.mu.Unlock()
	if f == nil {
		return found
	}
	invalid, err := f.find(account, ids, found)
	s.count(OpDecode, invalid)
	if err != nil {
		s.count(OpRead, 1)
	}
	return found
}

// AreOver reports of some tasks of an account, in their order, whether a record is on disk that says that they are over: finished, or given
// up. While there is no file, nothing is to wait for one: then it is true of all.
func (s *Store) AreOver(account string, ids []string) []bool {
	s.mu.Lock()
	f := s.file
	s.mu.Unlock()
	if f == nil {
		return all(len(ids))
	}
	kept, found := make([]bool, len(ids)), make([]Record, len(ids))
	invalid, err := f.find(account, ids, found)
	s.count(OpDecode, invalid)
	if err != nil {
		s.count(OpRead, 1)
		return kept
	}
	for i, r := range found {
		kept[i] = r.IsOver()
	}
	return kept
}

// all returns true so many times.
func all(n int) []bool { return slices.Repeat([]bool{true}, n) }

// queuedLocked returns the record that waits to be written under a key.
func (s *Store) queuedLocked(key []byte) Record {
	if r, ok := s.queue.records[string(key)]; ok { // which makes no copy of the key
		return r
	}
	return s.writing.records[string(key)]
}

// All returns every record on disk, by id; there may be several of one id. It reads from disk, a part at a time.
func (s *Store) All() iter.Seq2[string, Record] {
	return func(yield func(string, Record) bool) {
		_ = s.Scan(func(_, id string, r Record) bool { return yield(id, r) }) // what can't be read is counted
	}
}

// Scan calls yield with every record on disk, until it returns false. The account is empty if a record was kept by id alone. It reads
// from disk, a part at a time, and what is put meanwhile may be missing. After an error, records were left out.
func (s *Store) Scan(yield func(account, id string, r Record) bool) error {
	s.mu.Lock()
	f := s.file
	s.mu.Unlock()
	if f == nil {
		return errNoFile
	}
	names := make(texts)
	var part []kept
	var err error
	for at := (position{}); !at.end; {
		if part, at, err = f.part(at, names, part); err != nil {
			s.count(OpRead, 1)
			return fmt.Errorf("read the storage: %w", err)
		}
		for i := range part {
			k := &part[i]
			account, id, old := splitKey(k.key)
			k.record.byID = old
			if k.ok && !yield(account, id, k.record) {
				return nil
			}
		}
	}
	return nil
}

// Stats returns the health.
func (s *Store) Stats() Stats {
	st := newStats()
	st.Keeps = true
	s.mu.Lock()
	defer s.mu.Unlock()
	st.Up = s.up
	if s.file != nil {
		st.Tasks = int(s.file.tasks.Load())
	}
	maps.Copy(st.Errors, s.errors)
	return st
}

// Close closes the file, after Run has returned. What is put from then on is not kept.
func (s *Store) Close() {
	s.mu.Lock()
	f, waiting := s.file, s.waiting
	s.file, s.up, s.waiting, s.queue = nil, false, nil, queue{}
	s.mu.Unlock()
	call(waiting)
	if f == nil {
		return
	}
	if err := f.close(); err != nil {
		s.log.Warn("Storage file not closed in order", "err", err)
	}
}

func (s *Store) count(op Operation, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errors[op] += uint64(n) //nolint:gosec // counts up
}

// waiter waits for a record to be written.
type waiter struct {
	key     string
	first   bool // the record is the first final one of its task, as far as is known
	written func(first bool)
}

func call(waiting []waiter) {
	for _, w := range waiting {
		w.written(w.first)
	}
}
