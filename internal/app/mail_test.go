//go:build !noredis

package app_test

import (
	"context"
	"errors"
	"fmt"
	"hash/crc32"
	"net"
	"net/http"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/output"
	"github.com/kie-exporter/kie_exporter/test/kit/redistest"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// cluster is two replicas over a Redis server, of which one holds the only account.
type cluster struct {
	t             *testing.T
	server        *redistest.Server
	sim           *kiesim.Server
	dir           string
	second        *hooked
	holder, other *hooked
}

// startCluster starts two replicas; the tasks run for another hour.
func startCluster(t *testing.T, settings string, tasks ...string) *cluster {
	t.Helper()
	return startClusterOf(t, kiesim.Options{}, "requests_per_second: 100, max_concurrent: 4", settings, tasks...)
}

// startClusterOf is startCluster with an API of its own and settings of the account.
func startClusterOf(t *testing.T, o kiesim.Options, account, settings string, tasks ...string) *cluster {
	t.Helper()
	c := &cluster{t: t, server: redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always"), dir: t.TempDir()}
	var api string
	o.Record = true
	c.sim, api = serveAPI(t, o)
	for _, id := range tasks {
		c.put(id, time.Hour)
	}
	rewrite(t, filepath.Join(c.dir, "hook"), canary+"-1\n")
	rewrite(t, filepath.Join(c.dir, "token"), canaryToken+"\n")
	// A lease outlasts what a machine that stands still takes, so that shares go only where a test has them go.
	rewrite(t, filepath.Join(c.dir, "kie.yml"), fmt.Sprintf(`
accounts: [{base_url: %q, timeout: 5m, %s, credits_interval: 0s, webhook_keys_files: [hook]}]
polling: {background: true, max_wait: 0s, min_interval: 1s, max_interval: 1h}
storage: {redis: {addresses: [%q], timeout: 5s}}
cluster: {lease: 1m}
%s`, api, account, c.server.Addr(), settings))
	first, second := c.join("first"), c.join("second")
	c.second = second
	c.skipFirstLease()
	wait.Until(t, time.Minute, 50*time.Millisecond, func() error {
		switch {
		case strings.Contains(first.stderr.String(), "Share taken"):
			c.holder, c.other = first, second
		case strings.Contains(second.stderr.String(), "Share taken"):
			c.holder, c.other = second, first
		default:
			return errors.New("nobody holds the account")
		}
		return nil
	})
	return c
}

// skipFirstLease has the server's table of leases look old, so that what nobody holds is taken at once and not after a lease.
func (c *cluster) skipFirstLease() {
	c.t.Helper()
	run := regexp.MustCompile(`run_id:(\w+)`).FindStringSubmatch(c.server.CLI(c.t, "info", "server"))
	if run == nil {
		c.t.Fatal("the server has no run_id")
	}
	c.server.CLI(c.t, "hset", "kie1:{default}:meta", "run", run[1], "born", "1")
}

// join starts a replica.
func (c *cluster) join(name string) *hooked {
	c.t.Helper()
	h := &hooked{sim: c.sim, dir: c.dir}
	h.program = start(c.t, "--config.file="+filepath.Join(c.dir, "kie.yml"), "--web.webhook-listen-address=127.0.0.1:0", "--cluster.replica="+name)
	h.untilReady()
	return h
}

// put has the API know a task that was created a day ago and ends in so long.
func (c *cluster) put(id string, in time.Duration) {
	c.sim.Put(kiesim.Task{ID: id, Model: "m", Created: time.Now().Add(-20 * time.Hour), Duration: 20*time.Hour + in})
}

// asked returns how many requests about a task the API has seen.
func (c *cluster) asked(id string) (n int) {
	for _, r := range c.sim.Requests() {
		if r.ID == id {
			n++
		}
	}
	return n
}

// untilAsked waits until the API has seen so many requests about a task.
func (c *cluster) untilAsked(id string, n int) {
	c.t.Helper()
	wait.Until(c.t, 30*time.Second, time.Millisecond, func() error {
		if asked := c.asked(id); asked < n {
			return fmt.Errorf("%s is asked about %d times, want %d", id, asked, n)
		}
		return nil
	})
}

// forward sends a callback until it is taken, as kie.ai does while a replica can't use Redis, and returns how often it was sent in vain. A call to Redis may
// come too late where a machine stands still, and after a few the others are not tried for a while.
func (h *hooked) forward(id string) (refused int) {
	h.t.Helper()
	wait.Until(h.t, time.Minute, 100*time.Millisecond, func() error {
		switch got := h.callback(canary+"-1", id); got {
		case http.StatusAccepted:
			return nil
		case http.StatusServiceUnavailable:
			refused++
			return errors.New("the callback is answered with 503 all the time")
		default:
			h.t.Fatalf("the callback about %s is answered with %d", id, got)
			return nil
		}
	})
	return refused
}

func TestACallbackReachesTheHolderFromAnyReplica(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "groups: [{name: g, tasks: [early, late], webhook: true}]\n", "early", "late")
	c.holder.until(30*time.Second, `kie_tasks{group="g",model="m",state="generating"} 2`)
	c.put("early", 0)
	before, began := c.asked("early"), time.Now()
	refused := c.other.forward("early")
	c.untilAsked("early", before+1)
	t.Logf("a callback at the other replica led to a query after %v", time.Since(began))
	c.other.wantStatus(canary+"-2", "late", http.StatusUnauthorized)

	c.server.Kill()
	c.other.wantStatus(canary+"-1", "early", http.StatusServiceUnavailable)
	refused++
	c.server.Up(t)
	c.skipFirstLease()

	// The holder ends; what comes before another one has taken over waits.
	c.other.until(30*time.Second, `kie_exporter_callbacks_total{account="default",result="forwarded"} 1`)
	c.put("late", 0)
	if code := c.holder.end(); code != 0 {
		t.Errorf("it ends with %d", code)
	}
	refused += c.other.forward("late")
	c.other.until(time.Minute, `kie_tasks{group="g",model="m",state="success"} 2`)
	c.other.until(10*time.Second, callbacks("forwarded", 2), callbacks("unforwarded", refused))
	if refused == 1 { // else one may be in the box though that was told too late
		c.other.until(10*time.Second, `kie_exporter_mailbox_total{question="hint",result="taken"} 1`)
	}
}

// push pushes ids, a line each, or has them forgotten, and returns the status and the answer.
func (h *hooked) push(method string, ids ...string) (int, string) {
	h.t.Helper()
	header := http.Header{"Authorization": {"Bearer " + canaryToken}, "Content-Type": {asText}}
	status, answer, _ := h.exchange(method, "/api/v1/groups/g/tasks", header, strings.Join(ids, "\n"))
	return status, answer
}

// wantPush checks the answer to a push. One that is refused long after it was sent met a call to Redis that was not answered in time, as happens where a
// machine stands still; then it is sent again, and may have counted before.
func (h *hooked) wantPush(status int, answer, method string, ids ...string) {
	h.t.Helper()
	for again := false; ; again = true {
		began := time.Now()
		s, got := h.push(method, ids...)
		took := time.Since(began)
		if s == http.StatusServiceUnavailable && status == http.StatusOK && took > 4*time.Second {
			h.t.Logf("%s %v: %d %s after %v", method, ids, s, got, took)
			continue
		}
		if s != status || !strings.Contains(got, answer) && !again {
			h.t.Errorf("%s %v: %d %s after %v, want %d %s", method, ids, s, got, took, status, answer)
		}
		return
	}
}

func TestPushesReachTheHolderFromAnyReplica(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "groups: [{name: g, max_tasks: 5, labels: {team: film}, push: {credentials_file: token, keep: 1h, from_callbacks: true}}]\n",
		"one", "two", "three", "four", "five", "six", "seven", "called")
	const post, remove = http.MethodPost, http.MethodDelete
	tasks := func(n int) string { return fmt.Sprintf(`kie_exporter_source_tasks{group="g",source="push"} %d`, n) }
	c.holder.until(30*time.Second, tasks(0))
	c.other.wantPush(http.StatusOK, `{"accepted":2,"known":0,"rejected":[]}`, post, "one", "two")
	began := time.Now()
	c.untilAsked("one", 1)
	t.Logf("what was pushed to the other replica was asked about after %v", time.Since(began))
	c.holder.until(30*time.Second, tasks(2))
	c.holder.until(30*time.Second, `kie_tasks{group="g",model="m",state="generating"} 2`)
	c.holder.wantPush(http.StatusOK, `{"accepted":1,"known":2,"rejected":[]}`, post, "one", "two", "three")
	c.other.wantPush(http.StatusOK, `{"accepted":0,"known":3,"rejected":[]}`, post, "one", "two", "three")
	c.other.wantPush(http.StatusOK, `"rejected":[{"index":1,"reason":"secret: is a secret of the configuration"}]`, post, "one", canary)

	// What is acknowledged by one counts for the other at once.
	for range 20 {
		c.other.wantPush(http.StatusOK, `{"accepted":1,"known":0,"rejected":[]}`, post, "four")
		c.holder.wantPush(http.StatusOK, `{"forgotten":1,"unknown":0,"rejected":[]}`, remove, "four")
		c.other.wantPush(http.StatusOK, `{"forgotten":0,"unknown":1,"rejected":[]}`, remove, "four")
	}
	c.other.wantPush(http.StatusOK, `{"forgotten":1,"unknown":1,"rejected":[]}`, remove, "three", "four")
	c.holder.until(30*time.Second, tasks(2))

	// Of pushes of the same id at the same time one is accepted.
	var pushing sync.WaitGroup
	var accepted atomic.Int64
	for range 10 {
		for _, h := range []*hooked{c.holder, c.other} {
			pushing.Go(func() {
				if _, answer := h.push(post, "three"); strings.Contains(answer, `"accepted":1`) {
					accepted.Add(1)
				}
			})
		}
	}
	pushing.Wait()
	t.Logf("%d pushes of one id were accepted", accepted.Load())
	c.holder.until(30*time.Second, tasks(3))

	// A callback registers its task from anywhere.
	c.other.forward("called")
	c.holder.until(30*time.Second, tasks(4))

	// What there is no room for waits, and says so.
	c.other.wantPush(http.StatusOK, `{"accepted":3,`, post, "four", "five", "six")
	c.holder.until(30*time.Second, `kie_exporter_source_refused_tasks{group="g",reason="max_tasks",source="push"} 2`)
	wait.Until(t, 30*time.Second, 50*time.Millisecond, func() error {
		if status, answer := c.other.push(post, "seven"); status != http.StatusTooManyRequests || !strings.Contains(answer, "max_tasks: that of the group is reached") {
			c.other.push(remove, "seven")
			return fmt.Errorf("%d %s", status, answer)
		}
		return nil
	})
	c.holder.wantPush(http.StatusTooManyRequests, "max_tasks: that of the group is reached", post, "seven")
	c.other.wantPush(http.StatusOK, `{"forgotten":3,"unknown":0,"rejected":[]}`, remove, "one", "two", "called")
	c.holder.until(30*time.Second, tasks(4), `kie_exporter_source_refused_tasks{group="g",reason="max_tasks",source="push"} 0`)

	// Redis ends as by kill -9 and comes back.
	c.server.Kill()
	c.other.wantPush(http.StatusServiceUnavailable, "the storage takes no ids now", post, "seven")
	c.holder.wantPush(http.StatusServiceUnavailable, "the storage takes no ids now", post, "seven")
	c.server.Up(t)
	c.skipFirstLease()
	wait.Until(t, 30*time.Second, 50*time.Millisecond, func() error {
		if status, answer := c.other.push(post, "seven"); status != http.StatusOK || !strings.Contains(answer, `{"accepted":1,`) {
			return fmt.Errorf("%d %s", status, answer)
		}
		return nil
	})
	c.holder.until(time.Minute, tasks(5))
	if code := c.holder.end(); code != 0 {
		t.Errorf("it ends with %d", code)
	}
	c.other.wantPush(http.StatusOK, `{"forgotten":1,"unknown":0,"rejected":[]}`, remove, "seven") // while nobody holds the share
	c.other.until(time.Minute, tasks(4), `kie_tasks{group="g",model="m",state="generating"} 4`)
	c.other.until(time.Minute, `kie_task_info{account="default",group="g",label_team="film",model="m",task_id="six"} 1`)
	checkSecrets(t, c.server.Everything(t))
}

// A replica comes and is given a part of the account, while ids are pushed, and forgotten, at either.
func TestPushesWhileAShareIsGivenToAnotherReplica(t *testing.T) {
	t.Parallel()
	c := startClusterOf(t, kiesim.Options{}, "parts: 2, requests_per_second: 500, max_concurrent: 4", "groups: [{name: g, push: {credentials_file: token}}]\n")
	leaves, stays := c.second, c.holder
	if stays == leaves {
		stays = c.other
	}
	if code := leaves.end(); code != 0 {
		t.Errorf("it ends with %d", code)
	}
	const both = `kie_exporter_share_held{account="default",part="0"} 1`
	stays.until(30*time.Second, both, strings.Replace(both, `"0"`, `"1"`, 1))

	replicas := make(chan *hooked, 1)
	stop := make(chan struct{})
	var pushing sync.WaitGroup
	var kept, forgotten []string
	pushing.Go(func() {
		to := []*hooked{stays}
		for n := 0; ; n++ {
			select {
			case came := <-replicas:
				to = append(to, came)
			case <-stop:
				return
			default:
			}
			id := fmt.Sprintf("pushed-%05d", n)
			c.put(id, time.Hour)
			to[n%len(to)].wantPush(http.StatusOK, `"accepted":1`, http.MethodPost, id)
			if n%5 == 0 {
				to[(n+1)%len(to)].wantPush(http.StatusOK, `"forgotten":1`, http.MethodDelete, id)
				forgotten = append(forgotten, id)
			} else {
				kept = append(kept, id)
			}
			time.Sleep(5 * time.Millisecond)
		}
	})
	came := c.join("third")
	replicas <- came
	wait.Until(t, time.Minute, 20*time.Millisecond, func() error {
		if body, other := came.scrape(), stays.scrape(); strings.Contains(body, "\n"+both) == strings.Contains(other, "\n"+both) {
			return errors.New("nothing is given to the replica that came")
		}
		return nil
	})
	time.Sleep(500 * time.Millisecond)
	close(stop)
	pushing.Wait()
	t.Logf("%d ids were pushed meanwhile, and %d forgotten", len(kept), len(forgotten))
	for _, id := range kept {
		c.untilAsked(id, 1)
	}
	tracked := regexp.MustCompile(`kie_exporter_source_tasks\{group="g",source="push"\} (\d+)`)
	wait.Until(t, 30*time.Second, 50*time.Millisecond, func() error {
		sum := 0
		for _, h := range []*hooked{stays, came} {
			if m := tracked.FindStringSubmatch(h.scrape()); m != nil {
				n, _ := strconv.Atoi(m[1])
				sum += n
			}
		}
		if sum != len(kept) {
			return fmt.Errorf("%d of %d ids that were pushed and not forgotten are tracked", sum, len(kept))
		}
		return nil
	})
}

// bucketOf names the hash that the record of a task is in.
func bucketOf(id string) string {
	return strconv.FormatInt(int64(crc32.ChecksumIEEE([]byte(id))%(1<<14)), 16)
}

// names returns the names of the holder and of the other one.
func (c *cluster) names() (holder, other string) {
	if c.holder == c.second {
		return "second", "first"
	}
	return "first", "second"
}

// wantSame checks that both replicas show the same.
func (c *cluster) wantSame() {
	c.t.Helper()
	moment := regexp.MustCompile(`"at":"[^"]*"|\d+ s ago|\d+:\d+:\d+|From the replicas.*|"queries":.*`)
	for _, path := range []string{"/api/v1/tasks", "/api/v1/tasks?state=success", "/api/v1/tasks?limit=1", "/api/v1/status", "/api/v1/tasks/open", "/api/v1/tasks/over", "/tasks", "/"} {
		wait.Until(c.t, time.Minute, 100*time.Millisecond, func() error { // on a busy machine a replica may take longer than the other one waits
			status, here := c.holder.get(path)
			_, there := c.other.get(path)
			if here, there = moment.ReplaceAllString(here, ""), moment.ReplaceAllString(there, ""); status != http.StatusOK || here != there || strings.Contains(there, "held by") {
				return fmt.Errorf("%s of the holder: %d\n%s\nand of the other replica:\n%s", path, status, here, there)
			}
			return nil
		})
	}
	holder, other := c.names()
	wait.Until(c.t, time.Minute, 100*time.Millisecond, func() error {
		if status, body := c.other.get("/tasks/open"); status != http.StatusOK || !strings.Contains(body, "From the replicas "+min(holder, other+" (this one)")) || !strings.Contains(body, "generating") {
			return fmt.Errorf("the page of a task at the other replica: %d\n%s", status, body)
		}
		if status, body := c.other.get("/api/v1/tasks/none"); status != http.StatusNotFound || body != `{"error":"no task of this id is known"}`+"\n" {
			return fmt.Errorf("of a task that there is not: %d %s", status, body)
		}
		return nil
	})
	_, _, header := c.other.exchange(http.MethodGet, "/api/v1/tasks?format=csv", nil, "")
	if got, want := header.Get("Kie-Missing"), `"default/0"; held_by="`+holder+`"`; got != want {
		c.t.Errorf("a stream says that it lacks %s, want %s", got, want)
	}
}

// wantMissing checks that pages say what they lack, who has it, and why.
func (c *cluster) wantMissing(why, reason string) {
	c.t.Helper()
	holder, _ := c.names()
	d := describe(c.t)
	for path, want := range map[string]string{
		"/api/v1/tasks":      `"missing":[{"account":"default","part":0,"parts":1,"held_by":"` + holder + `","reason":"` + reason + `"}]`,
		"/api/v1/status":     `"missing":[{"account":"default","part":0,"parts":1,"held_by":"` + holder + `","reason":"` + reason + `"}]`,
		"/api/v1/tasks/open": `"no task of this id is known; it may be one of account default, held by ` + holder + why + `"`,
		"/tasks":             "<li>account default, held by " + holder + why + "</li>",
		"/tasks/open":        "it may be one of account default, held by " + holder + why,
		"/":                  "<li>account default, held by " + holder + why + "</li>",
	} {
		began := time.Now()
		status, body, header := c.other.exchange(http.MethodGet, path, nil, "")
		if strings.HasPrefix(path, "/api/") {
			d.check("GET "+strings.Replace(path, "open", "{id}", 1), status, header, body)
		}
		if want := map[bool]int{true: http.StatusServiceUnavailable, false: http.StatusOK}[strings.HasSuffix(path, "/open")]; status != want {
			c.t.Errorf("%s is answered with %d, want %d", path, status, want)
		}
		if took := time.Since(began); !strings.Contains(body, want) || took > time.Minute {
			c.t.Errorf("%s of the other replica does not say %s after %v:\n%s", path, want, took, body)
		}
	}
}

func TestAnyReplicaAnswersProbes(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "groups: [{name: g, tasks: [open, over], labels: {team: film}}]\n", "open", "over", "unlisted")
	c.holder.until(30*time.Second, `kie_tasks{group="g",model="m",state="generating"} 2`)
	probe := func(h *hooked, id string, lines ...string) {
		t.Helper()
		status, body := h.get("/probe?account=default&task_id=" + id)
		if line := missing(body, lines); status != http.StatusOK || line != "" {
			t.Errorf("%d, no %s in\n%s", status, line, body)
		}
	}
	before := c.asked("open")
	probe(c.other, "open", "probe_success 1", `kie_task_state{group="g",model="m",state="generating",task_id="open"} 1`,
		`kie_task_info{account="default",group="g",label_team="film",model="m",task_id="open"} 1`)
	if n := c.asked("open") - before; n != 1 {
		t.Errorf("a probe at the other replica led to %d queries", n)
	}
	_, here := c.holder.get("/probe?account=default&task_id=unlisted")
	_, there := c.other.get("/probe?account=default&task_id=unlisted")
	for line := range strings.SplitSeq(here, "\n") { // both replicas say the same
		if !strings.HasPrefix(line, "probe_duration_seconds ") && !strings.Contains(line, "last_answer") && !strings.Contains("\n"+there, "\n"+line) {
			t.Errorf("the other replica does not say %q:\n%s", line, there)
		}
	}
	_, body := c.other.get("/probe?account=default&task_id=none&debug=true")
	if !strings.Contains(body, "not_found") || !strings.Contains(body, "asked:       true") {
		t.Errorf("about a task that there is not: %s", body)
	}
	c.holder.until(30*time.Second, `kie_api_requests_total{account="default",class="not_found",endpoint="recordInfo"} 1`)

	// What is over answers by its record, whoever holds the share.
	c.put("over", 0)
	probe(c.holder, "over", "probe_success 1")
	wait.Until(t, 30*time.Second, 50*time.Millisecond, func() error {
		if !strings.HasPrefix(c.server.CLI(t, "hget", "kie1:{default:default}:b:"+bucketOf("over"), "over"), "F") {
			return errors.New("the record is not final")
		}
		return nil
	})
	asked := c.asked("over")
	probe(c.other, "over", "probe_success 1", `kie_task_state{group="g",model="m",state="success",task_id="over"} 1`)
	if c.asked("over") != asked {
		t.Error("a task that is over is asked about")
	}

	stop := c.listen()
	c.wantSame()
	c.other.get("/api/v1/tasks?q=" + canary + "-1") // which is a secret, and goes nowhere
	c.other.get("/tasks/" + canary + "-1")
	c.other.get("/api/v1/tasks?q=sought")
	said := stop()
	checkSecrets(t, said)
	if !strings.Contains(said, "sought") || strings.Contains(said, "http://") {
		t.Errorf("over Redis went %.5000s", said)
	}
	if metrics := c.other.scrape(); !regexp.MustCompile(`(?m)^kie_exporter_mailbox_total\{question="page",result="answered"\} [1-9]`).MatchString(metrics) {
		t.Errorf("no question about a page is counted:\n%s", metrics)
	}

	// Nobody is there to answer: the probe ends in time and says why.
	began := time.Now()
	c.server.CLI(t, "client", "pause", "3000", "write")
	_, body = c.other.getWith("/probe?account=default&task_id=open&debug=true", http.Header{"X-Prometheus-Scrape-Timeout-Seconds": {"1.5"}})
	if took := time.Since(began); took > time.Minute || !strings.Contains(body, "the replica that") {
		t.Errorf("after %v: %s", took, body)
	}
	c.server.CLI(t, "client", "unpause")
	c.server.Kill()
	c.wantMissing("; Redis does not answer", "unreachable")
	_, body = c.other.get("/probe?account=default&task_id=open&debug=true")
	if !strings.Contains(body, "the replica that has the task can't be asked over Redis") || strings.Contains(body, c.server.Addr()) {
		t.Errorf("without Redis: %s", body)
	}
	probe(c.other, "open", "probe_success 0")
}

// listen notes all that is said to Redis, until it is stopped.
func (c *cluster) listen() (stop func() string) {
	c.t.Helper()
	ctx, cancel := context.WithCancel(c.t.Context())
	host, port, _ := net.SplitHostPort(c.server.Addr())
	monitor := exec.CommandContext(ctx, "redis-cli", "-h", host, "-p", port, "monitor") //nolint:gosec // a test's own server
	var said output.Text
	monitor.Stdout = &said
	if err := monitor.Start(); err != nil {
		c.t.Fatal(err)
	}
	wait.Until(c.t, time.Minute, 10*time.Millisecond, func() error {
		if !strings.Contains(said.String(), "OK") {
			return errors.New("the server does not say what it is told")
		}
		return nil
	})
	return func() string {
		c.server.CLI(c.t, "ping", "the-end")
		wait.Until(c.t, time.Minute, 10*time.Millisecond, func() error {
			if !strings.Contains(said.String(), "the-end") {
				return errors.New("the server does not say all")
			}
			return nil
		})
		cancel()
		_ = monitor.Wait()
		return said.String()
	}
}
