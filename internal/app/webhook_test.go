package app_test

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/app"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/output"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// hooked is the program at work with callbacks, the tasks of a configuration, and webhook keys in files.
type hooked struct {
	*program
	sim *kiesim.Server
	dir string
}

// startHooked starts a program that was listed these tasks. None is asked again for long once it was answered.
func startHooked(t *testing.T, tasks ...string) *hooked {
	t.Helper()
	h := &hooked{dir: t.TempDir()}
	var api string
	h.sim, api = serveAPI(t, kiesim.Options{})
	rewrite(t, filepath.Join(h.dir, "first"), canary+"-1\n")
	rewrite(t, filepath.Join(h.dir, "second"), canary+"-2\n")
	rewrite(t, filepath.Join(h.dir, "kie.yml"), fmt.Sprintf(`
accounts: [{base_url: %q, timeout: 5m, requests_per_second: 1000, credits_interval: 0s, webhook_keys_files: [first, second]}]
groups: [{name: g, tasks: [%s], webhook: true}]
polling: {background: true, min_interval: 1s, max_interval: 1h}`, api, strings.Join(tasks, ", ")))
	for _, id := range tasks {
		h.put(id, time.Hour)
	}
	h.program = start(t, "--config.file="+filepath.Join(h.dir, "kie.yml"), "--web.webhook-listen-address=127.0.0.1:0",
		"--web.probe-listen-address=127.0.0.1:0", "--web.enable-lifecycle", "--web.enable-pprof")
	return h
}

// put has the API know a task that was created a day ago and ends in so long.
func (h *hooked) put(id string, in time.Duration) {
	h.sim.Put(kiesim.Task{ID: id, Model: "m", Created: time.Now().Add(-20 * time.Hour), Duration: 20*time.Hour + in})
}

// callback sends one that says that a task has succeeded, signed with a key, and returns the status of the answer.
func (h *hooked) callback(key, id string) int { return h.callbackAt("/webhook/default", key, id) }

func (h *hooked) callbackAt(path, key, id string) int {
	h.t.Helper()
	timestamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(id + "." + timestamp))
	body := fmt.Sprintf(`{"code":200,"msg":"success","data":{"taskId":%q,"state":"success","param":%q}}`, id, kiesim.Canary)
	req, err := http.NewRequestWithContext(h.t.Context(), http.MethodPost, h.hooks+path, strings.NewReader(body))
	if err != nil {
		h.t.Error(err)
		return 0
	}
	req.Header = http.Header{
		"X-Webhook-Timestamp": {timestamp}, "X-Webhook-Signature": {base64.StdEncoding.EncodeToString(mac.Sum(nil))},
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		h.t.Error(err)
		return 0
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func (h *hooked) wantStatus(key, id string, want int) {
	h.t.Helper()
	if got := h.callback(key, id); got != want {
		h.t.Errorf("the callback about %s is answered with %d, want %d", id, got, want)
	}
}

// callbacks is a line of the metrics.
func callbacks(result string, n int) string {
	return fmt.Sprintf(`kie_exporter_callbacks_total{account="default",result=%q} %d`, result, n)
}

func TestACallbackHasItsTaskAskedAndTellsNothingItself(t *testing.T) {
	h := startHooked(t, "a", "b")
	h.until(10*time.Second, `kie_tasks{group="g",model="m",state="generating"} 2`, callbacks("accepted", 0))
	h.wantStatus(canary+"-1", "a", 202) // a forged body under a valid signature: the task is not finished yet
	h.wantStatus("wrong", "b", 401)
	h.wantStatus(canary+"-2", "unknown", 202)
	body := h.until(5*time.Second, callbacks("accepted", 1), callbacks("unsigned", 1), callbacks("unknown", 1), callbacks("stale", 0))
	if line := missing(body, []string{`kie_tasks{group="g",model="m",state="generating"} 2`}); line != "" {
		t.Errorf("the body of a callback is believed: no %s in\n%s", line, body)
	}
	h.put("b", 0)
	h.wantStatus(canary+"-2", "b", 202)
	h.until(5*time.Second, `kie_task_state{group="g",model="m",state="success",task_id="b"} 1`)
	for range 20 { // a replay
		h.wantStatus(canary+"-2", "b", 202)
	}
	h.until(5*time.Second, callbacks("finished", 20))
	if n := h.sim.Queries("b"); n != 2 {
		t.Errorf("b was asked %d times, want twice", n)
	}
	if n := h.sim.Queries("unknown"); n != 0 {
		t.Errorf("an unknown id was asked %d times", n)
	}
}

func TestACallbackWithASlashAtTheEndOfItsPathIsReceived(t *testing.T) {
	h := startHooked(t, "a")
	h.until(10*time.Second, `kie_tasks{group="g",model="m",state="generating"} 1`)
	if got := h.callbackAt("/webhook/default/", canary+"-1", "a"); got != http.StatusAccepted {
		t.Errorf("it is answered with %d", got)
	}
	h.until(5*time.Second, callbacks("accepted", 1))
}

func TestWebhookKeysAreReplacedWhileRunning(t *testing.T) {
	h := startHooked(t, "a")
	rewrite(t, filepath.Join(h.dir, "first"), canary+"-3")
	wait.Until(t, 10*time.Second, 100*time.Millisecond, func() error {
		if h.callback(canary+"-3", "x") != 202 {
			return errors.New("the new key is not in force")
		}
		return nil
	})
	h.wantStatus(canary+"-1", "x", 401)
	h.wantStatus(canary+"-2", "x", 202)
	if _, body := h.get("/config"); !strings.Contains(body, "webhook: true") || !strings.Contains(body, filepath.Join(h.dir, "second")) {
		t.Errorf("/config: %s", body)
	}
	config := filepath.Join(h.dir, "kie.yml")
	rewrite(t, config, "accounts: [{name: default, webhook_keys_files: [second]}]\ngroups: [{tasks: [a]}]\n")
	h.reload(http.StatusOK)
	h.wantStatus(canary+"-3", "x", 401)
	h.wantStatus(canary+"-2", "x", 202)
	rewrite(t, config, "groups: [{tasks: [a]}]\n")
	h.reload(http.StatusOK)
	h.wantStatus(canary+"-2", "x", 401)
	rewrite(t, config, "accounts: [{name: other}]\ngroups: [{tasks: [a]}]\n")
	h.reload(http.StatusOK)
	h.wantStatus(canary+"-2", "x", 404)
}

func TestCallbacksAreReceivedAloneAndNowhereElse(t *testing.T) {
	h := startHooked(t, "a")
	main, hooks := h.base, h.hooks
	if main == hooks || hooks == h.health {
		t.Fatal("there is no address of its own")
	}
	h.base = hooks
	for _, path := range []string{"/metrics", "/", "/config", "/probe?task_id=a", "/tasks", "/debug/pprof/", "/-/healthy", "/-/ready", "/-/reload"} {
		for _, method := range []string{http.MethodGet, http.MethodPost} {
			if status, _ := h.send(method, path, nil); status != http.StatusNotFound {
				t.Errorf("%s %s answers %d on the address of callbacks", method, path, status)
			}
		}
	}
	for path, want := range map[string]int{
		"/webhook/default": 405, "/webhook/default/": 405, "/webhook/other": 405, "//webhook/default": 404, "/webhook/default//": 404, "//": 404,
	} {
		if status, _ := h.send(http.MethodGet, path, nil); status != want {
			t.Errorf("GET %s answers %d, want %d", path, status, want)
		}
	}
	for _, h.base = range []string{main, h.health} {
		if status, _ := h.send(http.MethodPost, "/webhook/default", nil); status != http.StatusNotFound {
			t.Errorf("a callback to %s is answered with %d", h.base, status)
		}
	}
}

func TestAFloodOfCallbacksDoesNotCostMoreThanItsShare(t *testing.T) {
	h := startHooked(t, "a")
	h.until(10*time.Second, `kie_tasks{group="g",model="m",state="generating"} 1`)
	begin := time.Now()
	var senders sync.WaitGroup
	for s := range 10 {
		senders.Go(func() {
			for i := range 200 {
				h.callback(canary+"-1", [...]string{"a", "unknown"}[(s+i)%2])
			}
		})
	}
	senders.Wait()
	h.scrape()
	if n, most := h.sim.Queries("a"), 2+int(time.Since(begin).Seconds()); n > most {
		t.Errorf("asked %d times, at most %d are allowed", n, most)
	}
}

func TestCallbacksThatNobodyCouldSignAreNotWaitedFor(t *testing.T) {
	var stderr output.Text
	code := app.Run(t.Context(), []string{"--task.id=a", "--storage.path=", "--web.webhook-listen-address=127.0.0.1:0"}, app.Options{
		Stdout: &output.Text{}, Stderr: &stderr, Getenv: environment,
	})
	if code != 1 || !strings.Contains(stderr.String(), "webhook_keys_files") {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
}

func TestAGroupWhoseCallbacksAreNotReceivedIsToldOf(t *testing.T) {
	hook := filepath.Join(t.TempDir(), "hook")
	rewrite(t, hook, canary+"-1\n")
	path := filepath.Join(t.TempDir(), "kie.yml")
	rewrite(t, path, fmt.Sprintf("accounts: [{webhook_keys_files: [%q]}]\ngroups: [{name: a, tasks: [x]}, {name: b, tasks: [y], webhook: true}]\n", hook))
	for want, args := range map[int][]string{1: {"--config.check"}, 0: {"--config.check", "--web.webhook-listen-address=127.0.0.1:0"}} {
		code, _, stderr := run(t, environment, append(args, "--config.file="+path)...)
		got := strings.Count(stderr, "Callbacks are not received")
		if code != 0 || got != want || got == 1 && !strings.Contains(stderr, "group=b") {
			t.Errorf("%v: exit code %d, %d warnings, want %d: %s", args, code, got, want, stderr)
		}
	}
}
