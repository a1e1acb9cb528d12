// Package pushed is sources of ids that producers push. Nobody lists them: what was acknowledged is kept on disk, and goes when its task
// has been finished for long enough, or when its producer says so.
package pushed

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/list"
	"github.com/kie-exporter/kie_exporter/internal/source/pushlist"
)

// Store keeps pushed ids beyond the process, or nothing at all. It may wait for a disk.
type Store interface {
	// SavePushes returns nil once all changes are safe. After an error some of them may be.
	SavePushes(changes []source.Pushed) error
	// Pushes returns the pushed ids of a group.
	Pushes(group string) ([]source.Task, error)
	// PushesFile returns a number that is another one when what was saved is to be saved again; 0: nothing can be saved now.
	PushesFile() int
}

// Beyond is what pushes need besides lists: where they are kept, and who knows which tasks have ended.
type Beyond struct {
	Store Store
	// Ended returns when tasks of an account were found finished, or given up, in their order; the zero time where they were not. It
	// may wait for a disk.
	Ended func(account string, ids []string) []time.Time
}

// How often ids are looked through for those that may go.
const (
	leastLook, mostLook = time.Second, 10 * time.Minute
	looksIn             = 24 // in the time for which finished tasks are kept
	atATime             = 10_000
)

// Source is the pushed ids of a group. It has no lock: that of whoever refreshes it guards it. It saves nothing itself, for that takes a
// disk: it says what is to be saved, and is told when that is done.
type Source struct {
	group  string
	parts  string        // of the account, that are this process's
	keep   time.Duration // how long a task stays that has finished
	beyond *Beyond
	claims *list.Source
	list   *pushlist.List

	restored bool      // what was pushed to earlier processes is there
	behind   bool      // the storage has what is not there
	lost     bool      // and may lack what is
	changes  int       // so far, of the list
	file     int       // that all of it is saved in
	looked   time.Time // when ids were looked through last
	vain     []source.Pushed
}

// New returns a source that has no ids yet.
func New(group string, claims *list.Source, beyond *Beyond) *Source {
	return &Source{group: group, claims: claims, list: pushlist.New(claims), beyond: beyond}
}

// Hold says which parts of the account are this process's. If others are, all is read again from the storage, and before that nobody can say what
// is news.
func (s *Source) Hold(parts string) {
	if s.parts != parts && s.restored {
		s.restored = false
	}
	s.parts = parts
}

// Keep says how long a task stays that has finished.
func (s *Source) Keep(d time.Duration) { s.keep = d }

// List returns the list that the ids are in.
func (s *Source) List() *list.List { return s.list.List }

// Due returns the zero time: whether there is room for more is seen at each look.
func (s *Source) Due() time.Time { return time.Time{} }

// Fetch returns nil: there is nothing to wait for.
func (s *Source) Fetch() source.Fetch { return nil }

// Refresh reads what was pushed to earlier processes, for the first time and when there is room for more of it.
func (s *Source) Refresh(context.Context) error {
	if s.restored && !s.behind && !s.list.Wants() {
		return nil
	}
	var kept []source.Task
	var err error
	file, changes := s.beyond.Store.PushesFile(), s.changes
	s.claims.Outside(func() { kept, err = s.beyond.Store.Pushes(s.group) })
	if err != nil {
		return fmt.Errorf("pushed ids can't be read: %w", err)
	}
	if s.changes != changes {
		return nil // it is not what was read any more; there is another look soon
	}
	if s.lost && s.restored && file == s.file {
		s.list.Remove(s.lacking(kept)...)
	}
	if !s.restored {
		s.restored, s.file = true, file
	}
	s.behind, s.lost = false, false
	s.list.Retell(kept)
	return nil
}

// lacking returns the ids that are not among some tasks.
func (s *Source) lacking(tasks []source.Task) (ids []string) {
	there := make(map[string]bool, len(tasks))
	for i := range tasks {
		there[tasks[i].ID] = true
	}
	for t := range s.list.Tasks() {
		if !there[t.ID] {
			ids = append(ids, t.ID)
		}
	}
	return ids
}

// ReadAgain has all be read again from the storage, which other processes changed.
func (s *Source) ReadAgain() { s.behind, s.lost = true, true }

// Heed takes what other processes saved: ids that were forgotten, and others that were pushed, perhaps again. It returns why there is no room
// for some of them; they come when there is.
func (s *Source) Heed(gone []string, add []source.Task) (short source.Rejection) {
	s.changes++
	if len(gone) > 0 {
		s.list.Remove(gone...)
	}
	s.list.Tell(add, func(i int, known bool, refused source.Rejection) {
		id := add[i].ID
		switch {
		case refused == source.RejectedSecret, known && s.list.IsOurs(id) && !s.list.Has(id): // its task has left memory
			s.vain = append(s.vain, removals(s.group, []string{id})...)
		case refused != "":
			s.behind, short = true, refused
		}
	})
	return short
}

// Short returns why there is no room for some ids that were pushed; empty: there is.
func (s *Source) Short() source.Rejection {
	refused := s.claims.Refused()
	for _, why := range []source.Rejection{source.RejectedMaxTasks, source.RejectedLimit} {
		if refused[why] > 0 {
			return why
		}
	}
	return ""
}

// IsRestored reports whether what was pushed to earlier processes is there. Before that nobody can say what is news.
func (s *Source) IsRestored() bool { return s.restored }

// Owed returns what is to be saved though nobody pushes it now: everything if the storage has another file, or else what is to go because
// it was saved in vain or its task has left memory.
func (s *Source) Owed() (changes []source.Pushed) {
	if left := s.list.Left(); s.file != 0 {
		s.vain = append(s.vain, removals(s.group, left)...)
	}
	file := s.beyond.Store.PushesFile()
	switch {
	case !s.restored || file == 0:
		return nil
	case file == s.file:
		return slices.DeleteFunc(slices.Clone(s.vain), func(c source.Pushed) bool { return s.list.Has(c.Task.ID) })
	}
	for t := range s.list.Tasks() {
		changes = append(changes, source.Pushed{Group: s.group, Task: t})
	}
	return changes
}

// Saved notes that what was owed is saved in a file. Nothing was pushed meanwhile.
func (s *Source) Saved(file int) { s.file, s.vain = file, nil }

// Look is ids that are looked through for those that may go.
type Look struct {
	account string
	keep    time.Duration // how long a task stays that has finished
	ids     []string
}

// ToLook returns the ids that are to be looked through for those that may go, if it is time to.
func (s *Source) ToLook(now time.Time) (l Look) {
	if now.Sub(s.looked) < min(max(s.keep/looksIn, leastLook), mostLook) {
		return l
	}
	s.looked = now
	l.account, l.keep = s.claims.Account(), s.keep
	l.ids = make([]string, 0, s.list.Len())
	for t := range s.list.Tasks() {
		l.ids = append(l.ids, t.ID)
	}
	s.list.Weigh()
	return l
}

// Expired returns those ids whose tasks have ended long enough ago. It takes no lock but the tracker's, and may wait for a disk.
func (b *Beyond) Expired(l Look, now time.Time) (gone []string) {
	for some := range slices.Chunk(l.ids, atATime) {
		for i, at := range b.Ended(l.account, some) {
			if !at.IsZero() && now.Sub(at) >= l.keep {
				gone = append(gone, some[i])
			}
		}
	}
	return gone
}

// Plan finds out what of a push is news, and returns what is to be saved before it counts.
func (s *Source) Plan(p *source.Push) (changes []source.Pushed) {
	for reason, ids := range p.Rejected {
		s.claims.Tally.RejectSome(reason, ids)
	}
	for i := range p.Add {
		if t := &p.Add[i]; s.list.Lacks(t.ID) && s.list.Refuses(t) == "" {
			changes = append(changes, source.Pushed{Group: s.group, Task: *t})
		}
	}
	for _, id := range p.Remove {
		if s.list.Has(id) || s.Short() != "" { // then it may be among those in the storage that there was no room for
			changes = append(changes, source.Pushed{Group: s.group, Task: source.Task{ID: id}, Gone: true})
		}
	}
	return changes
}

// Add adds the ids of a push that was planned and saved, as far as there is room.
func (s *Source) Add(p *source.Push) {
	s.changes++
	s.list.Tell(p.Add, func(i int, known bool, refused source.Rejection) {
		switch {
		case known:
			p.Known++
		case refused == "":
			p.Accepted++
		default:
			p.Refuse(i, refused)
		}
	})
}

// Vain notes what was saved of pushes in vain: there was room for it no more.
func (s *Source) Vain(saved []source.Pushed) {
	if s.file == 0 {
		return // it was saved nowhere
	}
	for _, c := range saved {
		if !c.Gone && !s.list.Has(c.Task.ID) {
			s.vain = append(s.vain, source.Pushed{Group: s.group, Task: source.Task{ID: c.Task.ID}, Gone: true})
		}
	}
}

// Remove removes the ids of several pushes at once: it goes through all that there are.
func (s *Source) Remove(all []*source.Push) {
	var gone []string
	for _, p := range all {
		for _, id := range p.Remove {
			if s.list.Has(id) {
				p.Forgotten++
				gone = append(gone, id)
			}
		}
	}
	if len(gone) > 0 {
		s.changes++
		s.list.Remove(gone...)
	}
}

// Retire does nothing: what was pushed stays in the storage for when the group takes pushes again.
func (s *Source) Retire() {}

func removals(group string, ids []string) []source.Pushed {
	changes := make([]source.Pushed, len(ids))
	for i, id := range ids {
		changes[i] = source.Pushed{Group: group, Task: source.Task{ID: id}, Gone: true}
	}
	return changes
}
