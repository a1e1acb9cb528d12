package web_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/internal/web"
	"github.com/kie-exporter/kie_exporter/internal/webhook"
)

// well is an exporter with which all is well.
func well() web.Status {
	return web.Status{
		Status: view.Status{
			At: epoch, Keeps: true, Storage: store.Stats{Up: true, Tasks: 7},
			Accounts: []view.Account{{
				Name: "main", Requests: budget.Stats{Asked: true, Up: true, Pace: 10}, Balance: 12345.6, HasBalance: true, UsedPerHour: 100, HasUse: true,
			}},
			Groups: []view.GroupStatus{{Name: "video", Account: "main", Tasks: 3}, {Name: "shop", Account: "main", Tasks: 4, Callbacks: true, Relied: true}},
		},
		Sources:   []source.Stat{{Group: "video", Source: "video.txt", Tasks: 7, Read: true, LastSuccess: epoch}},
		Callbacks: []webhook.Stat{{Account: "main"}}, Receiving: true,
	}
}

// ailing is an exporter with which much is wrong.
func ailing() web.Status {
	s := well()
	s.Accounts = append(s.Accounts,
		view.Account{Name: "lab", Requests: budget.Stats{
			Asked: true, Closed: kie.ClassMaintenance, ClosedSince: epoch.Add(-40 * time.Second), ClosedUntil: epoch.Add(20 * time.Second), Pace: 10,
		}, Balance: 20, HasBalance: true, UsedPerHour: 10, HasUse: true},
		view.Account{Name: "old", Requests: budget.Stats{Asked: true, Closed: kie.ClassAuth, ClosedSince: epoch.Add(-time.Hour), ClosedUntil: epoch}},
		view.Account{Name: "new"},
	)
	s.Groups[1].Relied = false
	s.Sources = append(s.Sources,
		source.Stat{Group: "shop", Source: "https", Tasks: 3, FailingSince: epoch.Add(-time.Hour), Errors: 9},
		source.Stat{Group: "empty", Source: "inline", Read: true},
	)
	s.Storage.Up, s.ReloadFailed = false, true
	return s
}

// statusOf returns the status document of a status.
func statusOf(tb testing.TB, s web.Status) (doc struct {
	Well     bool
	Problems []struct {
		Severity, Kind, Account, Group, Text string
		Do                                   string `json:"to_do"`
		Since, Until                         time.Time
	}
	Accounts []map[string]any
},
) {
	tb.Helper()
	w := get(tb, serveStatusOf(tb, s), "/api/v1/status")
	if err := json.Unmarshal(w.Body.Bytes(), &doc); err != nil || w.Code != http.StatusOK {
		tb.Fatalf("%d, %v: %s", w.Code, err, w.Body)
	}
	return doc
}

func TestEachProblemIsToldInWordsWithWhatToDo(t *testing.T) {
	for name, test := range map[string]struct {
		change              func(s *web.Status)
		severity, kind, say string
	}{
		"maintenance": {func(s *web.Status) { s.Accounts[0].Requests.Closed = kie.ClassMaintenance }, "warning", "gate", "under maintenance"},
		"rate limit":  {func(s *web.Status) { s.Accounts[0].Requests.Closed = kie.ClassRateLimited }, "warning", "gate", "too many"},
		"key":         {func(s *web.Status) { s.Accounts[0].Requests.Closed = kie.ClassAuth }, "critical", "gate", "refuses the key"},
		"cap":         {func(s *web.Status) { s.Accounts[0].Requests.Closed = kie.ClassKeyLimit }, "critical", "gate", "cap"},
		"credits":     {func(s *web.Status) { s.Accounts[0].Requests.Closed = kie.ClassCredits }, "critical", "gate", "used up"},
		"disabled":    {func(s *web.Status) { s.Accounts[0].Requests.Closed = kie.ClassDisabled }, "critical", "gate", "switched off"},
		"server":      {func(s *web.Status) { s.Accounts[0].Requests.Closed = kie.ClassServer }, "critical", "gate", "faults of its own"},
		"transport":   {func(s *web.Status) { s.Accounts[0].Requests.Closed = kie.ClassTransport }, "critical", "gate", "can't be reached"},
		"timeout":     {func(s *web.Status) { s.Accounts[0].Requests.Closed = kie.ClassTimeout }, "critical", "gate", "in time"},
		"decode":      {func(s *web.Status) { s.Accounts[0].Requests.Closed = kie.ClassDecode }, "critical", "gate", "JSON"},
		"down":        {func(s *web.Status) { s.Accounts[0].Requests.Up = false }, "warning", "down", "has failed"},
		"a day left":  {func(s *web.Status) { s.Accounts[0].UsedPerHour = 1000 }, "warning", "credits", "12 h 20 min"},
		"hours left":  {func(s *web.Status) { s.Accounts[0].UsedPerHour = 5000 }, "critical", "credits", "2 h 28 min"},
		"failing":     {func(s *web.Status) { s.Sources[0].FailingSince = epoch }, "warning", "source", "video.txt of group video can't be read"},
		"empty":       {func(s *web.Status) { s.Sources[0].Tasks = 0 }, "info", "source", "yields no task id"},
		"no room": {
			func(s *web.Status) { s.Sources[0].Refused = map[source.Rejection]int{source.RejectedMaxTasks: 12} }, "warning", "refused", "12 ids for which there is no room (max_tasks)",
		},
		"twice": {
			func(s *web.Status) { s.Sources[0].Refused = map[source.Rejection]int{source.KeptByOtherGroup: 2} }, "info", "refused", "2 ids that an earlier group",
		},
		"secret": {
			func(s *web.Status) { s.Sources[0].Rejected = map[source.Rejection]uint64{source.RejectedSecret: 1} }, "critical", "rejected", "a secret",
		},
		"invalid": {
			func(s *web.Status) { s.Sources[0].Rejected = map[source.Rejection]uint64{source.RejectedInvalid: 3} }, "info", "rejected", "no task ids, 3",
		},
		"pushed, no room": {func(s *web.Status) {
			s.Sources[0].Pushed, s.Sources[0].LastRefusal = true, s.At.Add(-29*time.Minute)
		}, "warning", "refused", "Pushes to group video had ids for which there is no room"},
		"pushed, secret": {func(s *web.Status) {
			s.Sources[0].Pushed, s.Sources[0].Rejected = true, map[source.Rejection]uint64{source.RejectedSecret: 1}
		}, "warning", "rejected", "Pushes to group video had a secret"},
		"pushed, invalid": {func(s *web.Status) {
			s.Sources[0].Pushed, s.Sources[0].Rejected = true, map[source.Rejection]uint64{source.RejectedInvalid: 3}
		}, "info", "rejected", "Pushes to group video had values that are no task ids, 3"},
		"pushed, unreadable": {func(s *web.Status) {
			s.Sources[0].Pushed, s.Sources[0].FailingSince = true, epoch
		}, "warning", "source", "pushed to group video before can't be read"},
		"storage":      {func(s *web.Status) { s.Storage.Up = false }, "warning", "storage", "memory only"},
		"Redis":        {func(s *web.Status) { s.Storage.Up, s.Storage.Redis = false, true }, "warning", "storage", "Redis can't be used"},
		"reload":       {func(s *web.Status) { s.ReloadFailed = true }, "warning", "reload", "could not be loaded"},
		"not received": {func(s *web.Status) { s.Groups[1].Relied, s.Receiving = false, false }, "warning", "callbacks", "not received"},
		"none yet":     {func(s *web.Status) { s.Groups[1].Relied = false }, "info", "callbacks", "has come yet"},
		"unsigned": {
			func(s *web.Status) { s.Groups[1].Relied = false; s.Callbacks[0].Counts[webhook.Unsigned] = 1 }, "warning", "callbacks", "signed",
		},
		"stale": {
			func(s *web.Status) { s.Groups[1].Relied = false; s.Callbacks[0].Counts[webhook.Stale] = 1 }, "warning", "callbacks", "minutes off",
		},
		"silent": {
			func(s *web.Status) { s.Groups[1].Relied = false; s.Callbacks[0].Counts[webhook.Accepted] = 9 }, "warning", "callbacks", "without their callbacks",
		},
	} {
		s := well()
		test.change(&s)
		doc := statusOf(t, s)
		if doc.Well || len(doc.Problems) != 1 {
			t.Errorf("%s: %+v", name, doc)
			continue
		}
		if got := doc.Problems[0]; got.Severity != test.severity || got.Kind != test.kind || !strings.Contains(got.Text, test.say) || got.Do == "" {
			t.Errorf("%s: %+v", name, got)
		}
		for _, path := range []string{"/tasks", "/"} {
			if body := text(get(t, serveStatusOf(t, s), path).Body.String()); !strings.Contains(body, doc.Problems[0].Text) || !strings.Contains(body, doc.Problems[0].Do) {
				t.Errorf("%s: %s does not say %q and %q", name, path, doc.Problems[0].Text, doc.Problems[0].Do)
			}
		}
	}
}

func TestAllIsWellIsSaidOnlyIfItIs(t *testing.T) {
	if doc := statusOf(t, well()); !doc.Well || len(doc.Problems) != 0 {
		t.Errorf("%+v", doc)
	}
	for _, path := range []string{"/", "/tasks"} {
		if body := get(t, serveStatusOf(t, well()), path).Body.String(); !strings.Contains(body, "All is well: 1 account answers; 1 list was read, with 7 ids; what is known is on disk.") {
			t.Errorf("%s is not calm: %s", path, body)
		}
		if body := get(t, serveStatusOf(t, ailing()), path).Body.String(); strings.Contains(body, "All is well") {
			t.Errorf("%s is calm", path)
		}
	}
}

func TestAGroupToWhichNobodyPushesIsWell(t *testing.T) {
	s := well()
	s.Sources[0].Pushed, s.Sources[0].Tasks, s.Sources[0].LastRefusal = true, 0, s.At.Add(-time.Hour)
	if doc := statusOf(t, s); !doc.Well {
		t.Errorf("%+v", doc.Problems)
	}
}

func TestAClosedGateTellsSinceWhenAndUntilWhen(t *testing.T) {
	s := ailing()
	doc := statusOf(t, s)
	i := slices.IndexFunc(doc.Problems, func(k struct {
		Severity, Kind, Account, Group, Text string
		Do                                   string `json:"to_do"`
		Since, Until                         time.Time
	},
	) bool {
		return k.Account == "lab" && k.Kind == "gate"
	})
	if i < 0 || !doc.Problems[i].Since.Equal(epoch.Add(-40*time.Second)) || !doc.Problems[i].Until.Equal(epoch.Add(20*time.Second)) {
		t.Errorf("%+v", doc.Problems)
	}
	body := get(t, serveStatusOf(t, s), "/tasks").Body.String()
	for _, want := range []string{"Nothing is asked since 03:03:25 UTC, for 40 s; tried again at 03:04:25, in 20 s.", "Failing since 02:04:05 UTC, for 60 min.", "tried again any moment"} {
		if !strings.Contains(body, want) {
			t.Errorf("no %q in %s", want, body)
		}
	}
	if first := doc.Problems[0]; first.Severity != "critical" {
		t.Errorf("the first problem is %+v", first)
	}
}

func TestTheStatusIsWhatProgramsRelyOn(t *testing.T) {
	var got map[string]any
	if err := json.Unmarshal(get(t, serveStatusOf(t, ailing()), "/api/v1/status").Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	const want = `{"main":{"account":"main","balance":12345.6,"credits_per_hour":100,"gate":{"closed":false},"pace_requests_per_second":10,"runway_seconds":444442,"up":true},` +
		`"lab":{"account":"lab","balance":20,"credits_per_hour":10,"gate":{"closed":true,"reason":"maintenance","since":"2026-01-02T03:03:25Z",` +
		`"until":"2026-01-02T03:04:25Z"},"pace_requests_per_second":10,"runway_seconds":7200,"up":false},` +
		`"new":{"account":"new","gate":{"closed":false},"pace_requests_per_second":0}}`
	accounts := map[string]any{}
	for _, a := range got["accounts"].([]any) {
		if name := a.(map[string]any)["account"].(string); name != "old" {
			accounts[name] = a
		}
	}
	var wanted map[string]any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	a, _ := json.MarshalIndent(accounts, "", " ")
	b, _ := json.MarshalIndent(wanted, "", " ")
	if string(a) != string(b) {
		t.Errorf("%s\nwant\n%s", a, b)
	}
	for _, name := range []string{"at", "well", "problems", "groups", "sources", "storage", "callbacks"} {
		if got[name] == nil {
			t.Errorf("no %s", name)
		}
	}
}
