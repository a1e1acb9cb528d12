// The dictionary of an account: names of groups and models, and fail codes, as numbers.

package shared

import (
	"context"
	"fmt"
	"strconv"
	"sync"
)

// mostNames is how many names the dictionary of an account has at most. Those beyond are written out in each record.
const mostNames = 10_000

// names is what is known of a dictionary. Redis has it; numbers are given there and never change while it has its memory.
type names struct {
	mu     sync.Mutex // guards what follows
	number map[string]uint64
	name   map[uint64]string
	loaded bool
}

func newNames() *names { return &names{number: make(map[string]uint64), name: make(map[uint64]string)} }

// Number implements store.Dictionary.
func (n *names) Number(name string) uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.number[name]
}

// Name implements store.Dictionary.
func (n *names) Name(number uint64) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	s, ok := n.name[number]
	return s, ok
}

func (n *names) forget() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.number, n.name, n.loaded = make(map[string]uint64), make(map[uint64]string), false
}

// replace has the names be others, with their numbers.
func (n *names) replace(pairs []any) {
	fresh := newNames()
	fresh.note(pairs, true)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.number, n.name, n.loaded = fresh.number, fresh.name, true
}

func (n *names) isLoaded() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.loaded
}

// note notes names with their numbers, as text, by turns.
func (n *names) note(pairs []any, all bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i := 0; i+1 < len(pairs); i += 2 {
		name, _ := pairs[i].(string)
		text, _ := pairs[i+1].(string)
		number, err := strconv.ParseUint(text, 10, 32)
		if err != nil || number > 0 && n.name[number] != "" && n.name[number] != name {
			continue // two names of one number are in no dictionary of ours: neither is believed
		}
		if n.number[name] = number; number > 0 {
			n.name[number] = name
		}
	}
	n.loaded = n.loaded || all
}

// load reads the whole dictionary, if it was not read yet.
func (s *Store) loadNames(ctx context.Context, account string) (*names, error) {
	n := s.namesOf(account)
	if n.isLoaded() {
		return n, nil
	}
	return n, s.readNames(ctx, account)
}

// readNames reads the whole dictionary, in place of what was known of it.
func (s *Store) readNames(ctx context.Context, account string) error {
	reply, err := s.client.Do(ctx, call("read"), "hgetall", s.key(account, "names"))
	if err != nil {
		return err
	}
	pairs, ok := reply.([]any)
	if !ok {
		return fmt.Errorf("redis: the names of account %s are %T", account, reply)
	}
	s.namesOf(account).replace(pairs)
	return nil
}

// number gives numbers to names that are not known to have one.
func (s *Store) numberNames(ctx context.Context, account string, wanted map[string]bool) error {
	n := s.namesOf(account)
	args := []any{mostNames}
	n.mu.Lock()
	for name := range wanted {
		if _, ok := n.number[name]; !ok && name != "" {
			args = append(args, name)
		}
	}
	n.mu.Unlock()
	if len(args) == 1 {
		return nil
	}
	reply, err := s.client.Run(ctx, call("names"), namesScript, []string{s.key(account, "names")}, args...)
	if err != nil {
		return err
	}
	numbers, ok := reply.([]any)
	if !ok || len(numbers) != len(args)-1 {
		return fmt.Errorf("redis: numbers of names are %T", reply)
	}
	pairs := make([]any, 0, 2*len(numbers))
	for i, number := range numbers {
		pairs = append(pairs, args[i+1], number)
	}
	n.note(pairs, false)
	return nil
}

func (s *Store) namesOf(account string) *names {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.names[account] == nil {
		s.names[account] = newNames()
	}
	return s.names[account]
}
