// What is pushed: saved before it counts, with one write for all who wait.

package set

import (
	"context"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/groups"
	"github.com/kie-exporter/kie_exporter/internal/source/pushed"
)

// Pushes says what pushes need besides lists. It is to be called before anything is read.
func (s *Set) Pushes(b pushed.Beyond) { s.beyond = b }

// Push takes a push, together with those of others who wait at the time, and returns when it is known what came of it: then what was
// accepted is as safe as the storage can make it.
func (s *Set) Push(p *source.Push) { s.saving.Do(p, s.commit) }

// commit takes pushes which either all add or all remove. The caller has the turn to save.
func (s *Set) commit(all []*source.Push) {
	changes := s.plan(all)
	if len(changes) > 0 {
		if err := s.beyond.Store.SavePushes(changes); err != nil {
			for _, p := range all {
				if p.Err == nil {
					p.Err = source.ErrNotKept
				}
			}
			s.log.Debug("Pushed ids can't be saved", "err", err)
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for group, pushes := range source.ByGroup(all) {
		s.takeLocked(group, pushes, changes)
	}
}

// plan finds out what of pushes is to be saved.
func (s *Set) plan(all []*source.Push) (changes []source.Pushed) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range all {
		switch src := s.kinds.pushed[p.Group]; {
		case src == nil:
			p.Err = source.ErrNoPushes
		case !s.begun || !src.IsRestored():
			p.Err = source.ErrStarting
		default:
			changes = append(changes, src.Plan(p)...)
		}
	}
	return changes
}

// takeLocked has pushes to a group, of which all is saved that is news, count.
func (s *Set) takeLocked(group string, pushes []*source.Push, saved []source.Pushed) {
	src := s.kinds.pushed[group]
	if src == nil { // by a reload just now
		for _, p := range pushes {
			p.Err = source.ErrNoPushes
		}
		return
	}
	s.changeLocked(src, func() {
		for _, p := range pushes {
			src.Add(p)
		}
		src.Remove(pushes)
	})
	src.Vain(source.PushedTo(group, saved))
	m := s.memberLocked(group)
	if slices.ContainsFunc(pushes, func(p *source.Push) bool { return len(p.Add) > 0 }) {
		m.pushed = time.Now()
	}
	if slices.ContainsFunc(pushes, (*source.Push).IsOverLimit) {
		m.refused = time.Now()
	}
	m.publishLocked()
}

// Heed has count what other processes saved: ids of a group that were forgotten, and others that were pushed. It returns false if what was
// pushed before is not read yet.
func (s *Set) Heed(group string, gone []string, add []source.Task) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	src := s.kinds.pushed[group]
	if src == nil || !s.begun || !src.IsRestored() {
		return false
	}
	var short source.Rejection
	s.changeLocked(src, func() { short = src.Heed(gone, add) })
	m, now := s.memberLocked(group), time.Now()
	if len(add) > 0 {
		m.pushed = now
	}
	if short != "" {
		m.refused, m.soon = now, true
		s.wake()
	}
	m.publishLocked()
	return true
}

// ReadAgain has all that was pushed to a group be read again, since other processes changed it.
func (s *Set) ReadAgain(group string) {
	s.withSource(group, func(src *pushed.Source) {
		src.ReadAgain()
		s.memberLocked(group).soon = true
		s.wake()
	})
}

// Short returns why there is no room for some of the ids that were pushed to a group; empty: there is.
func (s *Set) Short(group string) (why source.Rejection) {
	s.withSource(group, func(src *pushed.Source) { why = src.Short() })
	return why
}

// changeLocked hands on what changes in a source, and nothing that was changed in others.
func (s *Set) changeLocked(src *pushed.Source, change func()) {
	for c := range s.ledger.SettleAlone(src.List(), change) {
		s.sink.Apply(c)
	}
}

// memberLocked returns the source of a group that takes pushes.
func (s *Set) memberLocked(group string) *member {
	for _, m := range s.members {
		if m.key == (key{group, groups.PushLabel, ""}) {
			return m
		}
	}
	return nil
}

// tidy saves what is owed to the storage, and drops pushed ids whose tasks have been finished for long enough.
func (s *Set) tidy(ctx context.Context) {
	s.mu.Lock()
	all := make([]string, 0, len(s.kinds.pushed))
	for group := range s.kinds.pushed {
		all = append(all, group)
	}
	s.mu.Unlock()
	for _, group := range all {
		if ctx.Err() != nil {
			return
		}
		s.saving.Alone(func() { s.saveOwed(group) })
		if gone := s.expired(group, time.Now()); len(gone) > 0 {
			s.Push(&source.Push{Group: group, Remove: gone})
		}
	}
}

// saveOwed saves what a source owes to the storage. The caller has the turn to save, so nothing is pushed meanwhile.
func (s *Set) saveOwed(group string) {
	file := s.beyond.Store.PushesFile()
	var owed []source.Pushed
	if !s.withSource(group, func(src *pushed.Source) { owed = src.Owed() }) || len(owed) == 0 && file == 0 {
		return
	}
	if len(owed) > 0 && s.beyond.Store.SavePushes(owed) != nil {
		return // it is owed still
	}
	s.withSource(group, func(src *pushed.Source) {
		if src.IsRestored() {
			src.Saved(file)
		}
	})
}

// expired returns which of a group's pushed ids are to go because their tasks have ended long ago, if it is time to look.
func (s *Set) expired(group string, now time.Time) []string {
	var look pushed.Look
	s.withSource(group, func(src *pushed.Source) { look = src.ToLook(now) })
	return s.beyond.Expired(look, now)
}

// withSource calls with with what takes the pushes to a group, and the lock held; false: there is none.
func (s *Set) withSource(group string, with func(src *pushed.Source)) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	src := s.kinds.pushed[group]
	if src == nil {
		return false
	}
	with(src)
	return true
}
