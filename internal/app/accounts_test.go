package app_test

import (
	"compress/gzip"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// pair is the program at work for two accounts, each with an API of its own that takes that account's key alone.
type pair struct {
	*program
	one, two       *kiesim.Server
	oneAPI, twoAPI string
	dir            string
}

func newPair(t *testing.T) *pair {
	t.Helper()
	p := &pair{dir: t.TempDir()}
	p.one, p.oneAPI = serveAPI(t, kiesim.Options{Keys: []string{canary + "-one"}})
	p.two, p.twoAPI = serveAPI(t, kiesim.Options{Keys: []string{canary + "-two"}})
	for _, name := range []string{"one", "two", "hook"} {
		rewrite(t, filepath.Join(p.dir, name), canary+"-"+name+"\n")
	}
	return p
}

// put puts a task of the same id into both APIs: a success of the model m1 into one, a failure of m2 into the other.
func (p *pair) put(id string, duration time.Duration) {
	created := time.Now().Add(-time.Minute)
	p.one.Put(kiesim.Task{ID: id, Model: "m1", Created: created, Duration: duration})
	p.two.Put(kiesim.Task{ID: id, Model: "m2", Created: created, Duration: duration, Fail: &kiesim.Failure{Code: "501", Msg: "upstream"}})
}

// configure writes the configuration. Groups is YAML.
func (p *pair) configure(t *testing.T, groups string) {
	t.Helper()
	rewrite(t, filepath.Join(p.dir, "kie.yml"), fmt.Sprintf(`
accounts:
  - {name: one, base_url: %q, credentials_file: one, timeout: 5m, requests_per_second: 1000, credits_interval: 0s, webhook_keys_files: [hook]}
  - {name: two, base_url: %q, credentials_file: two, timeout: 5m, requests_per_second: 1000, credits_interval: 0s, webhook_keys_files: [hook]}
groups: %s
polling: {background: true, min_interval: 1s, max_interval: 1h}`, p.oneAPI, p.twoAPI, groups))
}

func (p *pair) start(t *testing.T) {
	t.Helper()
	p.program = start(t, "--config.file="+filepath.Join(p.dir, "kie.yml"), "--storage.path="+filepath.Join(p.dir, "data"),
		"--web.webhook-listen-address=127.0.0.1:0", "--web.enable-lifecycle")
}

// wantQueries checks how often the task of an id was asked with each key.
func (p *pair) wantQueries(id string, one, two int) {
	p.t.Helper()
	if a, b := p.one.Queries(id), p.two.Queries(id); a != one || b != two {
		p.t.Errorf("%s was asked %d times with the one key and %d times with the other, want %d and %d", id, a, b, one, two)
	}
	for _, sim := range []*kiesim.Server{p.one, p.two} {
		if n := sim.Stats().Codes[http.StatusUnauthorized]; n > 0 {
			p.t.Errorf("%d requests with a wrong key", n)
		}
	}
}

const twoGroups = "[{name: a, account: one, tasks: [shared, mine]}, {name: b, account: two, tasks: [shared]}]"

// ofBoth are the series of two tasks of one id.
var ofBoth = []string{
	`kie_tasks{group="a",model="m1",state="success"} 2`, `kie_tasks{group="b",model="m2",state="fail"} 1`,
	`kie_task_state{group="a",model="m1",state="success",task_id="shared"} 1`,
	`kie_task_state{group="b",model="m2",state="fail",task_id="shared"} 1`,
}

func TestAnIDInTwoAccountsIsAskedWithEachKeyAndEachIsKnownAfterARestart(t *testing.T) {
	p := newPair(t)
	p.put("shared", time.Second)
	p.put("mine", time.Second)
	p.configure(t, twoGroups)
	p.start(t)
	p.until(10*time.Second, ofBoth...)
	p.wantQueries("shared", 1, 1)
	p.wantQueries("mine", 1, 0)
	if code := p.end(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	p.start(t)
	p.until(10*time.Second, ofBoth...)
	time.Sleep(time.Second)
	p.wantQueries("shared", 1, 1)
	// One list is shortened: the other account's task stays.
	p.configure(t, "[{name: a, account: one, tasks: [mine]}, {name: b, account: two, tasks: [shared]}]")
	p.reload(http.StatusOK)
	p.until(10*time.Second, `kie_tasks{group="a",model="m1",state="success"} 1`, ofBoth[1], ofBoth[3])
	p.wantQueries("shared", 1, 1)
}

func TestAGroupThatComesToAnotherAccountIsAskedWithItsKey(t *testing.T) {
	p := newPair(t)
	p.put("shared", time.Second)
	p.put("mine", time.Second)
	p.put("late", 24*time.Hour)
	groups := "[{name: a, account: %s, tasks: [shared, mine, late]}, {name: b, account: two, tasks: [shared]}]"
	p.configure(t, fmt.Sprintf(groups, "one"))
	p.start(t)
	p.until(10*time.Second, append([]string{`kie_tasks{group="a",model="m1",state="generating"} 1`}, ofBoth...)...)
	p.wantQueries("late", 1, 0)
	p.configure(t, fmt.Sprintf(groups, "two"))
	p.reload(http.StatusOK)
	// The account has one of the ids already, in a group that comes later: that task goes to the group.
	p.until(10*time.Second, `kie_tasks{group="a",model="m1",state="success"} 1`, `kie_tasks{group="a",model="m2",state="fail"} 1`,
		`kie_tasks{group="b",model="m2",state="fail"} 0`)
	p.wantQueries("shared", 1, 1)
	p.wantQueries("mine", 1, 0)
	if status, body := p.get("/probe?account=two&task_id=late"); status != http.StatusOK || !strings.Contains(body, "probe_success 1") {
		t.Errorf("%d: %s", status, body)
	}
	p.wantQueries("late", 1, 1)
	// What is finished is known after a restart, under the account that it has now.
	if code := p.end(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	p.start(t)
	p.until(10*time.Second, `kie_tasks{group="a",model="m1",state="success"} 1`, `kie_tasks{group="a",model="m2",state="fail"} 1`)
	p.wantQueries("shared", 1, 1)
	p.wantQueries("mine", 1, 0)
}

func TestAProbeAndACallbackFindTheTaskOfTheirAccount(t *testing.T) {
	p := newPair(t)
	p.one.Put(kiesim.Task{ID: "shared", Model: "m1", Created: time.Now().Add(-20 * time.Hour), Duration: 48 * time.Hour})
	p.two.Put(kiesim.Task{ID: "shared", Model: "m2", Created: time.Now().Add(-time.Minute), Duration: time.Second})
	p.configure(t, "[{name: a, account: one, tasks: [shared], webhook: true}, {name: b, account: two, tasks: [shared]}]")
	p.start(t)
	p.until(10*time.Second, `kie_tasks{group="a",model="m1",state="generating"} 1`, `kie_tasks{group="b",model="m2",state="success"} 1`)
	p.wantQueries("shared", 1, 1)
	time.Sleep(time.Second) // after which it may be asked again
	for account, model := range map[string]string{"one": "m1", "two": "m2"} {
		status, body := p.get("/probe?task_id=shared&account=" + account)
		if status != http.StatusOK || !strings.Contains(body, fmt.Sprintf("model=%q", model)) {
			t.Errorf("%s: %d: %s", account, status, body)
		}
	}
	p.wantQueries("shared", 2, 1)
	time.Sleep(time.Second)
	p.callback(t, "two", "shared")
	p.callback(t, "one", "shared")
	wait.Until(t, time.Minute, 20*time.Millisecond, func() error {
		if p.one.Queries("shared") < 3 {
			return errors.New("a callback has its task not asked")
		}
		return nil
	})
	p.wantQueries("shared", 3, 1)
	p.until(10*time.Second, `kie_exporter_callbacks_total{account="one",result="accepted"} 1`)
}

// callback sends one for an account, signed with its key.
func (p *pair) callback(t *testing.T, account, id string) {
	t.Helper()
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(canary+"-hook"))
	mac.Write([]byte(id + "." + timestamp))
	body := fmt.Sprintf(`{"code":200,"msg":"success","data":{"taskId":%q,"state":"success"}}`, id)
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, p.hooks+"/webhook/"+account, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header = http.Header{
		"X-Webhook-Timestamp": {timestamp}, "X-Webhook-Signature": {base64.StdEncoding.EncodeToString(mac.Sum(nil))},
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	if err := resp.Body.Close(); err != nil || resp.StatusCode != http.StatusAccepted {
		t.Errorf("the callback is answered with %d, %v", resp.StatusCode, err)
	}
}

func TestThirtyFillersOfOneGroupLeaveRoomForOthers(t *testing.T) {
	p := newPair(t)
	var fillers []string
	for i := range 30 {
		fillers = append(fillers, fmt.Sprint("filler", i))
	}
	p.put("work", time.Second)
	p.put("shared", time.Second)
	groups := "[{name: fill, account: one, max_tasks: %d, tasks: [" + strings.Join(fillers, ", ") + "]}, " +
		"{name: b, account: two, tasks: [work]}, {name: c, account: one, tasks: [work, shared]}]\nlimits: {tasks: 10, task_series: 10}"
	p.configure(t, fmt.Sprintf(groups, 5))
	p.start(t)
	p.until(10*time.Second, `kie_tasks{group="b",model="m2",state="fail"} 1`, `kie_tasks{group="c",model="m1",state="success"} 2`,
		`kie_exporter_source_refused_tasks{group="fill",reason="max_tasks",source="inline"} 25`,
		`kie_exporter_source_refused_tasks{group="fill",reason="limit",source="inline"} 0`,
		`kie_exporter_source_refused_tasks{group="b",reason="limit",source="inline"} 0`,
		`kie_exporter_source_rejected_total{group="fill",reason="max_tasks",source="inline"} 25`)
	if n := strings.Count(p.stderr.String(), "max_tasks of the group reached"); n != 1 {
		t.Errorf("the log says it %d times, want once", n)
	}
	// Without max_tasks they would have taken all the room but that which others have already.
	p.configure(t, fmt.Sprintf(groups, 0))
	p.reload(http.StatusOK)
	p.until(10*time.Second, `kie_exporter_source_refused_tasks{group="fill",reason="max_tasks",source="inline"} 0`,
		`kie_exporter_source_refused_tasks{group="fill",reason="limit",source="inline"} 23`)
}

// TestRecordsKeptByIDAreThoseOfTheAccountOfTheirGroup starts with a storage file of a version that kept records by id alone.
func TestRecordsKeptByIDAreThoseOfTheAccountOfTheirGroup(t *testing.T) {
	p := newPair(t)
	packed, err := os.Open(filepath.Join("..", "store", "testdata", "format1.db.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = packed.Close() }()
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	content, err := io.ReadAll(unpacked)
	if err != nil || os.Mkdir(filepath.Join(p.dir, "data"), 0o700) != nil {
		t.Fatal(err)
	}
	rewrite(t, filepath.Join(p.dir, "data", "kie_exporter.db"), string(content))
	for _, id := range []string{"film-done", "image-failed", "shared", "gone-done"} {
		p.put(id, time.Second)
	}
	p.configure(t, "[{name: film, account: one, tasks: [film-done, shared, gone-done]}, {name: image, account: two, tasks: [image-failed, shared]}]")
	p.start(t)
	p.until(10*time.Second, `kie_tasks{group="film",model="kling/v2",state="success"} 1`, `kie_tasks{group="film",model="m1",state="success"} 2`,
		`kie_tasks{group="image",model="kling/v2",state="success"} 1`, `kie_tasks{group="image",model="kling/v2",state="fail"} 1`)
	p.wantQueries("film-done", 0, 0)
	p.wantQueries("image-failed", 0, 0)
	p.wantQueries("shared", 1, 0) // it is of the group image, so that the other account knows nothing of it
	p.wantQueries("gone-done", 1, 0)
	if code := p.end(); code != 0 {
		t.Fatalf("exit code %d", code)
	}
	p.start(t)
	p.until(10*time.Second, `kie_tasks{group="film",model="m1",state="success"} 2`, `kie_tasks{group="image",model="kling/v2",state="success"} 1`)
	p.wantQueries("shared", 1, 0)
	p.wantQueries("gone-done", 1, 0)
}
