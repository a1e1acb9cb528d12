// Package entry is how a task is held: the entry of a task in the table, the group and model that it is of, and the account that asks
// about it. Nothing here has a lock: the tracker's guards all of it.
package entry

import (
	"log/slog"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/backlog"
	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/dispatch"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/labels"
	"github.com/kie-exporter/kie_exporter/internal/learned"
	"github.com/kie-exporter/kie_exporter/internal/life"
	"github.com/kie-exporter/kie_exporter/internal/packed"
	"github.com/kie-exporter/kie_exporter/internal/schedule"
	"github.com/kie-exporter/kie_exporter/internal/totals"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// Task is one task: its facts, packed, and what they do not tell. There are a million of them, so it is 80 bytes, and not one more. What
// matters only until it is finished is in Unfinished.
//
// What holds of it while no method runs, Check checks:
//   - A finished task has no Unfinished, and one that is not has one.
//   - An unfinished task that is being asked waits nowhere. Another one waits in the lane that its Unfinished tells, once.
//   - It is in the backlog if, and only if, its Unfinished is shared.
//   - It has a model if, and only if, an answer has told one.
type Task struct {
	packed.Task[*Kind]

	Labels       map[string]string // never written to
	Unfinished   *life.Unfinished  // nil once finished
	Index        uint32            // in the list that the task is in: of unfinished, finished or dropped ones
	backlogIndex uint32            // in the backlog, while it is there
	at           packed.Time       // when the final state was learned; before that, of one whose Unfinished is shared, its first sight
	Marks        Marks
}

// NewTask returns a task of a group that was never answered, without an Unfinished.
func NewTask(g *Group, id string) *Task {
	return &Task{Task: packed.Task[*Kind]{ID: id, Kind: &g.unanswered}}
}

// Marks are what is true of a task.
type Marks uint8

// The marks of a task.
const (
	Counted Marks = 1 << iota // is news, so that it is in the totals or will be; Tracker.countLocked says what has it counted once
	Removed                   // tracked no longer
	Called                    // a callback has come for it
	Written                   // its final record was written, or read; said where other replicas may write it
)

// Has reports whether a mark is set.
func (m Marks) Has(mark Marks) bool { return m&mark != 0 }

// Set sets a mark, or takes it away.
func (m *Marks) Set(mark Marks, on bool) {
	*m &^= mark
	if on {
		*m |= mark
	}
}

// Kind is what many tasks have in common. They have the same one where all of it is the same; it is never written to.
type Kind struct {
	Group *Group
	Model *Model // nil: not answered yet
	Code  string // fail code of failed tasks, as it is shown
	Own   string // the word for the endpoint that the task's list names; empty: that of the group
}

// Names implements packed.Kind.
func (k *Kind) Names() (model, failCode string) {
	if k.Model == nil {
		return "", k.Code
	}
	return k.Model.Name, k.Code
}

// kinds are the kinds of tasks, each once. The zero one has none.
type kinds map[Kind]*Kind

// intern returns the one that is like that.
func (all *kinds) intern(like Kind) *Kind {
	k := (*all)[like]
	if k == nil {
		if *all == nil {
			*all = make(kinds)
		}
		like.Code = strings.Clone(like.Code) // the answer that it is from is not to be kept for it
		k = new(like)
		(*all)[like] = k
	}
	return k
}

// Group is a configured set of tasks.
type Group struct {
	Name          string
	Account       *Account
	Endpoint      kie.Endpoint  // that its tasks are asked about at
	LoggedUnknown bool          // the log says that a task is unknown there
	Overdue       time.Duration // 0: learned
	Webhook       bool          // callbacks are expected
	Leaving       bool          // is in no configuration any more, and goes as soon as what moves to others has
	Callbacks     schedule.Callbacks
	Tasks         int // tracked
	Learned       *learned.Group
	Totals        totals.Group
	limits        *labels.Limits
	unanswered    Kind  // of its tasks that were not answered yet
	own           kinds // of those that have an endpoint of their own
}

// Model is a model in a group.
type Model struct {
	Group     *Group
	Name      string
	Tasks     map[kie.State]int // that are tracked now, by last answer
	Durations *schedule.Durations
	Totals    totals.Model
	coming    int   // tasks that will be in the totals
	answered  Kind  // of its tasks
	others    kinds // of those that failed, or have an endpoint of their own
}

// Account is a budget and the tasks that it is spent on.
type Account struct {
	Name       string
	Budget     *budget.Account
	Dispatcher *dispatch.Dispatcher
	Log        *slog.Logger
	LastRun    time.Time // what finished after it and was there at the start is news

	Queue   schedule.Queue[*Task]
	Backlog backlog.List[*Task] // of the queue
	Asking  map[*Task]*Query    // under way
	Probing map[string]*Query   // of probes, by id, from before they have a permit
	Clock   life.Clock
	Waiting dispatch.Waiters
}

// Query is one that is under way, or that a probe waits to send. Other probes of the same task wait for its outcome.
type Query struct {
	Began    time.Time
	Endpoint kie.Endpoint  // that whoever asks first has named
	Tracked  bool          // the task is tracked, and so asked about where it always is
	Sent     bool          // under way about a task that is in no list
	Done     chan struct{} // closed when the rest is set
	Outcome  view.Probe
	Useful   bool // to others than who asked: it was not given up
}

// NewQuery returns a query that begins now.
func NewQuery() *Query { return &Query{Began: time.Now(), Done: make(chan struct{})} }

// NewAccount returns an account without tasks.
func NewAccount(name string, b *budget.Account, log *slog.Logger, lastRun time.Time) *Account {
	a := &Account{
		Name: name, Budget: b, Log: log, LastRun: lastRun, Asking: make(map[*Task]*Query), Probing: make(map[string]*Query),
	}
	a.Queue.Backlog = &a.Backlog
	return a
}
