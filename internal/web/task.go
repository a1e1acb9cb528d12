// The page of one task: every fact, and what was asked when.

package web

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/querylog"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// logsPage is where kie.ai shows the tasks of whoever is logged in there.
const logsPage = "https://kie.ai/logs"

// taskContent is what the page of one task fills in. There is one of each account that has the id.
type taskContent struct {
	At      stamp
	ID      string
	Status  viewStatus
	Records []taskFacts
	Logs    string
}

// taskFacts is all that is known of a task.
type taskFacts struct {
	viewTask
	Facts     []fact
	Labels    []fact
	Events    []event
	Why       string // it needs a look; empty: it does not
	Do        string // what can be done about it
	Dashboard string // "" if it is not known where Grafana is
}

type fact struct{ Name, Value string }

// event is a step in a task's life, or a query about it.
type event struct {
	at    time.Time
	When  stamp
	After string // since its creation
	Kind  string // good, bad, warn, busy or quiet
	Text  string
}

// pathOf returns the path of the page of a task, from that of all; "" for an id that a path can't hold: browsers take away dots, however they
// are escaped, and http.ServeMux takes a slash alone for the end of the path.
func pathOf(k *view.Task) string {
	if slices.Contains([]string{".", "..", "/"}, k.ID) || slices.Contains(assets(), k.ID) {
		return ""
	}
	p := "tasks/" + url.PathEscape(k.ID)
	if k.Account != "" {
		p += "?" + url.Values{"account": {k.Account}}.Encode()
	}
	return p
}

func (t *Tasks) serveTask(w http.ResponseWriter, r *http.Request) {
	secure(w, pagePolicy)
	id, account := r.PathValue("id"), r.URL.Query().Get("account")
	found, status, err := t.gatherTask(r.Context(), id, account)
	if err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	found = slices.DeleteFunc(found, func(r replicaRecord) bool { return !r.Tracked })
	if len(found) == 0 {
		text, code := t.unknown("No task of this id is tracked: it is in no list any more, or never was", id, status.Missing)
		http.Error(w, text+".", code)
		return
	}
	now := time.Now()
	c := taskContent{
		At: stamp{Exact: moment(now).Format("2006-01-02 15:04:05 MST")}, ID: id, Status: status.about(found), Logs: logsPage,
	}
	for i := range found {
		c.Records = append(c.Records, t.facts(&found[i], now))
	}
	t.send(w, http.StatusOK, "task.html", c)
}

// about returns what is wrong that concerns some tasks.
func (d *statusDocument) about(tasks []replicaRecord) viewStatus {
	concerns := func(account, group string) bool {
		return slices.ContainsFunc(tasks, func(r replicaRecord) bool { return account == r.Task.Account || group == r.Task.Group })
	}
	v := d.viewOf(func(t *problem) bool { return concerns(t.Account, t.Group) && (t.Group == "" || concerns("", t.Group)) })
	v.Calm = ""
	v.Accounts = slices.DeleteFunc(v.Accounts, func(a viewAccount) bool { return !concerns(a.Name, "") })
	return v
}

func (t *Tasks) facts(r *replicaRecord, now time.Time) taskFacts {
	s, k := &overview{at: now}, r.Task.view()
	f := taskFacts{viewTask: s.viewTask(k), Events: append(s.events(k, r.Queries, r.Left), s.nextQuery(k, r.Next)...)}
	for _, name := range slices.Sorted(maps.Keys(k.Labels)) {
		f.Labels = append(f.Labels, fact{name, k.Labels[name]})
	}
	f.addFacts(k)
	f.Why, f.Do = needsLook(k)
	if t.known.Grafana != "" {
		f.Dashboard = strings.TrimSuffix(t.known.Grafana, "/") + "/d/kie-tasks?" + url.Values{"var-task": {k.ID}}.Encode()
	}
	return f
}

// addFacts adds what is known, and nothing else. Times are in the timeline.
func (f *taskFacts) addFacts(k *view.Task) {
	add := func(name, value string) {
		if value != "" {
			f.Facts = append(f.Facts, fact{name, value})
		}
	}
	add("Model", k.Model)
	add("Group", k.Group)
	add("Account", k.Account)
	if f.Running {
		add("Age", f.Took)
	} else {
		add("Took", f.Took)
	}
	add("Credits", f.Credits)
	if f.Failed {
		add("Fail code", k.FailCode)
		add("Reason", k.Reason.String()+": "+reasonInWords(k.Reason))
	}
	if k.QueryError != kie.ClassOK {
		add("Last query", k.QueryError.String()+": "+classInWords(k.QueryError))
	}
}

// needsLook says why somebody should look at a task, and what can be done; nothing if nobody need.
func needsLook(k *view.Task) (why, do string) {
	const remove = "Take the id out of its list: half a minute later it is gone from here, too."
	switch {
	case k.GivenUp:
		return "Given up: the API has answered again and again that there is no such task" + elsewhere(k) + ". It is not asked any more.", remove
	case k.QueryError == kie.ClassNotFound:
		return "The API does not know the task: the id is mistyped, of another account, older than what kie.ai keeps, or created elsewhere" +
			elsewhere(k) + ". It is asked ever more rarely.", remove
	case k.Overdue:
		return "Overdue: it is unfinished for longer than tasks of its group and model take.",
			"See at kie.ai whether it hangs there. If nobody waits for it any more, take it out of its list."
	case k.QueryError != kie.ClassOK:
		return "The last query about it has failed: " + classInWords(k.QueryError) + ".", "It is asked again by itself, after ever longer pauses."
	}
	return "", ""
}

// elsewhere says where a task was asked about, for at another endpoint it looks like one that there is not.
func elsewhere(k *view.Task) string {
	return " (unknown to endpoint " + k.Endpoint.Word() + ": is that the one it was created for?)"
}

// events returns the life of a task as far as it is known, in its order.
func (s *overview) events(k *view.Task, queries []querylog.Query, left int) (all []event) {
	add := func(at time.Time, kind, text string) {
		if when := s.stamp(at); when.Exact != "" {
			all = append(all, event{at: moment(at), When: when, Kind: kind, Text: text})
		}
	}
	add(k.Created.Time(), "quiet", "created")
	add(k.Seen, "quiet", "first seen")
	asked := false
	for i, q := range queries {
		if left > 0 && i == querylog.FirstKept {
			add(q.Ended.Add(-time.Millisecond), "quiet", plural(left, "query more", "queries more")+", not kept")
		}
		if q.Callback {
			add(q.Ended, "quiet", "a callback came")
			continue
		}
		asked = true
		kind, text := answer(q)
		add(q.Ended, kind, fmt.Sprintf("asked: %s; it took %s", text, inWords(q.Took)))
	}
	if k.State == kie.StateSuccess {
		add(k.Completed.Time(), "good", "succeeded")
	}
	if k.State == kie.StateFail {
		add(ended(k).Time(), "bad", "failed")
	}
	add(k.Learned.Time(), "quiet", "known to be finished")
	if !asked {
		add(k.LastAnswer, "quiet", "last answer")
	}
	slices.SortStableFunc(all, func(a, b event) int { return a.at.Compare(b.at) })
	for i := range all {
		all[i].date(k)
	}
	return all
}

// date says how long after the task's creation an event was.
func (e *event) date(k *view.Task) {
	created := moment(k.Created.Time())
	if after := e.at.Sub(created); !created.IsZero() && after > 0 {
		e.After = "+" + inWords(after)
	}
}

// nextQuery returns when a task is asked next, as the last step; none if it is not asked any more.
func (s *overview) nextQuery(k *view.Task, next view.Next) []event {
	if next.Due.IsZero() {
		return nil
	}
	e := event{at: moment(s.at), Kind: "quiet"}
	switch wait := next.Due.Sub(s.at); {
	case next.Asking && next.Called:
		e.Text = "now: it is being asked, and then again"
	case next.Asking:
		e.Text = "now: it is being asked"
	case wait > 0:
		e.at, e.Text = moment(next.Due), "to be asked next, in "+inWords(wait)
	default:
		e.Text = "now: it is due for " + inWords(-wait) + ", and waits for its turn"
	}
	if next.Called {
		e.Text += ", for a callback came"
	}
	e.When = s.stamp(e.at)
	e.date(k)
	return []event{e}
}

// answer returns what came of a query, and how to show it.
func answer(q querylog.Query) (kind, text string) {
	switch {
	case q.Class == kie.ClassOK && q.State == kie.StateFail:
		return "bad", "ok, fail"
	case q.Class == kie.ClassOK && q.State == kie.StateSuccess:
		return "good", "ok, success"
	case q.Class == kie.ClassOK:
		return "busy", "ok, " + q.State.String()
	}
	return "warn", q.Class.String() + " (" + classInWords(q.Class) + ")"
}
