// The tasks, and the truth about them.

package soak_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

// fact is what is true of a task.
type fact struct {
	id, group, account, model string

	created   kie.Time
	completed kie.Time // zero: it never finishes
	state     string   // in the end
	credits   float64
	historic  bool // it had finished long before it was listed
}

func (f *fact) finishes() bool { return !f.completed.IsZero() }

func (f *fact) finishedBy(at time.Time) bool { return f.finishes() && !f.completed.Time().After(at) }

func (f *fact) latency() time.Duration { return f.completed.Sub(f.created) }

// contradicts finds fault with what is told of the task as finished.
func (f *fact) contradicts(state string, created, completed kie.Time, credits float64) error {
	switch {
	case !f.finishedBy(time.Now().Add(time.Second)): // a second is what clocks within one machine may never differ
		return fmt.Errorf("%s is %s, but is not finished yet", f.id, state)
	case state != f.state:
		return fmt.Errorf("%s is %s, not %s", f.id, state, f.state)
	case created != f.created || completed != f.completed:
		return fmt.Errorf("%s took from %d to %d, not from %d to %d", f.id, created, completed, f.created, f.completed)
	case credits != f.credits:
		return fmt.Errorf("%s cost %v, not %v", f.id, credits, f.credits)
	}
	return nil
}

// book holds all facts, of tasks long retired too. It is safe for concurrent use.
type book struct {
	sim *kiesim.Server

	mu     sync.Mutex
	random *rand.Rand
	facts  map[string]*fact
	ids    []string // in the order of creation
}

func newBook(sim *kiesim.Server, random *rand.Rand) *book {
	return &book{sim: sim, random: random, facts: map[string]*fact{}}
}

// create makes a task of a group, of a certain age, of which the API knows at once.
func (b *book) create(group, account string, age time.Duration) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	task := b.draw()
	task.Created = time.Now().Add(-age).Truncate(time.Millisecond)
	f := &fact{
		id: task.ID, group: group, account: account, model: task.Model,
		created: kie.TimeOf(task.Created), state: "success", credits: task.Credits, historic: age >= longAgo,
	}
	if task.Duration >= 0 {
		f.completed = f.created.Add(task.Duration)
	}
	if task.Fail != nil {
		f.state = "fail"
	}
	b.facts[f.id] = f
	b.ids = append(b.ids, f.id)
	b.sim.Put(task)
	return f.id
}

// draw draws a task's life: seconds mostly, at times none, seldom without end.
func (b *book) draw() kiesim.Task {
	models, failures := kiesim.DefaultModels(), kiesim.Failures()
	m := models[b.random.IntN(len(models))]
	task := kiesim.Task{
		ID:    fmt.Sprintf("%016x%016x", b.random.Uint64(), b.random.Uint64()),
		Model: m.Name, InFlight: m.InFlight, Quirks: m.Quirks, Results: m.Results,
		Credits:  float64(b.random.IntN(100)) / 4,
		Duration: time.Duration(500+b.random.IntN(7500)) * time.Millisecond,
	}
	switch n := b.random.IntN(1000); {
	case n < 20:
		task.Duration = 0
	case n < 22:
		task.Duration = -1
	}
	switch n := b.random.IntN(100); {
	case n < 15:
		task.Fail = &failures[b.random.IntN(len(failures))]
	case n < 17:
		task.EmptyResult = true
	}
	return task
}

func (b *book) fact(id string) (*fact, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f, ok := b.facts[id]
	return f, ok
}

func (b *book) len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.ids)
}

// cutShort reports whether a text is the beginning of an id: what a list says that is only half-written.
func (b *book) cutShort(text string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, id := range b.ids {
		if len(text) < len(id) && strings.HasPrefix(id, text) {
			return true
		}
	}
	return false
}

// longAgo is how old tasks are at their creation that had finished before the soak.
const longAgo = time.Hour

// all returns the facts as they are now.
func (b *book) all() map[string]*fact {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.facts)
}
