package faults_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// listing is what the test reads of /api/v1/tasks.
type listing struct {
	Tracked, Matching, Earlier int
	Next, Previous             string
	Missing                    []missing
	Tasks                      []struct {
		ID string `json:"task_id"`
	}
}

// missing is a share of which a page says that nothing is known.
type missing struct {
	Account     string
	Part, Parts int
	Holder      string `json:"held_by"`
	Reason      string
}

// get returns what a replica answers, and how long that took.
func (l *life) get(path string) (body string, took time.Duration) {
	l.fleet.t.Helper()
	ctx, cancel := context.WithTimeout(l.fleet.t.Context(), 3*time.Minute)
	defer cancel()
	began := time.Now()
	text, err := fetch(ctx, l.base+path)
	if err != nil {
		l.fleet.t.Errorf("%s of %s: %v: %s", path, l.name, err, text)
	}
	return string(text), time.Since(began)
}

func fetch(ctx context.Context, url string) ([]byte, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, url, http.NoBody)
	if err != nil {
		return nil, err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return text, err
}

func (l *life) list(query string) (d listing, took time.Duration) {
	l.fleet.t.Helper()
	body, took := l.get("/api/v1/tasks" + query)
	if err := json.Unmarshal([]byte(body), &d); err != nil {
		l.fleet.t.Error(err)
	}
	return d, took
}

// whole returns a page of which nothing is missing: on a busy machine a replica may take longer than others wait for it.
func (l *life) whole(query string, tasks int) (d listing) {
	l.fleet.t.Helper()
	wait.Until(l.fleet.t, 2*time.Minute, 100*time.Millisecond, func() error {
		if d, _ = l.list(query); len(d.Missing) > 0 || d.Tracked != tasks {
			return fmt.Errorf("%s shows %d of %d tasks, without %v", l.name, d.Tracked, tasks, d.Missing)
		}
		return nil
	})
	return d
}

// lacks returns how many of the tasks are of shares of which a page says that they are missing.
func (d *listing) lacks(tasks []string) (n int) {
	for _, id := range tasks {
		account, _, _ := strings.Cut(id, "_")
		for _, m := range d.Missing {
			if m.Account == account && share.Of(id, m.Parts) == m.Part {
				n++
			}
		}
	}
	return n
}

// TestAnyReplicaShowsTheTasksOfAll has three replicas with 10,000 tasks of three accounts, one of them in four parts. Each shows all of them, a page at a
// time, whichever is asked for the next page; one is killed, and then Redis hangs: what is shown and what is named as missing are all there is.
func TestAnyReplicaShowsTheTasksOfAll(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for leases to end")
	}
	t.Parallel()
	f := newIdleFleet(t, "127.0.0.1", "127.0.0.1")
	const each = 10_000
	var tasks []string
	lists := make(map[string][]string)
	for n := range each {
		account := accounts()[n*n%7%3]
		id := fmt.Sprintf("%s_task_%06d", account, n)
		tasks, lists[account] = append(tasks, id), append(lists[account], id)
		if n%100 < 3 {
			f.sim.Put(kiesim.Task{ID: id, Model: "m", Created: time.Now().Add(-time.Hour), Duration: 1000 * time.Hour})
		}
	}
	for account, ids := range lists {
		f.write(account+".txt", strings.Join(ids, "\n")+"\n")
	}
	f.settings = func(redisAddress string) string { // a few are asked about, and then nothing changes
		var b strings.Builder
		b.WriteString("accounts:\n")
		for _, a := range accounts() {
			fmt.Fprintf(&b, "  - {name: %s, base_url: %q, credentials_file: %s.key, parts: %d, requests_per_second: 0.001, max_concurrent: 4, credits_interval: 0s}\n",
				a, f.api, a, map[string]int{"a": 4, "b": 1, "c": 1}[a])
		}
		b.WriteString("groups:\n")
		for _, a := range accounts() {
			fmt.Fprintf(&b, "  - {name: %s, account: %s, files: [%s.txt]}\n", a, a, a)
		}
		fmt.Fprintf(&b, "polling: {max_wait: 0s}\nstorage: {redis: {addresses: [%q], timeout: 5s}}\ncluster: {lease: %v}\n", redisAddress, lease)
		return b.String()
	}
	var lives []*life
	for _, name := range []string{"first", "second", "third"} {
		lives = append(lives, f.start(name, f.server.Addr(), "127.0.0.1"))
	}
	wait.Until(t, 3*time.Minute, 200*time.Millisecond, func() error { // each holds two of six shares, once none is on its way any more
		for _, l := range lives {
			if n := l.shares(); n != 2 {
				return fmt.Errorf("%s holds %d shares", l.name, n)
			}
		}
		return nil
	})
	for _, l := range lives {
		l.whole("", each)
	}
	time.Sleep(2 * time.Second) // until what may be asked was
	f.pageThrough(lives, tasks)

	// One is killed. Until another has what it held, that is named, and the rest is shown.
	killed, lives := lives[0], lives[1:]
	killed.kill()
	at := time.Now()
	var asking sync.WaitGroup
	for _, l := range lives {
		asking.Go(func() {
			d, took := l.list("?limit=500")
			t.Logf("with a holder that was killed %s answers after %v", l.name, took)
			lacks, late := d.lacks(tasks), time.Since(at) > lease/2 // the lease was renewed some time before
			named := slices.ContainsFunc(d.Missing, func(m missing) bool { return m.Holder == killed.name && m.Reason == "silent" })
			if d.Tracked != each-lacks || !late && (lacks == 0 || !named) {
				t.Errorf("%s shows %d tasks, and misses %d of %d after %v: %v", l.name, d.Tracked, lacks, each, took, d.Missing)
			}
			if took > time.Minute { // 2 s, and what a busy machine adds
				t.Errorf("%s waits for %v for a replica that is not there", l.name, took)
			}
		})
	}
	asking.Wait()
	for _, l := range lives {
		l.whole("", each)
	}
	f.pageThrough(lives, tasks)

	const tries = 5 // as what is held may end meanwhile on a machine that stands still
	for n := 1; !f.showOwn(lives, tasks); n++ {
		if n == tries {
			t.Errorf("each of %d times it took too long to tell what is shown while Redis hangs", tries)
			break
		}
		for _, l := range lives {
			l.whole("", each)
		}
	}
	for _, l := range lives {
		l.whole("", each)
	}
	f.stopAll()
}

// showOwn has Redis hang, and sees to it that each replica shows its own tasks and names the rest. It returns false if that took so long that they may
// have lost what they held.
func (f *fleet) showOwn(lives []*life, tasks []string) (told bool) {
	f.t.Helper()
	f.server.Stop()
	defer f.server.Continue()
	at := time.Now()
	answers := make([]listing, len(lives))
	var asking sync.WaitGroup
	for i, l := range lives {
		asking.Go(func() { answers[i], _ = l.list("?limit=500") })
	}
	asking.Wait()
	took := time.Since(at)
	f.t.Logf("while Redis hangs the replicas answer within %v", took)
	if took > lease/2 {
		return false
	}
	shown := 0
	for i, l := range lives {
		d := &answers[i]
		if lacks := d.lacks(tasks); d.Tracked == 0 || lacks == 0 || d.Tracked != len(tasks)-lacks || d.Missing[0].Reason != "unreachable" {
			f.t.Errorf("%s shows %d tasks, and misses %d of %d: %v", l.name, d.Tracked, lacks, len(tasks), d.Missing)
		}
		shown += d.Tracked
	}
	if shown != len(tasks) {
		f.t.Errorf("the replicas show %d tasks of their own, of %d", shown, len(tasks))
	}
	return true
}

var heldShare = regexp.MustCompile(`(?m)^kie_exporter_share_held\{.*\} 1$`)

// shares returns how many shares the process holds.
func (l *life) shares() int {
	body, _ := l.get("/metrics")
	return len(heldShare.FindAllString(body, -1))
}

// pageThrough reads all pages to the last and back, each of another replica.
func (f *fleet) pageThrough(lives []*life, tasks []string) {
	f.t.Helper()
	seen := make(map[string]int)
	turn, last := 0, ""
	next := func(query string) listing {
		turn++
		return lives[turn%len(lives)].whole(query, len(tasks))
	}
	for query := "?limit=500"; query != ""; {
		d := next(query)
		if d.Earlier != len(seen) || d.Matching != len(tasks) {
			f.t.Errorf("%s: %d earlier, want %d; %d matching", query, d.Earlier, len(seen), d.Matching)
		}
		for _, k := range d.Tasks {
			seen[k.ID]++
		}
		last, query = query, d.Next
	}
	for _, id := range tasks {
		if seen[id] != 1 {
			f.t.Errorf("%s comes %d times", id, seen[id])
		}
	}
	if len(seen) != len(tasks) {
		f.t.Errorf("%d tasks come, of %d", len(seen), len(tasks))
	}
	back := 0
	for query := last; query != ""; {
		d := next(query)
		back += len(d.Tasks)
		query = d.Previous
		if len(d.Tasks) == 0 {
			break
		}
	}
	if back != len(tasks) {
		f.t.Errorf("%d tasks come on the way back, of %d", back, len(tasks))
	}
}
