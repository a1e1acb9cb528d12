package web_test

import (
	"encoding/json"
	"fmt"
	"iter"
	"math"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/common/promslog"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/querylog"
	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/internal/tracker"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/internal/web"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func at(seconds int) kie.Time { return kie.TimeOf(epoch.Add(time.Duration(seconds) * time.Second)) }

// some are tasks of every kind. Numbers in ids tell their place in the list.
func some() []view.Task {
	seen := epoch.Add(-time.Hour)
	return []view.Task{
		{
			Task: kie.Task{
				ID: "7-success", Model: "kling", State: kie.StateSuccess, Created: at(0), Completed: at(32), Credits: 12.5,
				HasCredits: true,
			},
			Group: "video", Account: "a", Labels: map[string]string{"team": "film"},
		},
		{
			Task: kie.Task{
				ID: "6-fail", Model: "kling", State: kie.StateFail, Created: at(0), Completed: at(60), FailCode: "501",
				Reason: kie.ReasonUpstream,
			},
			Group: "video", Account: "a",
		},
		{Task: kie.Task{ID: "5-fail-late", Model: "flux", State: kie.StateFail, FailCode: "none"}, Group: "image", Account: "b", Learned: at(70)},
		{Task: kie.Task{ID: "1-overdue", Model: "kling", State: kie.StateWaiting, Created: at(20)}, Group: "video", Account: "a", Seen: seen, LastAnswer: epoch, Overdue: true},
		{Task: kie.Task{ID: "3-generating", Model: "flux", State: kie.StateGenerating, Created: at(10)}, Group: "image", Account: "b", Seen: seen, LastAnswer: epoch},
		{
			Task:  kie.Task{ID: "2-queuing", Model: "flux", State: kie.StateQueuing, Created: at(5)},
			Group: "image", Account: "b", Seen: seen, LastAnswer: epoch, QueryError: kie.ClassTimeout,
		},
		{Task: kie.Task{ID: "4-pending", State: kie.StatePending}, Group: "image", Account: "b", Seen: seen},
	}
}

// known returns what the pages are told where a test says nothing: no queries, and that all is well.
func known(k web.Known) web.Known {
	if k.Find == nil {
		k.Find = func(id string) []view.Task {
			return slices.DeleteFunc(slices.Collect(k.Tasks()), func(k view.Task) bool { return k.ID != id })
		}
	}
	if k.Kept == nil {
		k.Kept = func(string) []view.Task { return nil }
	}
	if k.Finished == nil {
		k.Finished = func(wanted func(kie.Time) bool, yield func(view.Task) bool) error {
			for t := range k.Tasks() {
				if t.State.Finished() && wanted(t.Learned) && !yield(t) {
					break
				}
			}
			return nil
		}
	}
	if k.Queries == nil {
		k.Queries = querylog.New().Queries
	}
	if k.Next == nil {
		k.Next = func(string, string) view.Next { return view.Next{} }
	}
	if k.Status == nil {
		k.Status = well
	}
	return k
}

// serveKnown returns a server of what is known, with the landing page.
func serveKnown(tb testing.TB, k web.Known) *http.ServeMux {
	tb.Helper()
	tasks, err := web.NewTasks(known(k))
	if err != nil {
		tb.Fatal(err)
	}
	mux := http.NewServeMux()
	tasks.Register(mux)
	mux.Handle("GET /{$}", tasks.Landing(web.Landing{Version: "1.2.3", MetricsPath: "/metrics", Profiles: true, Probe: true}))
	return mux
}

func serveStatusOf(tb testing.TB, s web.Status) *http.ServeMux {
	tb.Helper()
	return serveKnown(tb, web.Known{Tasks: sequence(some()), Status: func() web.Status { return s }})
}

func sequence(tasks []view.Task) func() iter.Seq[view.Task] {
	return func() iter.Seq[view.Task] { return slices.Values(tasks) }
}

// serve returns a server of tasks.
func serve(tb testing.TB, known func() iter.Seq[view.Task]) *http.ServeMux {
	tb.Helper()
	return serveKnown(tb, web.Known{Tasks: known})
}

func serveAll(tb testing.TB, tasks []view.Task) *http.ServeMux {
	tb.Helper()
	return serve(tb, sequence(tasks))
}

func get(tb testing.TB, h http.Handler, target string) *httptest.ResponseRecorder {
	tb.Helper()
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(tb.Context(), http.MethodGet, target, http.NoBody))
	return w
}

// listing is what the tests read of the JSON.
type listing struct {
	Tracked, Matching, Earlier int
	Next, Previous             string
	Tasks, Failures            []struct {
		ID      string `json:"task_id"`
		Account string `json:"account"`
	}
	Models []struct {
		Group, Model string
		States       map[string]int
	}
}

func (l listing) ids() (all []string) {
	for _, k := range l.Tasks {
		all = append(all, k.ID)
	}
	return all
}

func list(tb testing.TB, h http.Handler, query string) listing {
	tb.Helper()
	w := get(tb, h, "/api/v1/tasks"+query)
	var l listing
	if err := json.Unmarshal(w.Body.Bytes(), &l); err != nil || w.Code != http.StatusOK {
		tb.Fatalf("%s answers %d, %v: %s", query, w.Code, err, w.Body)
	}
	return l
}

func TestTheListBeginsWithWhatNeedsALook(t *testing.T) {
	want := []string{"1-overdue", "2-queuing", "3-generating", "4-pending", "5-fail-late", "6-fail", "7-success"}
	if got := list(t, serveAll(t, some()), "").ids(); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestFilters(t *testing.T) {
	h := serveAll(t, some())
	for query, want := range map[string]string{
		"group=video":                        "1-overdue 6-fail 7-success",
		"group=video&group=image&state=fail": "5-fail-late 6-fail",
		"group=none":                         "",
		"model=flux":                         "2-queuing 3-generating 5-fail-late",
		"account=a":                          "1-overdue 6-fail 7-success",
		"q=ing":                              "2-queuing 3-generating 4-pending",
		"state=pending":                      "4-pending",
		"state=unknown":                      "",
		"state=unfinished":                   "1-overdue 2-queuing 3-generating 4-pending",
		"state=finished":                     "5-fail-late 6-fail 7-success",
		"state=success&state=waiting":        "1-overdue 7-success",
		"reason=upstream":                    "6-fail",
		"reason=none":                        "5-fail-late",
		"fail_code=501&fail_code=500":        "6-fail",
		"overdue=true":                       "1-overdue",
		"overdue=false&failing=false&q=7":    "7-success",
		"failing=true":                       "2-queuing",
		"group=&model=&q=&overdue=&limit=&after=&before=&state=success": "7-success",
	} {
		for _, path := range []string{"/tasks?", "/api/v1/tasks?"} {
			if w := get(t, h, path+query); w.Code != http.StatusOK {
				t.Errorf("%s%s answers %d: %s", path, query, w.Code, w.Body)
			}
		}
		if got := strings.Join(list(t, h, "?"+query).ids(), " "); got != want {
			t.Errorf("%s: %q, want %q", query, got, want)
		}
	}
}

// Group, model, account and id say of what everything is shown; the other filters say which of that is listed.
func TestSumsAreOfWhatIsInScope(t *testing.T) {
	h := serveAll(t, some())
	l := list(t, h, "?group=video&state=success")
	if len(l.Models) != 1 || l.Models[0].Group != "video" || l.Models[0].States["fail"] != 1 || l.Models[0].States["waiting"] != 1 {
		t.Errorf("models: %+v", l.Models)
	}
	if len(l.Failures) != 1 || l.Failures[0].ID != "6-fail" {
		t.Errorf("failures: %+v", l.Failures)
	}
	if l.Tracked != 7 || l.Matching != 1 {
		t.Errorf("%d tracked, %d matching; want 7, 1", l.Tracked, l.Matching)
	}
}

func TestBadParametersAreRefusedInWords(t *testing.T) {
	h := serveAll(t, some())
	for query, want := range map[string]string{
		"colour=red":                    `no parameter \"colour\"`,
		"state=done":                    `state: there is no \"done\"; there are [pending waiting`,
		"reason=bad":                    `reason: there is no \"bad\"`,
		"overdue=1":                     "neither true nor false",
		"failing=yes":                   "neither true nor false",
		"limit=0":                       "limit: ",
		"limit=501":                     "from 1 to 500",
		"limit=many":                    "limit: ",
		"limit=1&limit=2":               "limit: may be given once",
		"after=x":                       "after: ",
		"before=1.2":                    "before: ",
		"after=1.1.a&before=1.2.b":      "exclude each other",
		"q=%ff":                         "UTF-8",
		"group=%zz":                     "can't be read",
		"a=1;b=2":                       "can't be read",
		"q=" + strings.Repeat("x", 257): "at most 256 bytes",
		strings.Repeat("group=x&", 60):  "at most 50 values",
		"q=%3Cscript%3Ealert(1)%3C/script%3E&limit=%3Cb%3E": "limit: ",
	} {
		w := get(t, h, "/api/v1/tasks?"+query)
		if w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), want) || !json.Valid(w.Body.Bytes()) {
			t.Errorf("%s answers %d %s, want 400 with %s", query, w.Code, w.Body, want)
		}
		w = get(t, h, "/tasks?"+query)
		if w.Code != http.StatusBadRequest || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
			t.Errorf("the page answers %s with %d, %s", query, w.Code, w.Header().Get("Content-Type"))
		}
	}
}

// many returns n finished tasks in the order of the list.
func many(n int) []view.Task {
	all := make([]view.Task, n)
	for i := range all {
		all[i] = view.Task{
			Task: kie.Task{
				ID: fmt.Sprintf("task_%06d", i), Model: fmt.Sprint("vendor/model-", i%20), State: kie.StateSuccess,
				Created: at(-2 * i), Completed: at(-i / 3),
			},
			Group: fmt.Sprint("group", i%5), Account: "main",
		}
		switch {
		case i < n/100:
			all[i] = view.Task{Task: kie.Task{ID: all[i].ID, Model: "vendor/model-1", State: kie.StateGenerating, Created: at(i)}, Group: "group1", LastAnswer: epoch}
		case i%10 == 0:
			all[i].State, all[i].FailCode, all[i].Reason = kie.StateFail, "500", kie.ReasonServer
		}
	}
	return all
}

func TestPagesHoldEveryTaskOnceForthAndBack(t *testing.T) {
	const n = 1003
	tasks := many(n)
	shuffled := slices.Clone(tasks)
	for i := range shuffled { // a fixed permutation
		j := i * 7919 % n
		shuffled[i], shuffled[j] = shuffled[j], shuffled[i]
	}
	h := serveAll(t, shuffled)
	var forth, back []string
	page := list(t, h, "?limit=100")
	for {
		if page.Earlier != len(forth) || page.Matching != n {
			t.Fatalf("%d earlier of %d, want %d of %d", page.Earlier, page.Matching, len(forth), n)
		}
		forth = append(forth, page.ids()...)
		if page.Next == "" {
			break
		}
		page = list(t, h, page.Next)
	}
	for {
		back = append(page.ids(), back...)
		if page.Earlier != n-len(back) {
			t.Fatalf("%d earlier, want %d", page.Earlier, n-len(back))
		}
		if page.Previous == "" {
			break
		}
		page = list(t, h, page.Previous)
	}
	var want []string
	for _, k := range tasks {
		want = append(want, k.ID)
	}
	if !slices.Equal(forth, want) || !slices.Equal(back, want) {
		t.Errorf("%d tasks forth, %d back, want the %d in their order", len(forth), len(back), n)
	}
}

func TestAPageStaysWhereItIsWhenTasksComeAndGo(t *testing.T) {
	tasks := some()
	h := serve(t, func() iter.Seq[view.Task] { return slices.Values(tasks) })
	second := list(t, h, "?limit=4").Next
	before := list(t, h, second).ids()
	tasks = append(tasks, view.Task{Task: kie.Task{ID: "0-new", State: kie.StateWaiting, Created: at(-9)}, Overdue: true, LastAnswer: epoch})
	tasks = slices.DeleteFunc(tasks, func(k view.Task) bool { return k.ID == "4-pending" }) // after it the page begins
	after := list(t, h, second)
	if !slices.Equal(after.ids(), before) || after.Earlier != 4 {
		t.Errorf("the page held %v and now %v after %d", before, after.ids(), after.Earlier)
	}
}

// In the order of ids a walk over all pages meets each task once, forth and back, though states change from one page to the next.
func TestPagesByIDHoldEveryTaskOnceWhileTheirStatesChange(t *testing.T) {
	states := []kie.State{kie.StatePending, kie.StateGenerating, kie.StateSuccess, kie.StateWaiting, kie.StateFail}
	tasks := many(500)
	h := serve(t, func() iter.Seq[view.Task] { return slices.Values(tasks) })
	change := func(page int) {
		for i := range tasks {
			k := &tasks[i]
			k.State, k.Overdue, k.LastAnswer = states[(i+page)%len(states)], (i+page)%7 == 0, epoch.Add(time.Duration(page)*time.Second)
		}
	}
	var want, forth, back []string
	for i := range tasks {
		want = append(want, tasks[i].ID)
	}
	slices.Sort(want)
	page, pages := list(t, h, "?order=id&limit=30"), 1
	for ; ; pages++ {
		forth = append(forth, page.ids()...)
		if page.Next == "" {
			break
		}
		change(pages)
		page = list(t, h, page.Next)
	}
	for ; ; pages++ {
		back = append(page.ids(), back...)
		if page.Previous == "" {
			break
		}
		change(pages)
		page = list(t, h, page.Previous)
	}
	if !slices.Equal(forth, want) || !slices.Equal(back, want) {
		t.Errorf("%d tasks forth, %d back, want the %d in the order of their ids", len(forth), len(back), len(want))
	}
}

func TestTwoAccountsTasksOfOneIDAreTwoInTheListWhereverAPageEnds(t *testing.T) {
	var tasks []view.Task
	for _, account := range []string{"c-1._", "a", "b"} {
		tasks = append(tasks, view.Task{
			Task: kie.Task{ID: "same.id", State: kie.StateWaiting, Created: at(-9)}, Account: account, Group: "of " + account,
			LastAnswer: epoch,
		})
	}
	h := serveAll(t, tasks)
	var forth, back []string
	page := list(t, h, "?limit=1")
	for {
		forth = append(forth, page.Tasks[0].Account)
		if page.Next == "" {
			break
		}
		page = list(t, h, page.Next)
	}
	for {
		back = append(back, page.Tasks[0].Account)
		if page.Previous == "" {
			break
		}
		page = list(t, h, page.Previous)
	}
	if !slices.Equal(forth, []string{"a", "b", "c-1._"}) || !slices.Equal(back, []string{"c-1._", "b", "a"}) {
		t.Errorf("the accounts are %q forth and %q back", forth, back)
	}
	if got := list(t, h, "?account=b&q=same").Tasks; len(got) != 1 || got[0].Account != "b" {
		t.Errorf("of b: %+v", got)
	}
}

func TestAPagePastTheEndLeadsBack(t *testing.T) {
	h := serveAll(t, some())
	l := list(t, h, "?after=9.0.z")
	if len(l.Tasks) != 0 || l.Next != "" || l.Previous == "" || len(list(t, h, l.Previous).Tasks) != 7 {
		t.Errorf("%+v", l)
	}
	if w := get(t, h, "/tasks?after=9.0.z"); !strings.Contains(w.Body.String(), "First page") {
		t.Error("the empty page has no link to the first one")
	}
}

func TestEveryOutsideStringIsEscaped(t *testing.T) {
	const nasty = `"'><script>hacked()</script>{{.}}</style>&<img src=x onerror=hacked()>` + "`${x}"
	tasks := some()
	for i := range tasks {
		tasks[i].ID += nasty
		tasks[i].Group += nasty
		tasks[i].Model += nasty
		tasks[i].FailCode = nasty
	}
	h := serveAll(t, tasks)
	for _, target := range []string{
		"/tasks", "/tasks?" + url.Values{"q": {nasty}, "group": {"video" + nasty}, "model": {nasty}, "fail_code": {nasty}}.Encode(),
	} {
		body := get(t, h, target).Body.String()
		for _, bad := range []string{"<script>hacked", "<img", "</style>", `"'>`, nasty} {
			if strings.Contains(body, bad) {
				t.Errorf("%s holds %q as it is", target, bad)
			}
		}
		if !strings.Contains(body, "&lt;script&gt;hacked()") {
			t.Errorf("%s does not show the string", target)
		}
	}
	if body := get(t, h, "/api/v1/tasks").Body.String(); strings.Contains(body, "<") {
		t.Error("the JSON holds a <")
	}
	if got := list(t, h, "?limit=1"); !strings.HasSuffix(got.Tasks[0].ID, nasty) || list(t, h, got.Next).Earlier != 1 {
		t.Error("the id, or the way to the next page, does not survive")
	}
}

func TestNothingForeignMayRunOnThePage(t *testing.T) {
	h := serveAll(t, some())
	for target, kind := range map[string]string{
		"/tasks": "text/html", "/tasks?limit=0": "text/plain", "/tasks/style.css": "text/css", "/tasks/script.js": "text/javascript",
		"/api/v1/tasks": "application/json", "/api/v1/tasks?limit=0": "application/json",
	} {
		w := get(t, h, target)
		policy := w.Header().Get("Content-Security-Policy")
		if !strings.HasPrefix(policy, "default-src 'none'") || strings.Contains(policy, "unsafe") || !strings.Contains(policy, "frame-ancestors 'none'") {
			t.Errorf("%s has the policy %q", target, policy)
		}
		if w.Header().Get("X-Content-Type-Options") != "nosniff" || !strings.HasPrefix(w.Header().Get("Content-Type"), kind) {
			t.Errorf("%s: %v", target, w.Header())
		}
	}
	body := get(t, h, "/tasks").Body.String()
	for _, foreign := range []string{"http://", "https://", "<style", " style=", " onclick", "javascript:", "<script>"} {
		if strings.Contains(body, foreign) {
			t.Errorf("the page holds %q", foreign)
		}
	}
}

func TestATaskGivenUpIsShownAsThatAndIsNotTheOldest(t *testing.T) {
	lost := view.Task{
		Task:  kie.Task{ID: "lost", Model: "kling", State: kie.StateGenerating, Created: at(0)},
		Group: "video", Account: "a", Seen: epoch, LastAnswer: epoch, QueryError: kie.ClassNotFound, GivenUp: true,
	}
	h := serveAll(t, append(some(), lost))
	body := get(t, h, "/api/v1/tasks?group=video").Body.String()
	for _, want := range []string{`"oldest_unfinished_created_at":"2026-01-02T03:04:25Z"`, `"given_up":true`} {
		if !strings.Contains(body, want) {
			t.Errorf("no %s in %s", want, body)
		}
	}
	if page := get(t, h, "/tasks?group=video").Body.String(); !strings.Contains(page, "not_found, given up") {
		t.Error("the page does not say that the task is given up")
	}
}

func TestTheJSONIsWhatProgramsRelyOn(t *testing.T) {
	var got map[string]any
	body := get(t, serveAll(t, some()), "/api/v1/tasks?group=video&limit=2").Body.Bytes()
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if _, err := time.Parse(time.RFC3339, got["at"].(string)); err != nil {
		t.Error(err)
	}
	got["at"] = ""
	const failed = `{"task_id":"6-fail","group":"video","account":"a","model":"kling","state":"fail","overdue":false,` +
		`"created_at":"2026-01-02T03:04:05Z","completed_at":"2026-01-02T03:05:05Z","latency_seconds":60,"fail_code":"501","reason":"upstream"}`
	want := `{"at":"","tracked":7,"matching":3,"earlier":0,"next":"?after=3.-1767323105000.6-fail%0Aa&group=video&limit=2",
		"models":[{"group":"video","model":"kling","overdue":1,"oldest_unfinished_created_at":"2026-01-02T03:04:25Z",
			"states":{"pending":0,"waiting":1,"queuing":0,"generating":0,"success":1,"fail":1,"unknown":0},
			"latency_seconds":{"count":1,"median":34.9,"p90":37.4}}],
		"failures":[` + failed + `],
		"tasks":[{"task_id":"1-overdue","group":"video","account":"a","model":"kling","state":"waiting","overdue":true,
			"created_at":"2026-01-02T03:04:25Z","first_seen_at":"2026-01-02T02:04:05Z","last_answer_at":"2026-01-02T03:04:05Z"},` + failed + `]}`
	var wanted map[string]any
	if err := json.Unmarshal([]byte(want), &wanted); err != nil {
		t.Fatal(err)
	}
	a, _ := json.MarshalIndent(got, "", " ")
	b, _ := json.MarshalIndent(wanted, "", " ")
	if string(a) != string(b) {
		t.Errorf("%s\nwant\n%s", a, b)
	}
}

func TestWildValuesDoNotBreakThePage(t *testing.T) {
	tasks := []view.Task{
		{Task: kie.Task{ID: "a", State: kie.StateSuccess, Created: 1, Completed: 1<<62 - 1}},
		{Task: kie.Task{ID: "b", State: kie.StateFail, Created: -1 << 62}, Learned: -1 << 62},
		{Task: kie.Task{ID: "c", State: kie.StateWaiting, Created: 1 << 61}, LastAnswer: epoch},
	}
	h := serveAll(t, tasks)
	if got := list(t, h, "?limit=1"); got.Matching != 3 {
		t.Errorf("%+v", got)
	}
	if w := get(t, h, "/tasks"); w.Code != http.StatusOK || !strings.Contains(w.Body.String(), "</html>") {
		t.Errorf("the page answers %d: %s", w.Code, w.Body)
	}
	if w := get(t, serveAll(t, nil), "/tasks"); !strings.Contains(w.Body.String(), "No task") {
		t.Error("the page without tasks does not say so")
	}
}

func TestManyGroupsAndModelsDoNotFloodThePage(t *testing.T) {
	var tasks []view.Task
	for i := range 250 {
		tasks = append(tasks, view.Task{Task: kie.Task{ID: strconv.Itoa(i), Model: "m", State: kie.StateSuccess}, Group: fmt.Sprint("g", i)})
	}
	if body := get(t, serveAll(t, tasks), "/tasks").Body.String(); !strings.Contains(body, "150 more groups and models") {
		t.Error("the page does not say what it leaves out")
	}
}

func TestOneRequestAtATimeGoesThroughTheTasks(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		under := make(chan struct{})
		h := serve(t, func() iter.Seq[view.Task] { <-under; return slices.Values(some()) })
		var first sync.WaitGroup
		first.Go(func() { list(t, h, "") })
		synctest.Wait()
		if w := get(t, h, "/tasks"); w.Code != http.StatusServiceUnavailable || !strings.Contains(w.Body.String(), "too many") {
			t.Errorf("the second answers %d %s", w.Code, w.Body)
		}
		close(under)
		first.Wait()
		list(t, h, "") // the turn was given back
	})
}

// BenchmarkTrackedPage measures the page of a tracker's 100,000 tasks, its lock included.
func BenchmarkTrackedPage(b *testing.B) {
	known := tracker.New(tracker.Options{
		Accounts: []tracker.AccountOptions{{Name: "main"}}, Groups: []tracker.GroupOptions{{Name: "video", Account: "main"}},
		TaskSeries: 1000, Models: 100, Store: store.Memory{}, Log: promslog.NewNopLogger(),
	})
	change := source.Change{Group: "video"}
	for _, k := range many(100_000) {
		change.Added = append(change.Added, source.Task{ID: k.ID})
	}
	known.Apply(change)
	h := serve(b, known.All)
	for b.Loop() {
		if w := get(b, h, "/tasks"); w.Code != http.StatusOK {
			b.Fatal(w.Body)
		}
	}
}

// BenchmarkPage measures a page, and its JSON, of 100,000 tasks of many models and states, without the tracker.
func BenchmarkPage(b *testing.B) {
	h := serveAll(b, many(100_000))
	for _, target := range []string{"/tasks", "/tasks?state=fail&q=7&limit=500", "/tasks?after=3.-1767315000000.x", "/api/v1/tasks"} {
		b.Run(strings.ReplaceAll(target, "/", "."), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if w := get(b, h, target); w.Code != http.StatusOK {
					b.Fatal(w.Body)
				}
			}
		})
	}
}

// TestWhatCanNotBeJSONIsNoSuccess: the status says so, and the body is JSON all the same.
func TestWhatCanNotBeJSONIsNoSuccess(t *testing.T) {
	tasks := some()
	tasks[0].Credits = math.NaN()
	w := get(t, serveAll(t, tasks), "/api/v1/tasks")
	var answer struct{ Error string }
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || w.Code != http.StatusInternalServerError || answer.Error == "" {
		t.Errorf("%d %s: %q, %v", w.Code, w.Header().Get("Content-Type"), w.Body, err)
	}
}
