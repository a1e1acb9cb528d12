package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/output"
	"github.com/kie-exporter/kie_exporter/test/kit/scrape"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// killsFor is how long processes that take pushes are killed; the variable makes it longer.
func killsFor(t *testing.T) time.Duration {
	t.Helper()
	text := os.Getenv("KIE_PUSH_KILLS_FOR")
	if text == "" {
		return 5 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// producers push to one process after the other, and remember what was acknowledged.
type producers struct {
	t       *testing.T
	dir     string                 // of the storage
	config  string                 // path of it
	base    atomic.Pointer[string] // of the process that lives; nil: none does
	next    atomic.Int64
	over    atomic.Bool // nobody pushes any more
	mu      sync.Mutex
	safe    map[string]bool // acknowledged; false: forgetting was, or may have been
	kills   int
	counted float64 // totals of all processes, as each showed them last
}

// newProducers returns producers of tasks that have finished when they are asked about.
func newProducers(t *testing.T) *producers {
	t.Helper()
	var mu sync.Mutex
	ends := make(map[string]int64)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.URL.Query().Get("taskId")
		mu.Lock()
		if ends[id] == 0 {
			ends[id] = time.Now().UnixMilli()
		}
		end := ends[id]
		mu.Unlock()
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(map[string]any{"code": http.StatusOK, "msg": "success", "data": map[string]any{
			"taskId": id, "model": "m", "state": "success", "createTime": end - 1000, "completeTime": end,
		}})
	}))
	t.Cleanup(api.Close)
	t.Cleanup(http.DefaultClient.CloseIdleConnections)
	dir := t.TempDir()
	p := &producers{t: t, dir: filepath.Join(dir, "data"), config: filepath.Join(dir, "kie.yml"), safe: make(map[string]bool)}
	text := fmt.Sprintf("accounts: [{base_url: '%s', credits_interval: 0s, requests_per_second: 1000, max_concurrent: 50}]\ngroups: [{name: g, push: {}}]\npolling: {max_wait: 1s}\n", api.URL)
	if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return p
}

type pushAnswer struct {
	Accepted, Known, Forgotten, Unknown int
	Rejected                            []any
}

// send sends ids as text; ok is false if there was no answer.
func (p *producers) send(method string, ids []string) (status int, a pushAnswer, ok bool) {
	base := p.base.Load()
	if base == nil {
		return 0, a, false
	}
	req, err := http.NewRequestWithContext(p.t.Context(), method, *base+"/api/v1/groups/g/tasks", strings.NewReader(strings.Join(ids, "\n")))
	if err != nil {
		p.t.Error(err)
		return 0, a, false
	}
	req.Header.Set("Content-Type", "text/plain")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, a, false
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil || json.Unmarshal(text, &a) != nil {
		return 0, a, false
	}
	return resp.StatusCode, a, true
}

// produce pushes until all is over, a few ids or one at a time, and forgets some.
func (p *producers) produce() {
	for !p.over.Load() {
		time.Sleep(rand.N(100 * time.Millisecond)) // all together push enough for many to be under way at a kill
		ids := make([]string, 1+rand.IntN(2)*rand.IntN(40))
		for i := range ids {
			ids[i] = fmt.Sprintf("id-%d", p.next.Add(1))
		}
		status, a, ok := p.send(http.MethodPost, ids)
		if !ok {
			time.Sleep(5 * time.Millisecond)
			continue
		}
		if status != http.StatusOK {
			if status != http.StatusServiceUnavailable {
				p.t.Errorf("a push is answered with %d", status)
			}
			continue
		}
		if a.Accepted+a.Known != len(ids) {
			p.t.Errorf("of %d ids %d are accepted and %d known", len(ids), a.Accepted, a.Known)
		}
		p.note(ids, true)
		if rand.IntN(10) == 0 {
			p.note(ids[:1], false) // from now on nobody knows, until forgetting it is acknowledged, too
			if status, _, ok := p.send(http.MethodDelete, ids[:1]); ok && status == http.StatusOK {
				p.forget(ids[0])
			}
		}
	}
}

// kept returns how many ids were acknowledged, and never to be forgotten.
func (p *producers) kept() (n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, safe := range p.safe {
		if safe {
			n++
		}
	}
	return n
}

func (p *producers) note(ids []string, safe bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, id := range ids {
		if safe {
			p.safe[id] = true
		} else {
			delete(p.safe, id)
		}
	}
}

// forget notes that forgetting an id was acknowledged.
func (p *producers) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.safe[id] = false
}

// live starts a process, below a tracer if there is one, and returns it once it listens.
func (p *producers) live(tracer ...string) *exec.Cmd {
	p.t.Helper()
	var log output.Text
	c := program(p.t, "secret", "--config.file="+p.config, "--storage.path="+p.dir, "--web.listen-address=127.0.0.1:0")
	if len(tracer) > 0 {
		path, err := exec.LookPath(tracer[0])
		if err != nil {
			p.t.Fatal(err)
		}
		c.Path, c.Args = path, slices.Concat(tracer, []string{os.Args[0]}, c.Args[1:])
	}
	c.Stderr = &log
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	listening := regexp.MustCompile(`msg="Listening on" address=(\S+)`)
	wait.Until(p.t, time.Minute, 5*time.Millisecond, func() error {
		found := listening.FindStringSubmatch(log.String())
		if found == nil {
			return errors.New("it does not start: " + log.String())
		}
		base := "http://" + found[1]
		p.base.Store(&base)
		return nil
	})
	return c
}

// killAll kills one process after the other until the end, and until something was acknowledged by one that was killed.
func (p *producers) killAll(end time.Time) {
	defer p.over.Store(true)
	for time.Now().Before(end) || p.kills < 2 || p.kept() == 0 {
		c := p.live()
		time.Sleep(50*time.Millisecond + rand.N(800*time.Millisecond))
		p.kill(c)
	}
}

// kill kills a process right after a look at what it has counted.
func (p *producers) kill(c *exec.Cmd) {
	p.t.Helper()
	p.counted += p.total()
	p.end(c)
}

// end kills a process, whatever it has counted.
func (p *producers) end(c *exec.Cmd) {
	p.t.Helper()
	p.base.Store(nil)
	if err := c.Process.Kill(); err != nil {
		p.t.Error(err)
	}
	_ = c.Wait() // it was killed
	p.kills++
}

// finished is the total that shows its first tasks at once; the others show 0 for a minute.
var finished = regexp.MustCompile(`kie_exporter_detection_delay_seconds_count\{.*\} (\S+)$`)

// total returns how many tasks the process that lives shows as finished.
func (p *producers) total() (sum float64) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, *p.base.Load()+"/metrics", http.NoBody)
	if err != nil {
		p.t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		p.t.Fatal(err)
	}
	for _, found := range scrape.Find(finished, string(text)) {
		value, err := strconv.ParseFloat(found[1], 64)
		if err != nil {
			p.t.Fatal(err)
		}
		sum += value
	}
	return sum
}

// awaitReady waits until the process takes pushes.
func (p *producers) awaitReady() {
	p.t.Helper()
	wait.Until(p.t, time.Minute, 5*time.Millisecond, func() error {
		if status, _, ok := p.send(http.MethodPost, nil); !ok || status == http.StatusServiceUnavailable {
			return fmt.Errorf("a push is answered with %d", status)
		}
		return nil
	})
}

// check looks for everything that was acknowledged in a new process.
func (p *producers) check() {
	c := p.live()
	defer func() {
		_ = c.Process.Kill()
		_ = c.Wait()
	}()
	var kept, forgotten []string
	for id, safe := range p.safe {
		if safe {
			kept = append(kept, id)
		} else {
			forgotten = append(forgotten, id)
		}
	}
	p.awaitReady()
	if _, a, ok := p.send(http.MethodPost, kept); !ok || a.Known != len(kept) || a.Accepted != 0 {
		p.t.Errorf("of %d acknowledged ids %d are known after %d kills, %d are not", len(kept), a.Known, p.kills, a.Accepted)
	}
	if _, a, ok := p.send(http.MethodDelete, forgotten); !ok || a.Forgotten != 0 {
		p.t.Errorf("of %d ids that were forgotten %d are there again", len(forgotten), a.Forgotten)
	}
	if _, a, ok := p.send(http.MethodDelete, kept); !ok || a.Forgotten != len(kept) {
		p.t.Errorf("of %d ids %d are there once", len(kept), a.Forgotten)
	}
	p.counted += p.total()
	if pushed := float64(p.next.Load()); p.counted > pushed {
		p.t.Errorf("%v tasks are counted of %v that were pushed", p.counted, pushed)
	}
	p.t.Logf("%d kills, %d acknowledged ids, %d forgotten ones, %v tasks counted", p.kills, len(kept), len(forgotten), p.counted)
	if p.kills < 2 || len(kept) == 0 {
		p.t.Error("this tells nothing")
	}
}

func TestNoAcknowledgedPushIsLostByAKill(t *testing.T) {
	p := newProducers(t)
	end := time.Now().Add(killsFor(t))
	var working sync.WaitGroup
	for range 16 {
		working.Go(p.produce)
	}
	p.killAll(end)
	working.Wait()
	p.check()
}
