// Package source says what a source of ids is, and in which words sources and the rest of the program talk: tasks, changes, health.
package source

import (
	"context"
	"errors"
	"time"
)

// Source is where ids of a group come from. It hands over what was added and removed to the ledger's lists that were made for it, and
// nobody needs to know what kind of source it is. Its methods are called with the lock of its owner held, one at a time.
type Source interface {
	// Due returns when the source is to be refreshed next. The zero time is at every look, each Interval.
	Due() time.Time
	// Fetch returns what must come from elsewhere before a refresh; nil: nothing must. It changes nothing.
	Fetch() Fetch
	// Refresh hands over what was added and removed since the last one. An error says why some lists could not be read: what they
	// lack stays, and so does what all lists lack, unless it is a PartialError.
	Refresh(ctx context.Context) error
	// Retire ends the source, which is in no configuration any more. What is being fetched is for nobody.
	Retire()
}

// Fetch gets what takes long to come, without any lock. What it returns is called with the lock held: it takes over what came, and
// reports whether the source still wants it.
type Fetch func(ctx context.Context) (arrive func() bool)

// Task is a task as a source lists it.
type Task struct {
	ID     string
	Model  string            // a Hint; only a list that names models can say; the model is used until the first answer
	Labels map[string]string // the group's and the list's; shared between tasks, never written to
	// Endpoint is the word for where the task is asked about, if its list says; empty: where its group says.
	Endpoint string
}

// Change is what changed of a group's ids. Each id is in one group of an account at a time: the first that lists it, and
// has room. The same id in a group of another account is another task. A group that comes to another account takes its ids along
// without a change, but for ids that the other account has already.
type Change struct {
	Group string
	// Backlog marks Added as the ids of a source's first read: the one that is made at the start, or the first successful one of a
	// source that was there then but could not be read, or of a server in another's place.
	Backlog bool
	// Added holds newly listed tasks in the order listed, and tasks known before whose group or labels changed.
	Added []Task
	// Removed holds ids that no source lists any more.
	Removed []string
}

// Interval is the time between two looks at the sources. A list by HTTP has one of its own.
const Interval = 5 * time.Second

// PartialError is why some entries of a source are no lists; all lists that there are were read.
type PartialError struct{ Err error }

func (e *PartialError) Error() string { return e.Err.Error() }

func (e *PartialError) Unwrap() error { return e.Err }

// IsPartial reports whether an error is a PartialError.
func IsPartial(err error) bool {
	_, partial := errors.AsType[*PartialError](err)
	return partial
}

// ErrUnfinished is why a source is not read to its end yet, though nothing is wrong: it goes on at the next look, after other sources.
var ErrUnfinished = errors.New("not read to its end yet, goes on")

// Sink takes changes in the order in which they happen.
type Sink interface {
	Apply(c Change)
}

// Memory is a sink that makes room: it knows which tasks are over, which are those that are finished or given up, and lets them go.
// Its methods may wait for a disk.
type Memory interface {
	// Over returns when it was learned that tasks of a group's account were over; zero: they are not, as far as is known.
	Over(group string, ids []string) []time.Time
	// Evict has tasks that are over leave memory, those first that are for longest, and returns which. All of them will be known again.
	Evict(w Wanted) []Evicted
	// Displace has tasks that no answer has come for leave memory, those first that are listed for longest, and returns which. May says of an
	// account's id whether it may go.
	Displace(w Wanted, may func(account, id string) bool) []Evicted
	// CountOver returns how many tasks are over, about. Nothing is waited for.
	CountOver() int
	// Old returns which tasks were over at the start, where there is room for so many; nil: that is not known. It is asked once, before lists
	// are read.
	Old(room int) Old
	// Keeps reports whether Over will know those again that Evict let go: they are on disk. Nothing is waited for.
	Keeps() bool
}

// Old knows tasks that were over at the start, without a look at a disk. It may be asked by several goroutines at a time.
type Old interface {
	// Ages tells of some of an account's tasks, in their order, how old they were at the start. Many at once take less time each.
	Ages(account string, ids []string, ages []Age)
	// Len returns how many there are.
	Len() int
}

// Age is how old a task was at the start.
type Age uint8

// The ages of a task.
const (
	NotOver Age = iota // as far as is known
	Over
	OldOver // over for longer than as many others as there is room for
)

// Wanted is which tasks are to leave memory.
type Wanted struct {
	Group string // empty: of all
	Need  int    // so many, whichever there are
	// Rivals are when other tasks were over, the latest first. Each that is later than a task in memory is to have that one's place.
	Rivals []time.Time
}

// Evicted is tasks of an account that left memory.
type Evicted struct {
	Account string
	IDs     []string
}

// Limits bound what sources may have.
type Limits struct {
	Tasks int   // that are tracked, of all sources
	Bytes int64 // of one list, unpacked
	IDs   int   // of one list
}

// Stat is the health of one source.
type Stat struct {
	Group, Source string
	Tasks         int       // ids it lists, duplicates included
	Read          bool      // all its lists were read at least once, whatever is beside them
	LastSuccess   time.Time // zero: none yet
	Pushed        bool      // it has what producers push, and no list
	LastPush      time.Time // at which ids were last pushed, known ones included; zero: not by now
	LastRefusal   time.Time // at which there was last no room for a pushed id; zero: not by now
	FailingSince  time.Time // zero: the last read did not fail, or there was none yet
	Errors        uint64
	Rejected      map[Rejection]uint64 // every rejection is present, with 0 if need be
	Refused       map[Rejection]int    // ids that it lists and that its group does not have now, by limit or KeptByOtherGroup; each is present
}

// settleAfter is for how long a source must have failed for nobody to wait for it any longer.
const settleAfter = time.Minute

// IsSettled reports whether the source was really read once, or has failed for a minute.
func (s *Stat) IsSettled(now time.Time) bool {
	return s.Read || !s.FailingSince.IsZero() && now.Sub(s.FailingSince) >= settleAfter
}

// Report is what one source has now.
type Report struct {
	Group, Source string
	IDs           int    // those that are tracked because of it
	Pushed        bool   // it has what producers push, which a check can't see
	Skipped       []Skip // by reason
	Err           error  // of the last read
	Partly        bool   // Err concerns entries that are no lists, and all lists were read
}

// Skip is what of a source is not tracked for one reason.
type Skip struct {
	Reason Rejection
	Count  uint64
	File   string // that has the first; empty: the source is no file
	Line   int    // of the first; of an inline list, its number there; 0: not known
}

// Rejection is why a listed id is not tracked.
type Rejection string

// The reasons of a rejection.
const (
	RejectedInvalid   Rejection = "invalid"   // not an id, or a line that can't be read
	RejectedDuplicate Rejection = "duplicate" // listed before
	RejectedLimit     Rejection = "limit"     // limits.tasks is reached
	RejectedMaxTasks  Rejection = "max_tasks" // max_tasks of the group is reached
	RejectedListIDs   Rejection = "list_ids"  // limits.list_ids is reached
	RejectedNoTask    Rejection = "no_task"   // an answer of createTask that created none
	RejectedSecret    Rejection = "secret"    // a secret of the configuration
)

// KeptByOtherGroup is, besides the limits, why a listed id is not tracked in its group: an earlier group of the account lists it, too.
const KeptByOtherGroup Rejection = "other_group"

// Rejections are all reasons of a rejection.
func Rejections() []Rejection {
	return []Rejection{
		RejectedInvalid, RejectedDuplicate, RejectedLimit, RejectedMaxTasks, RejectedListIDs, RejectedNoTask, RejectedSecret,
	}
}
