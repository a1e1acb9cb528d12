// Things by account and id.

package table

import (
	"iter"
	"maps"
	"slices"
)

// Accounts has a table for each account, by its name: what one account knows of an id says nothing about another's. One without things
// has none. Not safe for concurrent use.
type Accounts[T any] struct {
	id     func(*T) string
	tables map[string]*Table[T]
}

// NewAccounts returns no tables, of things with such ids.
func NewAccounts[T any](id func(*T) string) Accounts[T] {
	return Accounts[T]{id: id, tables: make(map[string]*Table[T])}
}

// Names returns the accounts that have things, in order.
func (a Accounts[T]) Names() []string { return slices.Sorted(maps.Keys(a.tables)) }

// Len returns how many things an account has.
func (a Accounts[T]) Len(account string) int {
	if t := a.tables[account]; t != nil {
		return t.Len()
	}
	return 0
}

// Get returns the thing of an account with an id; nil: there is none.
func (a Accounts[T]) Get(account, id string) *T {
	if t := a.tables[account]; t != nil {
		return t.Get(id)
	}
	return nil
}

// Put adds a thing of an account, in place of one with the same id.
func (a Accounts[T]) Put(account string, thing *T) {
	t := a.tables[account]
	if t == nil {
		t = New(a.id)
		a.tables[account] = t
	}
	t.Put(thing)
}

// Delete takes a thing of an account out, if it is there.
func (a Accounts[T]) Delete(account string, thing *T) {
	t := a.tables[account]
	if t == nil || t.Get(a.id(thing)) != thing {
		return
	}
	if t.Delete(a.id(thing)); t.Len() == 0 {
		delete(a.tables, account)
	}
}

// All yields all things. None may come or go meanwhile.
func (a Accounts[T]) All() iter.Seq[*T] {
	return func(yield func(*T) bool) {
		for _, t := range a.tables {
			for thing := range t.All() {
				if !yield(thing) {
					return
				}
			}
		}
	}
}

// Account yields the things of an account. None may come or go meanwhile.
func (a Accounts[T]) Account(account string) iter.Seq[*T] {
	if t := a.tables[account]; t != nil {
		return t.All()
	}
	return func(func(*T) bool) {}
}

// Shard yields the things of a shard of an account. None may come or go meanwhile.
func (a Accounts[T]) Shard(account string, i int) iter.Seq[*T] {
	if t := a.tables[account]; t != nil {
		return t.Shard(i)
	}
	return func(func(*T) bool) {}
}
