// The tasks with series of their own, in blocks that stay the same as long as their tasks do.

package view

import (
	"slices"
	"unique"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// Shown is which tasks have series of their own at one moment. It is immutable.
type Shown struct {
	LabelKeys []string // sorted union of the keys of all tasks' labels
	// Blocks hold the tasks, each once, in no order. A later Shown has the same blocks but for those that changed since.
	Blocks []*Block

	Number uint64 // grows from one to the next that the same tracker makes
}

// IsOlderThan reports whether other was made later by the same tracker.
func (s Shown) IsOlderThan(other Shown) bool { return s.Number < other.Number }

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
	tasks  []compact
	groups []share
}

// share is how many tasks of a block are in a group.
type share struct {
	group string
	tasks int
}

// compact is a Task without what can be told from the rest of it, times to the millisecond.
type compact struct {
	id        string
	common    unique.Handle[common]
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

// common is what many tasks have in common.
type common struct {
	group, account, model string
	endpoint              kie.Endpoint
}

// NewBlock returns a block of tasks.
func NewBlock(tasks ...Task) *Block {
	b := NewBuilder(len(tasks))
	for i := range tasks {
		b.Add(&tasks[i])
	}
	return b.Block()
}

// Builder makes a block.
type Builder struct {
	block *Block
	last  common // of the last task, for the next one often has the same
	held  unique.Handle[common]
}

// NewBuilder returns what makes a block with room for so many tasks.
func NewBuilder(size int) *Builder {
	return &Builder{block: &Block{tasks: make([]compact, 0, size)}, held: unique.Make(common{})}
}

// Add adds a task.
func (b *Builder) Add(t *Task) {
	b.block.count(t.Group)
	if c := (common{t.Group, t.Account, t.Model, t.Endpoint}); c != b.last {
		b.last, b.held = c, unique.Make(c)
	}
	b.block.tasks = append(b.block.tasks, compact{
		id: t.ID, common: b.held, labels: t.Labels, failCode: t.FailCode,
		created: t.Created, completed: t.Completed, failedAt: t.FailedAt, learned: t.Learned,
		seen: kie.TimeOf(t.Seen), answered: kie.TimeOf(t.LastAnswer), credits: t.Credits,
		state: t.State, reason: t.Reason, queryError: t.QueryError, hasCredits: t.HasCredits, overdue: t.Overdue, givenUp: t.GivenUp,
	})
}

// Block returns the block. Nothing may be added after.
func (b *Builder) Block() *Block { return b.block }

// count counts a task of a group.
func (b *Block) count(group string) {
	i := slices.IndexFunc(b.groups, func(s share) bool { return s.group == group })
	if i < 0 {
		i = len(b.groups)
		b.groups = append(b.groups, share{group: group})
	}
	b.groups[i].tasks++
}

// CountByGroup adds the tasks of the block to the counts of their groups.
func (b *Block) CountByGroup(counts map[string]int) {
	for _, s := range b.groups {
		counts[s.group] += s.tasks
	}
}

// Len returns how many tasks there are in the block.
func (b *Block) Len() int { return len(b.tasks) }

// Read makes t a copy of a task.
func (b *Block) Read(i int, t *Task) {
	e := &b.tasks[i]
	c := e.common.Value()
	*t = Task{
		Task: kie.Task{
			ID: e.id, Model: c.model, State: e.state, Created: e.created, Completed: e.completed,
			FailCode: e.failCode, Reason: e.reason, Credits: e.credits, HasCredits: e.hasCredits,
		},
		Group: c.group, Account: c.account, Endpoint: c.endpoint, Labels: e.labels, FailedAt: e.failedAt, Learned: e.learned,
		Seen: e.seen.Time(), LastAnswer: e.answered.Time(), QueryError: e.queryError, Overdue: e.overdue, GivenUp: e.givenUp,
	}
}
