package faults_test

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// size is how much work there is for how many.
type size struct {
	accounts, ids, parts, replicas int
	lease                          time.Duration
}

func (s size) all() int { return s.accounts * s.ids }

func (s size) String() string {
	return fmt.Sprintf("%d ids of %d accounts in %d parts each, %d replicas, lease %v", s.all(), s.accounts, s.parts, s.replicas, s.lease)
}

// TestFigures measures what docs/scaling.md tells: takeovers with many tasks, and calls to Redis. It takes minutes and both cores, so it is run by
// hand: FIGURES=1 go test -v -run TestFigures ./faults
func TestFigures(t *testing.T) {
	if os.Getenv("FIGURES") == "" {
		t.Skip("measures for some minutes; FIGURES=1 runs it")
	}
	for _, s := range []size{
		{1, 100_000, 1, 2, 30 * time.Second},
		{1, 1_000_000, 1, 2, 10 * time.Second},
		{1, 1_000_000, 10, 10, 10 * time.Second},
		{10, 100_000, 1, 10, 10 * time.Second},
	} {
		t.Run(s.String(), func(t *testing.T) { s.measure(t) })
	}
}

// fleet has lists and settings written.
func (s size) fleet(t *testing.T) *fleet {
	t.Helper()
	f := newIdleFleet(t, "127.0.0.1", "127.0.0.1")
	for a := range s.accounts {
		file, err := os.Create(filepath.Join(f.dir, fmt.Sprintf("n%d.txt", a)))
		if err != nil {
			t.Fatal(err)
		}
		w := bufio.NewWriter(file)
		for n := range s.ids {
			_, _ = fmt.Fprintf(w, "%d_task_%026d\n", a, n)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		_ = file.Close()
		f.write(fmt.Sprintf("n%d.key", a), fmt.Sprintf("key-of-n%d", a))
	}
	f.settings = func(redisAddress string) string {
		var b strings.Builder
		b.WriteString("accounts:\n")
		for a := range s.accounts {
			fmt.Fprintf(&b, "  - {name: n%d, base_url: %q, credentials_file: n%d.key, parts: %d, requests_per_second: 2, max_concurrent: %d, credits_interval: 0s}\n",
				a, f.api, a, s.parts, max(4, s.parts))
		}
		b.WriteString("groups:\n")
		for a := range s.accounts {
			fmt.Fprintf(&b, "  - {name: n%d, account: n%d, files: [n%d.txt]}\n", a, a, a)
		}
		fmt.Fprintf(&b, "limits: {tasks: 1000000, task_series: 0}\npolling: {max_wait: 0s}\nstorage: {redis: {addresses: [%q]}}\ncluster: {lease: %v}\n", redisAddress, s.lease)
		return b.String()
	}
	return f
}

// shown waits until some replicas together show all tasks, and returns how long that took.
func (s size) shown(f *fleet, lives ...*life) time.Duration {
	f.t.Helper()
	began := time.Now()
	wait.Until(f.t, 5*time.Minute, 50*time.Millisecond, func() error {
		sum := 0.0
		f.mu.Lock()
		defer f.mu.Unlock()
		for _, l := range lives {
			if n := len(l.seen); n > 0 {
				sum += l.seen[n-1].tasks
			}
		}
		if int(sum) != s.all() {
			return fmt.Errorf("%.0f of %d tasks are shown", sum, s.all())
		}
		return nil
	})
	return time.Since(began)
}

// holder returns one of the replicas that has tasks, and the others.
func (f *fleet) holder(lives []*life) (holder *life, others []*life) {
	f.mu.Lock()
	defer f.mu.Unlock()
	i := slices.IndexFunc(lives, func(l *life) bool { return l.seen[len(l.seen)-1].tasks > 0 })
	return lives[i], slices.Delete(slices.Clone(lives), i, i+1)
}

func (s size) measure(t *testing.T) {
	t.Helper()
	f := s.fleet(t)
	var lives []*life
	for n := range s.replicas {
		lives = append(lives, f.start(fmt.Sprint("r", n), f.server.Addr(), "127.0.0.1"))
	}
	t.Logf("all are shown after the start within %v", s.shown(f, lives...))
	time.Sleep(20 * time.Second) // until nothing is given to another replica, and first records are written
	f.mu.Lock()
	calls := make(map[*life]sight)
	for _, l := range lives {
		calls[l] = l.seen[len(l.seen)-1]
	}
	f.mu.Unlock()
	time.Sleep(20 * time.Second)
	f.mu.Lock()
	for _, l := range lives {
		last := l.seen[len(l.seen)-1]
		t.Logf("%s: %.0f tasks, %.1f calls to Redis a second", l.name, last.tasks, (last.calls-calls[l].calls)/last.began.Sub(calls[l].began).Seconds())
	}
	f.mu.Unlock()
	s.pages(lives)
	victim, lives := f.holder(lives)
	victim.kill()
	t.Logf("after kill -9 all are shown again after %v", s.shown(f, lives...))
	lives = append(lives, f.start("again", f.server.Addr(), "127.0.0.1"))
	time.Sleep(40 * time.Second) // until shares are given to it
	victim, lives = f.holder(lives)
	before := f.taken(lives)
	began := time.Now()
	if err := victim.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	held := len(victim.lastHeld())
	wait.Until(t, time.Minute, 20*time.Millisecond, func() error {
		if n := f.taken(lives); n < before+held {
			return fmt.Errorf("%d of %d shares are taken", n-before, held)
		}
		return nil
	})
	t.Logf("after SIGTERM what it had is taken after %v", time.Since(began))
	s.shown(f, lives...)
	t.Logf("and shown, 15 s after the release, %v after the signal", time.Since(began))
	t.Logf("Redis: %s", strings.Join(strings.Fields(f.server.CLI(t, "eval", "local n = 0 for _, k in ipairs(redis.call('KEYS', '*:b:*')) do n = n + redis.call('HLEN', k) end return n", "0")), " "))
	for line := range strings.Lines(f.server.CLI(t, "info", "memory")) {
		if strings.HasPrefix(line, "used_memory:") {
			t.Log(strings.TrimSpace(line))
		}
	}
}

// pages measures how long each replica takes for the page of all tasks, asked one after the other.
func (s size) pages(lives []*life) {
	var all []time.Duration
	for range 3 {
		for _, l := range lives {
			d, took := l.list("?limit=50")
			if d.Tracked != s.all() {
				l.fleet.t.Errorf("%s shows %d of %d tasks, without %v", l.name, d.Tracked, s.all(), d.Missing)
			}
			all = append(all, took)
		}
	}
	slices.Sort(all)
	l := lives[0]
	l.fleet.t.Logf("/api/v1/tasks of all replicas: median %v, the slowest of %d %v", all[len(all)/2], len(all), all[len(all)-1])
}

// taken returns how many shares were taken by some replicas, as they log.
func (f *fleet) taken(lives []*life) (n int) {
	for _, l := range lives {
		n += strings.Count(l.log.String(), `msg="Share taken"`)
	}
	return n
}

// lastHeld returns the accounts of which the process said last that it holds something.
func (l *life) lastHeld() map[string]bool {
	l.fleet.mu.Lock()
	defer l.fleet.mu.Unlock()
	return l.seen[len(l.seen)-1].held
}
