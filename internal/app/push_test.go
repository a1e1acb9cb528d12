package app_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	built "github.com/kie-exporter/kie_exporter/test/kit/program"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

const (
	asText  = "text/plain"
	asJSON  = "application/json"
	asLines = "application/x-ndjson"
)

// pushing is the program at work with a group that takes pushes, and another one that takes those of another token.
type pushing struct {
	*program
	sim *kiesim.Server
	dir string
}

// pushSettings are groups that take pushes: with a token, with another one, without.
const pushSettings = `
groups:
  - {name: g, labels: {team: film}, push: {credentials_file: token, keep: 1h}}
  - {name: other, push: {credentials_file: other}}
  - {name: bare, push: {}}
  - {name: listed, tasks: [listed]}
`

func startPushing(t *testing.T, settings string, args ...string) *pushing {
	t.Helper()
	p := &pushing{dir: t.TempDir()}
	var api string
	p.sim, api = serveAPI(t, kiesim.Options{Record: true})
	rewrite(t, filepath.Join(p.dir, "token"), canaryToken+"\n")
	rewrite(t, filepath.Join(p.dir, "other"), canaryToken+"-other\n")
	rewrite(t, filepath.Join(p.dir, "hook"), canary+"-1\n")
	rewrite(t, filepath.Join(p.dir, "kie.yml"), fmt.Sprintf(`
accounts: [{base_url: %q, timeout: 5m, requests_per_second: 1000, credits_interval: 0s, webhook_keys_files: [hook]}]
polling: {background: true}
`, api)+settings)
	p.program = start(t, append(args, "--config.file="+filepath.Join(p.dir, "kie.yml"))...)
	p.untilReady()
	return p
}

// push sends a body to a group and returns the answer.
func (p *pushing) push(group, contentType, body string) (int, string) {
	p.t.Helper()
	return p.sendTo(http.MethodPost, "/api/v1/groups/"+group+"/tasks", http.Header{
		"Content-Type": {contentType}, "Authorization": {"Bearer " + canaryToken},
	}, body)
}

func (p *pushing) sendTo(method, path string, header http.Header, body string) (int, string) {
	p.t.Helper()
	status, answer, _ := p.exchange(method, path, header, body)
	return status, answer
}

func (p *program) exchange(method, path string, header http.Header, body string) (int, string, http.Header) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), method, p.base+path, strings.NewReader(body))
	if err != nil {
		p.t.Fatal(err)
	}
	req.Header, req.Host = header, header.Get("Host")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	checkSecrets(p.t, fmt.Sprint(resp.Header)+string(text))
	return resp.StatusCode, strings.TrimSpace(string(text)), resp.Header
}

// wantPush sends a body to group g and fails the test if the answer is another one.
func (p *pushing) wantPush(contentType, body string, status int, answer string) {
	p.t.Helper()
	gotStatus, got := p.push("g", contentType, body)
	if gotStatus != status || !strings.Contains(got, answer) {
		p.t.Errorf("%.100q is answered with %d and %s, want %d and %s", body, gotStatus, got, status, answer)
	}
}

func packed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTheTimeOfTheLastPushIsThatOfIDsAndNotOfWhatIsForgotten(t *testing.T) {
	p := startPushing(t, pushSettings)
	const series = `kie_exporter_source_last_push_timestamp_seconds{group="g",source="push"}`
	if told, found := samples(p.scrape())[series]; found {
		t.Errorf("a push at %s, before any", told)
	}
	before := time.Now()
	p.wantPush(asText, "id-a\n", http.StatusOK, `"accepted":1`)
	first, err := strconv.ParseFloat(samples(p.scrape())[series], 64)
	if at := time.UnixMilli(int64(first * 1000)); err != nil || at.Before(before.Truncate(time.Second)) || at.After(time.Now()) {
		t.Errorf("the last push was at %s, or %v; it was after %s", at, err, before)
	}
	p.sendTo(http.MethodDelete, "/api/v1/groups/g/tasks/id-a", http.Header{"Authorization": {"Bearer " + canaryToken}}, "")
	p.wantPush(asJSON, `[]`, http.StatusOK, `"accepted":0`)
	if then, _ := strconv.ParseFloat(samples(p.scrape())[series], 64); then != first {
		t.Errorf("%f after something was forgotten, and nothing pushed; it was %f", then, first)
	}
}

func TestAPushIsTakenInEveryFormInWhichItMayCome(t *testing.T) {
	p := startPushing(t, pushSettings)
	const one = `{"accepted":1,"known":0,"rejected":[],"durable":false}`
	created := `{"code":200,"msg":"success","data":{"taskId":"%s","recordId":"x"}}`
	for _, tt := range []struct{ name, kind, body, answer string }{
		{"a string", asJSON, `"id-a"`, one},
		{"an object", asJSON, `{"taskId":"id-b","model":"m","labels":{"order":17,"vip":true}}`, one},
		{"another spelling", asJSON, ` {"task_id":"id-c"} `, one},
		{"an answer of createTask", asJSON, fmt.Sprintf(created, "id-d"), one},
		{"a list", asJSON, `["id-e", {"taskId":"id-f"}, ` + fmt.Sprintf(created, "id-g") + `]`, `{"accepted":3,"known":0,"rejected":[],"durable":false}`},
		{"an empty list", asJSON, `[]`, `{"accepted":0,"known":0,"rejected":[],"durable":false}`},
		{"lines", asLines, "\"id-h\"\n{\"taskId\":\"id-i\"}\n" + fmt.Sprintf(created, "id-j") + "\n", `{"accepted":3,`},
		{"lines by another name", "application/jsonl", "\"id-k\"\n", one},
		{"text", asText, "# comment\n\n id-l \r\nid-m", `{"accepted":2,"known":0,"rejected":[],"durable":false}`},
		{"text with a charset", "text/plain; charset=UTF-8", "id-n", one},
		{"a repeat", asText, "id-l\nid-m\nid-m\n", `{"accepted":0,"known":3,"rejected":[],"durable":false}`},
		{"an answer that created no task", asJSON, `[{"code":402,"msg":"no credits","data":null},"id-o"]`, `{"accepted":1,"known":0,"rejected":[{"index":0,"reason":"no_task: an answer that created no task"}]`},
		{"a key that is misspelt", asJSON, `[{"taskId":"id-e","lables":{"x":"y"}},{"taskId":"id-f","lables":{},"model":7}]`, `{"accepted":0,"known":2,"rejected":[],"ignored":{"lables":2,"model":1},`},
		{"what is no id", asJSON, `["id-p",null,{"id":"x"},7,"",["x"]]`, `{"accepted":2,"known":0,"rejected":[{"index":1,"reason":"invalid: want an id, or an object with taskId or task_id"},{"index":2,"reason":"invalid: want`},
		{"a secret", asText, "id-q\n" + canary + "\n", `{"accepted":1,"known":0,"rejected":[{"index":1,"reason":"secret: is a secret of the configuration"}]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, answer := p.push("g", tt.kind, tt.body)
			if status != http.StatusOK || !strings.HasPrefix(answer, tt.answer) {
				t.Errorf("%d %s, want %s", status, answer, tt.answer)
			}
		})
	}
	status, answer := p.sendTo(http.MethodPost, "/api/v1/groups/g/tasks", http.Header{
		"Content-Type": {asText}, "Content-Encoding": {"gzip"}, "Authorization": {"bearer " + canaryToken},
	}, packed(t, "id-r\n"))
	if status != http.StatusOK || answer != one {
		t.Errorf("packed: %d %s", status, answer)
	}
	p.until(5*time.Second, `kie_exporter_source_tasks{group="g",source="push"} 19`,
		`kie_exporter_source_rejected_total{group="g",reason="no_task",source="push"} 1`,
		`kie_exporter_source_rejected_total{group="g",reason="invalid",source="push"} 4`,
		`kie_exporter_source_rejected_total{group="g",reason="secret",source="push"} 1`)
	if _, text := p.get("/api/v1/tasks?q=id-b"); !strings.Contains(text, `"labels":{"order":"17","team":"film","vip":"true"}`) {
		t.Errorf("labels are lost: %s", text)
	}
}

func TestAPushThatIsWrongSaysWhatAndWhereAndNothingOfItCounts(t *testing.T) {
	p := startPushing(t, pushSettings)
	for _, tt := range []struct {
		name, kind, body string
		status           int
		answer           string
	}{
		{"no type", "", "a", 415, "Content-Type must be"},
		{"what curl sends", "application/x-www-form-urlencoded", "a", 415, "Content-Type must be"},
		{"another charset", "text/plain; charset=utf-16", "a", 415, "Content-Type must be"},
		{"truncated JSON", asJSON, `["a","b`, 400, "index 1: the body ends too early"},
		{"an open list", asJSON, `["a"`, 400, "index 0: the body ends too early"},
		{"nothing", asJSON, "", 400, `"the body is empty"`},
		{"spaces", asJSON, " \n", 400, `"the body is empty"`},
		{"two values", asJSON, `"a" "b"`, 400, "something follows"},
		{"no JSON", asJSON, `["a", nope]`, 400, "index 1: invalid character"},
		{"a broken line", asLines, "\"a\"\n{]\n\"b\"\n", 400, "index 1: invalid character"},
		{"20,000 nested arrays", asJSON, strings.Repeat("[", 20_000), 400, "exceeded max depth"},
		{"JSON as text", asText, "a\n{\"taskId\":\"b\"}\n", 400, "index 1: looks like JSON"},
		{"CSV as text", asText, "a,b\n", 400, "index 0: looks like JSON, HTML or CSV"},
		{"17 MiB", asText, strings.Repeat(strings.Repeat("x", 1023)+"\n", 17<<10), 413, "16 MiB"},
		{"17 MiB of spaces", asJSON, "[" + strings.Repeat(" ", 17<<20), 413, "too large"},
		{"a value of 1 MiB", asJSON, `"` + strings.Repeat("a", 1<<20) + `"`, 413, "256 KiB"},
		{"a line of 1 MiB", asText, strings.Repeat("a", 1<<20), 413, "64 KiB"},
		{"a million times the same id", asText, strings.Repeat("a\n", 1_000_000), 413, "100000 ids"},
		{"labels by the thousand", asJSON, manyLabels(20_000), 413, "10000 different sets of labels"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, answer := p.push("g", tt.kind, tt.body)
			if status != tt.status || !strings.Contains(answer, tt.answer) {
				t.Errorf("%d %.200s, want %d and %s", status, answer, tt.status, tt.answer)
			}
		})
	}
	gzipped := http.Header{"Content-Type": {asText}, "Content-Encoding": {"gzip"}, "Authorization": {"Bearer " + canaryToken}}
	for name, tt := range map[string]struct {
		body, answer string
		status       int
	}{
		"truncated gzip": {packed(t, strings.Repeat("abc\n", 1000))[:30], "ends too early", 400},
		"no gzip":        {"abc", "not packed with gzip", 400},
		"a bomb":         {strings.Repeat(packed(t, strings.Repeat("abcdefghijklmno\n", 1<<16)), 64), "too large", 413},
	} {
		t.Run(name, func(t *testing.T) {
			if status, answer := p.sendTo(http.MethodPost, "/api/v1/groups/g/tasks", gzipped, tt.body); status != tt.status || !strings.Contains(answer, tt.answer) {
				t.Errorf("%d %s", status, answer)
			}
		})
	}
	gzipped.Set("Content-Encoding", "br")
	if status, answer := p.sendTo(http.MethodPost, "/api/v1/groups/g/tasks", gzipped, "x"); status != 415 || !strings.Contains(answer, "Content-Encoding") {
		t.Errorf("another encoding: %d %s", status, answer)
	}
	if body := p.scrape(); !strings.Contains(body, `kie_exporter_source_tasks{group="g",source="push"} 0`) {
		t.Error("something of it counts")
	}
	status, answer := p.push("g", asJSON, `[{"taskId":"a","labels":{"__x":"y"}},{"taskId":"b","labels":[]},{"taskId":"c","labels":{"a":{}}},{"taskId":"d","labels":{"a":"`+strings.Repeat("x", 200)+`"}}]`)
	if status != 200 || !strings.HasPrefix(answer, `{"accepted":0,`) || strings.Count(answer, `"index"`) != 4 {
		t.Errorf("bad labels: %d %s", status, answer)
	}
}

func TestTheSameIDAMillionTimesIsOneTask(t *testing.T) {
	p := startPushing(t, pushSettings, "--storage.path="+t.TempDir())
	const one = maxOfAPush - 1
	p.wantPush(asText, strings.Repeat("a\n", maxOfAPush), 200, fmt.Sprintf(`{"accepted":1,"known":%d,"rejected":[]}`, one))
	for range built.Fewer(1, 9) {
		p.wantPush(asText, strings.Repeat("a\n", maxOfAPush), 200, fmt.Sprintf(`{"accepted":0,"known":%d,"rejected":[]}`, maxOfAPush))
	}
	p.until(5*time.Second, `kie_exporter_source_tasks{group="g",source="push"} 1`)
}

// maxOfAPush is how many values a push may have.
const maxOfAPush = 100_000

func manyLabels(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"taskId":"x%d","labels":{"order":"%d"}},`, i, i)
	}
	return "[" + strings.TrimSuffix(b.String(), ",") + "]"
}

func TestOnlyTheTokenOfAGroupOpensItsPushes(t *testing.T) {
	p := startPushing(t, pushSettings)
	header := func(authorization string) http.Header {
		return http.Header{"Content-Type": {asText}, "Authorization": {authorization}}
	}
	for _, tt := range []struct {
		name, method, path, authorization string
		status                            int
	}{
		{"the token", "POST", "g/tasks", "Bearer " + canaryToken, 200},
		{"no token", "POST", "g/tasks", "", 401},
		{"a wrong token", "POST", "g/tasks", "Bearer x", 401},
		{"an empty token", "POST", "g/tasks", "Bearer ", 401},
		{"a password", "POST", "g/tasks", "Basic " + canaryToken, 401},
		{"the token of another group", "POST", "other/tasks", "Bearer " + canaryToken, 401},
		{"the API key", "POST", "g/tasks", "Bearer " + canary, 401},
		{"a group that does not exist", "POST", "nope/tasks", "Bearer " + canaryToken, 404},
		{"a group that takes no pushes", "POST", "listed/tasks", "Bearer " + canaryToken, 404},
		{"a group without a token", "POST", "bare/tasks", "", 200},
		{"forgetting without a token", "DELETE", "g/tasks", "", 401},
		{"forgetting one without a token", "DELETE", "g/tasks/a", "", 401},
		{"forgetting one", "DELETE", "g/tasks/a", "Bearer " + canaryToken, 200},
		{"reading", "GET", "g/tasks", "Bearer " + canaryToken, 405},
	} {
		t.Run(tt.name, func(t *testing.T) {
			status, answer := p.sendTo(tt.method, "/api/v1/groups/"+tt.path, header(tt.authorization), "a\n")
			if status != tt.status {
				t.Errorf("%d %s, want %d", status, answer, tt.status)
			}
		})
	}
	for result, n := range map[string]int{"ok": 2, "unauthorized": 7, "malformed": 0} {
		p.until(5*time.Second, fmt.Sprintf(`kie_exporter_pushes_total{group="g",result=%q} %d`, result, n))
	}
	p.until(5*time.Second, `kie_exporter_pushes_total{group="other",result="unauthorized"} 1`)
	if body := p.scrape(); strings.Contains(body, `pushes_total{group="nope"`) || strings.Contains(body, `pushes_total{group="listed"`) {
		t.Error("pushes to groups that take none are counted")
	}
	if n := strings.Count(p.stderr.String(), "without the token of its group"); n != 2 {
		t.Errorf("the log tells %d times of wrong tokens of two groups", n)
	}
	rewrite(t, filepath.Join(p.dir, "token"), "another-token-now\n")
	wait.Until(t, 5*time.Second, 50*time.Millisecond, func() error {
		if status, _ := p.sendTo("POST", "/api/v1/groups/g/tasks", header("Bearer another-token-now"), "b"); status != 200 {
			return fmt.Errorf("the new token is answered with %d", status)
		}
		return nil
	})
	if status, _ := p.push("g", asText, "c"); status != 401 {
		t.Errorf("the token before is answered with %d", status)
	}
}

func TestAPasswordIsNotAskedForBesidesATokenAndATokenOpensNothingElse(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("the-password"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	web := filepath.Join(t.TempDir(), "web.yml")
	rewrite(t, web, fmt.Sprintf("basic_auth_users: {somebody: %q}\n", hash))
	p := &pushing{dir: t.TempDir()}
	_, api := serveAPI(t, kiesim.Options{})
	rewrite(t, filepath.Join(p.dir, "token"), canaryToken+"\n")
	rewrite(t, filepath.Join(p.dir, "other"), canaryToken+"-other\n")
	rewrite(t, filepath.Join(p.dir, "kie.yml"), fmt.Sprintf("accounts: [{base_url: %q}]\n", api)+pushSettings)
	p.program = start(t, "--config.file="+filepath.Join(p.dir, "kie.yml"), "--web.config.file="+web, "--web.listen-address=127.0.0.1:0", "--web.listen-address=127.0.0.1:0")
	token, password := "Bearer "+canaryToken, "Basic c29tZWJvZHk6dGhlLXBhc3N3b3Jk"
	for _, tt := range []struct {
		method, path, authorization string
		status                      int
	}{
		{"POST", "/api/v1/groups/g/tasks", token, 200},
		{"POST", "/api/v1/groups/g/tasks", password, 401},
		{"POST", "/api/v1/groups/g/tasks", "", 401},
		{"POST", "/api/v1/groups/bare/tasks", token, 401},
		{"POST", "/api/v1/groups/bare/tasks", password, 200},
		{"POST", "/api/v1/groups/nope/tasks", token, 401},
		{"POST", "/api/v1/groups/nope/tasks", password, 404},
		{"GET", "/metrics", token, 401},
		{"GET", "/api/v1/tasks", token, 401},
		{"GET", "/api/v1/groups/g/tasks", token, 401},
		{"POST", "/api/v1/groups/g/../../tasks", token, 404},
		{"POST", "/api/v1/groups/g/../../../../-/reload", token, 404},
		{"POST", "/api/v1/groups/g/other", token, 404},
		{"GET", "/metrics", password, 200},
	} {
		header := http.Header{"Content-Type": {asText}, "Authorization": {tt.authorization}}
		wait.Until(t, 5*time.Second, 20*time.Millisecond, func() error {
			status, answer := p.sendTo(tt.method, tt.path, header, "a\n")
			if status != tt.status {
				return fmt.Errorf("%s %s with %.10s: %d %.100s, want %d", tt.method, tt.path, tt.authorization, status, answer, tt.status)
			}
			return nil
		})
	}
}

func TestPushedTasksSurviveARestartWithModelAndLabelsAndAreForgottenWhenToldSo(t *testing.T) {
	data := "--storage.path=" + t.TempDir()
	p := startPushing(t, pushSettings, data)
	p.wantPush(asJSON, `[{"taskId":"a","model":"m/1","labels":{"order":"17"}},"b","c","d","e/f g"]`, 200, `{"accepted":5,"known":0,"rejected":[]}`)
	p.wantPush(asJSON, `["a","b"]`, 200, `{"accepted":0,"known":2,"rejected":[]}`)
	header := http.Header{"Content-Type": {asText}, "Authorization": {"Bearer " + canaryToken}}
	for path, want := range map[string]string{
		"/c": `{"forgotten":1,"unknown":0,"rejected":[]}`, "/nope": `{"forgotten":0,"unknown":1,"rejected":[]}`, "": `{"forgotten":1,"unknown":1,"rejected":[]}`,
		"/e%2Ff%20g": `{"forgotten":1,"unknown":0,"rejected":[]}`,
	} {
		if status, answer := p.sendTo("DELETE", "/api/v1/groups/g/tasks"+path, header, "d\nnope\n"); status != 200 || answer != want {
			t.Errorf("DELETE %s: %d %s, want %s", path, status, answer, want)
		}
	}
	p.until(5*time.Second, `kie_exporter_source_tasks{group="g",source="push"} 2`)
	p.end()
	again := &pushing{program: start(t, data, "--config.file="+filepath.Join(p.dir, "kie.yml"))}
	again.untilReady()
	again.until(5*time.Second, `kie_exporter_source_tasks{group="g",source="push"} 2`)
	again.wantPush(asText, "a\nb\n", 200, `{"accepted":0,"known":2,"rejected":[]}`)
	again.wantPush(asText, "c\n", 200, `{"accepted":1,"known":0,"rejected":[]}`)
	var tasks struct {
		Tasks []struct {
			ID     string            `json:"task_id"`
			Labels map[string]string `json:"labels"`
		} `json:"tasks"`
	}
	_, text := again.get("/api/v1/tasks?group=g")
	if err := json.Unmarshal([]byte(text), &tasks); err != nil {
		t.Fatal(err)
	}
	for _, task := range tasks.Tasks {
		if want := map[string]string{"a": "17"}[task.ID]; task.Labels["order"] != want || task.Labels["team"] != "film" {
			t.Errorf("%s has the labels %v", task.ID, task.Labels)
		}
	}
}

func TestAPushedTaskIsDroppedAWhileAfterItFinishedAndStaysKnown(t *testing.T) {
	settings := strings.Replace(pushSettings, "keep: 1h", "keep: 4s", 1)
	p := startPushing(t, settings, "--storage.path="+t.TempDir())
	p.sim.Put(kiesim.Task{ID: "done", Model: "m", Created: time.Now().Add(-time.Minute), Duration: time.Second})
	p.sim.Put(kiesim.Task{ID: "long", Model: "m", Created: time.Now(), Duration: time.Hour})
	p.wantPush(asText, "long\n", 200, `{"accepted":1,`)
	p.wantShownAndDropped("done")
	asked := p.sim.Queries("done")
	p.wantShownAndDropped("done")
	if n := p.sim.Queries("done"); n != asked {
		t.Errorf("a finished task that was pushed again is asked %d times more", n-asked)
	}
}

// wantShownAndDropped pushes a task that has finished, and waits until it was shown so and has been dropped. A machine that stands still meanwhile may
// have it dropped before anybody sees it; then it is pushed again.
func (p *pushing) wantShownAndDropped(id string) {
	p.t.Helper()
	const dropped = `kie_exporter_source_tasks{group="g",source="push"} 1` // another one stays
	const tries = 5
	for range tries {
		p.wantPush(asText, id+"\n", 200, `{"accepted":1,`)
		shown := false
		wait.Until(p.t, time.Minute, 50*time.Millisecond, func() error {
			body := p.scrape()
			shown = shown || missing(body, []string{`kie_task_state{group="g",model="m",state="success",task_id="` + id + `"} 1`}) == ""
			if line := missing(body, []string{dropped}); line != "" {
				return fmt.Errorf("no %s in\n%s", line, body)
			}
			return nil
		})
		if shown {
			return
		}
	}
	p.t.Errorf("%s was pushed %d times and never shown as finished", id, tries)
}

func TestPushesBeyondTheLimitAreAnsweredWith429AndTheOthersCount(t *testing.T) {
	p := startPushing(t, "groups: [{name: g, push: {credentials_file: token}}]\nlimits: {tasks: 3, task_series: 3}\n") // none is listed, and gives its place
	p.wantPush(asText, "a\nb\n", 200, `{"accepted":2,`)
	p.wantPush(asText, "a\nc\nd\n", 429, `{"accepted":1,"known":1,"rejected":[{"index":2,"reason":"limit: limits.tasks is reached"}]`)
	p.wantPush(asText, "d\n", 429, `{"accepted":0,"known":0,`)
	p.until(5*time.Second, `kie_exporter_source_rejected_total{group="g",reason="limit",source="push"} 2`)
	if _, got := p.get("/api/v1/status"); !strings.Contains(got, `"alert":"KieTasksRefused"`) {
		t.Errorf("no problem tells of what was refused: %s", got)
	}
	header := http.Header{"Authorization": {"Bearer " + canaryToken}}
	if status, _ := p.sendTo("DELETE", "/api/v1/groups/g/tasks/a", header, ""); status != 200 {
		t.Errorf("DELETE: %d", status)
	}
	p.wantPush(asText, "d\n", 200, `{"accepted":1,`)
}

func TestAPushHasRoomOnceTasksThatHaveFinishedAreOnDisk(t *testing.T) {
	p := startPushing(t, pushSettings+"limits: {tasks: 3}\n", "--storage.path="+t.TempDir())
	for i := range 5 { // beside the one that is listed there is room for two
		id := fmt.Sprint("id-", i)
		p.sim.Put(kiesim.Task{ID: id, Model: "m", Created: time.Now().Add(-time.Minute), Duration: 30 * time.Second})
		wait.Until(t, 10*time.Second, 20*time.Millisecond, func() error { // meanwhile those before finish, and are not on disk yet
			if status, answer := p.push("g", asText, id); status != http.StatusOK {
				return fmt.Errorf("%s is answered with %d, %s", id, status, answer)
			}
			return nil
		})
	}
}

// The API knows none of these tasks, so all are pending.
func TestAPushHasThePlaceOfAListedTaskAndNoneOfAPushedOne(t *testing.T) {
	p := startPushing(t, `
limits: {tasks: 3}
groups:
  - {name: g, push: {credentials_file: token}}
  - {name: listed, tasks: [a, b, c, d]}
`, "--storage.path="+t.TempDir())
	refused := func(n int) string {
		return fmt.Sprintf(`kie_exporter_source_refused_tasks{group="listed",reason="limit",source="inline"} %d`, n)
	}
	p.until(time.Minute, `kie_exporter_pending_tasks{group="listed"} 3`, refused(1))
	for i := range 3 {
		p.wantPush(asText, fmt.Sprint("id-", i), http.StatusOK, `{"accepted":1,"known":0,"rejected":[]}`)
		p.until(time.Minute, fmt.Sprintf(`kie_exporter_pending_tasks{group="listed"} %d`, 2-i), refused(2+i),
			`kie_exporter_tasks_dropped_unfinished_total{group="listed"} 0`)
	}
	if status, answer := p.push("g", asText, "id-3"); status != http.StatusTooManyRequests {
		t.Errorf("where all tasks were pushed, one more is answered with %d, %s", status, answer)
	}
	p.wantPush(asText, "id-0\nid-1\nid-2", http.StatusOK, `{"accepted":0,"known":3,"rejected":[]}`)
}

// callbackAbout sends a validly signed callback about a task and returns the status of the answer.
func (p *pushing) callbackAbout(id string) int {
	p.t.Helper()
	h := &hooked{program: p.program, sim: p.sim, dir: p.dir}
	return h.callback(canary+"-1", id)
}

func TestACallbackAboutAnUnknownTaskRegistersItWhereThatIsWanted(t *testing.T) {
	data := "--storage.path=" + t.TempDir()
	settings := `
groups:
  - {name: first, push: {}}
  - {name: g, webhook: true, push: {credentials_file: token, from_callbacks: true}}
`
	p := startPushing(t, settings, data, "--web.webhook-listen-address=127.0.0.1:0")
	p.sim.Put(kiesim.Task{ID: "made", Model: "m", Created: time.Now().Add(-time.Minute), Duration: 30 * time.Second})
	if status := p.callbackAbout("made"); status != http.StatusAccepted {
		t.Errorf("the callback is answered with %d", status)
	}
	p.until(10*time.Second, `kie_task_state{group="g",model="m",state="success",task_id="made"} 1`, callbacks("registered", 1), callbacks("unknown", 0),
		`kie_exporter_source_tasks{group="g",source="push"} 1`, `kie_exporter_source_tasks{group="first",source="push"} 0`)
	for _, id := range []string{"a/b", "\u200bodd", canary} {
		p.callbackAbout(id)
	}
	p.until(10*time.Second, callbacks("registered", 3), callbacks("refused", 1)) // a secret is no id
	if status := p.callbackAbout("made"); status != http.StatusAccepted {
		t.Errorf("a replay is answered with %d", status)
	}
	p.until(5*time.Second, callbacks("registered", 3), callbacks("finished", 1))
	p.end()
	again := start(t, data, "--config.file="+filepath.Join(p.dir, "kie.yml"))
	again.until(10*time.Second, `kie_exporter_source_tasks{group="g",source="push"} 3`)
}

func TestACallbackThatComesBeforeItsTaskIsPushedIsHeededThen(t *testing.T) {
	p := startPushing(t, `
groups: [{name: g, webhook: true, push: {credentials_file: token}}]
`, "--web.webhook-listen-address=127.0.0.1:0")
	for _, id := range []string{"early", "late"} {
		p.sim.Put(kiesim.Task{ID: id, Model: "m", Created: time.Now().Add(-time.Minute), Duration: 30 * time.Second})
	}
	if status := p.callbackAbout("early"); status != http.StatusAccepted {
		t.Errorf("the callback is answered with %d", status)
	}
	p.until(5*time.Second, callbacks("unknown", 1))
	begin := time.Now()
	p.wantPush(asText, "early\n", 200, `{"accepted":1,`)
	p.until(2*time.Second, `kie_task_state{group="g",model="m",state="success",task_id="early"} 1`)
	t.Logf("it took %v", time.Since(begin))
}

// A folder that is gone, like a disk that is full, takes nothing; how a full disk is met, the tests of the store say.
func TestWhatTheStorageDoesNotTakeIsAnsweredWith503AndNothingOfItCounts(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "data")
	p := startPushing(t, pushSettings, "--storage.path="+dir)
	p.wantPush(asText, "a\n", 200, `{"accepted":1,"known":0,"rejected":[]}`)
	if err := os.Rename(dir, dir+"-moved"); err != nil {
		t.Fatal(err)
	}
	header := http.Header{"Content-Type": {asText}, "Authorization": {"Bearer " + canaryToken}}
	status, answer, got := p.exchange(http.MethodPost, "/api/v1/groups/g/tasks", header, "b\n")
	if status != http.StatusServiceUnavailable || got.Get("Retry-After") == "" || !strings.Contains(answer, "takes no ids") {
		t.Errorf("%d %s, Retry-After %q", status, answer, got.Get("Retry-After"))
	}
	p.until(5*time.Second, `kie_exporter_source_tasks{group="g",source="push"} 1`)
	if status, answer := p.sendTo(http.MethodDelete, "/api/v1/groups/g/tasks", header, "a\n"); status != http.StatusServiceUnavailable {
		t.Errorf("forgetting: %d %s", status, answer)
	}
	p.wantPush(asText, "a\n", 200, `{"accepted":0,"known":1,`) // it was acknowledged before
}

// Who pushes while no storage can be read is told so, and not only that the exporter is starting.
func TestAPushBeforeTheStorageWasReadIsToldOfIt(t *testing.T) {
	dir := t.TempDir()
	rewrite(t, filepath.Join(dir, "file"), "no folder")
	rewrite(t, filepath.Join(dir, "token"), canaryToken+"\n")
	rewrite(t, filepath.Join(dir, "kie.yml"), "accounts: [{base_url: 'http://127.0.0.1:1'}]\ngroups: [{name: g, push: {credentials_file: token}}]")
	p := &pushing{program: start(t, "--config.file="+filepath.Join(dir, "kie.yml"), "--storage.path="+filepath.Join(dir, "file", "data"))}
	header := http.Header{"Content-Type": {asText}, "Authorization": {"Bearer " + canaryToken}}
	if status, answer := p.sendTo(http.MethodPost, "/api/v1/groups/g/tasks", header, "a\n"); status != http.StatusServiceUnavailable || !strings.Contains(answer, "storage can't be read") {
		t.Errorf("%d %s", status, answer)
	}
}

func TestSlowPushesLendTheirPlacesToOthers(t *testing.T) {
	p := startPushing(t, pushSettings)
	header := http.Header{"Content-Type": {asText}, "Authorization": {"Bearer " + canaryToken}}
	push := func() int {
		status, answer, got := p.exchange(http.MethodPost, "/api/v1/groups/g/tasks", header, "b\n")
		if status != http.StatusOK && (status != http.StatusServiceUnavailable || got.Get("Retry-After") != "1") {
			t.Fatalf("%d %s, Retry-After %s", status, answer, got.Get("Retry-After"))
		}
		return status
	}
	refused := false
	wait.Quick(t, 10*time.Second, func() time.Duration { // after 20 s a body has come too slowly, whoever waits
		p.pushSlowly(70)
		begin := time.Now()
		for !refused && time.Since(begin) < 2*time.Second { // all places are taken
			refused = push() == http.StatusServiceUnavailable
		}
		if !refused {
			return time.Hour // as it never came to that: the first were cut off before the last began
		}
		wait.Until(t, time.Minute, 20*time.Millisecond, func() error { // and then given back
			if status := push(); status != http.StatusOK {
				return fmt.Errorf("answered with %d", status)
			}
			return nil
		})
		return time.Since(begin)
	})
	p.scrape() // whoever scrapes does not notice
}

// pushSlowly begins so many pushes whose bodies do not come to their end.
func (p *pushing) pushSlowly(many int) {
	p.t.Helper()
	for range many {
		c, err := net.Dial("tcp", strings.TrimPrefix(p.base, "http://")) //nolint:noctx // closed in the end
		if err != nil {
			p.t.Fatal(err)
		}
		p.t.Cleanup(func() { _ = c.Close() })
		if _, err := fmt.Fprintf(c, "POST /api/v1/groups/g/tasks HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\nContent-Type: text/plain\r\nContent-Length: 1000000\r\n\r\na", canaryToken); err != nil {
			p.t.Fatal(err)
		}
	}
}

func TestTheCheckWarnsOfPushesThatAnybodyMaySend(t *testing.T) {
	dir := t.TempDir()
	_, api := serveAPI(t, kiesim.Options{})
	rewrite(t, filepath.Join(dir, "token"), canaryToken+"\n")
	rewrite(t, filepath.Join(dir, "other"), canaryToken+"-other\n")
	rewrite(t, filepath.Join(dir, "kie.yml"), fmt.Sprintf("accounts: [{base_url: %q}]\n", api)+pushSettings)
	web := filepath.Join(dir, "web.yml")
	rewrite(t, web, "basic_auth_users: {u: $2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi}\n")
	args := []string{"--config.check", "--config.file=" + filepath.Join(dir, "kie.yml")}
	_, out, _ := run(t, environment, args...)
	if !strings.Contains(out, "may push ids to group bare") || strings.Contains(out, "to group g:") || strings.Contains(out, "yields no ids") {
		t.Errorf("the check says: %s", out)
	}
	_, out, _ = run(t, environment, append(args, "--web.config.file="+web)...)
	if strings.Contains(out, "may push") {
		t.Errorf("with passwords, the check says: %s", out)
	}
}

func TestTheCheckAndTheStartWarnOfWhatIsDoubtfulAboutPushesAndKeys(t *testing.T) {
	dir := t.TempDir()
	rewrite(t, filepath.Join(dir, "token"), "a-token-of-16-by")
	rewrite(t, filepath.Join(dir, "other"), "abc")
	path := filepath.Join(dir, "kie.yml")
	rewrite(t, path, "accounts: [{base_url: 'http://kie.invalid'}]\n"+pushSettings)
	for name, args := range map[string][]string{"kept": {"--storage.path=" + dir}, "not kept": {"--storage.path="}} {
		_, out, _ := run(t, environment, append(args, "--config.check", "--config.file="+path)...)
		if !strings.Contains(out, "Source push of group g: what was pushed is known to a running exporter alone.") {
			t.Errorf("%s: the check tells of pushed ids: %s", name, out)
		}
		if !regexp.MustCompile(`Account default: 1 task, .*; what was pushed comes on top of that, up to limits.tasks in all, and is not counted here\.`).MatchString(out) {
			t.Errorf("%s: the plan says nothing of pushed ids: %s", name, out)
		}
		for want, wanted := range map[string]bool{
			"account default: the API key is sent unencrypted":       true,
			"group other: the token of its pushes has fewer than 16": true,
			"group g: the token":                       false,
			"group g: pushed ids end with the process": name == "not kept",
			"group listed: pushed ids":                 false,
		} {
			if strings.Contains(out, want) != wanted {
				t.Errorf("%s: the check says %q: %v, of %s", name, want, !wanted, out)
			}
		}
	}
	p := startPushing(t, strings.Replace(pushSettings, "bare", "short", 1), "--storage.path=")
	p.stderr.Await(t, 5*time.Second, "pushed ids end with the process")
	if strings.Contains(p.stderr.String(), "sent unencrypted") {
		t.Error("a key that stays on this machine is warned of")
	}
}

func TestNoTokenOfPushesGetsOut(t *testing.T) {
	p := startPushing(t, pushSettings, "--web.enable-lifecycle", "--web.enable-pprof", "--storage.path="+t.TempDir())
	header := func(authorization string) http.Header {
		return http.Header{"Content-Type": {asText}, "Authorization": {authorization}}
	}
	for _, authorization := range []string{"Bearer " + canaryToken, "Bearer x" + canaryToken, canaryToken, "Basic " + canaryToken} {
		for _, body := range []string{"a\n", canaryToken, "{" + canaryToken} {
			for _, group := range []string{"g", "other", "bare", "nope", canaryToken} {
				p.sendTo(http.MethodPost, "/api/v1/groups/"+group+"/tasks", header(authorization), body)
				p.sendTo(http.MethodDelete, "/api/v1/groups/"+group+"/tasks/x", header(authorization), "")
			}
		}
	}
	p.visitEverything()
	for _, text := range []string{"", canaryToken + "\n" + canaryToken, "Bearer " + canaryToken, "\"" + canaryToken + "\""} {
		rewrite(t, filepath.Join(p.dir, "token"), text)
		p.reload(http.StatusInternalServerError)
		p.visitEverything()
	}
	rewrite(t, filepath.Join(p.dir, "kie.yml"), "groups: [{name: g, push: {credentials_file: "+canaryToken+"}}]\n")
	p.reload(http.StatusInternalServerError)
	run(t, environment, "--config.check", "--config.file="+filepath.Join(p.dir, "kie.yml"))
}
