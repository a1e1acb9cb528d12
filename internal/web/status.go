// How the exporter stands: what the pages show above all else, and the same as JSON.

package web

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/internal/webhook"
)

// Status is how the exporter stands at one moment.
type Status struct {
	view.Status
	Sources      []source.Stat
	Callbacks    []webhook.Stat // of each account that may have some
	Receiving    bool           // there is an address for callbacks
	ReloadFailed bool           // the last attempt to load the configuration again did
	Shard        share.Shard    // whose tasks are all that is shown
}

// statusDocument is what /api/v1/status answers. Fields are only added to it. What is not known is left out.
type statusDocument struct {
	At        time.Time        `json:"at"`
	Well      bool             `json:"well"`              // there is no problem, and nothing is missing
	Shard     *shardRecord     `json:"shard,omitempty"`   // absent: there is only one
	Missing   []Missing        `json:"missing,omitempty"` // shares of which all that follows tells nothing
	Problems  []problem        `json:"problems"`
	Accounts  []accountRecord  `json:"accounts"`
	Groups    []groupRecord    `json:"groups"`
	Sources   []sourceRecord   `json:"sources"`
	Storage   storageRecord    `json:"storage"`
	Callbacks []callbackRecord `json:"callbacks"`

	replicas string // which ones told this, in words; empty: there is only this process
}

type shardRecord struct {
	Number int `json:"shard"`
	Total  int `json:"total_shards"`
}

type accountRecord struct {
	Name    string     `json:"account"`
	Up      *bool      `json:"up,omitempty"` // absent: never asked
	Gate    gateRecord `json:"gate"`
	Pace    float64    `json:"pace_requests_per_second"`
	Balance *float64   `json:"balance,omitempty"`
	PerHour *float64   `json:"credits_per_hour,omitempty"`
	Runway  *float64   `json:"runway_seconds,omitempty"`
}

type gateRecord struct {
	Closed bool      `json:"closed"`
	Reason string    `json:"reason,omitempty"`
	Since  time.Time `json:"since,omitzero"`
	Until  time.Time `json:"until,omitzero"`
}

type groupRecord struct {
	Name      string `json:"group"`
	Account   string `json:"account"`
	Tasks     int    `json:"tasks"`
	Callbacks string `json:"callbacks"` // off, silent, coming
}

type sourceRecord struct {
	Group        string            `json:"group"`
	Source       string            `json:"source"`
	IDs          int               `json:"ids"`
	LastSuccess  time.Time         `json:"last_success_at,omitzero"`
	FailingSince time.Time         `json:"failing_since,omitzero"`
	Errors       uint64            `json:"errors"`
	Rejected     map[string]uint64 `json:"rejected"` // since the start, by reason
	Refused      map[string]int    `json:"refused"`  // now, by reason
}

type storageRecord struct {
	Mode  string `json:"mode"` // disk, memory: as asked for, failing: memory until it can be used again
	Tasks int    `json:"tasks"`
}

type callbackRecord struct {
	Account string            `json:"account"`
	Results map[string]uint64 `json:"results"`
}

// How the callbacks of a group stand.
const (
	callbacksOff    = "off"
	callbacksSilent = "silent"
	callbacksCome   = "coming"
)

func (s *Status) document() statusDocument {
	d := statusDocument{
		At: moment(s.At), Problems: s.problems(), Accounts: []accountRecord{}, Groups: []groupRecord{}, Sources: []sourceRecord{},
		Storage: storageRecord{Mode: s.storage(), Tasks: s.Storage.Tasks}, Callbacks: []callbackRecord{},
	}
	d.Well = len(d.Problems) == 0
	if s.Shard.IsOne() {
		d.Shard = &shardRecord{s.Shard.Number, s.Shard.Total}
	}
	for i := range s.Accounts {
		d.Accounts = append(d.Accounts, newAccountRecord(&s.Accounts[i]))
	}
	for _, g := range s.Groups {
		r := groupRecord{Name: g.Name, Account: g.Account, Tasks: g.Tasks, Callbacks: callbacksOff}
		switch {
		case g.Relied:
			r.Callbacks = callbacksCome
		case g.Callbacks:
			r.Callbacks = callbacksSilent
		}
		d.Groups = append(d.Groups, r)
	}
	for i := range s.Sources {
		d.Sources = append(d.Sources, newSourceRecord(&s.Sources[i]))
	}
	for _, c := range s.Callbacks {
		r := callbackRecord{Account: c.Account, Results: map[string]uint64{}}
		for _, result := range webhook.Results() {
			r.Results[result.String()] = c.Counts[result]
		}
		d.Callbacks = append(d.Callbacks, r)
	}
	return d
}

// How what is known is stored.
const (
	storedInMemory = "memory"
	storedOnDisk   = "disk"
	storageFails   = "failing"
)

func (s *Status) storage() string {
	switch {
	case !s.Keeps:
		return storedInMemory
	case s.Storage.Up:
		return storedOnDisk
	}
	return storageFails
}

func newAccountRecord(a *view.Account) accountRecord {
	r := accountRecord{Name: a.Name, Pace: a.Requests.Pace}
	if a.Requests.Asked {
		r.Up = new(a.Requests.Up)
	}
	if closed := a.Requests.Closed; closed != kie.ClassOK {
		r.Gate = gateRecord{true, closed.String(), moment(a.Requests.ClosedSince), moment(a.Requests.ClosedUntil)}
	}
	if a.HasBalance {
		r.Balance = new(a.Balance)
	}
	if a.HasUse {
		r.PerHour = new(a.UsedPerHour)
	}
	if left, ok := runway(a); ok {
		r.Runway = new(left.Round(time.Second).Seconds())
	}
	return r
}

func newSourceRecord(s *source.Stat) sourceRecord {
	r := sourceRecord{
		Group: s.Group, Source: s.Source, IDs: s.Tasks, LastSuccess: moment(s.LastSuccess), FailingSince: moment(s.FailingSince),
		Errors: s.Errors, Rejected: map[string]uint64{}, Refused: map[string]int{},
	}
	for reason, n := range s.Rejected {
		r.Rejected[string(reason)] = n
	}
	for reason, n := range s.Refused {
		r.Refused[string(reason)] = n
	}
	return r
}

// shownProblems is how many problems a page shows at the most.
const shownProblems = 12

// shownMissingShares is how many shares that are missing a page names at the most.
const shownMissingShares = 12

// viewStatus is what the pages show of how the exporter stands.
type viewStatus struct {
	Shard       string    // which one this is; empty: there is only one
	Replicas    string    // which ones told what is shown; empty: there is only this process
	Missing     []Missing // shares of which nothing is shown
	MoreMissing int       // that are not named
	Calm        string    // what is said if there is no problem
	Problems    []viewProblem
	More        int // problems that are not shown
	Accounts    []viewAccount
}

type viewProblem struct {
	problem
	Where string
	When  string // since when, and until when
}

type viewAccount struct {
	Name, State, Kind                string // Kind: good, bad, warn or quiet
	Balance, Runway, Spent, Pace, At string
}

func (d *statusDocument) view() viewStatus { return d.viewOf(func(*problem) bool { return true }) }

// viewOf is view with the problems that matter.
func (d *statusDocument) viewOf(matters func(t *problem) bool) viewStatus {
	v := viewStatus{Replicas: d.replicas}
	v.MoreMissing = max(0, len(d.Missing)-shownMissingShares)
	v.Missing = d.Missing[:len(d.Missing)-v.MoreMissing]
	if d.Shard != nil {
		v.Shard = share.Shard{Number: d.Shard.Number, Total: d.Shard.Total}.String()
	}
	all := slices.DeleteFunc(slices.Clone(d.Problems), func(t problem) bool { return !matters(&t) })
	v.More = max(0, len(all)-shownProblems)
	for _, t := range all[:len(all)-v.More] {
		v.Problems = append(v.Problems, d.viewProblem(t))
	}
	for i := range d.Accounts {
		v.Accounts = append(v.Accounts, d.Accounts[i].view())
	}
	if len(all) == 0 && len(d.Missing) == 0 {
		v.Calm = d.calm()
	}
	return v
}

func (d *statusDocument) viewProblem(t problem) viewProblem {
	v := viewProblem{problem: t}
	switch {
	case t.Account != "":
		v.Where = "account " + t.Account
	case t.Replica != "":
		v.Where = "replica " + t.Replica
	}
	if t.Since.IsZero() {
		return v
	}
	v.When = "Failing"
	if t.Kind == "gate" {
		v.When = "Nothing is asked"
	}
	layout := time.TimeOnly
	if d.At.Sub(t.Since) > 12*time.Hour {
		layout = time.DateTime
	}
	v.When += fmt.Sprintf(" since %s UTC, for %s", t.Since.Format(layout), ageInWords(d.At.Sub(t.Since)))
	if left := t.Until.Sub(d.At); left > 0 {
		v.When += fmt.Sprintf("; tried again at %s, in %s", t.Until.Format(time.TimeOnly), ageInWords(left))
	} else if !t.Until.IsZero() {
		v.When += "; tried again any moment"
	}
	v.When += "."
	return v
}

// calm says that all is well, and what that means.
func (d *statusDocument) calm() string {
	asked := 0
	for i := range d.Accounts {
		if d.Accounts[i].Up != nil {
			asked++
		}
	}
	ids := 0
	for i := range d.Sources {
		ids += d.Sources[i].IDs
	}
	var said []string
	if asked < len(d.Accounts) {
		said = append(said, plural(asked, "account was", "accounts were")+" asked so far, the others wait for a scrape")
	} else {
		said = append(said, plural(asked, "account answers", "accounts answer"))
	}
	said = append(said, plural(len(d.Sources), "list was", "lists were")+" read, with "+plural(ids, "id", "ids"))
	if d.Storage.Mode != storedInMemory {
		said = append(said, "what is known is on disk")
	}
	return "All is well: " + strings.Join(said, "; ") + "."
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return thousands(float64(n)) + " " + many
}

func (a *accountRecord) view() viewAccount {
	v := viewAccount{Name: a.Name, Pace: fmt.Sprintf("%.3g", a.Pace)}
	switch {
	case a.Gate.Closed:
		v.State, v.Kind = "closed: "+a.Gate.Reason, "bad"
	case a.Up == nil:
		v.State, v.Kind = "not asked yet", "quiet"
	case !*a.Up:
		v.State, v.Kind = "last request failed", "warn"
	default:
		v.State, v.Kind = "up", "good"
	}
	if a.Balance != nil {
		v.Balance = thousands(*a.Balance)
	}
	if a.PerHour != nil {
		v.Spent = thousands(*a.PerHour)
	}
	if a.Runway != nil {
		v.Runway = inWords(time.Duration(*a.Runway) * time.Second)
	}
	return v
}

// thousands returns a number as people write it, whole from a hundred on.
func thousands(x float64) string {
	if x > -100 && x < 100 && x != float64(int(x)) {
		return fmt.Sprintf("%.1f", x)
	}
	digits := fmt.Sprintf("%.0f", x)
	sign := ""
	if strings.HasPrefix(digits, "-") {
		sign, digits = "−", digits[1:]
	}
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "\u202f" + digits[i:] // a thin space
	}
	return sign + digits
}

func (t *Tasks) serveStatus(w http.ResponseWriter, r *http.Request) {
	secure(w, "default-src 'none'; frame-ancestors 'none'")
	d, err := t.gatherStatus(r.Context())
	if err != nil {
		w.Header().Set("Retry-After", "5")
		sendJSON(w, http.StatusServiceUnavailable, refusal{err.Error()})
		return
	}
	sendJSON(w, http.StatusOK, d)
}
