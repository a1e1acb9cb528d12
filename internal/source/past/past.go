// Package past remembers ids that lists name though their tasks have left memory, so that no read takes them for new ones.
package past

import (
	"hash/maphash"
	"maps"
	"time"
)

// Memory is what is remembered of all accounts: of each id a hash of 64 bits, 20 to 40 bytes with the map. To remember one for longer
// than it is listed does no harm: its task is over, whoever lists it. Not safe for concurrent use.
type Memory struct {
	seed     maphash.Seed
	isStale  func(n Naming) bool
	accounts map[string]*account
	count    int
	looked   time.Time // when all were last gone through for want of room
}

// lookAgain is how long nobody goes through all again for want of room: there may be millions.
const lookAgain = 10 * time.Second

// account is the ids of one account.
type account struct {
	named map[uint64]Naming
	after int // how many there were when they were last gone through
	// lossy: some that were listed were forgotten, for want of room.
	lossy bool
}

// Naming is which list named an id last, and in which round of it.
type Naming struct{ List, Round uint32 }

// New returns that nothing is remembered. isStale reports whether a list that named an id is no more, or names it no longer.
func New(isStale func(n Naming) bool) *Memory {
	return &Memory{seed: maphash.MakeSeed(), isStale: isStale, accounts: make(map[string]*account)}
}

// Len returns how many ids are remembered.
func (m *Memory) Len() int { return m.count }

// Free returns how many more ids may be remembered, of so many at most. Where there is none, those go that are listed no longer.
func (m *Memory) Free(most int) int {
	if m.count >= most && time.Since(m.looked) >= lookAgain {
		for _, a := range m.accounts {
			m.forget(a, m.isStale)
		}
		m.looked = time.Now()
	}
	return max(0, most-m.count)
}

// Has reports whether the task of an account's id has left memory and may still be listed.
func (m *Memory) Has(name, id string) bool {
	a := m.accounts[name]
	if a == nil {
		return false
	}
	_, named := a.named[m.hash(id)]
	return named || a.lossy // then nobody knows
}

// Name notes that a list names an id, if it is remembered. Repeated: the list had named it in that round.
func (m *Memory) Name(name, id string, now Naming) (remembered, repeated bool) {
	a := m.accounts[name]
	if a == nil {
		return false, false
	}
	hash := m.hash(id)
	was, ok := a.named[hash]
	if ok && (was.List == now.List || m.isStale(was)) {
		a.named[hash] = now
	}
	return ok, ok && was == now
}

// Remember remembers an id, of so many at most. Where there is no room for one more, those make some that are listed no longer, and
// then others, if that is allowed; false: there is none.
func (m *Memory) Remember(name, id string, n Naming, most int, mayForget bool) bool {
	a := m.accounts[name]
	if a == nil {
		a = &account{named: make(map[uint64]Naming)}
		m.accounts[name] = a
	}
	if len(a.named) > 2*a.after+1<<10 {
		m.forget(a, m.isStale)
	}
	if m.Free(most) <= 0 {
		if !mayForget {
			return false
		}
		i := 0
		m.forget(a, func(Naming) bool { i++; return i%4 == 1 })
		a.lossy = true
	}
	hash := m.hash(id)
	if _, ok := a.named[hash]; !ok {
		m.count++
	}
	a.named[hash] = n
	return true
}

// NameOrRemember notes that a list names an id, and remembers it, of so many at most. Where there is no room for one more, nobody knows any
// more which ids are remembered, and nobody looks: there may be ten times as many. Repeated: the list had named it in that round.
func (m *Memory) NameOrRemember(name, id string, now Naming, most int) (repeated bool) {
	if a := m.accounts[name]; a != nil && a.lossy && m.count >= most {
		return false
	}
	remembered, repeated := m.Name(name, id, now)
	if !remembered && !m.Remember(name, id, now, most, false) {
		m.accounts[name].lossy = true
	}
	return repeated
}

// Remove forgets an id that a list named last, and reports whether it did.
func (m *Memory) Remove(name, id string, list uint32) bool {
	a := m.accounts[name]
	if a == nil {
		return false
	}
	hash := m.hash(id)
	if n, ok := a.named[hash]; !ok || n.List != list {
		return false
	}
	delete(a.named, hash)
	m.count--
	return true
}

// Move takes what some lists named from one account to another.
func (m *Memory) Move(from, to string, lists func(number uint32) bool) {
	a, b := m.accounts[from], m.accounts[to]
	if a == nil {
		return
	}
	if b == nil {
		b = &account{named: make(map[uint64]Naming)}
		m.accounts[to] = b
	}
	before := len(b.named) + len(a.named)
	for hash, n := range a.named {
		if lists(n.List) {
			b.named[hash] = n
			delete(a.named, hash)
		}
	}
	m.count -= before - len(a.named) - len(b.named)
	b.lossy = b.lossy || a.lossy
}

// forget forgets ids of which something is true, and gives memory back, which a map never does by itself.
func (m *Memory) forget(a *account, gone func(n Naming) bool) {
	before := len(a.named)
	maps.DeleteFunc(a.named, func(_ uint64, n Naming) bool { return gone(n) })
	a.after = len(a.named)
	m.count -= before - a.after
	if a.after < before/4 {
		a.named = maps.Collect(maps.All(a.named))
	}
}

func (m *Memory) hash(id string) uint64 { return maphash.String(m.seed, id) }
