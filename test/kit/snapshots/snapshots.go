// Package snapshots has what a collector is given in tests: a task of the API's documentation, something of everything, and anything.
package snapshots

import (
	"time"

	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/kie-exporter/kie_exporter/collector"
	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/histogram"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/question"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/internal/webhook"
)

// Model is one of the API's documentation.
const Model = "kling/v2-5-turbo-image-to-video-pro"

// Known is a set of inputs for a collector.
type Known struct {
	Snapshot  view.Snapshot
	Sources   []source.Stat
	Config    collector.ConfigStatus
	Callbacks []webhook.Stat
	Pushes    []source.PushStat
	Shard     share.Shard
	Replicas  *collector.Replicas
	Mailbox   map[question.Count]uint64
}

// Collector returns a collector of them.
func (k Known) Collector() *collector.Collector {
	return collector.New(collector.Inputs{
		Known:   func() *view.Snapshot { return &k.Snapshot },
		Sources: func() []source.Stat { return k.Sources },
		Config:  func() collector.ConfigStatus { return k.Config },

		Callbacks: func() []webhook.Stat { return k.Callbacks },
		Pushes:    func() []source.PushStat { return k.Pushes },
		Shard:     k.Shard,
		Replicas:  func() *collector.Replicas { return k.Replicas },
		Mailbox:   func() map[question.Count]uint64 { return k.Mailbox },
	})
}

// Shown returns what is shown of tasks, in two blocks.
func Shown(labelKeys []string, tasks ...view.Task) view.Shown {
	half := len(tasks) / 2
	return view.Shown{LabelKeys: labelKeys, Blocks: []*view.Block{
		view.NewBlock(tasks[half:]...), view.NewBlock(tasks[:half]...),
	}}
}

// At returns a time shortly after the first task of the API's documentation was completed.
func At(seconds int64) time.Time { return time.Unix(1698765432+seconds, 0) }

// Millis is At as the API writes times.
func Millis(seconds int64) kie.Time { return kie.TimeOf(At(seconds)) }

// Documented is the example of the API's documentation.
func Documented() Known {
	return Known{
		Snapshot: view.Snapshot{
			At: At(5),
			Shown: Shown(nil, view.Task{
				Task: kie.Task{
					ID: "task_12345678", Model: Model, State: kie.StateSuccess, Created: 1698765400000,
					Completed: 1698765432000,
				},
				Group: "default", Account: "default",
			}),
			Models: []view.Model{{
				Group: "default", Model: Model,
				Tasks:     map[kie.State]int{kie.StateSuccess: 1},
				Finished:  [2]uint64{view.Succeeded: 1},
				Latency:   [2]histogram.Histogram{Measured("task_12345678", 32), Measured("")},
				FailedFor: map[kie.Reason]uint64{},
			}},
			Groups: []view.Group{{Name: "default", Detection: Measured("", 1.5)}},
			Accounts: []view.Account{{
				Name:     "default",
				Requests: stats(func(s *budget.Stats) { s.Requests[kie.Jobs][kie.ClassOK] = 1 }),
			}},
		},
		Sources: []source.Stat{{Group: "default", Source: "inline", Tasks: 1, LastSuccess: At(0), Rejected: Rejected(0), Refused: refused(0)}},
		Config:  collector.ConfigStatus{Successful: true, SucceededAt: At(0)},
	}
}

// Rich has at least one sample of every metric, and something in every state.
func Rich() Known {
	return Known{
		Snapshot: view.Snapshot{
			At:       At(600),
			Shown:    Shown([]string{"customer", "team"}, append(richUnfinished(), richFinished()...)...),
			Models:   richModels(),
			Groups:   richGroups(),
			Accounts: richAccounts(),
			Overflows: view.Overflows{
				Model: 3, Code: 2, LabelKey: 1,
			},
			Storage: store.Stats{Up: true, Tasks: 123_456, Errors: map[store.Operation]uint64{store.OpWrite: 2}},
		},
		Sources: []source.Stat{
			{Group: "video", Source: "inline", Tasks: 2, LastSuccess: At(0), Rejected: Rejected(0)},
			{Group: "video", Source: "tasks/*.txt", Tasks: 7, LastSuccess: At(590), Errors: 1, Rejected: Rejected(4), Refused: refused(2)},
			{Group: "video", Source: "push", Tasks: 3, LastSuccess: At(598), LastPush: At(540), Rejected: Rejected(0)},
			{Group: "speech", Source: "lists/speech.jsonl", Errors: 12, Rejected: Rejected(0)},
		},
		Config: collector.ConfigStatus{SucceededAt: At(-60)},
		Callbacks: []webhook.Stat{
			{Account: "default", Counts: webhook.Counts{webhook.Accepted: 17, webhook.Finished: 3, webhook.Unknown: 2}},
			{Account: "second", Counts: webhook.Counts{webhook.Unsigned: 5, webhook.Stale: 1}},
		},
		Shard:    share.Shard{Number: 2, Total: 4},
		Replicas: richReplicas(),
		Mailbox: map[question.Count]uint64{
			{Kind: question.Hint, Result: question.Sent}: 9, {Kind: question.Probe, Result: question.Silent}: 1,
		},
		Pushes: []source.PushStat{{Group: "video", Counts: source.PushCounts{source.PushOK: 40, source.PushUnauthorized: 2}}},
	}
}

func richReplicas() *collector.Replicas {
	held, not := share.Share{Account: "default", Part: 0, Parts: 2}, share.Share{Account: "default", Part: 1, Parts: 2}
	return &collector.Replicas{
		Shares: []share.Share{held, not}, Held: map[share.Share]bool{held: true}, Lease: 21500 * time.Millisecond,
		Changes:  map[collector.ShareChange]uint64{{Account: "default", Change: "taken"}: 3, {Account: "default", Change: "lost"}: 1},
		Answered: true, Unheld: 1, Same: 2, Other: 1, Offset: -250 * time.Millisecond,
		Up: true, Calls: map[collector.RedisCall]uint64{{Operation: "tick", Result: "ok"}: 120, {Operation: "commit", Result: "timeout"}: 2},
		Durations: map[string]histogram.Histogram{"tick": Measured("", .002)}, Refused: 4,
	}
}

// Recorded are those of which tests have recordings, by name.
func Recorded() map[string]Known {
	return map[string]Known{"empty": {}, "documented": Documented(), "rich": Rich()}
}

// Unknown has tasks and accounts of which nothing is known yet.
func Unknown() Known {
	return Known{Snapshot: view.Snapshot{
		Shown:    Shown(nil, view.Task{Task: kie.Task{ID: "a"}, Group: "g", Account: "x"}),
		Models:   []view.Model{{Group: "g", Model: "m"}},
		Groups:   []view.Group{{Name: "g"}},
		Accounts: []view.Account{{Name: "x", AsksCredits: true}, {Name: "y", HasBalance: true}},
	}, Sources: []source.Stat{{Group: "g", Source: "inline"}}}
}

// Twins has sources of one name in a group, and names that are no text.
func Twins() Known {
	return Known{Sources: []source.Stat{
		{Group: "g", Source: "inline", Tasks: 1, Errors: 2, LastSuccess: At(9), Rejected: Rejected(3)},
		{Group: "h", Source: "inline", Tasks: 100},
		{Group: "g", Source: "inline", Tasks: 10, Errors: 20, LastSuccess: At(1), Rejected: Rejected(30)},
		{Group: "g", Source: "\xff"},
		{Group: "g", Source: "\xfe", Rejected: Rejected(1)},
	}}
}

func richUnfinished() []view.Task {
	film := map[string]string{"team": "film"}
	return []view.Task{
		{Task: kie.Task{ID: "task_pending", State: kie.StatePending}, Group: "video", Account: "default", Labels: film},
		{
			Task: kie.Task{ID: "task_missing", State: kie.StatePending}, Group: "speech", Account: "second",
			Labels: map[string]string{"customer": "c-17", "team": "audio"}, QueryError: kie.ClassNotFound,
		},
		{
			Task:  kie.Task{ID: "task_waiting", Model: Model, State: kie.StateWaiting, Created: Millis(100)},
			Group: "video", Account: "default", Labels: film, LastAnswer: At(598),
		},
		{
			Task:  kie.Task{ID: "task_queuing", Model: Model, State: kie.StateQueuing, Created: Millis(590)},
			Group: "video", Account: "default", Labels: film, LastAnswer: At(599), QueryError: kie.ClassRateLimited,
		},
		{
			Task: kie.Task{
				ID: "task_generating", Model: "elevenlabs/text-to-speech-turbo-2-5", State: kie.StateGenerating,
				Created: Millis(597),
			},
			Group: "speech", Account: "second", LastAnswer: At(599).Add(250 * time.Millisecond),
		},
		{
			Task:  kie.Task{ID: "task_unknown", Model: "elevenlabs/text-to-speech-turbo-2-5", State: kie.StateUnknown},
			Group: "speech", Account: "second", LastAnswer: At(540),
		},
	}
}

// Failed returns the facts of a task that has failed.
func Failed(f kie.Task, code string, reason kie.Reason) kie.Task {
	f.State, f.FailCode, f.Reason = kie.StateFail, code, reason
	return f
}

func richFinished() []view.Task {
	film := map[string]string{"team": "film"}
	return []view.Task{
		{
			Task: kie.Task{
				ID: "task_12345678", Model: Model, State: kie.StateSuccess, Created: Millis(-32), Completed: Millis(0),
				Credits: 42.5, HasCredits: true,
			},
			Group: "video", Account: "default", Labels: film,
		},
		{
			Task: Failed(kie.Task{
				ID: "task_refused", Model: Model, Created: Millis(300), Completed: Millis(304), HasCredits: true,
			}, "500", kie.ReasonContentPolicy),
			Group: "video", Account: "default", Labels: film, FailedAt: Millis(304),
		},
		{
			Task:  Failed(kie.Task{ID: "task_broken", Model: Model, Created: Millis(300)}, "GENERATION_FAILED", kie.ReasonOther),
			Group: "video", Account: "default", Labels: film,
		},
		{
			Task:  Failed(kie.Task{ID: "task_silent", Model: "elevenlabs/text-to-speech-turbo-2-5"}, kie.NoCode, kie.ReasonNone),
			Group: "speech", Account: "second", FailedAt: Millis(410),
		},
	}
}

func richModels() []view.Model {
	return []view.Model{
		{
			Group: "speech", Model: "elevenlabs/text-to-speech-turbo-2-5",
			Tasks:  map[kie.State]int{kie.StateGenerating: 1, kie.StateUnknown: 1, kie.StateFail: 1},
			Oldest: Millis(597), OverdueAfter: 30 * time.Second,
			Finished:  [2]uint64{view.Failed: 1},
			Latency:   [2]histogram.Histogram{Measured(""), Measured("")},
			FailedFor: map[kie.Reason]uint64{kie.ReasonNone: 1},
			Codes:     []view.CodeCount{{Code: "none", Count: 1}},
		},
		{
			Group: "video", Model: Model,
			Tasks:  map[kie.State]int{kie.StateWaiting: 1, kie.StateQueuing: 1, kie.StateSuccess: 3, kie.StateFail: 2},
			Oldest: Millis(100), Overdue: 1, OverdueAfter: 6 * time.Minute,
			Finished:     [2]uint64{view.Succeeded: 2, view.Failed: 1},
			Latency:      [2]histogram.Histogram{Measured("task_12345678", 32, 118.25), Measured("task_refused", 4)},
			Credits:      [2]float64{view.Succeeded: 85, view.Failed: 0.5},
			FailedFor:    map[kie.Reason]uint64{kie.ReasonContentPolicy: 1},
			Codes:        []view.CodeCount{{Code: "500", Count: 1}},
			EmptyResults: 1, WithoutLatency: [2]uint64{view.Succeeded: 1},
		},
	}
}

func richGroups() []view.Group {
	return []view.Group{
		{
			Name: "video", Pending: 1, OldestAnswer: At(598), Uncounted: 2, Evicted: 7, DroppedUnfinished: 1, WithoutSeries: 5,
			QueryFailing: map[kie.Class]int{kie.ClassRateLimited: 1}, Detection: Measured("", 0.4, 2.25),
		},
		{
			Name: "speech", Pending: 1, OldestAnswer: At(540),
			QueryFailing: map[kie.Class]int{kie.ClassNotFound: 1}, Detection: Measured("", 7),
		},
		{Name: "empty", Detection: Measured("")},
	}
}

func richAccounts() []view.Account {
	return []view.Account{
		{
			Name: "default", Due: 2, AsksCredits: true, HasBalance: true, Balance: 5916.25, CreditsUsed: 84.5, UnknownStates: 3,
			Models: []view.ModelHealth{{Model: "kling/v2", Success: 0.985, End: 1764331200000}, {Model: "veo-3-1", Success: 0, End: 1764331800000}},
			Requests: stats(func(s *budget.Stats) {
				s.Requests[kie.Jobs][kie.ClassOK] = 120
				s.Requests[kie.Jobs][kie.ClassRateLimited] = 1
				s.Requests[kie.Credit][kie.ClassOK] = 10
				s.InFlight, s.Pace, s.Closed = 3, 1, kie.ClassRateLimited
				s.PaceConfigured, s.PaceLearned = 10, 3.25
			}),
		},
		{
			Name: "second", AsksCredits: true, CreditsUsed: 0,
			Requests: stats(func(s *budget.Stats) {
				s.Requests[kie.Jobs][kie.ClassAuth] = 9
				s.Up, s.Closed = false, kie.ClassAuth
			}),
		},
		{Name: "third", Requests: budget.Stats{Pace: 2, PaceConfigured: 2}},
	}
}

// stats returns what is known of an account's requests after at least one, changed by change.
func stats(change func(*budget.Stats)) budget.Stats {
	s := budget.Stats{
		Duration: [kie.EndpointCount]histogram.Histogram{Measured("", 0.32, 0.7), Measured("", 0.25)},
		Asked:    true, Up: true, Pace: 2, PaceConfigured: 2,
	}
	change(&s)
	return s
}

// Rejected is what a source has rejected: some duplicates.
func Rejected(duplicates uint64) map[source.Rejection]uint64 {
	return map[source.Rejection]uint64{
		source.RejectedInvalid: 0, source.RejectedDuplicate: duplicates, source.RejectedLimit: 0, source.RejectedNoTask: 0,
	}
}

func refused(full int) map[source.Rejection]int {
	return map[source.Rejection]int{source.RejectedLimit: 0, source.RejectedMaxTasks: full, source.RejectedListIDs: 0, source.KeptByOtherGroup: 0}
}

// Measured returns a histogram with classic and native buckets, and with exemplars if there is a task to name. It is the same
// whenever it was made.
func Measured(task string, seconds ...float64) histogram.Histogram {
	r := collector.NewHistogram(histogram.Options{Buckets: []float64{1, 10, 60}, MostNative: 100, Exemplars: 10})
	for _, s := range seconds {
		r.Observe(time.Duration(s*float64(time.Second)), task)
	}
	h := r.Read().(collector.Counted)
	h.DTO.CreatedTimestamp = timestamppb.New(At(-60))
	exemplars := h.DTO.GetExemplars()
	for _, b := range h.DTO.GetBucket() {
		exemplars = append(exemplars, b.GetExemplar())
	}
	for _, e := range exemplars {
		if e != nil {
			e.Timestamp = timestamppb.New(At(1))
		}
	}
	return h
}
