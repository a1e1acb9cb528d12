// Package set reads all sources of all groups, one at a time, and hands on what that changes.
package set

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/groups"
	"github.com/kie-exporter/kie_exporter/internal/source/ledger"
	"github.com/kie-exporter/kie_exporter/internal/source/list"
	"github.com/kie-exporter/kie_exporter/internal/source/pushed"
	"github.com/kie-exporter/kie_exporter/internal/source/reads"
	"github.com/kie-exporter/kie_exporter/internal/source/secrets"
	"github.com/kie-exporter/kie_exporter/internal/source/turns"
)

// Set is all sources of all groups. It is safe for concurrent use; Load and Run belong to one goroutine.
type Set struct {
	sink  source.Sink
	log   *slog.Logger
	shown atomic.Pointer[[]*member] // the sources in force
	woken chan struct{}             // has something when another source may be due

	// turns has one at a time read sources or replace them. A turn is taken before mu.
	turns *turns.Turns
	// saving has one at a time save what was pushed. It is taken before turns and mu.
	saving *turns.Commits
	// mu guards what follows, the ledger and all that a member and its source have, but for what never changes. It is taken before the
	// sink's lock, and not held while a list is fetched, read from disk or parsed; but it is while the sink takes a change, for which the
	// tracker reads records from disk.
	mu      sync.Mutex
	members []*member
	kinds   kinds
	ledger  *ledger.Ledger
	secrets secrets.Config
	backlog bool // what is read now is a backlog
	begun   bool // reading has, and with it what is pushed may be taken

	beyond pushed.Beyond // for pushes; set before anything is read
}

// member is a source in the set. Its key, log and stat need no lock.
type member struct {
	key      key
	log      *slog.Logger
	stat     atomic.Pointer[source.Stat]
	source   source.Source
	claims   *list.Source
	fetching bool // its fetch is under way
	soon     bool // it is due, whatever it says
	reads    reads.Reads
	pushed   time.Time // when ids were last pushed, and not only forgotten; zero: not by now
	refused  time.Time // when there was last no room for a pushed id; zero: not by now
}

// key is what makes a source the same one as before.
type key struct {
	group, label string
	path         string // of a file pattern
}

// isPushed reports whether a source is what producers push to a group. A file may have the same label.
func (k key) isPushed() bool { return k.label == groups.PushLabel && k.path == "" }

// named returns an error of the source with its name.
func (m *member) named(err error) error {
	return fmt.Errorf("group %q: source %q: %w", m.key.group, m.key.label, err)
}

// New returns the sources of groups, which are in order of precedence. The error is groups.Check's.
func New(all []groups.Group, limits source.Limits, sink source.Sink, log *slog.Logger) (*Set, error) {
	if err := groups.Check(all); err != nil {
		return nil, err
	}
	s := &Set{ledger: ledger.New(limits), sink: sink, log: log, woken: make(chan struct{}, 1), turns: turns.New(), saving: turns.NewCommits()}
	s.ledger.Outside = func(slow func()) {
		s.mu.Unlock()
		defer s.mu.Lock()
		slow()
	}
	s.ledger.Capacity.Memory, _ = sink.(source.Memory)
	s.ledger.Flush = func() { s.settleLocked(s.backlog) }
	s.mu.Lock()
	defer s.mu.Unlock()
	p, err := s.prepareLocked(all, limits)
	if err != nil {
		return nil, err
	}
	s.arrangeLocked(p)
	return s, nil
}

// Load reads every source once. Servers are asked meanwhile, and what they list is read after the rest: which ids find room is no
// matter of who is faster. What fails is logged and counted, and tried again
// by Run. The error joins why sources could not be read; the others are loaded all the same.
func (s *Set) Load(ctx context.Context) error { return s.LoadThen(ctx, func() {}) }

// LoadThen does what Load does, and calls local once every source was read that is asked of no server.
func (s *Set) LoadThen(ctx context.Context, local func()) error {
	var fetches sync.WaitGroup
	rest := make(chan struct{})
	s.startFetches(ctx, &fetches, rest)
	defer s.ledger.Capacity.LookBack(&s.mu)()
	err := s.readFirst(ctx)
	local()
	close(rest)
	fetches.Wait()
	return errors.Join(append(s.fetchErrors(), err)...)
}

// LoadAgain reads what has changed since Load, and the ends of files that may be half-written, as they are now.
func (s *Set) LoadAgain(ctx context.Context) { _ = s.readEach(ctx, *s.shown.Load(), false) }

// Run looks for changes every five seconds, and refreshes sources that say when they are due at that time, until ctx ends.
func (s *Set) Run(ctx context.Context) {
	var fetches sync.WaitGroup
	defer fetches.Wait()
	defer context.AfterFunc(ctx, s.turns.Stop)()
	tick := time.NewTicker(source.Interval)
	defer tick.Stop()
	for {
		s.readDue(ctx)
		s.tidy(ctx)
		next := s.startFetches(ctx, &fetches, nil)
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
			_ = s.readEach(ctx, *s.shown.Load(), false) // logged and counted already
		case <-s.woken:
		case <-time.After(next):
		}
	}
}

// readFirst reads every source for the first time, and before the others those that producers wait for.
func (s *Set) readFirst(ctx context.Context) error {
	s.mu.Lock()
	s.begun = true
	var pushes, others []*member
	for _, m := range s.members {
		if m.key.label == groups.PushLabel && m.key.path == "" {
			pushes = append(pushes, m)
		} else {
			others = append(others, m)
		}
	}
	s.mu.Unlock()
	all := slices.Concat(pushes, others)
	err := s.readEach(ctx, all, true)
	for rest := s.unfinished(all); len(rest) > 0 && ctx.Err() == nil; rest = s.unfinished(rest) {
		err = errors.Join(err, s.readEach(ctx, rest, true))
	}
	return err
}

// unfinished returns the sources that were not read to their end yet and go on.
func (s *Set) unfinished(members []*member) (rest []*member) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, m := range members {
		if m.reads.IsUnfinished() {
			rest = append(rest, m)
		}
	}
	return rest
}

// readDue reads the sources that need no fetch and say that they are due now, between two looks.
func (s *Set) readDue(ctx context.Context) {
	s.mu.Lock()
	var due []*member
	for _, m := range s.members {
		if at := m.source.Due(); (!at.IsZero() || m.soon && m.key.isPushed()) && m.dueLocked() && m.source.Fetch() == nil {
			due = append(due, m)
		}
	}
	s.mu.Unlock()
	if len(due) > 0 {
		_ = s.readEach(ctx, due, false) // logged and counted already
	}
}

// readEach reads those of some sources that need no fetch and are due, or are read for the first time.
func (s *Set) readEach(ctx context.Context, members []*member, first bool) error {
	s.lookNow()
	var errs []error
	for _, m := range members {
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err := s.readOne(ctx, m, first); err != nil && !errors.Is(err, source.ErrUnfinished) {
			errs = append(errs, m.named(err))
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.NoteLimits(s.log)
	return errors.Join(errs...)
}

// lookNow brings up to date which secrets there are, between two reads.
func (s *Set) lookNow() {
	_, done := s.turns.Read(context.Background()) // reads no list
	defer done()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ledger.Look(s.secrets)
}

// Guard says what must not get into a list from now on.
func (s *Set) Guard(c secrets.Config) {
	_, done := s.turns.Replace(context.Background()) // reads no list
	defer done()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.secrets = c
	s.ledger.Look(c)
}

// readOne reads a source, if it is still one, is due and needs no fetch. Others may take their turn between two.
func (s *Set) readOne(ctx context.Context, m *member, first bool) error {
	ctx, done := s.turns.Read(ctx)
	defer done()
	s.mu.Lock()
	defer s.mu.Unlock()
	if !slices.Contains(s.members, m) || m.source.Fetch() != nil || !first && !m.dueLocked() {
		return nil
	}
	return s.refreshLocked(ctx, m, first)
}

// dueLocked reports whether a source is due.
func (m *member) dueLocked() bool { return m.soon || !m.source.Due().After(time.Now()) }

// refreshLocked refreshes one source and hands on what that changed. The lock is let go meanwhile, the turn is not.
func (s *Set) refreshLocked(ctx context.Context, m *member, first bool) error {
	s.backlog = first || m.reads.Owed
	s.ledger.First = s.backlog
	err := m.source.Refresh(ctx)
	now := time.Now()
	if err == nil || source.IsPartial(err) {
		m.claims.Expire(now)
	}
	s.settleLocked(s.backlog)
	m.soon = ctx.Err() != nil // it was not read to its end
	m.reads.End(err, first, m.soon, now, m.log)
	m.publishLocked()
	return err
}

// settleLocked hands on what changed in the ledger.
func (s *Set) settleLocked(backlog bool) {
	for c := range s.ledger.Settle() {
		c.Backlog = backlog
		s.sink.Apply(c)
	}
}

// IsPast reports whether an account's task has left memory and may be listed still.
func (s *Set) IsPast(account, id string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ledger.IsPast(account, id)
}
