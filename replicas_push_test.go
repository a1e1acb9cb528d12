//go:build unix

package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/redistest"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// push pushes an id to a group, and returns the status of the answer; 0: there is none.
func (l *life) push(group, id string) int {
	resp, err := http.Post(l.base+"/api/v1/groups/"+group+"/tasks", "text/plain", strings.NewReader(id)) //nolint:noctx // ends with the process
	if err != nil {
		return 0
	}
	defer resp.Body.Close()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode
}

// What is acknowledged is asked about, whoever is killed, and whatever is pushed while a share has no holder.
func TestPushesSurviveTheLossOfAnyReplicaAndOfRedis(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for leases to end")
	}
	t.Parallel()
	server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	sim := kiesim.New(kiesim.Options{Record: true})
	api := httptest.NewServer(sim)
	t.Cleanup(api.Close)
	config := t.TempDir() + "/kie.yml"
	text := fmt.Sprintf(`
accounts: [{name: a, base_url: %q, credentials_file: a.key, requests_per_second: 100, max_concurrent: 4, timeout: 5m, credits_interval: 0s}]
groups: [{name: a, account: a, push: {}}]
polling: {background: true, max_wait: 0s, min_interval: 1s, max_interval: 1m}
storage: {redis: {addresses: [%q], timeout: 5s}}
cluster: {lease: %s}
`, api.URL, server.Addr(), replicaLease)
	for path, content := range map[string]string{config: text, strings.TrimSuffix(config, "kie.yml") + "a.key": "canary-key-of-a"} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	p := &pair{t: t, config: config}
	first, second := p.start("first"), p.start("second")
	var acknowledged []string
	push := func(l *life, id string) bool {
		sim.Put(kiesim.Task{ID: id, Model: "m", Created: time.Now(), Duration: time.Hour})
		ok := l.push("a", id) == http.StatusOK
		if ok {
			acknowledged = append(acknowledged, id)
		}
		return ok
	}
	// A push that is refused long after it was sent met a call to Redis that was not answered in time, as happens where a machine stands still.
	mustPush := func(l *life, id string) {
		t.Helper()
		for began := time.Now(); !push(l, id); began = time.Now() {
			if took := time.Since(began); took < 4*time.Second {
				t.Errorf("%s: a push is refused, after %v", id, took)
				return
			}
		}
	}
	wait.Until(t, time.Minute, 50*time.Millisecond, func() error {
		if !push(first, "at_the_start") {
			return errors.New("nobody takes a push")
		}
		return nil
	})
	untilAsked := func() {
		t.Helper()
		wait.Until(t, 2*time.Minute, 50*time.Millisecond, func() error {
			asked := make(map[string]bool)
			for _, r := range sim.Requests() {
				asked[r.ID] = true
			}
			for _, id := range acknowledged {
				if !asked[id] {
					return fmt.Errorf("%s was acknowledged, and nobody asks about it", id)
				}
			}
			return nil
		})
	}
	untilAsked()
	holder, other := first, second
	if !strings.Contains(first.log.String(), "Share taken") {
		holder, other = second, first
	}

	// The holder stands still, so that it takes nothing, and is killed.
	if err := holder.cmd.Process.Signal(syscall.SIGSTOP); err != nil {
		t.Fatal(err)
	}
	for n := range 50 {
		mustPush(other, fmt.Sprintf("before_the_kill_%d", n))
	}
	_ = holder.cmd.Process.Kill()
	began := time.Now()
	third := p.start("third")
	for n := 0; len(other.scrape())+len(third.scrape()) == 0; n++ {
		mustPush([]*life{other, third}[n%2], fmt.Sprintf("while_nobody_holds_it_%d", n))
		time.Sleep(100 * time.Millisecond)
		if time.Since(began) > 5*time.Minute {
			t.Fatal("nobody takes over")
		}
	}
	untilAsked()
	t.Logf("%v after the kill all that was acknowledged was asked about, %d ids", time.Since(began), len(acknowledged))

	// Redis is killed while ids are pushed, and comes back with what it wrote.
	var pushing sync.WaitGroup
	stop := make(chan struct{})
	pushing.Go(func() {
		for n := 0; ; n++ {
			select {
			case <-stop:
				return
			default:
				push([]*life{other, third}[n%2], fmt.Sprintf("around_the_kill_of_redis_%d", n))
				time.Sleep(5 * time.Millisecond)
			}
		}
	})
	time.Sleep(500 * time.Millisecond)
	server.Kill()
	time.Sleep(500 * time.Millisecond)
	server.Up(t)
	time.Sleep(time.Second)
	close(stop)
	pushing.Wait()
	now := other // whoever holds the share ends in order, and the rest is the other's
	if !strings.Contains(other.log.String(), "Share taken") {
		now = third
	}
	if err := now.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	untilAsked()
	t.Logf("%d ids were acknowledged", len(acknowledged))
	if values := server.Everything(t); strings.Contains(values, "canary") || strings.Contains(values, api.URL) {
		t.Error("Redis has a key or a URL")
	}
}
