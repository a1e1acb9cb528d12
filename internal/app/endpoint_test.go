package app_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// askedAt waits until tasks were asked about from some request on, and returns the endpoints at which each was.
func askedAt(t *testing.T, sim *kiesim.Server, from int, ids ...string) map[string][]kiesim.Endpoint {
	t.Helper()
	at := make(map[string][]kiesim.Endpoint)
	wait.Until(t, 10*time.Second, 20*time.Millisecond, func() error {
		clear(at)
		for _, q := range sim.Requests()[from:] {
			if q.ID != "" && !slices.Contains(at[q.ID], q.Endpoint) {
				at[q.ID] = append(at[q.ID], q.Endpoint)
			}
		}
		for _, id := range ids {
			if len(at[id]) == 0 {
				return fmt.Errorf("%s was not asked about", id)
			}
		}
		return nil
	})
	return at
}

// allEndpoints is what a refusal of a word says that might be meant.
var allEndpoints = strings.Join(kie.EndpointWords(), ", ")

// From a group, a line of a list and a probe to the API's own paths, and to the metrics.
func TestTasksOfOtherEndpointsAreAskedAboutThere(t *testing.T) {
	sim, api := serveAPI(t, kiesim.Options{})
	sim.Put(kiesim.Task{ID: "song", Model: "V5", Endpoint: kiesim.Suno})
	sim.Put(kiesim.Task{ID: "film", Model: "veo3_fast", Endpoint: kiesim.Veo})
	sim.Put(kiesim.Task{ID: "image", Endpoint: kiesim.FluxKontext, Model: "flux-kontext-pro"})
	list := filepath.Join(t.TempDir(), "tasks.jsonl")
	if err := os.WriteFile(list, []byte(`{"taskId":"film","endpoint":"veo"}`+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, "--config.file="+configFile(t, api, "groups: [{endpoint: suno, tasks: [song], files: ["+list+"]}]\npolling: {background: true}"))
	want := []string{
		`kie_task_info{account="default",group="default",model="V5",task_id="song"} 1`,
		`kie_task_info{account="default",group="default",model="veo3_fast",task_id="film"} 1`,
		`kie_api_requests_total{account="default",class="ok",endpoint="suno"} 1`,
		`kie_api_requests_total{account="default",class="ok",endpoint="veo"} 1`,
		`kie_api_requests_total{account="default",class="ok",endpoint="recordInfo"} 0`,
	}
	body := p.until(10*time.Second, want...)
	if strings.Contains(body, `endpoint="luma"`) {
		t.Error("an endpoint that is not in use is shown")
	}
	if status, body := p.get("/probe?task_id=image&endpoint=flux_kontext"); status != http.StatusOK || missing(body, []string{"probe_success 1"}) != "" {
		t.Errorf("%d: %s", status, body)
	}
}

// A push says of single ids where they are asked about, and so it is after a restart. What names no endpoint that there is, is not asked about.
func TestPushedTasksAreAskedAboutWhereThePushSays(t *testing.T) {
	data := "--storage.path=" + t.TempDir()
	p := startPushing(t, "groups: [{name: g, endpoint: aleph, push: {credentials_file: token}}]\n", data)
	for _, task := range []kiesim.Task{
		{ID: "song", Endpoint: kiesim.Suno},
		{ID: "film", Endpoint: kiesim.Veo},
		{ID: "clip", Endpoint: kiesim.Aleph},
		{ID: "empty", Endpoint: kiesim.Aleph},
		{ID: "text", Endpoint: kiesim.Aleph},
		{ID: "line", Endpoint: kiesim.Lyrics},
		{ID: "job"},
	} {
		task.Duration = time.Hour
		p.sim.Put(task)
	}
	unknown := "invalid: no endpoint is called so; want one of " + allEndpoints
	p.wantPush(asJSON, `[{"taskId":"song","endpoint":"suno","model":"V5","labels":{"order":"17"}},{"task_id":"film","endpoint":"veo"},{"taskId":"wrong","endpoint":"songs"},
		{"code":200,"data":{"taskId":"clip"}},{"taskId":"seven","endpoint":7},{"taskId":"empty","endpoint":""},{"taskId":"balance","endpoint":"credit"},
		{"code":200,"endpoint":"jobs","data":{"taskId":"job"}},{"taskId":"case","endpoint":"Suno"}]`, http.StatusOK,
		fmt.Sprintf(`{"accepted":5,"known":0,"rejected":[{"index":2,"reason":%[1]q},{"index":4,"reason":%[1]q},{"index":6,"reason":%[1]q},{"index":8,"reason":%[1]q}]}`, unknown))
	p.wantPush(asLines, `{"taskId":"line","endpoint":"lyrics"}`+"\n"+`{"taskId":"wrong","endpoint":"lyric"}`+"\n", http.StatusOK,
		fmt.Sprintf(`{"accepted":1,"known":0,"rejected":[{"index":1,"reason":%q}]}`, unknown))
	p.wantPush(asText, "text\n", http.StatusOK, `{"accepted":1,`)
	want := map[string][]kiesim.Endpoint{
		"song": {kiesim.Suno}, "film": {kiesim.Veo}, "clip": {kiesim.Aleph}, "empty": {kiesim.Aleph}, "text": {kiesim.Aleph}, "line": {kiesim.Lyrics}, "job": {kiesim.RecordInfo},
	}
	wantAsked := func(of *pushing, from int) {
		t.Helper()
		for id := range want {
			of.get("/probe?task_id=" + id) // out of turn
		}
		at := askedAt(t, p.sim, from, "song", "film", "clip", "empty", "text", "line", "job")
		if fmt.Sprint(at) != fmt.Sprint(want) {
			t.Errorf("asked about at %v, want %v", at, want)
		}
	}
	wantAsked(p, 0)
	p.until(5*time.Second, `kie_exporter_source_rejected_total{group="g",reason="invalid",source="push"} 5`)
	p.wantPush(asJSON, `{"taskId":"song","endpoint":"veo"}`, http.StatusOK, `{"accepted":0,"known":1,`) // which changes nothing
	p.end()
	before := len(p.sim.Requests())
	again := &pushing{program: start(t, data, "--config.file="+filepath.Join(p.dir, "kie.yml"))}
	again.untilReady()
	wantAsked(again, before)
	again.sendTo(http.MethodDelete, "/api/v1/groups/g/tasks/song", http.Header{"Authorization": {"Bearer " + canaryToken}}, "")
	before = len(p.sim.Requests())
	again.wantPush(asJSON, `{"taskId":"song","endpoint":"veo"}`, http.StatusOK, `{"accepted":1,`) // another endpoint, once it was forgotten
	again.get("/probe?task_id=song")
	if at := askedAt(t, p.sim, before, "song")["song"]; !slices.Equal(at, []kiesim.Endpoint{kiesim.Veo}) {
		t.Errorf("asked about at %v", at)
	}
}

// One id is one task, whatever lists say of it: the first group that lists it decides, and within a group what was said first.
func TestAnIDUnderTwoEndpointsIsAskedAboutAtOne(t *testing.T) {
	sim, api := serveAPI(t, kiesim.Options{Record: true})
	dir := t.TempDir()
	sim.Put(kiesim.Task{ID: "line", Endpoint: kiesim.Suno, Duration: time.Hour})
	sim.Put(kiesim.Task{ID: "group", Endpoint: kiesim.Suno, Duration: time.Hour})
	first := filepath.Join(dir, "first.jsonl")
	rewrite(t, first, `{"taskId":"line","endpoint":"suno"}`+"\n"+`{"taskId":"line","endpoint":"veo"}`+"\n"+`{"taskId":"line"}`+"\n")
	p := start(t, "--config.file="+configFile(t, api, fmt.Sprintf(`groups:
  - {name: songs, endpoint: suno, tasks: [group], files: [%q]}
  - {name: films, endpoint: veo, tasks: [group, line]}
polling: {background: true}
`, first)))
	p.until(10*time.Second, `kie_exporter_source_rejected_total{group="films",reason="duplicate",source="inline"} 2`)
	want := map[string][]kiesim.Endpoint{"line": {kiesim.Suno}, "group": {kiesim.Suno}}
	if at := askedAt(t, sim, 0, "line", "group"); fmt.Sprint(at) != fmt.Sprint(want) {
		t.Errorf("asked about at %v, want %v", at, want)
	}
}

// A word that is no endpoint is refused wherever it may stand, with the words that are; nothing is asked about anywhere else instead.
func TestAnEndpointThatThereIsNotIsRefusedInLists(t *testing.T) {
	sim, api := serveAPI(t, kiesim.Options{Record: true})
	for _, id := range []string{"good", "more"} {
		sim.Put(kiesim.Task{ID: id, Duration: time.Hour})
	}
	lines := filepath.Join(t.TempDir(), "lines.jsonl")
	rewrite(t, lines, `{"taskId":"good"}`+"\n"+`{"taskId":"bad","endpoint":"songs"}`+"\n")
	list := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		if r.URL.Path == "/entries" {
			fmt.Fprint(w, "[\n"+`{"tasks":["worse"],"endpoint":"songs"}]`)
			return
		}
		fmt.Fprint(w, "[\n"+`"more",`+"\n"+`{"taskId":"bad","endpoint":"songs"}]`)
	}))
	defer list.Close()
	p := start(t, "--config.file="+configFile(t, api, fmt.Sprintf(`groups:
  - {name: g, files: [%q], http: {url: %q}}
  - {name: h, http: {url: %q}}
polling: {background: true}
`, lines, list.URL+"/list", list.URL+"/entries")))
	p.until(10*time.Second,
		fmt.Sprintf(`kie_exporter_source_rejected_total{group="g",reason="invalid",source=%q} 1`, lines),
		`kie_exporter_source_rejected_total{group="g",reason="invalid",source="http"} 1`)
	askedAt(t, sim, 0, "good", "more")
	if at := askedAt(t, sim, 0); len(at) != 2 {
		t.Errorf("asked about at %v", at)
	}
	log := p.stderr.String()
	for _, line := range []string{`lines=[2] err="line 2: no endpoint`, `lines=[3] err="line 3: no endpoint`, `group=h logged_source=http err="line 2: no endpoint`} {
		if !strings.Contains(log, line) || !strings.Contains(log, "want one of "+allEndpoints) {
			t.Errorf("the log lacks %q: %s", line, log)
		}
	}
}
