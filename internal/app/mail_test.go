//go:build !noredis

package app_test

import (
	"errors"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/redistest"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// cluster is two replicas over a Redis server, of which one holds the only account.
type cluster struct {
	t             *testing.T
	server        *redistest.Server
	sim           *kiesim.Server
	dir           string
	holder, other *hooked
}

// startCluster starts two replicas; the tasks run for another hour.
func startCluster(t *testing.T, settings string, tasks ...string) *cluster {
	t.Helper()
	c := &cluster{t: t, server: redistest.Start(t, "--appendonly", "yes"), dir: t.TempDir()}
	var api string
	c.sim, api = serveAPI(t, kiesim.Options{Record: true})
	for _, id := range tasks {
		c.put(id, time.Hour)
	}
	rewrite(t, filepath.Join(c.dir, "hook"), canary+"-1\n")
	rewrite(t, filepath.Join(c.dir, "token"), canaryToken+"\n")
	rewrite(t, filepath.Join(c.dir, "kie.yml"), fmt.Sprintf(`
accounts: [{base_url: %q, requests_per_second: 100, max_concurrent: 4, credits_interval: 0s, webhook_keys_files: [hook]}]
polling: {background: true, max_wait: 0s, min_interval: 1s, max_interval: 1h}
storage: {redis: {addresses: [%q], timeout: 5s}}
cluster: {lease: 10s}
%s`, api, c.server.Addr(), settings))
	first, second := c.join("first"), c.join("second")
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

func TestACallbackReachesTheHolderFromAnyReplica(t *testing.T) {
	t.Parallel()
	c := startCluster(t, "groups: [{name: g, tasks: [early, late], webhook: true}]\n", "early", "late")
	c.holder.until(30*time.Second, `kie_tasks{group="g",model="m",state="generating"} 2`)
	c.put("early", 0)
	before, began := c.asked("early"), time.Now()
	c.other.wantStatus(canary+"-1", "early", http.StatusAccepted)
	wait.Until(t, 30*time.Second, time.Millisecond, func() error {
		if c.asked("early") == before {
			return errors.New("it is not asked about")
		}
		return nil
	})
	t.Logf("a callback at the other replica led to a query after %v", time.Since(began))
	c.other.wantStatus(canary+"-2", "late", http.StatusUnauthorized)

	c.server.Kill()
	c.other.wantStatus(canary+"-1", "early", http.StatusServiceUnavailable)
	c.server.Up(t)

	// The holder ends; what comes before another one has taken over waits.
	c.other.until(30*time.Second, `kie_exporter_callbacks_total{account="default",result="forwarded"} 1`)
	c.put("late", 0)
	if code := c.holder.end(); code != 0 {
		t.Errorf("it ends with %d", code)
	}
	c.other.wantStatus(canary+"-1", "late", http.StatusAccepted)
	c.other.until(time.Minute, `kie_tasks{group="g",model="m",state="success"} 2`)
	c.other.until(10*time.Second, `kie_exporter_callbacks_total{account="default",result="forwarded"} 2`,
		`kie_exporter_callbacks_total{account="default",result="unforwarded"} 1`, `kie_exporter_mailbox_total{question="hint",result="taken"} 1`)
}
