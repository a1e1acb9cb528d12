// What is pushed: saved before it counts, with one write for all who wait.

package set

import (
	"context"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/pushed"
)

// Pushes says what pushes need besides lists. It is to be called before anything is read.
func (s *Set) Pushes(b pushed.Beyond) { s.beyond = b }

// Push takes a push, together with those of others who wait at the time, and returns when it is known what came of it: then what was
// accepted is as safe as the storage can make it.
func (s *Set) Push(p *source.Push) { s.saving.do(p, s.commit) }

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
	for group, pushes := range byGroup(all) {
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

// byGroup returns the pushes without an error, by group.
func byGroup(all []*source.Push) map[string][]*source.Push {
	groups := make(map[string][]*source.Push)
	for _, p := range all {
		if p.Err == nil {
			groups[p.Group] = append(groups[p.Group], p)
		}
	}
	return groups
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
	var own []source.Pushed
	for _, c := range saved {
		if c.Group == group {
			own = append(own, c)
		}
	}
	src.Vain(own)
	s.memberLocked(group).publishLocked()
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
		if m.key == (key{group, pushLabel, ""}) {
			return m
		}
	}
	return nil
}

// tidy saves what is owed to the storage, and drops pushed ids whose tasks have been finished for long enough.
func (s *Set) tidy(ctx context.Context) {
	s.mu.Lock()
	groups := make([]string, 0, len(s.kinds.pushed))
	for group := range s.kinds.pushed {
		groups = append(groups, group)
	}
	s.mu.Unlock()
	for _, group := range groups {
		if ctx.Err() != nil {
			return
		}
		s.saving.alone(func() { s.saveOwed(group) })
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
	var ids []string
	var account string
	var keep time.Duration
	s.withSource(group, func(src *pushed.Source) {
		ids = src.ToLook(now)
		account, keep = src.Account()
	})
	if len(ids) == 0 {
		return nil
	}
	return s.beyond.Expired(account, keep, ids, now)
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

// commits has pushes taken together: whoever comes while some are being saved waits, and all who wait are saved next, at once.
type commits struct {
	turn chan struct{} // has one who saves; taken before any lock

	mu      sync.Mutex // guards waiting; no other lock is taken while it is held
	waiting []*commit
}

// commit is a push that waits, or was taken. done belongs to whose turn it is.
type commit struct {
	push *source.Push
	done bool
}

func newCommits() *commits { return &commits{turn: make(chan struct{}, 1)} }

// do has a push taken by take, with others of its kind.
func (c *commits) do(p *source.Push, take func([]*source.Push)) {
	own := &commit{push: p}
	c.mu.Lock()
	c.waiting = append(c.waiting, own)
	c.mu.Unlock()
	c.alone(func() {
		for !own.done {
			together := c.next()
			pushes := make([]*source.Push, len(together))
			for i, w := range together {
				pushes[i], w.done = w.push, true
			}
			take(pushes)
		}
	})
}

// next returns those who have waited longest, of one kind: what is added and what is removed in one write would have no order.
func (c *commits) next() []*commit {
	c.mu.Lock()
	defer c.mu.Unlock()
	n, removes := 0, len(c.waiting[0].push.Remove) > 0
	for n < len(c.waiting) && (len(c.waiting[n].push.Remove) > 0) == removes {
		n++
	}
	next := c.waiting[:n:n]
	c.waiting = append([]*commit(nil), c.waiting[n:]...)
	return next
}

// alone calls f while nothing is being saved.
func (c *commits) alone(f func()) {
	c.turn <- struct{}{}
	defer func() { <-c.turn }()
	f()
}
