// What is wrong with accounts, lists and storage, in words, and what to do about it.

package web

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/internal/webhook"
)

// severity says how much a problem matters. The words are those of the alerts.
type severity string

const (
	critical severity = "critical" // nothing is learned, or soon nothing will be generated
	warning  severity = "warning"
	info     severity = "info"
)

func (s severity) rank() int { return slices.Index([]severity{critical, warning, info}, s) }

// problem is something that somebody should know of. Its texts hold names of the configuration and numbers, nothing of what the API
// or a list says.
type problem struct {
	Severity severity  `json:"severity"`
	Kind     string    `json:"kind"`
	Account  string    `json:"account,omitempty"`
	Group    string    `json:"group,omitempty"`
	Source   string    `json:"source,omitempty"`
	Replica  string    `json:"replica,omitempty"` // whose problem it is, of several replicas; empty: it is of an account, whoever holds that
	Text     string    `json:"text"`
	Do       string    `json:"to_do"`
	Since    time.Time `json:"since,omitzero"`
	Until    time.Time `json:"until,omitzero"` // of a closed gate: when it is tried next whether it may open
	Alert    string    `json:"alert,omitempty"`
}

// soonEmpty and almostEmpty are how long credits last that somebody should buy some, as the alerts have it and a day.
const (
	soonEmpty   = 24 * time.Hour
	almostEmpty = 6 * time.Hour
)

// problems returns all there are, the worst first.
func (s *Status) problems() []problem {
	all := []problem{}
	for i := range s.Accounts {
		all = append(all, accountProblems(&s.Accounts[i])...)
	}
	for i := range s.Sources {
		if s.Sources[i].Pushed {
			all = append(all, pushProblems(&s.Sources[i], s.At)...)
			continue
		}
		all = append(all, sourceProblems(&s.Sources[i])...)
	}
	for _, g := range s.Groups {
		all = append(all, s.callbackProblems(g)...)
	}
	if s.Keeps && !s.Storage.Up {
		all = append(all, storageProblem(s.Storage.Redis))
	}
	if s.ReloadFailed {
		all = append(all, problem{
			Severity: warning, Kind: "reload", Alert: "KieConfigReloadFailed", Text: "The configuration could not be loaded again; the last one is in force.",
			Do: "kie_exporter --config.check says what is wrong with it.",
		})
	}
	sortProblems(all)
	return all
}

func storageProblem(redis bool) problem {
	if redis {
		return problem{
			Severity: warning, Kind: "storage", Alert: "KieRedisDown", Text: "Redis can't be used: what is learned waits, and at the end of the lease no task is asked about or shown.",
			Do: "See that Redis runs, takes changes and has the user, password and rights that it is to have; the log says how calls fail. Then it is used again by itself.",
		}
	}
	return problem{
		Severity: warning, Kind: "storage", Alert: "KieStorageMemoryOnly", Text: "What is known is kept in memory only: the folder of the storage can't be used.",
		Do: "Make room on the disk, or see that the folder can be written to; then it is used again by itself. Until then a restart asks again.",
	}
}

// sortProblems puts the worst first.
func sortProblems(all []problem) {
	slices.SortStableFunc(all, func(a, b problem) int {
		return cmp.Or(cmp.Compare(a.Severity.rank(), b.Severity.rank()), strings.Compare(a.Account, b.Account))
	})
}

func accountProblems(a *view.Account) (all []problem) {
	if r := &a.Requests; r.Closed != kie.ClassOK {
		all = append(all, closed(a.Name, r))
	} else if r.Asked && !r.Up {
		all = append(all, problem{
			Severity: warning, Kind: "down", Account: a.Name, Text: "The last request to the API has failed.",
			Do: "Nothing yet: it is tried again by itself. The log says how it failed; if several tasks meet the same, the reason stands here.",
		})
	}
	left, ok := runway(a)
	if !ok || left >= soonEmpty {
		return all
	}
	t := problem{
		Severity: warning, Kind: "credits", Account: a.Name, Alert: "KieCreditsEmptySoon",
		Text: fmt.Sprintf("The credits last for %s at the present pace.", inWords(left)), Do: "Top up the account at kie.ai, or hold back tasks.",
	}
	if left < almostEmpty {
		t.Severity = critical
	}
	return append(all, t)
}

// runway returns how long the balance lasts at the pace of the last hour.
func runway(a *view.Account) (time.Duration, bool) {
	if !a.HasBalance || !a.HasUse || a.UsedPerHour <= 0 {
		return 0, false
	}
	const most = 365 * 24 // hours; beyond a year nobody counts
	return time.Duration(min(max(a.Balance, 0)/a.UsedPerHour, most) * float64(time.Hour)), true
}

// closed says why an account is not asked about its tasks.
func closed(account string, r *budget.Stats) problem {
	t := problem{Kind: "gate", Account: account, Since: moment(r.ClosedSince), Until: moment(r.ClosedUntil)}
	switch r.Closed {
	case kie.ClassAuth:
		t.Severity, t.Alert, t.Text, t.Do = critical, "KieKeyRefused", "The API refuses the key.",
			"See that the account's key is the one that kie.ai shows. A changed key file is noticed by itself."
	case kie.ClassKeyLimit:
		t.Severity, t.Alert, t.Text, t.Do = critical, "KieAccountRefused", "The cap of the key is reached, daily or in all.",
			"Raise the cap in the settings of the key at kie.ai, or wait until the next day."
	case kie.ClassCredits:
		t.Severity, t.Alert, t.Text, t.Do = critical, "KieAccountRefused", "The account's credits are used up.", "Top up the account at kie.ai."
	case kie.ClassDisabled:
		t.Severity, t.Alert, t.Text, t.Do = critical, "KieAccountRefused", "The API says that what is asked for is switched off.",
			"See at kie.ai whether the account or the API is restricted."
	case kie.ClassMaintenance:
		t.Severity, t.Alert, t.Text, t.Do = warning, "KieMaintenance", "The API is under maintenance.",
			"Wait. What finishes meanwhile is learned when the API is back."
	case kie.ClassRateLimited:
		t.Severity, t.Alert, t.Text, t.Do = warning, "KieRateLimited", "The API refuses requests as too many.",
			"Wait; the pace is halved by itself. If it comes back, lower requests_per_second, or see who else uses the account."
	case kie.ClassTimeout:
		t.Severity, t.Alert, t.Text, t.Do = critical, "KieAPIUnreachable", "The API does not answer in time.", "See the network between here and base_url, and kie.ai's own status."
	case kie.ClassTransport:
		t.Severity, t.Alert, t.Text, t.Do = critical, "KieAPIUnreachable", "The API can't be reached.", "See the name, the network and the proxy between here and base_url."
	case kie.ClassDecode:
		t.Severity, t.Alert, t.Text, t.Do = critical, "KieAPIUnreachable", "What answers at base_url does not speak the API's JSON.", "See that base_url is right, and that no gateway answers instead."
	default:
		t.Severity, t.Alert, t.Text, t.Do = critical, "KieAPIUnreachable", "The API answers with faults of its own.", "Wait, and see kie.ai's own status if it lasts."
	}
	return t
}

func sourceProblems(s *source.Stat) (all []problem) {
	in := problem{Severity: warning, Kind: "source", Group: s.Group, Source: s.Source}
	name := fmt.Sprintf("The list %s of group %s", s.Source, s.Group)
	switch {
	case !s.FailingSince.IsZero():
		in.Since, in.Alert = moment(s.FailingSince), "KieSourceFailing"
		in.Text, in.Do = name+" can't be read.", "The log says why. The ids that it held are kept."
		all = append(all, in)
	case s.Read && s.Tasks == 0:
		in.Severity = info
		in.Text, in.Do = name+" yields no task id.", "If there should be some: kie_exporter --config.check says what became of each line."
		all = append(all, in)
	}
	return append(all, idProblems(s, name)...)
}

// idProblems says which ids of a list are not tracked, that somebody may expect to be.
func idProblems(s *source.Stat, name string) (all []problem) {
	in := problem{Severity: warning, Kind: "refused", Group: s.Group, Source: s.Source}
	for _, reason := range slices.Sorted(maps.Keys(s.Refused)) {
		n := s.Refused[reason]
		switch {
		case n == 0:
			continue
		case reason == source.KeptByOtherGroup:
			in.Severity, in.Alert = info, "KieTasksInTwoGroups"
			in.Text, in.Do = fmt.Sprintf("%s has %d ids that an earlier group of the account has, too.", name, n), "List each id in one group."
		default:
			in.Severity, in.Alert = warning, "KieTasksRefused"
			in.Text, in.Do = fmt.Sprintf("%s has %d ids for which there is no room (%s).", name, n, reason), "Take finished tasks out of the list, or raise that limit."
		}
		all = append(all, in)
	}
	if n := s.Rejected[source.RejectedSecret]; n > 0 {
		in.Severity, in.Kind, in.Alert = critical, "rejected", ""
		in.Text, in.Do = fmt.Sprintf("%s has held a secret of the configuration in place of an id, %d times.", name, n), "Take it out, and replace the key."
		all = append(all, in)
	}
	if n := s.Rejected[source.RejectedInvalid]; n > 0 {
		in.Severity, in.Kind, in.Alert = info, "rejected", ""
		in.Text, in.Do = fmt.Sprintf("%s has held lines that are no task ids, %d so far.", name, n), "kie_exporter --config.check says which."
		all = append(all, in)
	}
	return all
}

// refusalShown is for how long a push for which there was no room is a problem. Producers try again within it.
const refusalShown = 30 * time.Minute

// pushProblems says what is wrong with what producers push to a group. That nobody pushes is no problem.
func pushProblems(s *source.Stat, now time.Time) (all []problem) {
	in := problem{Severity: warning, Kind: "rejected", Group: s.Group, Source: s.Source}
	name := "Pushes to group " + s.Group
	if !s.FailingSince.IsZero() {
		t := in
		t.Kind, t.Alert, t.Since = "source", "KieSourceFailing", moment(s.FailingSince)
		t.Text, t.Do = "What was pushed to group "+s.Group+" before can't be read.", "The log says why. Until it can be read, nothing is taken."
		all = append(all, t)
	}
	if !s.LastRefusal.IsZero() && now.Sub(s.LastRefusal) < refusalShown {
		t := in
		t.Kind, t.Alert, t.Since = "refused", "KieTasksRefused", moment(s.LastRefusal)
		t.Text = name + " had ids for which there is no room, within the last half an hour."
		t.Do = "Raise limits.tasks, or the group's max_tasks, or see why so many tasks are unfinished. Then the ids are to be pushed again."
		all = append(all, t)
	}
	if n := s.Rejected[source.RejectedSecret]; n > 0 {
		t := in
		t.Alert = "KieIDsInvalid"
		t.Text, t.Do = fmt.Sprintf("%s had a secret of the configuration in place of an id, %d times.", name, n), "See which producer has it. Replace it if it should not."
		all = append(all, t)
	}
	if n := s.Rejected[source.RejectedInvalid]; n > 0 {
		t := in
		t.Severity = info
		t.Text, t.Do = fmt.Sprintf("%s had values that are no task ids, %d so far.", name, n), "The answers to the pushes say which, and why."
		all = append(all, t)
	}
	return all
}

// callbackProblems says what is wrong where callbacks are expected and do not come.
func (s *Status) callbackProblems(g view.GroupStatus) []problem {
	if !g.Callbacks || g.Relied {
		return nil
	}
	t := problem{Severity: warning, Kind: "callbacks", Account: g.Account, Group: g.Name}
	var counts webhook.Counts
	for _, c := range s.Callbacks {
		if c.Account == g.Account {
			counts = c.Counts
		}
	}
	switch {
	case !s.Receiving:
		t.Text, t.Do = "Callbacks are not received.", "Start with --web.webhook-listen-address, or take webhook: true from the group."
	case counts[webhook.Unsigned] > 0 && counts[webhook.Accepted] == 0:
		t.Text, t.Do = "No callback is signed with a key in force.", "See that webhook_keys_files names the key of the account's settings at kie.ai."
	case counts[webhook.Stale] > 0 && counts[webhook.Accepted] == 0:
		t.Text, t.Do = "The callbacks are dated minutes off.", "See that this machine's clock is right."
	case counts[webhook.Accepted] == 0:
		t.Severity = info
		t.Text, t.Do = "No callback has come yet.", "If tasks finish without one: see that they are created with a callBackUrl that leads here."
	default:
		t.Text, t.Do = "Tasks finish without their callbacks.", "See that the callBackUrl still leads here, and what the proxy before it says."
	}
	t.Text += fmt.Sprintf(" Group %s is polled like any other.", g.Name)
	return []problem{t}
}
