// Pushes to replicas: any of them takes ids, keeps them in Redis, and tells the one that has their tasks.

package app

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/config"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/question"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/internal/shared"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/secrets"
)

const (
	// lookForNotes is after how long the journals are read though nobody said that there is something in them, and again where they could not be.
	lookForNotes, notesAgain = 5 * time.Second, 500 * time.Millisecond
	// pushWithin is for how long Redis is waited for in all. Each call has a time of its own.
	pushWithin = 10 * time.Second
)

// notes is how far this replica has taken what others noted of the shares that it holds.
type notes struct {
	news chan struct{} // has something when there may be notes

	mu    sync.Mutex // held while notes are taken; guards what follows
	taken map[share.Share]shared.Journal
}

func newNotes() *notes {
	return &notes{news: make(chan struct{}, 1), taken: make(map[share.Share]shared.Journal)}
}

// arrive says that there may be notes.
func (n *notes) arrive() {
	select {
	case n.news <- struct{}{}:
	default:
	}
}

// errNotInForce says that a share is not in force here, or what was pushed of it not read yet.
var errNotInForce = errors.New("the share is not in force")

// push takes a push. With replicas, what others noted of the shares of this one counts first.
func (e *exporter) push(p *source.Push) { e.pushTo(p, true) }

// pushTo takes a push, of which ids go to Redis that are another replica's.
func (e *exporter) pushTo(p *source.Push, notesFirst bool) {
	if e.replicas == nil {
		e.sources.Push(p)
		return
	}
	account, ok := e.replicas.accountOf(p.Group)
	if !ok {
		p.Err = source.ErrNoPushes
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), pushWithin)
	defer cancel()
	shares := e.divide(account, p)
	here := slices.DeleteFunc(e.boxes(), func(sh share.Share) bool { return shares[sh] == nil })
	for _, sh := range here {
		if notesFirst && e.takeNotes(ctx, sh) != nil {
			here = nil // Redis is asked once more below, and decides
			break
		}
	}
	if !e.pushHere(p, shares, here) {
		here = nil
	}
	if p.Err != nil {
		return
	}
	for _, sh := range here {
		delete(shares, sh)
	}
	e.pushElsewhere(ctx, p, shares)
}

// divide returns which ids of a push, by index, are in each share.
func (e *exporter) divide(account string, p *source.Push) map[share.Share][]int {
	shares := make(map[share.Share][]int)
	for i := range p.Add {
		sh := e.replicas.shareOf(account, p.Add[i].ID)
		shares[sh] = append(shares[sh], i)
	}
	for i, id := range p.Remove {
		sh := e.replicas.shareOf(account, id)
		shares[sh] = append(shares[sh], i)
	}
	return shares
}

// pushHere takes those ids of a push that are in some shares, as a process that is alone does; false: they are not in force, and nothing was taken.
func (e *exporter) pushHere(p *source.Push, shares map[share.Share][]int, here []share.Share) (taken bool) {
	own := source.Push{Group: p.Group, Rejected: p.Rejected}
	var at []int
	for _, sh := range here {
		for _, i := range shares[sh] {
			at = append(at, i)
			if len(p.Add) > 0 {
				own.Add = append(own.Add, p.Add[i])
			} else {
				own.Remove = append(own.Remove, p.Remove[i])
			}
		}
	}
	e.sources.Push(&own)
	if errors.Is(own.Err, source.ErrStarting) || errors.Is(own.Err, source.ErrNoPushes) {
		return false
	}
	p.Err = own.Err
	p.Accepted, p.Known, p.Forgotten = p.Accepted+own.Accepted, p.Known+own.Known, p.Forgotten+own.Forgotten
	for i, why := range own.Refused {
		p.Refuse(at[i], why)
	}
	return true
}

// pushElsewhere keeps the rest of a push in Redis, and tells who holds the shares.
func (e *exporter) pushElsewhere(ctx context.Context, p *source.Push, shares map[share.Share][]int) {
	var secret *secrets.Known
	if len(shares) > 0 && len(p.Add) > 0 {
		secret = (&secrets.Known{}).Look(e.secrets(e.config()))
	}
	for sh, at := range shares {
		at = slices.DeleteFunc(at, func(i int) bool {
			is := secret != nil && secret.HasValue(p.Add[i].ID)
			if is {
				p.Refuse(i, source.RejectedSecret)
			}
			return is
		})
		changes := make([]source.Pushed, len(at))
		for k, i := range at {
			if len(p.Add) > 0 {
				changes[k] = source.Pushed{Group: p.Group, Task: p.Add[i]}
			} else {
				changes[k] = source.Pushed{Group: p.Group, Task: source.Task{ID: p.Remove[i]}, Gone: true}
			}
		}
		// Those whose tasks are over make room, which only the holder can tell: so there may be more ids than tasks.
		all, err := e.replicas.store.Push(ctx, partOf(sh), changes, 2*e.config().Limits.Tasks)
		if err != nil {
			p.Err = source.ErrNotKept
			return
		}
		if note(p, at, all) {
			e.tellOfNotes(ctx, sh)
		}
	}
}

func partOf(sh share.Share) shared.Part { return shared.Part{Account: sh.Account, Part: sh.Part} }

// note notes in a push what became of some of its ids, and reports whether that changed anything.
func note(p *source.Push, at []int, all []shared.Pushing) (changed bool) {
	for k, i := range at {
		changed = changed || all[k].Changed
		switch {
		case all[k].Refused != "":
			p.Refuse(i, all[k].Refused)
		case len(p.Add) == 0 && all[k].Changed:
			p.Forgotten++
		case len(p.Add) == 0:
		case all[k].Changed:
			p.Accepted++
		default:
			p.Known++
		}
	}
	return changed
}

// tellOfNotes tells whoever holds a share that there are notes. If that can't be told they are found within seconds.
func (e *exporter) tellOfNotes(ctx context.Context, sh share.Share) {
	if slices.Contains(e.boxes(), sh) {
		e.replicas.notes.arrive()
		return
	}
	_ = e.replicas.mailbox.Tell(ctx, sh, question.Push, nil) // which is counted
}

// takeNotesOn takes notes whenever there are some, until ctx ends.
func (e *exporter) takeNotesOn(ctx context.Context) {
	wait := lookForNotes
	for {
		select {
		case <-e.replicas.notes.news:
		case <-time.After(wait):
		case <-ctx.Done():
			return
		}
		wait = lookForNotes
		for _, sh := range e.boxes() {
			if e.takesPushes(sh.Account) && e.takeNotes(ctx, sh) != nil {
				wait = notesAgain
			}
		}
	}
}

func (e *exporter) takesPushes(account string) bool {
	return slices.ContainsFunc(e.config().Groups, func(g config.Group) bool { return g.Account == account && g.Push != nil })
}

// takeNotes takes what others noted of a share, and has it count.
func (e *exporter) takeNotes(ctx context.Context, sh share.Share) error {
	n := e.replicas.notes
	n.mu.Lock()
	defer n.mu.Unlock()
	for {
		next, err := e.replicas.store.Take(ctx, partOf(sh), n.taken[sh], e.short(sh.Account))
		if err != nil {
			return err
		}
		delete(n.taken, sh)
		if len(next.Notes) == 0 {
			return nil
		}
		if err := e.heed(ctx, sh, next.Notes); err != nil {
			return err
		}
		n.taken[sh] = next
	}
}

// short returns which groups of an account lack room for what was pushed to them, and why; empty: they have some.
func (e *exporter) short(account string) map[string]source.Rejection {
	all := make(map[string]source.Rejection)
	for _, g := range e.config().Groups {
		if g.Account == account && g.Push != nil {
			all[g.Name] = e.sources.Short(g.Name)
		}
	}
	return all
}

// heed has notes count.
func (e *exporter) heed(ctx context.Context, sh share.Share, all []shared.Note) error {
	pushed, gone := make(map[string][]string), make(map[string][]string)
	var called []string
	for _, n := range all {
		switch n.Kind {
		case shared.NoteCallback:
			called = append(called, n.ID)
		case shared.NoteAll:
			for group := range e.short(sh.Account) {
				e.sources.ReadAgain(group)
			}
		case shared.NoteForgotten:
			gone[n.Group] = append(gone[n.Group], n.ID)
			fallthrough // it may have been pushed again
		default:
			pushed[n.Group] = append(pushed[n.Group], n.ID)
		}
	}
	for group, ids := range pushed {
		if account, ok := e.replicas.accountOf(group); !ok || account != sh.Account {
			continue // by a reload
		}
		slices.Sort(ids)
		tasks, err := e.replicas.store.Pushed(ctx, sh.Account, group, slices.Compact(ids))
		if err != nil {
			return err
		}
		if !e.sources.Heed(group, gone[group], tasks) {
			return errNotInForce
		}
	}
	for _, id := range called {
		if kie.ValidID(id) {
			e.webhook.Hint(sh.Account, id)
		}
	}
	return nil
}

// accountsOf returns the accounts of the groups that take pushes.
func accountsOf(cfg *config.Config) map[string]string {
	accounts := make(map[string]string)
	for _, g := range cfg.Groups {
		if g.Push != nil {
			accounts[g.Name] = g.Account
		}
	}
	return accounts
}

// accountOf returns the account of a group that takes pushes; false: it takes none.
func (r *replicas) accountOf(group string) (account string, ok bool) {
	account, ok = (*r.pushed.Load())[group]
	return account, ok
}
