package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/output"
	"github.com/kie-exporter/kie_exporter/test/kit/scrape"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// The budget of the account that the shards divide.
const (
	shardsRate, shardsAtATime = 20, 8
	shardsIDs                 = 120
)

// shard is one of several processes with the same configuration.
type shard struct {
	base string
	log  output.Text
}

// startShard starts one shard of several with a storage of its own.
func startShard(t *testing.T, config string, number, total int) *shard {
	t.Helper()
	s := &shard{}
	c := program(t, "secret", "--config.file="+config, "--web.listen-address=127.0.0.1:0", "--storage.path="+t.TempDir(),
		"--shard="+strconv.Itoa(number), "--total-shards="+strconv.Itoa(total))
	c = &exec.Cmd{Path: c.Path, Args: c.Args, Env: c.Env, Stderr: &s.log} // which the end of the test's context does not kill
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = c.Process.Signal(os.Interrupt)
		if err := c.Wait(); err != nil {
			t.Errorf("shard %d: %v\n%s", number, err, s.log.String())
		}
	})
	listening := regexp.MustCompile(`msg="Listening on" address=(\S+)`)
	wait.Until(t, 30*time.Second, 10*time.Millisecond, func() error {
		if !listening.MatchString(s.log.String()) {
			return errors.New("it does not listen")
		}
		return nil
	})
	s.base = "http://" + listening.FindStringSubmatch(s.log.String())[1]
	return s
}

// get returns status and body of a page.
func (s *shard) get(t *testing.T, path string) (int, string) {
	t.Helper()
	resp, err := http.Get(s.base + path) //nolint:noctx // ends with the process
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// sample returns the sum of the samples of a metric.
func sample(metrics, name string) (sum float64) {
	for _, m := range scrape.Find(regexp.MustCompile(name+`(?:\{.*\})? (\S+)$`), metrics) {
		if v, err := strconv.ParseFloat(m[1], 64); err == nil {
			sum += v
		}
	}
	return sum
}

// Each task is asked about by the one shard that has it, all shards together send no more than one process would, and their series add up.
func TestShardsDivideTheTasksAndTheBudget(t *testing.T) {
	sim := kiesim.New(kiesim.Options{Record: true, Credits: 100})
	api := httptest.NewServer(sim)
	t.Cleanup(api.Close)
	dir := t.TempDir()
	var list strings.Builder
	for n := range shardsIDs {
		id := fmt.Sprintf("task%04d", n)
		fmt.Fprintln(&list, id)
		sim.Put(kiesim.Task{ID: id, Model: "m", Created: time.Now(), Duration: time.Duration(n%7) * time.Second})
	}
	config := dir + "/kie.yml"
	text := fmt.Sprintf("accounts: [{base_url: %q, requests_per_second: %d, max_concurrent: %d, timeout: 5m, credits_interval: 10s}]\n"+
		"groups: [{files: [list.txt], push: {}}]\npolling: {background: true, max_wait: 0s}\n", api.URL, shardsRate, shardsAtATime)
	for name, text := range map[string]string{config: text, dir + "/list.txt": list.String()} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const total = 4
	var shards [total]*shard
	for n := range shards {
		shards[n] = startShard(t, config, n, total)
	}
	var metrics [total]string
	wait.Until(t, time.Minute, 200*time.Millisecond, func() error {
		finished := 0.0
		for n, s := range shards {
			_, metrics[n] = s.get(t, "/metrics")
			finished += sample(metrics[n], `kie_tasks\{.*state="success"\}`)
		}
		if balance := strings.Contains(metrics[0], "kie_credits_remaining{"); finished != shardsIDs || !balance {
			return fmt.Errorf("%v of %d have finished; the balance is known: %t", finished, shardsIDs, balance)
		}
		return nil
	})
	checkShares(t, metrics[:])
	checkWorstWindow(t, sim.Requests())
	for n := 0; n < shardsIDs; n += 7 { // which had finished before anybody asked
		if q := sim.Queries(fmt.Sprintf("task%04d", n)); q != 1 {
			t.Errorf("task%04d was asked about %d times, want once", n, q)
		}
	}
	for n, s := range shards {
		checkElsewhere(t, s, n, total)
	}
}

// checkShares checks that the series of all shards are those of one process, each task in one of them.
func checkShares(t *testing.T, metrics []string) {
	t.Helper()
	ids, seen := 0.0, make(map[string]int)
	for n, text := range metrics {
		ids += sample(text, "kie_exporter_source_tasks")
		for _, m := range scrape.Find(regexp.MustCompile(`kie_task_info\{.*task_id="(.*?)"`), text) {
			if part := share.Of(m[1], len(metrics)); part != n {
				t.Errorf("shard %d shows %s of shard %d", n, m[1], part)
			}
			seen[m[1]]++
		}
		info := fmt.Sprintf(`kie_exporter_shard_info{shard="%d",total_shards="%d"} 1`, n, len(metrics))
		if !strings.Contains(text, info) || sample(text, "kie_exporter_total_shards") != float64(len(metrics)) {
			t.Errorf("shard %d does not say which it is", n)
		}
		if strings.Contains(text, "kie_credits_remaining{") != (n == 0) {
			t.Errorf("shard %d shows the balance, or should", n)
		}
		if n := sample(text, "kie_exporter_source_rejected_total"); n != 0 {
			t.Errorf("%v are rejected", n)
		}
	}
	if ids != shardsIDs || len(seen) != shardsIDs {
		t.Errorf("%v ids and %d tasks, want %d", ids, len(seen), shardsIDs)
	}
}

// checkWorstWindow checks that no second, and no five, had more requests than the account may have, with a second of jitter.
func checkWorstWindow(t *testing.T, all []kiesim.Request) {
	t.Helper()
	for _, window := range []time.Duration{time.Second, 5 * time.Second} {
		most := float64(shardsAtATime) + shardsRate*(window+time.Second).Seconds()
		for i := range all {
			n := 0
			for i+n < len(all) && all[i+n].At.Sub(all[i].At) < window {
				n++
			}
			if float64(n) > most {
				t.Errorf("%d requests in %v, want at most %v", n, window, most)
				break
			}
		}
	}
}

// checkElsewhere checks what a shard answers about tasks of others.
func checkElsewhere(t *testing.T, s *shard, number, total int) {
	t.Helper()
	const id = "pushed"
	owner := share.Of(id, total)
	resp, err := http.Post(s.base+"/api/v1/groups/default/tasks", "text/plain", strings.NewReader(id+"\n")) //nolint:noctx // ends with the process
	if err != nil {
		t.Fatal(err)
	}
	body, _ := io.ReadAll(resp.Body)
	_ = resp.Body.Close()
	probed, said := s.get(t, "/probe?task_id="+id)
	status, page := s.get(t, "/tasks/unheard")
	elsewhere := fmt.Sprintf("shard %d of %d", owner, total)
	if number == owner {
		if resp.StatusCode != http.StatusOK || probed != http.StatusOK || !strings.Contains(string(body), `"accepted":1`) {
			t.Errorf("shard %d answers a push of its own with %d %s, a probe with %d", number, resp.StatusCode, body, probed)
		}
	} else if resp.StatusCode != http.StatusMisdirectedRequest || probed != http.StatusMisdirectedRequest ||
		!strings.Contains(string(body), elsewhere) || !strings.Contains(said, elsewhere) {
		t.Errorf("shard %d answers a push of another's with %d %s, a probe with %d %s", number, resp.StatusCode, body, probed, said)
	}
	if status != http.StatusNotFound || strings.Contains(page, "one of shard") != (share.Of("unheard", total) != number) {
		t.Errorf("shard %d: %d %s", number, status, page)
	}
	if _, page := s.get(t, "/tasks"); !strings.Contains(page, fmt.Sprintf("This is shard %d of %d", number, total)) {
		t.Errorf("the page of shard %d does not say which it is", number)
	}
	if _, status := s.get(t, "/api/v1/status"); !strings.Contains(status, fmt.Sprintf(`"shard":{"shard":%d,"total_shards":%d}`, number, total)) {
		t.Errorf("the status of shard %d does not say which it is", number)
	}
}
