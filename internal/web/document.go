// An overview as JSON.

package web

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// document is what /api/v1/tasks answers. Fields are only added to it. What is not known is left out.
type document struct {
	At       time.Time     `json:"at"`
	Tracked  int           `json:"tracked"`
	Matching int           `json:"matching"`
	Earlier  int           `json:"earlier"`            // of the matching ones, on the pages before
	Next     string        `json:"next,omitempty"`     // query string of the next page
	Previous string        `json:"previous,omitempty"` // of the page before
	Missing  []Missing     `json:"missing,omitempty"`  // shares whose tasks are not among these
	Models   []modelRecord `json:"models"`
	Failures []taskRecord  `json:"failures"`
	Tasks    []taskRecord  `json:"tasks"`
}

type modelRecord struct {
	Group            string         `json:"group"`
	Model            string         `json:"model"` // empty: of tasks that were never answered
	States           map[string]int `json:"states"`
	Overdue          int            `json:"overdue"`
	OldestUnfinished time.Time      `json:"oldest_unfinished_created_at,omitzero"`
	Latency          *latencyRecord `json:"latency_seconds,omitempty"`
}

// latencyRecord tells how long successful tasks took.
type latencyRecord struct {
	Count  int     `json:"count"`
	Median float64 `json:"median"`
	P90    float64 `json:"p90"`
}

type taskRecord struct {
	ID         string            `json:"task_id"`
	Group      string            `json:"group"`
	Account    string            `json:"account"`
	Model      string            `json:"model"`
	Labels     map[string]string `json:"labels,omitempty"`
	State      string            `json:"state"`
	Overdue    bool              `json:"overdue"`
	GivenUp    bool              `json:"given_up,omitempty"`
	Created    time.Time         `json:"created_at,omitzero"`
	Completed  time.Time         `json:"completed_at,omitzero"`
	Latency    *float64          `json:"latency_seconds,omitempty"`
	FailCode   string            `json:"fail_code,omitempty"`
	Reason     string            `json:"reason,omitempty"`
	Credits    *float64          `json:"credits,omitempty"`
	FirstSeen  time.Time         `json:"first_seen_at,omitzero"`
	LastAnswer time.Time         `json:"last_answer_at,omitzero"`
	QueryError string            `json:"query_error,omitempty"`
	Learned    time.Time         `json:"learned_at,omitzero"` // that it has finished
}

func newDocument(s *overview) document {
	d := document{
		At: moment(s.at), Tracked: s.tracked, Matching: s.matching, Earlier: s.earlier, Next: s.next(), Previous: s.previous(),
		Models: []modelRecord{}, Failures: records(s.failures), Tasks: records(s.tasks),
	}
	for _, r := range s.rows {
		if r.tasks > 0 {
			d.Models = append(d.Models, r.record())
		}
	}
	return d
}

func (r *row) record() modelRecord {
	m := modelRecord{
		Group: r.group, Model: r.model, States: make(map[string]int, statesCount),
		Overdue: r.overdue, OldestUnfinished: moment(r.oldest.Time()),
	}
	for _, s := range kie.States() {
		m.States[s.String()] = r.states[s]
	}
	if l := &r.latency; l.count > 0 {
		m.Latency = &latencyRecord{Count: l.count, Median: rounded(l.quantile(.5)), P90: rounded(l.quantile(.9))}
	}
	return m
}

func rounded(d time.Duration) float64 { return d.Round(100 * time.Millisecond).Seconds() }

func records(tasks []view.Task) []taskRecord {
	all := make([]taskRecord, 0, len(tasks))
	for i := range tasks {
		all = append(all, newRecord(&tasks[i]))
	}
	return all
}

func newRecord(k *view.Task) taskRecord {
	r := taskRecord{
		ID: k.ID, Group: k.Group, Account: k.Account, Model: k.Model, Labels: k.Labels,
		State: k.State.String(), Overdue: k.Overdue, GivenUp: k.GivenUp,
		Created: moment(k.Created.Time()), Completed: moment(k.Completed.Time()),
		FirstSeen: moment(k.Seen), LastAnswer: moment(k.LastAnswer), Learned: moment(k.Learned.Time()),
	}
	if took, ok := k.Latency(); ok {
		r.Latency = new(took.Seconds())
	}
	if k.HasCredits {
		r.Credits = new(k.Credits)
	}
	if k.State == kie.StateFail {
		r.FailCode, r.Reason = k.FailCode, k.Reason.String()
	}
	if k.QueryError != kie.ClassOK {
		r.QueryError = k.QueryError.String()
	}
	return r
}

// moment returns a time as it is shown, in UTC and to milliseconds. What RFC 3339 can't say is as if absent.
func moment(t time.Time) time.Time {
	t = t.UTC().Truncate(time.Millisecond)
	if t.Year() < 1 || t.Year() > 9999 {
		return time.Time{}
	}
	return t
}
