// The tasks with series of their own, in blocks that stay the same as long as their tasks do.

package tracker

import (
	"slices"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// Shown is which tasks have series of their own at one moment. It is immutable.
type Shown struct {
	LabelKeys []string // sorted union of the keys of all tasks' labels
	// Blocks hold the tasks, each once, in no order. A later Shown has the same blocks but for those that changed since.
	Blocks []*Block

	number uint64 // grows from one to the next
}

// IsOlderThan reports whether other was made later by the same tracker.
func (s Shown) IsOlderThan(other Shown) bool { return s.number < other.number }

// Tasks returns a copy of every task.
func (s Shown) Tasks() []Task {
	n := 0
	for _, b := range s.Blocks {
		n += b.Len()
	}
	all := make([]Task, n)
	i := 0
	for _, b := range s.Blocks {
		for j := range b.Len() {
			b.Read(j, &all[i])
			i++
		}
	}
	return all
}

// Block is some tasks as they were at one moment. It is immutable, and takes half of the memory of its Tasks.
type Block struct {
	tasks  []entry
	groups []share
}

// share is how many tasks of a block are in a group.
type share struct {
	group string
	tasks int
}

// entry is a Task without what can be told from the rest of it, times to the millisecond.
type entry struct {
	id        string
	kind      *kind
	labels    map[string]string
	failCode  string
	created   kie.Time
	completed kie.Time
	failedAt  kie.Time
	learned   kie.Time
	seen      kie.Time
	answered  kie.Time
	credits   float64

	state      kie.State
	reason     kie.Reason
	queryError kie.Class
	hasCredits bool
	overdue    bool
	givenUp    bool
}

// kind is what many tasks have in common.
type kind struct{ group, account, model string }

// kinds holds each kind once.
type kinds map[kind]*kind

func (ks kinds) of(k kind) *kind {
	held := ks[k]
	if held == nil {
		held = &kind{k.group, k.account, k.model}
		ks[k] = held
	}
	return held
}

// NewBlock returns a block of tasks.
func NewBlock(tasks ...Task) *Block {
	b, ks := newBlock(len(tasks)), kinds{}
	for i := range tasks {
		b.add(&tasks[i], ks)
	}
	return b
}

func newBlock(size int) *Block {
	return &Block{tasks: make([]entry, 0, size)}
}

func (b *Block) add(t *Task, ks kinds) {
	i := slices.IndexFunc(b.groups, func(s share) bool { return s.group == t.Group })
	if i < 0 {
		i = len(b.groups)
		b.groups = append(b.groups, share{group: t.Group})
	}
	b.groups[i].tasks++
	b.tasks = append(b.tasks, entry{
		id: t.ID, kind: ks.of(kind{t.Group, t.Account, t.Model}), labels: t.Labels, failCode: t.FailCode,
		created: t.Created, completed: t.Completed, failedAt: t.FailedAt, learned: t.Learned,
		seen: kie.TimeOf(t.Seen), answered: kie.TimeOf(t.LastAnswer), credits: t.Credits,
		state: t.State, reason: t.Reason, queryError: t.QueryError, hasCredits: t.HasCredits, overdue: t.Overdue, givenUp: t.GivenUp,
	})
}

// Len returns how many tasks there are in the block.
func (b *Block) Len() int { return len(b.tasks) }

// Read makes t a copy of a task.
func (b *Block) Read(i int, t *Task) {
	e := &b.tasks[i]
	*t = Task{
		ID: e.id, Group: e.kind.group, Account: e.kind.account, Model: e.kind.model, Labels: e.labels,
		State: e.state, Created: e.created, Completed: e.completed,
		FailCode: e.failCode, Reason: e.reason, FailedAt: e.failedAt, Learned: e.learned,
		Credits: e.credits, HasCredits: e.hasCredits,
		Seen: e.seen.Time(), LastAnswer: e.answered.Time(), QueryError: e.queryError, Overdue: e.overdue, GivenUp: e.givenUp,
	}
	t.Latency, t.HasLatency = kie.Answer{State: e.state, Created: e.created, Completed: e.completed}.Latency()
}
