// Package owners holds the ids that are tracked, by account, and decides whose of an account's groups each is, by the claims on it.
package owners

import (
	"iter"
	"maps"
	"runtime"
	"slices"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/claim"
	"github.com/kie-exporter/kie_exporter/internal/table"
)

// Owners knows the claims on all tracked ids. Whoever changes claims touches their ids; Settle draws the conclusions. It has no lock.
type Owners struct {
	Shared claim.Shared // what was made since the last settle

	list     func(l *claim.List) List
	accounts map[string]*Account
	count    int // ids of all of them
}

// List is a list whose claims are decided on.
type List interface {
	// GiveUp takes the news that the group has no room for an id that the list claims.
	GiveUp(t *Task)
	// Repeats takes the news that an id that the list claims is another list's, too.
	Repeats()
}

// Task is a tracked id. There are a million of them, so what is alike for many is held once.
type Task struct {
	ID string
	*claim.Listing
}

// Account is the tracked ids of an account.
type Account struct {
	Name    string
	Tasks   *table.Table[Task]
	touched []*Task // the claims on which may have changed since the last settle
}

// New returns that there are no ids. List returns a list that has claims.
func New(list func(l *claim.List) List) *Owners {
	return &Owners{Shared: claim.NewShared(), list: list, accounts: make(map[string]*Account)}
}

// Count returns how many ids are tracked.
func (o *Owners) Count() int { return o.count }

// alike is of how many ids of a list those that come next may share the listings.
const alike = 64

// Know has what comes next share the listings of the last ids of a list.
func (o *Owners) Know(listed []*Task) {
	for _, t := range listed[max(0, len(listed)-alike):] {
		o.Shared.Know(t.Listing)
	}
}

// Accounts returns how many accounts are known.
func (o *Owners) Accounts() int { return len(o.accounts) }

// Account returns the account of a name, if need be a new one.
func (o *Owners) Account(name string) *Account {
	a := o.accounts[name]
	if a == nil {
		a = &Account{Name: name, Tasks: table.New(func(t *Task) string { return t.ID })}
		o.accounts[name] = a
	}
	return a
}

// Forget forgets the accounts that have no ids, but for those used.
func (o *Owners) Forget(used map[*Account]bool) {
	for name, a := range o.accounts {
		if a.Tasks.Len() == 0 && !used[a] {
			delete(o.accounts, name)
		}
	}
}

// Listings returns how many different listings the ids of an account have, and how many are kept to be found while lists are read.
func (o *Owners) Listings(account string) (different, kept int) {
	seen := make(map[*claim.Listing]bool)
	for t := range o.Account(account).Tasks.All() {
		seen[t.Listing] = true
	}
	return len(seen), o.Shared.Len()
}

// inOrder returns the accounts by name.
func (o *Owners) inOrder() []*Account {
	var all []*Account
	for _, name := range slices.Sorted(maps.Keys(o.accounts)) {
		all = append(all, o.accounts[name])
	}
	return all
}

// Track adds an id without claims to an account.
func (o *Owners) Track(a *Account, id string) *Task {
	t := &Task{ID: id, Listing: o.Shared.Listing(nil, nil)}
	a.Tasks.Put(t)
	o.count++
	return t
}

// untrack takes an id without claims out of an account, if it is still there.
func (o *Owners) untrack(a *Account, t *Task) {
	if a.Tasks.Get(t.ID) == t {
		a.Tasks.Delete(t.ID)
		o.count--
	}
}

// Drop takes an id out of an account at once, with all claims on it, and tells the sink nothing.
func (o *Owners) Drop(a *Account, t *Task) {
	claims := t.Claims
	for claims != nil {
		claims = o.Shared.GivenUp(claims, claims.List)
	}
	o.report(t, nil, nil)
	o.untrack(a, t)
}

// Release takes back a list's claim on an id of an account.
func (o *Owners) Release(a *Account, l *claim.List, t *Task) {
	t.Listing = o.Shared.Listing(o.Shared.GivenUp(t.Claims, l), t.Reported)
	a.Touch(t)
}

// Say has a list's claim on an id of an account say something else of it.
func (o *Owners) Say(a *Account, l *claim.List, t *Task, instead func(before *claim.Attrs) *claim.Attrs) {
	claimed := t.Claims.By(l)
	if claimed == nil { // it was given up
		return
	}
	c := *claimed
	c.Attrs = instead(c.Attrs)
	t.Listing = o.Shared.Listing(o.Shared.With(t.Claims, c), t.Reported)
	a.Touch(t)
}

// Transfer moves a list's claim on an id of an account to the same id of another account, and returns that.
func (o *Owners) Transfer(l *claim.List, t *Task, from, to *Account) *Task {
	claimed := t.Claims.By(l)
	if claimed == nil { // it was given up
		return t
	}
	moved := to.Tasks.Get(t.ID)
	if moved == nil {
		moved = o.Track(to, t.ID)
	}
	reported, there := t.Reported, moved.Reported
	if reported != nil && reported.Group == l.Source.Group {
		if there == nil {
			there = reported
		} else {
			reported.Group.Tasks--
		}
		reported = nil
	}
	c := *claimed
	c.Lost = false
	t.Listing = o.Shared.Listing(o.Shared.GivenUp(t.Claims, l), reported)
	moved.Listing = o.Shared.Listing(o.Shared.With(moved.Claims, c), there)
	from.Touch(t)
	to.Touch(moved)
	return moved
}

// IsMuchTouched reports whether the claims on so many ids may have changed since the last settle that it pays to settle.
func (a *Account) IsMuchTouched() bool { return len(a.touched) >= SettleAtATime*3/4 }

// Touch notes that the claims on an id may have changed.
func (a *Account) Touch(t *Task) { a.touched = append(a.touched, t) }

// TouchShared has it decided anew whose the ids are that are listed more than once.
func (o *Owners) TouchShared() {
	for _, a := range o.accounts {
		for t := range a.Tasks.All() {
			if t.Claims != nil && t.Claims.Next != nil {
				a.Touch(t)
			}
		}
	}
}

// SettleAtATime is how many ids a change has at the most, so that a list of a million is handed on in parts.
const SettleAtATime = 1 << 17

// yieldEach is after how many ids whoever waits for a processor, such as a scrape, has it first.
const yieldEach = 1 << 10

// Settle decides anew whose the touched ids are, and yields what changed, some ids at a time and group by group, of which there are
// so many.
func (o *Owners) Settle(groups int) iter.Seq[source.Change] {
	return func(yield func(source.Change) bool) {
		defer func() { o.Shared = claim.NewShared() }()
		for _, a := range o.inOrder() {
			all := a.touched
			a.touched = nil
			if !o.settle(a, all, groups, yield) {
				return
			}
		}
	}
}

// SettleAlone has claims on ids of an account changed, and yields what that changes, like Settle. What else was touched stays so.
func (o *Owners) SettleAlone(a *Account, groups int, change func()) iter.Seq[source.Change] {
	return func(yield func(source.Change) bool) {
		others := a.touched
		a.touched = nil
		change()
		touched := a.touched
		a.touched = others
		o.settle(a, touched, groups, yield)
	}
}

// settle yields what changed of some ids of an account, until yield returns false.
func (o *Owners) settle(a *Account, all []*Task, groups int, yield func(source.Change) bool) (more bool) {
	for touched := range slices.Chunk(all, SettleAtATime) {
		for _, c := range o.settleSome(a, touched, groups) {
			if len(c.Added)+len(c.Removed) > 0 && !yield(c) {
				return false
			}
		}
	}
	return true
}

// settleSome returns what changed of some ids of an account, by group.
func (o *Owners) settleSome(a *Account, touched []*Task, groups int) []source.Change {
	changes := make([]source.Change, groups)
	for i, t := range touched {
		o.settleTask(a, t, changes, len(touched)-i)
		if i%yieldEach == yieldEach-1 {
			runtime.Gosched()
		}
	}
	return changes
}

// settleTask decides whose an id is, and adds what that changes; so many ids at the most are decided on from it on.
func (o *Owners) settleTask(a *Account, t *Task, changes []source.Change, left int) {
	reported, owner := t.Reported, o.ownerOf(t)
	if owner == nil {
		if reported != nil { // else it was touched twice, or went to another account
			c := reported.Group.ChangeIn(changes)
			c.Removed = append(c.Removed, t.ID)
		}
		o.report(t, nil, nil)
		o.untrack(a, t)
		return
	}
	claims := t.Claims
	for c := range t.Claims.All() {
		// An id on its way from one list to another is not listed twice.
		if c != owner && !c.Counted && c.IsLive() && owner.IsLive() {
			counted := *c
			counted.Counted = true
			claims = o.Shared.With(claims, counted)
			o.list(c.List).Repeats()
		}
	}
	o.report(t, o.Shared.MarkLost(claims, owner.Attrs.Group), owner.Attrs)
	if reported == nil || reported.Group != t.Reported.Group || !maps.Equal(reported.Labels, t.Reported.Labels) {
		c := t.Reported.Group.ChangeIn(changes)
		if len(c.Added) == cap(c.Added) { // a list that grows by a quarter is copied five times
			c.Added = slices.Grow(c.Added, min(left, max(left/len(changes), len(c.Added), 1)))
		}
		c.Added = append(c.Added, source.Task{ID: t.ID, Model: t.Reported.Model, Endpoint: t.Reported.Endpoint, Labels: t.Reported.Labels})
	}
}

// report notes that an id is reported to the sink as a group's, by what its list says of it.
func (o *Owners) report(t *Task, claims *claim.Claim, now *claim.Attrs) {
	if was := t.Reported; was == nil || now == nil || was.Group != now.Group {
		if was != nil {
			was.Group.Tasks--
		}
		if now != nil {
			now.Group.Tasks++
		}
	}
	t.Listing = o.Shared.Listing(claims, now)
}

// ownerOf returns the claim on an id that counts. A group that would get the id, and may have no more, gives its claims up.
func (o *Owners) ownerOf(t *Task) *claim.Claim {
	for t.Claims != nil {
		owner := t.Claims.Owner()
		gr := owner.List.Source.Group
		if gr.Most == 0 || gr.Tasks < gr.Most || t.Reported != nil && t.Reported.Group == gr {
			return owner
		}
		o.list(owner.List).GiveUp(t)
		t.Listing = o.Shared.Listing(o.Shared.GivenUp(t.Claims, owner.List), t.Reported)
	}
	return nil
}
