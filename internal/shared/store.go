// Package shared keeps records of tasks in Redis, where all replicas of a cluster read them, and a copy of them in a store of this process's
// own. The first final record of a task wins and says so. Only who holds a part of an account writes its records: a fence in Redis sees to it.
//
// A record that could not be written waits. What Redis has lost is written again, from the tracker's tasks and from the copy.
package shared

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/redis"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

// The scripts.
var (
	//go:embed seal.lua
	sealSource string
	//go:embed commit.lua
	commitSource string
	//go:embed replace.lua
	replaceSource string
	//go:embed names.lua
	namesSource string

	sealScript, commitScript   = redis.NewScript(sealSource), redis.NewScript(commitSource)
	replaceScript, namesScript = redis.NewScript(replaceSource), redis.NewScript(namesSource)
)

// Part is a part of an account.
type Part struct {
	Account string
	Part    int
}

// Rights says which records this process may write. It is asked with locks held, and waits for nothing.
type Rights interface {
	// Held returns the parts that are held.
	Held() []Part
	// Of returns the part of an account that an id is in.
	Of(account, id string) int
	// Mark returns what a part's records are written under, an epoch and a session with a bar between; empty: the part is not held.
	Mark(p Part) string
}

// Copy is a store of this process's own.
type Copy interface {
	Put(account, id string, r store.Record, written func(first bool)) bool
	Find(account string, ids []string) []store.Record
	Knee(account string) float64
	Scan(yield func(account, id string, r store.Record) bool) error
	SavePushes(changes []source.Pushed) error
	Pushes(group string) ([]source.Task, error)
	PushesFile() int
	Stats() store.Stats
	Run(ctx context.Context, t store.Tasks)
	Close()
}

// Options are what a store is made of.
type Options struct {
	Client  *redis.Client
	Cluster string // whose replicas share the records
	Rights  Rights
	Copy    Copy
	// AccountOf returns the account of a group that takes pushes; false: it takes none. Nil: no group does.
	AccountOf func(group string) (account string, ok bool)
	Log       *slog.Logger
}

// Store keeps records. It is safe for concurrent use, and Put and Stats never wait for Redis.
type Store struct {
	Copy

	client    *redis.Client
	cluster   string
	rights    Rights
	accountOf func(group string) (string, bool)
	log       *slog.Logger

	mu         sync.Mutex // guards what follows, and is never held while Redis is waited for
	queue      queue      // what Redis lacks
	writing    queue      // being written
	overflowed map[string]bool
	names      map[string]*names
	seals      map[Part]seal
	restore    map[Part]time.Time // of which the copy has what Redis may lack: records learned since then
	errors     map[store.Operation]uint64
	refused    uint64        // records that the fence refused
	losses     int           // times that Redis lost its memory, as far as is known
	stopped    chan struct{} // closed when nobody is to wait for Redis any more
	kneesOf    func() map[string]float64
	knees      map[string]float64 // what that returned last
	told       map[string]bool

	// What follows belongs to Run.
	written map[Part]time.Time // last
	sweep   sweep
}

// seal is what was found of a part when it was taken.
type seal struct {
	ran     time.Time // when its records were last written, by our clock; zero: not known
	at      time.Time
	records int
	knee    int64 // thousandths of requests a second that the API was found to let pass; 0: that was not known
	hasKnee bool  // somebody has said so
}

// New returns a store of what Redis has. It reads nothing.
func New(o Options) *Store {
	if o.AccountOf == nil {
		o.AccountOf = func(string) (string, bool) { return "", false }
	}
	return &Store{
		Copy: o.Copy, client: o.Client, cluster: o.Cluster, rights: o.Rights, accountOf: o.AccountOf, log: o.Log,
		queue: make(queue), writing: make(queue), overflowed: make(map[string]bool), names: make(map[string]*names),
		seals: make(map[Part]seal), restore: make(map[Part]time.Time), errors: make(map[store.Operation]uint64),
		told: make(map[string]bool), stopped: make(chan struct{}), written: make(map[Part]time.Time),
	}
}

// call is how records are read and written. Who can't wait is the lease.
func call(operation string) redis.Call { return redis.Call{Name: operation} }

// buckets is how many hashes the records of an account are in, each small enough for Redis' compact form up to two million records.
const buckets = 1 << 14

func bucketOf(id string) int { return int(crc32.ChecksumIEEE([]byte(id)) % buckets) }

// key returns the name of something of an account in Redis. All of an account is in one slot of Redis Cluster.
func (s *Store) key(account, what string) string {
	return "kie1:{" + s.cluster + ":" + account + "}:" + what
}

func (s *Store) bucket(account string, n int) string {
	return s.key(account, "b:"+strconv.FormatInt(int64(n), 16))
}

func (s *Store) fence(p Part) string { return s.key(p.Account, "fence:"+strconv.Itoa(p.Part)) }

// ErrFenced says that another replica, which took a part later, may write its records.
var ErrFenced = errors.New("redis: a later replica writes the records")

// Seal makes this process the only one that may write the records of a part, under a mark that begins with an epoch. Records are to be read
// only after.
func (s *Store) Seal(ctx context.Context, p Part, mark string, epoch uint64) error {
	reply, err := s.client.Run(ctx, redis.Call{Name: "seal", Urgent: true}, sealScript, []string{s.fence(p), s.key(p.Account, "meta")},
		mark, strconv.FormatUint(epoch, 10), p.Part)
	if err != nil {
		return err
	}
	r, code := result(reply)
	switch {
	case code == -1:
		return ErrFenced
	case code != 1 || len(r) != 6:
		return fmt.Errorf("redis: the fence of account %s, part %d can't be read, and is left alone: %v", p.Account, p.Part, r)
	}
	now := time.Now()
	found := seal{at: now, records: int(number(r[3])), knee: number(r[5]), hasKnee: r[5] != ""}
	if ran, there := number(r[2]), number(r[4]); ran > 0 {
		found.ran = now.Add(time.Duration(ran-there) * time.Millisecond) // whatever either clock says
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seals[p] = found
	if s.names[p.Account] != nil {
		s.names[p.Account].forget() // Redis may have lost it
	}
	switch since := found.ran.Add(-restored); {
	case found.ran.IsZero():
		s.restore[p] = time.Time{}
	default:
		s.restore[p] = since
	}
	delete(s.written, p)
	return nil
}

// restored is how long before its last sign of life Redis may have lost records.
const restored = time.Hour

// Put keeps a record, as records.Store says. Whether it is the first final one, Redis says.
func (s *Store) Put(account, id string, r store.Record, written func(first bool)) bool {
	k := key{account, id}
	s.mu.Lock()
	defer s.mu.Unlock()
	if written == nil && len(s.queue) >= mostQueued && s.queue[k] == nil {
		s.overflowed[account] = true
		return true
	}
	s.queue.put(k, entry{record: r.AsKept(), nonce: rand.Uint32()}, written) //nolint:gosec // tells tries apart, no secret
	return true
}

// Forget has nothing to let go: what Redis has is let go by the sweep.
func (s *Store) Forget(string, []string) {}

// Renew has the records of all tasks made again.
func (s *Store) Renew() {
	held := s.rights.Held()
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range held {
		s.overflowed[p.Account] = true
	}
}

// LastRun returns when a part of an account was last watched by whoever held it; when it was taken, if Redis does not know. Of several parts it
// is the last of these times: what finished before it may have been counted.
func (s *Store) LastRun(account string) (last time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for p, found := range s.seals {
		if p.Account != account {
			continue
		}
		at := found.ran
		if at.IsZero() {
			at = found.at
		}
		if at.After(last) {
			last = at
		}
	}
	return last
}

// Stats returns how the records do.
func (s *Store) Stats() store.Stats {
	held := s.rights.Held()
	up := s.client.Up()
	copied := s.Copy.Stats()
	s.mu.Lock()
	defer s.mu.Unlock()
	st := store.Stats{Keeps: true, Up: up, Redis: true, Errors: maps.Clone(copied.Errors)}
	for op, n := range s.errors {
		st.Errors[op] += n
	}
	for _, p := range held {
		st.Tasks += s.seals[p].records
	}
	return st
}

// Refused returns how many records the fence refused.
func (s *Store) Refused() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.refused
}

// Close closes the copy, after Run has returned.
func (s *Store) Close() {
	s.mu.Lock()
	left := s.queue
	s.queue = make(queue)
	s.mu.Unlock()
	left.giveUp()
	s.Copy.Close()
}

func (s *Store) undecoded() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errors[store.OpDecode]++
}

// All yields every record of the parts that are held, by id.
func (s *Store) All() iter.Seq2[string, store.Record] {
	return func(yield func(string, store.Record) bool) {
		_ = s.Scan(func(_, id string, r store.Record) bool { return yield(id, r) }) // what can't be read is counted
	}
}

// result returns a script's reply and the code that it begins with.
func result(reply any) (list []any, code int64) {
	list, _ = reply.([]any)
	if len(list) == 0 {
		return nil, -100
	}
	code, ok := list[0].(int64)
	if !ok {
		return list, -100
	}
	return list, code
}

// number returns a number that a script returned as text; 0: there is none.
func number(reply any) int64 {
	text, _ := reply.(string)
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// heldAccounts returns the accounts of which parts are held.
func (s *Store) heldAccounts() []string {
	accounts := make(map[string]bool)
	for _, p := range s.rights.Held() {
		accounts[p.Account] = true
	}
	return slices.Sorted(maps.Keys(accounts))
}
