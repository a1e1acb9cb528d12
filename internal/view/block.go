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

// compact is a Task, times to the millisecond: what many have in common once for all, and what is its own.
type compact struct {
	id        string
	common    unique.Handle[common]
	labels    map[string]string
	created   kie.Time
	completed kie.Time
	failedAt  kie.Time
	learned   kie.Time
	seen      kie.Time
	answered  kie.Time
	credits   float64

	queryError kie.Class
	overdue    bool
	givenUp    bool
}

// common is what many tasks have in common: of the facts, all but id, times and credits.
type common struct {
	group, account string
	endpoint       kie.Endpoint
	facts          kie.Task
}

// commonOf returns what others may have in common with a task.
func commonOf(t *Task) common {
	f := t.Task
	f.ID, f.Created, f.Completed, f.Credits = "", 0, 0, 0
	f.Updated, f.Took, f.HasResult = 0, 0, false // of answers only
	return common{group: t.Group, account: t.Account, endpoint: t.Endpoint, facts: f}
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
	block  *Block
	recent [16]held // of the last tasks, for the next one mostly has one of these
	made   int      // how many were in recent, of which the oldest are gone
}

type held struct {
	common common
	handle unique.Handle[common]
}

// NewBuilder returns what makes a block with room for so many tasks.
func NewBuilder(size int) *Builder {
	return &Builder{block: &Block{tasks: make([]compact, 0, size)}}
}

// Add adds a task.
func (b *Builder) Add(t *Task) {
	b.block.count(t.Group)
	b.block.tasks = append(b.block.tasks, compact{
		id: t.ID, common: b.common(t), labels: t.Labels,
		created: t.Created, completed: t.Completed, failedAt: t.FailedAt, learned: t.Learned,
		seen: kie.TimeOf(t.Seen), answered: kie.TimeOf(t.LastAnswer), credits: t.Credits,
		queryError: t.QueryError, overdue: t.Overdue, givenUp: t.GivenUp,
	})
}

// common returns what others may have in common with a task, held once for those that do.
func (b *Builder) common(t *Task) unique.Handle[common] {
	c := commonOf(t)
	for i := range min(b.made, len(b.recent)) {
		if b.recent[i].common == c {
			return b.recent[i].handle
		}
	}
	h := &b.recent[b.made%len(b.recent)]
	*h = held{c, unique.Make(c)}
	b.made++
	return h.handle
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
	t.Task = c.facts
	t.ID, t.Created, t.Completed, t.Credits = e.id, e.created, e.completed, e.credits
	t.Group, t.Account, t.Endpoint, t.Labels = c.group, c.account, c.endpoint, e.labels
	t.FailedAt, t.Learned, t.Seen, t.LastAnswer = e.failedAt, e.learned, e.seen.Time(), e.answered.Time()
	t.QueryError, t.Overdue, t.GivenUp = e.queryError, e.overdue, e.givenUp
}
