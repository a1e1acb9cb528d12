// Many requests at a time, and requests for what there is not.

package app_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	built "github.com/kie-exporter/kie_exporter/test/kit/program"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// statuses makes requests all at a time and returns how often which status came.
func (p *program) statuses(requests int, path func(i int) string) map[int]int {
	p.t.Helper()
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	var mu sync.Mutex
	count := map[int]int{}
	var all sync.WaitGroup
	for i := range requests {
		all.Go(func() {
			req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.base+path(i), http.NoBody)
			if err != nil {
				p.t.Error(err)
				return
			}
			resp, err := client.Do(req)
			if err != nil {
				p.t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			_ = resp.Body.Close()
			mu.Lock()
			defer mu.Unlock()
			count[resp.StatusCode]++
		})
	}
	all.Wait()
	return count
}

func TestAThousandParallelScrapesCostOneQuery(t *testing.T) {
	sim, api := serveAPI(t, kiesim.Options{})
	sim.Put(kiesim.Task{ID: "a", Model: "m", Duration: time.Hour})
	sim.Inject(kiesim.Match{Endpoint: kiesim.RecordInfo}, kiesim.Fault{Delay: time.Second})
	p := start(t, "--log.level=warn", "--config.file="+configFile(t, api, "groups: [{tasks: [a]}]\npolling: {min_interval: 1h, max_interval: 1h}"))
	p.until(10*time.Second, `kie_up{account="default"} 1`)
	goroutines, heap := footprint()
	scrapes := built.Fewer(200, 1000)
	count := p.statuses(scrapes, func(int) string { return "/metrics" })
	if count[200]+count[503] != scrapes || count[200] == 0 {
		t.Errorf("answers by status: %v, want 200 and 503 alone", count)
	}
	if n := sim.Queries("a"); n != 1 {
		t.Errorf("the task was asked %d times, want once", n)
	}
	if status, _ := p.get("/metrics"); status != http.StatusOK {
		t.Errorf("a scrape after them answers %d", status)
	}
	p.wantFlat(goroutines, heap)
}

// wantFlat waits until no more goroutines and memory are in use than before a flood, give or take what a few connections need.
func (p *program) wantFlat(goroutines int, heap int64) {
	p.t.Helper()
	wait.Until(p.t, 10*time.Second, 50*time.Millisecond, func() error {
		g, h := footprint()
		if g > goroutines+20 || h > heap+4<<20 {
			return fmt.Errorf("%d goroutines and %d KiB, before %d and %d", g, h>>10, goroutines, heap>>10)
		}
		return nil
	})
}

func TestAFloodOfProbesKeepsToTheBudget(t *testing.T) {
	sim, api := serveAPI(t, kiesim.Options{Record: true})
	sim.Put(kiesim.Task{ID: "tracked", Model: "m", Duration: time.Hour})
	config := configFile(t, api, "groups: [{tasks: [tracked]}]\npolling: {min_interval: 1s, max_interval: 1s, background: true}")
	replaceIn(t, config, "requests_per_second: 1000", "requests_per_second: 300")
	p := start(t, "--log.level=warn", "--web.max-requests=500", "--config.file="+config)
	p.until(10*time.Second, `kie_up{account="default"} 1`)
	goroutines, heap := footprint()
	asked := sim.Queries("tracked")
	begin := time.Now()
	done := make(chan map[int]int, 1)
	go func() {
		done <- p.statuses(1000, func(i int) string { return fmt.Sprintf("/probe?task_id=strange%d", i) })
	}()
	wait.Until(t, time.Minute, 20*time.Millisecond, func() error { // in the midst of the flood
		if sim.Queries("tracked") < asked+2 {
			return errors.New("the tracked task is asked no longer")
		}
		return nil
	})
	count := <-done
	if count[200]+count[503] != 1000 || count[200] == 0 {
		t.Errorf("answers by status: %v, want 200 and 503 alone", count)
	}
	made := requestsSince(sim, begin)
	// 4 at once, 4 more that had their permits before, and what the rate allows.
	if took := time.Since(begin); made > 4+4+int(300*took.Seconds()) {
		t.Errorf("%d requests in %v are more than the budget allows", made, took)
	}
	if body := p.scrape(); strings.Contains(body, "strange") {
		t.Errorf("probes leave series behind:\n%s", body)
	}
	p.wantFlat(goroutines, heap)
}

func requestsSince(sim *kiesim.Server, since time.Time) (n int) {
	for _, r := range sim.Requests() {
		if r.At.After(since) {
			n++
		}
	}
	return n
}

func TestATaskIsFoundByAnyIDThatIsEscaped(t *testing.T) {
	_, api := serveAPI(t, kiesim.Options{})
	ids := []string{"a/b", "a//b", "a/../b", "a/", "//", ".", "..", "%2F", "a?b#c", "a b", "ü"}
	listed, err := json.Marshal(ids)
	if err != nil {
		t.Fatal(err)
	}
	p := start(t, "--config.file="+configFile(t, api, "groups: [{tasks: "+string(listed)+"}]"))
	wait.Until(t, time.Minute, 10*time.Millisecond, func() error {
		if status, body := p.get("/-/ready"); status != http.StatusOK {
			return errors.New(body)
		}
		return nil
	})
	for _, id := range ids {
		for _, path := range []string{"/tasks/", "/api/v1/tasks/"} {
			if status, body := p.get(path + strings.NewReplacer(".", "%2E", "+", "%20").Replace(url.QueryEscape(id))); status != http.StatusOK {
				t.Errorf("%s of %q: %d, want 200: %s", path, id, status, body)
			}
		}
	}
}

func TestWhatIsNotServedIsRefused(t *testing.T) {
	_, api := serveAPI(t, kiesim.Options{})
	p := start(t, "--config.file="+configFile(t, api, "groups: [{tasks: [a]}]"))
	for request, want := range map[string]int{
		"GET //metrics":           http.StatusNotFound,
		"GET /metrics/..":         http.StatusNotFound,
		"GET /metrics/../metrics": http.StatusNotFound,
		"GET /%2e%2e/metrics":     http.StatusNotFound,
		"GET /metrics%00":         http.StatusNotFound,
		"TRACE /metrics":          http.StatusMethodNotAllowed,
		"POST /metrics":           http.StatusMethodNotAllowed,
		"PUT /probe?task_id=a":    http.StatusMethodNotAllowed,
		"DELETE /tasks":           http.StatusMethodNotAllowed,
		"NONSENSE /":              http.StatusMethodNotAllowed,
	} {
		t.Run(request, func(t *testing.T) {
			method, path, _ := strings.Cut(request, " ")
			if status, body := p.send(method, path, http.Header{"X-Echo": {canary}}); status != want {
				t.Errorf("%d, want %d: %s", status, want, body)
			}
		})
	}
}
