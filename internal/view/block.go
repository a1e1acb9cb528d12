// The tasks with series of their own, in blocks that stay the same as long as their tasks do.

package view

import (
	"slices"
	"unique"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/packed"
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

// Block is some tasks as they were at one moment. It is immutable, and takes 88 bytes where a Task takes 232.
type Block struct {
	tasks  []held
	groups []share
}

// share is how many tasks of a block are in a group.
type share struct {
	group string
	tasks int
}

// held is a Task, times to the millisecond: its facts, packed, and what they do not tell.
type held struct {
	packed.Task[kind]

	labels                            map[string]string
	failedAt, learned, seen, answered packed.Time
	queryError                        kie.Class
	overdue                           bool
	givenUp                           bool
}

// kind is what many tasks have in common.
type kind struct{ unique.Handle[common] }

type common struct {
	group, account, model, failCode string

	endpoint kie.Endpoint
}

// Names implements packed.Kind.
func (k kind) Names() (model, failCode string) {
	return k.Value().model, k.Value().failCode // and not the whole of it, of which that would make a copy
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
	recent [16]recent // of the last tasks, for the next one mostly has one of these
	made   int        // how many were in recent, of which the oldest are gone
}

type recent struct {
	common common
	kind   kind
}

// NewBuilder returns what makes a block with room for so many tasks.
func NewBuilder(size int) *Builder {
	return &Builder{block: &Block{tasks: make([]held, 0, size)}}
}

// Add adds a task.
func (b *Builder) Add(t *Task) {
	b.block.count(t.Group)
	b.block.tasks = append(b.block.tasks, held{
		Task: packed.Pack(&t.Task, b.kind(t)), labels: t.Labels,
		failedAt: packed.PackTime(t.FailedAt), learned: packed.PackTime(t.Learned),
		seen: packed.PackTime(kie.TimeOf(t.Seen)), answered: packed.PackTime(kie.TimeOf(t.LastAnswer)),
		queryError: t.QueryError, overdue: t.Overdue, givenUp: t.GivenUp,
	})
}

// kind returns what others may have in common with a task, held once for those that do.
func (b *Builder) kind(t *Task) kind {
	c := common{t.Group, t.Account, t.Model, t.FailCode, t.Endpoint}
	for i := range min(b.made, len(b.recent)) {
		if b.recent[i].common == c {
			return b.recent[i].kind
		}
	}
	r := &b.recent[b.made%len(b.recent)]
	*r = recent{c, kind{unique.Make(c)}}
	b.made++
	return r.kind
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
	e.Unpack(&t.Task)
	c := e.Kind.Value()
	t.Group, t.Account, t.Endpoint, t.Labels = c.group, c.account, c.endpoint, e.labels
	t.FailedAt, t.Learned, t.Seen, t.LastAnswer = e.failedAt.Unpack(), e.learned.Unpack(), e.seen.Unpack().Time(), e.answered.Unpack().Time()
	t.QueryError, t.Overdue, t.GivenUp = e.queryError, e.overdue, e.givenUp
}
