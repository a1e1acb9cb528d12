// Package source tells which tasks there are: ids listed inline, in files, and by servers.
package source

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"iter"
	"log/slog"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Task is a task as a source lists it.
type Task struct {
	ID     string
	Model  string            // only a .jsonl list can say; used until the first answer
	Labels map[string]string // the group's and the list's; shared between tasks, never written to
}

// Change is what the reads of a group's sources changed. Each id is in one group of an account at a time: the first that lists it, and
// has room. The same id in a group of another account is another task. A group that comes to another account takes its ids along
// without a change, but for ids that the other account has already.
type Change struct {
	Group string
	// Backlog marks Added as the ids of a source's first read: the one that Load makes, or the first successful one of a
	// source that was there then but could not be read, or of a server in another's place.
	Backlog bool
	// Added holds newly listed tasks in the order listed, and tasks known before whose group or labels changed.
	Added []Task
	// Removed holds ids that no source lists any more.
	Removed []string
}

// Sink takes changes in the order in which they happen.
type Sink interface {
	Apply(c Change)
}

// Pattern is a file pattern of a group.
type Pattern struct {
	Written string // as the user wrote it: the label source
	Path    string // what to open, relative paths resolved
}

// Group is where the ids of a group come from.
type Group struct {
	Name     string
	Account  string
	MaxTasks int // that are tracked at most; 0: as many as of all groups
	Inline   []string
	Files    []Pattern
	HTTP     *HTTP // nil: none
	Labels   map[string]string
}

// Limits bound what sources may have.
type Limits struct {
	Tasks int   // ids that are tracked, of all sources
	Bytes int64 // of one list, unpacked
	IDs   int   // of one list
}

// Stat is the health of one source.
type Stat struct {
	Group, Source string
	Tasks         int       // ids it lists, duplicates included
	Read          bool      // all its lists were read at least once, whatever is beside them
	LastSuccess   time.Time // zero: none yet
	FailingSince  time.Time // zero: the last read did not fail, or there was none yet
	Errors        uint64
	Rejected      map[Rejection]uint64 // every rejection is present, with 0 if need be
	Refused       map[Rejection]int    // ids that it lists and that its group does not have now, by limit or KeptByOtherGroup; each is present
}

// Rejection is why a listed id is not tracked.
type Rejection string

// The reasons of a rejection.
const (
	RejectedInvalid   Rejection = "invalid"   // not an id, or a line that can't be read
	RejectedDuplicate Rejection = "duplicate" // listed before
	RejectedLimit     Rejection = "limit"     // limits.tasks is reached
	RejectedMaxTasks  Rejection = "max_tasks" // max_tasks of the group is reached
	RejectedListIDs   Rejection = "list_ids"  // limits.list_ids is reached
	RejectedNoTask    Rejection = "no_task"   // an answer of createTask that created none
	RejectedSecret    Rejection = "secret"    // a secret of the configuration
)

// KeptByOtherGroup is, besides the limits, why a listed id is not tracked in its group: an earlier group of the account lists it, too.
const KeptByOtherGroup Rejection = "other_group"

// interval is the time between two looks at a source. A list by HTTP has one of its own.
const interval = 5 * time.Second

// inlineLabel is the label of a group's inline list.
const inlineLabel = "inline"

// Set is all sources of all groups. It is safe for concurrent use; Load and Run belong to one goroutine.
type Set struct {
	sink  Sink
	log   *slog.Logger
	shown atomic.Pointer[[]*source] // the sources in force
	woken chan struct{}             // has something when another fetch may be due

	turns   *turns     // one is taken to read sources or replace them, before mu
	mu      sync.Mutex // guards what follows; not held while a list is read from disk and parsed
	sources []*source
	ledger  *ledger
	secrets Secrets
	limited bool // ids are being refused for want of room, and the log says so
}

// feed is a kind of source.
type feed interface {
	// read brings the source's lists in the ledger up to date. An error says why some are not: then the read does not
	// count as one that lacked an id. After a partError it does for all lists that are not held.
	read(ctx context.Context, g *ledger) error
	// lists returns every list that may have a claim.
	lists() iter.Seq[*list]
}

// source is an inline list, a file pattern or a list by HTTP. All but stat, group and label is guarded by the set's lock.
type source struct {
	group *group
	label string
	path  string // of a file pattern
	rank  int    // precedence: an id belongs to the lowest rank that lists it
	base  *traits
	feed  feed

	listed      int
	lastSuccess time.Time
	errors      uint64
	err         error // of the last read
	rejected    map[Rejection]uint64
	lost        int       // claims of its lists on ids that another group has
	wasRead     bool      // it was read at least once
	failedAt    time.Time // the first time since it could be read; zero: it can
	owed        bool      // something that was there at the start could not be read yet
	stat        atomic.Pointer[Stat]
}

// group is a group by its place in the configuration.
type group struct {
	name    string
	index   int
	account *account
	most    int // ids that it may have; 0: as many as there may be in all

	tasks   int  // ids that the sink was told to be the group's
	coming  int  // that will be, as soon as that is settled
	refused int  // ids of its lists for which it has no room
	limited bool // that is so, and the log says it
}

// New returns the sources of groups, which are in order of precedence. The error is Check's.
func New(groups []Group, limits Limits, sink Sink, log *slog.Logger) (*Set, error) {
	if err := Check(groups); err != nil {
		return nil, err
	}
	s := &Set{ledger: newLedger(limits), sink: sink, log: log, woken: make(chan struct{}, 1), turns: newTurns()}
	s.ledger.outside = func(slow func()) {
		s.mu.Unlock()
		defer s.mu.Lock()
		slow()
	}
	p, err := s.prepare(groups, limits)
	if err != nil {
		return nil, err
	}
	s.arrange(p)
	return s, nil
}

// Check names every pattern that is malformed or there twice in a group, and every list by HTTP that can't be fetched as it is
// to be, because of a certificate for example. It asks no server.
func Check(groups []Group) error {
	var errs []error
	for _, g := range groups {
		if g.HTTP != nil {
			if _, err := newServer(g.HTTP); err != nil {
				errs = append(errs, fmt.Errorf("group %q: http: %w", g.Name, err))
			}
		}
		for i, p := range g.Files {
			if err := p.check(g, i); err != nil {
				errs = append(errs, fmt.Errorf("group %q: pattern %q: %w", g.Name, p.Written, err))
			}
		}
	}
	return errors.Join(errs...)
}

// check looks at p, which is the i-th pattern of a group.
func (p Pattern) check(g Group, i int) error {
	same := func(other Pattern) bool { return other.Written == p.Written }
	if slices.ContainsFunc(g.Files[:i], same) || len(g.Inline) > 0 && p.Written == inlineLabel ||
		g.HTTP != nil && p.Written == httpLabel {
		return errors.New("another source of the group has the same name")
	}
	if _, err := formatOf(p.Path); err != nil && !isGlob(filepath.Ext(p.Written)) {
		return err
	}
	if !p.isGlob() {
		return nil
	}
	// Unlike filepath.Match, path.Match looks at the whole pattern.
	_, err := path.Match(p.Path, "")
	return err
}

// isGlob reports whether p is a pattern. Only what the user wrote can be one: the folder it is relative to may have any name.
func (p Pattern) isGlob() bool { return isGlob(p.Written) }

func isGlob(name string) bool { return strings.ContainsAny(name, `*?[\`) }

// Load reads every source once. Servers are asked meanwhile, and what they list is read after the rest: which ids find room is no
// matter of who is faster. What fails is logged and counted, and tried again
// by Run. The error joins why sources could not be read; the others are loaded all the same.
func (s *Set) Load(ctx context.Context) error {
	var fetches sync.WaitGroup
	local := make(chan struct{})
	s.startFetches(ctx, &fetches, local)
	err := s.readAll(ctx, true)
	close(local)
	fetches.Wait()
	return errors.Join(append(s.fetchErrors(), err)...)
}

// LoadAgain reads what has changed since Load, and the ends of files that may be half-written, as they are now.
func (s *Set) LoadAgain(ctx context.Context) { _ = s.readAll(ctx, false) }

// Run looks for changes every five seconds, and fetches what servers list when it is time to, until ctx ends.
func (s *Set) Run(ctx context.Context) {
	var fetches sync.WaitGroup
	defer fetches.Wait()
	defer context.AfterFunc(ctx, s.turns.stop)()
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		next := s.startFetches(ctx, &fetches, nil)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = s.readAll(ctx, false) // logged and counted already
		case <-s.woken:
		case <-time.After(next):
		}
	}
}

// Stats returns the health of each source, in order.
func (s *Set) Stats() []Stat {
	sources := *s.shown.Load()
	stats := make([]Stat, len(sources))
	for i, src := range sources {
		stats[i] = *src.stat.Load()
		stats[i].Rejected, stats[i].Refused = maps.Clone(stats[i].Rejected), maps.Clone(stats[i].Refused)
	}
	return stats
}

// readAll reads every source that needs no fetch.
func (s *Set) readAll(ctx context.Context, first bool) error {
	s.lookNow()
	var errs []error
	for _, src := range *s.shown.Load() {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := s.readOne(ctx, src, first); err != nil {
			errs = append(errs, fmt.Errorf("group %q: source %q: %w", src.group.name, src.label, err))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.noteLimit()
	return errors.Join(errs...)
}

// lookNow brings the guard up to date, between two reads.
func (s *Set) lookNow() {
	_, done := s.turns.read(context.Background()) // reads no list
	defer done()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.look()
}

// readOne reads a source, if it is still one and needs no fetch. Others may take their turn between two.
func (s *Set) readOne(ctx context.Context, src *source, first bool) error {
	ctx, done := s.turns.read(ctx)
	defer done()
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, fetched := src.feed.(*remote); fetched || !slices.Contains(s.sources, src) {
		return nil
	}
	return s.read(ctx, src, first)
}

// read reads one source and hands on what that changed.
func (s *Set) read(ctx context.Context, src *source, first bool) error {
	err := src.feed.read(ctx, s.ledger)
	now := time.Now()
	_, part := asPart(err)
	read := err == nil || part
	if read {
		s.ledger.expire(src, now)
	}
	s.settle(first || src.owed)
	// What was there at the start but could not be read is still a backlog when it can. A file that was not there is none.
	src.owed = !read && (src.owed || first && !errors.Is(err, fs.ErrNotExist))
	if ctx.Err() == nil {
		src.note(err, now, src.logger(s.log))
	}
	src.publish()
	return err
}

// settle hands on what changed in the ledger.
func (s *Set) settle(backlog bool) {
	for c := range s.ledger.settle() {
		c.Backlog = backlog
		s.sink.Apply(c)
	}
	for _, src := range s.sources {
		src.group.coming = 0
	}
}

// noteLimit logs once that ids are refused, until there was room for all of them.
func (s *Set) noteLimit() {
	refused := s.ledger.refused
	if refused > 0 && !s.limited {
		s.log.Warn("Limit of tasks reached, further ids are refused", "limit", s.ledger.limit, "refused", refused)
	}
	s.limited = refused > 0
	for _, src := range s.sources {
		src.group.noteLimit(s.log)
	}
}

// noteLimit logs once that a group has no room for ids of its lists, until it had.
func (gr *group) noteLimit(log *slog.Logger) {
	if gr.refused > 0 && !gr.limited {
		log.Warn("max_tasks of the group reached, further ids are refused", "group", gr.name, "max_tasks", gr.most, "refused", gr.refused)
	}
	gr.limited = gr.refused > 0
}

// note records how a read went. Only the beginning and the end of a failure are logged.
func (src *source) note(err error, now time.Time, log *slog.Logger) {
	_, part := asPart(err)
	failing := src.err != nil
	src.err = err
	src.wasRead = src.wasRead || err == nil || part
	if err == nil {
		src.lastSuccess, src.failedAt = now, time.Time{}
		if failing {
			log.Info("Source can be read again")
		}
		return
	}
	src.errors++
	if failing {
		return
	}
	src.failedAt = now
	if part {
		log.Warn("Source has entries that are no lists, the others are read", "err", err)
	} else {
		log.Warn("Source can't be read, its tasks are kept", "err", err)
	}
}

func (src *source) publish() {
	src.stat.Store(&Stat{
		Group: src.group.name, Source: src.label,
		Tasks: src.listed, Read: src.wasRead, LastSuccess: src.lastSuccess, FailingSince: src.failedAt,
		Errors: src.errors, Rejected: maps.Clone(src.rejected), Refused: src.refused(),
	})
}

// refused returns how many ids of the source's lists its group does not have now, by why.
func (src *source) refused() map[Rejection]int {
	all := map[Rejection]int{RejectedLimit: 0, RejectedMaxTasks: 0, RejectedListIDs: 0, KeptByOtherGroup: src.lost}
	if src.feed != nil {
		for l := range src.feed.lists() {
			all[RejectedLimit] += l.refused
			all[RejectedMaxTasks] += l.crowded
			all[RejectedListIDs] += l.beyond
		}
	}
	return all
}

func (src *source) logger(log *slog.Logger) *slog.Logger {
	return log.With("group", src.group.name, "source", src.label)
}
