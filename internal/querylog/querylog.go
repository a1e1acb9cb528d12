// Package querylog keeps what was asked about single tasks, when, and what came of it, and when callbacks came, for people who look at one.
//
// What it takes is bounded: 24 queries of a task at the most, of 20,000 unfinished tasks and 1,000 finished ones, those that were
// asked last. That is 12 MB if all of them were asked as often, and nothing for a task that never was.
package querylog

import (
	"slices"
	"sync"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

const (
	mostUnfinished = 20_000
	mostFinished   = 1_000

	// Of a task's queries the first ones are kept, and the last ones.
	firstKept = 8
	lastKept  = 16
)

// Query is what became of one query about a task, or a callback about it.
type Query struct {
	Ended    time.Time // when a callback came
	Took     time.Duration
	Class    kie.Class // of the outcome
	State    kie.State // of the task after it
	Callback bool      // nothing was asked: a callback came
}

// compact is a Query in 16 bytes.
type compact struct {
	ended    kie.Time
	took     uint32 // in milliseconds
	class    kie.Class
	state    kie.State
	callback bool
}

// Log keeps the queries of many tasks. It is safe for concurrent use; a nil *Log keeps nothing.
type Log struct {
	mu         sync.Mutex // guards all below
	tasks      map[key]*task
	unfinished list
	finished   list
}

type key struct{ account, id string }

// task is a task that was asked, in one of the lists.
type task struct {
	key
	next, before *task // in its list
	queries      []compact
	left         int // queries between the first and the last ones, which were let go
	finished     bool
}

// New returns a log without queries.
func New() *Log {
	l := &Log{tasks: make(map[key]*task)}
	l.unfinished.init()
	l.finished.init()
	return l
}

// Add notes a query about a task of an account.
func (l *Log) Add(account, id string, q Query) {
	if l == nil {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.tasks[key{account, id}]
	if k == nil {
		k = &task{key: key{account, id}}
		l.tasks[k.key] = k
	} else {
		l.listLocked(k).take(k)
	}
	k.add(compact{
		ended: kie.TimeOf(q.Ended), took: uint32(min(max(q.Took.Milliseconds(), 0), 1<<31)),
		class: q.Class, state: q.State, callback: q.Callback,
	})
	k.finished = q.State.Finished()
	l.listLocked(k).put(k)
	l.evictLocked(&l.unfinished, mostUnfinished)
	l.evictLocked(&l.finished, mostFinished)
}

// Queries returns the queries about a task in their order, and how many were let go between the first ones and the last.
func (l *Log) Queries(account, id string) (queries []Query, left int) {
	if l == nil {
		return nil, 0
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	k := l.tasks[key{account, id}]
	if k == nil {
		return nil, 0
	}
	for _, q := range k.queries {
		queries = append(queries, Query{
			Ended: q.ended.Time(), Took: time.Duration(q.took) * time.Millisecond, Class: q.class, State: q.state, Callback: q.callback,
		})
	}
	return queries, k.left
}

// FirstKept is how many of a task's queries come before those that were let go, if any were.
const FirstKept = firstKept

func (k *task) add(q compact) {
	if len(k.queries) == firstKept+lastKept {
		k.queries = slices.Delete(k.queries, firstKept, firstKept+1)
		k.left++
	}
	k.queries = append(k.queries, q)
}

func (l *Log) listLocked(k *task) *list {
	if k.finished {
		return &l.finished
	}
	return &l.unfinished
}

// evictLocked forgets the tasks of a list that were asked longest ago, beyond so many.
func (l *Log) evictLocked(tasks *list, most int) {
	for tasks.len > most {
		oldest := tasks.root.next
		tasks.take(oldest)
		delete(l.tasks, oldest.key)
	}
}

// list is a ring of tasks, the one that was asked longest ago first.
type list struct {
	root task
	len  int
}

func (l *list) init() { l.root.next, l.root.before = &l.root, &l.root }

func (l *list) put(k *task) {
	k.next, k.before = &l.root, l.root.before
	k.before.next, l.root.before = k, k
	l.len++
}

func (l *list) take(k *task) {
	k.before.next, k.next.before = k.next, k.before
	l.len--
}
