// Package view is what readers see: what is known at one moment, as values that nobody writes to any more.
package view

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/histogram"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

// Snapshot is what is known at one moment. It is immutable.
type Snapshot struct {
	Shown     // the tasks with series of their own
	At        time.Time
	Models    []Model // sorted by group, then model
	Groups    []Group // in the configuration's order
	Accounts  []Account
	Overflows Overflows
	Storage   store.Stats
}

// The two ways in which a task finishes index what is counted by final state. Outcomes is how many there are.
const (
	Succeeded = iota
	Failed
	Outcomes
)

// Model is what is known of the tasks of one group and model. Counts of finished tasks are of news only, and those of a new
// label set stay 0 for the first minute in which somebody could see them.
type Model struct {
	Group, Model string
	CountersOnly bool // no gauge of it is shown

	Tasks  map[kie.State]int // answered tasks by their last states, every state present; those given up too
	Oldest kie.Time          // creation of the oldest unfinished one that is still asked
	// Overdue counts unfinished tasks, still asked, that an answer showed to be older than OverdueAfter.
	Overdue      int
	OverdueAfter time.Duration

	Finished     [Outcomes]uint64
	Latency      [Outcomes]histogram.Histogram // in seconds
	Credits      [Outcomes]float64
	FailedFor    map[kie.Reason]uint64 // every reason present
	Codes        []CodeCount           // sorted by code
	EmptyResults uint64
	// WithoutLatency counts the finished tasks of which the API does not tell how long they took.
	WithoutLatency [Outcomes]uint64
}

// CodeCount counts the failures with one code.
type CodeCount struct {
	Code  string
	Count uint64
}

// Group is what is known of the tasks of one group.
type Group struct {
	Name         string
	CountersOnly bool // no gauge of it is shown
	Pending      int
	OldestAnswer time.Time // over unfinished tasks; zero if there is none
	Uncounted    uint64    // finished tasks that were not news
	Evicted      uint64    // tasks that left memory to make room for others
	// DroppedUnfinished counts tasks that left their lists before their end was known, and were not given up.
	DroppedUnfinished uint64
	WithoutSeries     int
	QueryFailing      map[kie.Class]int   // tracked tasks whose last query failed so; every class but ok present
	Detection         histogram.Histogram // from completion to our knowing, of news, in seconds
}

// Account is what is known of one account.
type Account struct {
	Name         string
	CountersOnly bool // no gauge of it is shown
	Due          int
	DueUnknown   bool // which tasks there are was not read yet
	Requests     budget.Stats
	Balance      float64
	HasBalance   bool
	CreditsUsed  float64 // sum of the balance's decreases
	UsedPerHour  float64 // over the last hour, or since the start
	HasUse       bool    // false: it was not watched for long enough to say
	AsksCredits  bool
	Models       []ModelHealth // by name
	// UnknownStates counts answers that call a task's state by a word that is not known.
	UnknownStates uint64
}

// ModelHealth is how a model fares with all users of the API, as the API tells it.
type ModelHealth struct {
	Model   string
	Success float64  // the share of tasks that succeeded, 0 to 1
	End     kie.Time // of the ten minutes of which that is true
}

// Overflows count the tasks whose label value went into "other" because a limit was reached.
type Overflows struct {
	Model, Code, LabelKey uint64
}

// Scrape is how a scrape's wait for answers went.
type Scrape struct {
	Waited     time.Duration
	Incomplete bool // something that was due when the scrape arrived was not asked
}
