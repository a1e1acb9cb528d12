package web_test

import (
	"html"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/querylog"
	"github.com/kie-exporter/kie_exporter/internal/view"
	"github.com/kie-exporter/kie_exporter/internal/web"
)

var tag = regexp.MustCompile(`<[^>]*>|\s+`)

// text returns what a person reads of a page.
func text(page string) string {
	return strings.Join(strings.Fields(html.UnescapeString(tag.ReplaceAllString(page, " "))), " ")
}

func TestThePageOfATaskTellsEveryFactAndItsLife(t *testing.T) {
	queries := querylog.New()
	queries.Add("a", "6-fail", querylog.Query{Ended: epoch.Add(3 * time.Second), Took: 320 * time.Millisecond, State: kie.StateGenerating})
	queries.Add("a", "6-fail", querylog.Query{Ended: epoch.Add(20 * time.Second), Took: 30 * time.Second, Class: kie.ClassTimeout, State: kie.StateGenerating})
	queries.Add("a", "6-fail", querylog.Query{Ended: epoch.Add(61 * time.Second), Took: time.Second, State: kie.StateFail})
	h := serveKnown(t, web.Known{Tasks: sequence(some()), Queries: queries.Queries, Grafana: "https://grafana.example/base/"})
	page := get(t, h, "/tasks/6-fail?account=a").Body.String()
	for _, want := range []string{
		"Model kling", "Group video", "Account a", "Took 1 min 00 s", "Fail code 501", "Reason upstream: the model's own provider has failed",
		"2026-01-02T03:04:05Z created", "+3.0 s asked: ok, generating; it took 0.3 s", "+20 s asked: timeout (no answer in time); it took 30 s",
		"+1 min 01 s asked: ok, fail; it took 1.0 s", "+1 min 00 s failed",
	} {
		if !strings.Contains(text(page), want) {
			t.Errorf("no %q in %s", want, text(page))
		}
	}
	for _, want := range []string{`href="https://grafana.example/base/d/kie-tasks?var-task=6-fail"`, `href="https://kie.ai/logs"`, `<code>6-fail</code> <button type="button" class="copy"`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	page = text(get(t, h, "/tasks/7-success").Body.String())
	for _, want := range []string{"Credits 12.5", "team film", "+32 s succeeded"} {
		if !strings.Contains(page, want) {
			t.Errorf("no %q in %s", want, page)
		}
	}
}

func TestTheTimelineTellsOfCallbacksAndWhenATaskIsAskedNext(t *testing.T) {
	queries := querylog.New()
	queries.Add("b", "3-generating", querylog.Query{Ended: epoch.Add(time.Second), State: kie.StateGenerating, Callback: true})
	next := view.Next{}
	h := serveKnown(t, web.Known{Tasks: sequence(some()), Queries: queries.Queries, Next: func(string, string) view.Next { return next }})
	now := time.Now()
	for _, tt := range []struct {
		next view.Next
		want string
	}{
		{view.Next{Due: now.Add(90*time.Second + 500*time.Millisecond)}, "to be asked next, in 1 min 30 s"},
		{view.Next{Due: now.Add(time.Second + 500*time.Millisecond), Called: true}, "s, for a callback came"},
		{view.Next{Due: now.Add(-90 * time.Second)}, "now: it is due for 1 min 30 s, and waits for its turn"},
		{view.Next{Due: now.Add(-time.Second), Asking: true, Called: true}, "now: it is being asked, and then again, for a callback came"},
	} {
		next = tt.next
		page := text(get(t, h, "/tasks/3-generating?account=b").Body.String())
		if !strings.Contains(page, tt.want) || !strings.Contains(page, "a callback came") || !strings.Contains(page, "last answer") {
			t.Errorf("%+v: no %q, callback or last answer in %s", tt.next, tt.want, page)
		}
	}
	next = view.Next{}
	if page := text(get(t, h, "/tasks/7-success").Body.String()); strings.Contains(page, "now:") || strings.Contains(page, "next,") {
		t.Errorf("a finished task is to be asked: %s", page)
	}
}

func TestThePageOfATaskSaysWhyItNeedsALookAndHowToBeRidOfIt(t *testing.T) {
	tasks := append(some(),
		view.Task{Task: kie.Task{ID: "lost", State: kie.StatePending}, Account: "a", Endpoint: kie.Suno, Seen: epoch, QueryError: kie.ClassNotFound},
		view.Task{Task: kie.Task{ID: "given-up", State: kie.StatePending}, Account: "a", Endpoint: kie.Suno, Seen: epoch, QueryError: kie.ClassNotFound, GivenUp: true})
	h := serveKnown(t, web.Known{Tasks: sequence(tasks)})
	for id, want := range map[string]string{
		"1-overdue": "Overdue: it is unfinished for longer", "2-queuing": "failed: no answer in time", "lost": "does not know the task", "given-up": "Given up",
	} {
		if page := text(get(t, h, "/tasks/"+id).Body.String()); !strings.Contains(page, want) {
			t.Errorf("%s: no %q in %s", id, want, page)
		}
	}
	if page := text(get(t, h, "/tasks/lost").Body.String()); !strings.Contains(page, "Take the id out of its list") {
		t.Error("it does not say how to be rid of it")
	}
	for _, id := range []string{"lost", "given-up"} { // for a task of another endpoint looks just like one that there is not
		if page := text(get(t, h, "/tasks/"+id).Body.String()); !strings.Contains(page, "unknown to endpoint suno: is that the one it was created for?") {
			t.Errorf("%s: it does not say where it was asked about: %s", id, page)
		}
	}
}

func TestEveryIDHasAPageOrNoLink(t *testing.T) {
	for _, id := range []string{"a/b", "a b", "ä%2F?&#", "style.css", ".", "..", "a//b", "a/../b", "a/", "/", "page.html", `"><script>`, strings.Repeat("x", 128)} {
		h := serveKnown(t, web.Known{Tasks: sequence([]view.Task{{Task: kie.Task{ID: id, State: kie.StatePending}, Account: "a&b", Seen: epoch}})})
		list := get(t, h, "/tasks").Body.String()
		_, rest, linked := strings.Cut(list, `class="id"><a href="`)
		if !linked {
			if id != "style.css" && id != "." && id != ".." && id != "/" {
				t.Errorf("%q has no link", id)
			}
			continue
		}
		address, _, _ := strings.Cut(rest, `"`)
		w := get(t, h, "/"+html.UnescapeString(address))
		if w.Code != http.StatusOK || !strings.Contains(html.UnescapeString(w.Body.String()), "<code>"+id+"</code>") || strings.Contains(w.Body.String(), "<script>") {
			t.Errorf("%q: %s answers %d: %s", id, address, w.Code, w.Body)
		}
	}
}

func TestATaskThatIsNotTrackedHasNoPage(t *testing.T) {
	h := serveAll(t, some())
	for _, path := range []string{"/tasks/none", "/tasks/6-fail?account=b"} {
		if w := get(t, h, path); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "in no list") {
			t.Errorf("%s answers %d: %s", path, w.Code, w.Body)
		}
	}
}

func TestOneIDOfTwoAccountsIsTwoOnOnePage(t *testing.T) {
	tasks := []view.Task{
		{Task: kie.Task{ID: "same", Model: "m1", State: kie.StatePending}, Account: "a", Seen: epoch}, {Task: kie.Task{ID: "same", Model: "m2", State: kie.StatePending}, Account: "b", Seen: epoch},
	}
	h := serveKnown(t, web.Known{Tasks: sequence(tasks)})
	if page := text(get(t, h, "/tasks/same").Body.String()); !strings.Contains(page, "m1") || !strings.Contains(page, "m2") {
		t.Error(page)
	}
	if page := text(get(t, h, "/tasks/same?account=b").Body.String()); strings.Contains(page, "m1") || !strings.Contains(page, "m2") {
		t.Error(page)
	}
}

func TestWhatNeedsALookComesFirstAndWhatIsUnknownToTheAPILastAndFolded(t *testing.T) {
	tasks := some()
	for _, id := range []string{"lost-1", "lost-2", "lost-3"} {
		tasks = append(tasks, view.Task{Task: kie.Task{ID: id, State: kie.StatePending}, Group: "video", Account: "a", Seen: epoch.Add(-time.Hour), QueryError: kie.ClassNotFound, GivenUp: id == "lost-3"})
	}
	h := serveKnown(t, web.Known{Tasks: sequence(tasks)})
	ids := list(t, h, "").ids()
	if got := strings.Join(ids, " "); !strings.HasPrefix(got, "1-overdue 2-queuing ") || !strings.HasSuffix(got, "7-success lost-1 lost-2 lost-3") {
		t.Errorf("%v", ids)
	}
	page := get(t, h, "/tasks").Body.String()
	urgent, rest, _ := strings.Cut(page, "<details")
	folded, _, _ := strings.Cut(rest, "</details>")
	for _, id := range []string{"1-overdue", "2-queuing"} {
		if !strings.Contains(urgent, id) {
			t.Errorf("%s is not among what needs a look", id)
		}
	}
	if strings.Contains(urgent, "lost-") || strings.Contains(urgent, "3-generating") {
		t.Error("what needs no look comes first, too")
	}
	if said := text("<" + folded); !strings.Contains(said, "3 ids that the API does not know") || !strings.Contains(said, "of another account or endpoint") || !strings.Contains(said, "take it out of its list") || !strings.Contains(said, "ago not_found, given up") {
		t.Errorf("the folded section says: %s", said)
	}
	if got := strings.Join(list(t, h, "?missing=true").ids(), " "); got != "lost-1 lost-2 lost-3" {
		t.Errorf("missing=true lists %s", got)
	}
}

func TestTheLandingPageLinksToWhatIsSwitchedOnOnly(t *testing.T) {
	tasks, err := web.NewTasks(known(web.Known{Tasks: sequence(nil)}))
	if err != nil {
		t.Fatal(err)
	}
	for _, on := range []bool{false, true} {
		page := get(t, tasks.Landing(web.Landing{Version: "1.2.3", MetricsPath: "/m", Profiles: on, Probe: on}), "/").Body.String()
		for _, want := range []string{`action="probe"`, `href="debug/pprof/"`} {
			if strings.Contains(page, want) != on {
				t.Errorf("switched on: %v, and %s: %v", on, want, !on)
			}
		}
		for _, want := range []string{"version 1.2.3", `rel="icon"`, `href="m"`, `href="tasks"`, `href="api/v1/status"`, "color-scheme"} {
			if !strings.Contains(page, want) {
				t.Errorf("no %s", want)
			}
		}
	}
}
