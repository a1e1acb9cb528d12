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
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/output"
	"github.com/kie-exporter/kie_exporter/test/kit/redistest"
	"github.com/kie-exporter/kie_exporter/test/kit/scrape"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// What the replicas of the test share.
const (
	replicaLease   = 10 * time.Second
	replicaRate    = 10
	replicaAtATime = 4
	replicaTasks   = 60 // of each account
	lateTasks      = 10 // more of each, which finish when no share moves any more
)

// life is a replica from a start to its end.
type life struct {
	cmd    *exec.Cmd
	base   string
	log    output.Text
	ended  chan error
	over   chan struct{}
	counts map[string]float64 // what it last said it had counted, by account and model
}

// pair is replicas over one Redis and one API.
type pair struct {
	t      *testing.T
	config string
	lives  []*life
}

func (p *pair) start(name string) *life {
	p.t.Helper()
	l := &life{ended: make(chan error, 1), over: make(chan struct{}), counts: make(map[string]float64)}
	c := program(p.t, "", "--config.file="+p.config, "--web.listen-address=127.0.0.1:0", "--storage.path="+p.t.TempDir(), "--cluster.replica="+name)
	l.cmd = &exec.Cmd{Path: c.Path, Args: c.Args, Env: c.Env, Stderr: &l.log}
	if err := l.cmd.Start(); err != nil {
		p.t.Fatal(err)
	}
	go func() { l.ended <- l.cmd.Wait(); close(l.over) }()
	p.t.Cleanup(func() {
		_ = l.cmd.Process.Kill()
		<-l.over
		if p.t.Failed() {
			p.t.Logf("%s:\n%s", name, l.log.String())
		}
	})
	listening := regexp.MustCompile(`msg="Listening on" address=(\S+)`)
	wait.Until(p.t, time.Minute, 10*time.Millisecond, func() error {
		if !listening.MatchString(l.log.String()) {
			return errors.New("it does not listen: " + l.log.String())
		}
		return nil
	})
	l.base = "http://" + listening.FindStringSubmatch(l.log.String())[1]
	p.lives = append(p.lives, l)
	return l
}

var (
	shownTasks   = regexp.MustCompile(`kie_tasks\{group="(\w+)"`)
	countedTasks = regexp.MustCompile(`kie_tasks_finished_total\{(group="\w+",model="\w+"),.* (\S+)$`)
	takenShare   = regexp.MustCompile(`time=(\S+) .*msg="Share taken"`)
)

// taken returns when a replica took shares, as its log says.
func (l *life) taken(t *testing.T) (times []time.Time) {
	t.Helper()
	for _, m := range takenShare.FindAllStringSubmatch(l.log.String(), -1) {
		at, err := time.Parse(time.RFC3339, m[1])
		if err != nil {
			t.Fatal(err)
		}
		times = append(times, at)
	}
	return times
}

// scrape returns the accounts whose tasks a replica shows; none if it does not answer.
func (l *life) scrape() (accounts []string) {
	resp, err := http.Get(l.base + "/metrics") //nolint:noctx // ends with the process
	if err != nil {
		return nil
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil
	}
	for _, m := range scrape.Find(shownTasks, string(body)) {
		if !slices.Contains(accounts, m[1]) {
			accounts = append(accounts, m[1])
		}
	}
	sums := make(map[string]float64)
	for _, m := range scrape.Find(countedTasks, string(body)) {
		if v, err := strconv.ParseFloat(m[2], 64); err == nil {
			sums[m[1]] += v
		}
	}
	for labels, n := range sums {
		l.counts[labels] = max(l.counts[labels], n)
	}
	return accounts
}

// look scrapes all replicas and returns whose accounts are shown by whom; one that is shown twice fails the test.
func (p *pair) look() map[string]*life {
	holders := make(map[string]*life)
	var mu sync.Mutex
	var looking sync.WaitGroup
	type twice struct {
		account string
		by      [2]*life
	}
	var doubtful []twice
	for _, l := range p.lives {
		looking.Go(func() {
			for _, account := range l.scrape() {
				mu.Lock()
				if other := holders[account]; other != nil {
					doubtful = append(doubtful, twice{account, [2]*life{other, l}})
				}
				holders[account] = l
				mu.Unlock()
			}
		})
	}
	looking.Wait()
	for _, d := range doubtful { // or one answered before the other took over, in the same round
		if slices.Contains(d.by[0].scrape(), d.account) && slices.Contains(d.by[1].scrape(), d.account) && slices.Contains(d.by[0].scrape(), d.account) {
			p.t.Errorf("account %s is shown by %s and %s", d.account, d.by[0].base, d.by[1].base)
		}
	}
	return holders
}

// until waits until the accounts are held as is wanted, and returns how long that took.
func (p *pair) until(what string, ok func(holders map[string]*life) bool) time.Duration {
	p.t.Helper()
	began := time.Now()
	wait.Until(p.t, 2*time.Minute, 100*time.Millisecond, func() error {
		if holders := p.look(); !ok(holders) {
			return fmt.Errorf("%s: %v", what, holders)
		}
		return nil
	})
	return time.Since(began)
}

func TestReplicasTakeOverFromEachOther(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for leases to end")
	}
	t.Parallel()
	server := redistest.Start(t)
	sim := kiesim.New(kiesim.Options{Record: true, Credits: 100})
	api := httptest.NewServer(sim)
	t.Cleanup(api.Close)
	dir := t.TempDir()
	write := func(name, text string) {
		if err := os.WriteFile(dir+"/"+name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var text strings.Builder
	text.WriteString("accounts:\n")
	for _, name := range []string{"a", "b"} {
		write(name+".key", "canary-key-of-"+name)
		fmt.Fprintf(&text, "  - {name: %s, base_url: %q, credentials_file: %s.key, requests_per_second: %d, max_concurrent: %d, credits_interval: 0s}\n",
			name, api.URL, name, replicaRate, replicaAtATime)
		var list strings.Builder
		for n := range replicaTasks {
			id := fmt.Sprintf("%s_task_%04d", name, n)
			fmt.Fprintln(&list, id)
			sim.Put(kiesim.Task{ID: id, Model: "m", Created: time.Now(), Duration: 5*time.Second + time.Duration(n)*time.Second})
		}
		for _, task := range late(name, time.Hour) {
			fmt.Fprintln(&list, task.ID)
			sim.Put(task)
		}
		write(name+".txt", list.String())
	}
	fmt.Fprintf(&text, "groups:\n  - {name: a, account: a, files: [a.txt]}\n  - {name: b, account: b, files: [b.txt]}\n"+
		"polling: {max_wait: 0s, min_interval: 1s, max_interval: 2s}\nstorage: {redis: {addresses: [%q]}}\ncluster: {lease: %s}\n", server.Addr(), replicaLease)
	write("kie.yml", text.String())

	p := &pair{t: t, config: dir + "/kie.yml"}
	first, second := p.start("first"), p.start("second")
	each := func(holders map[string]*life) bool {
		return len(holders) == 2 && holders["a"] != holders["b"]
	}
	t.Logf("each replica has an account after %v", p.until("each has one", each))

	holders := p.look()
	_ = first.cmd.Process.Kill()
	lost := "a"
	if holders["b"] == first {
		lost = "b"
	}
	took := p.until("the other takes over", func(holders map[string]*life) bool { return holders[lost] == second })
	t.Logf("after kill -9 the other took over after %v", took)
	if took > replicaLease+time.Minute { // 3 s, and what a machine that stands still adds
		t.Errorf("the takeover took %v", took)
	}

	third := p.start("first") // the name is free again
	t.Logf("the share was given back after %v", p.until("each has one again", each))
	if err := second.cmd.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	p.until("the third has all", func(map[string]*life) bool { return len(third.taken(t)) == 2 })
	p.until("the third shows all", func(holders map[string]*life) bool { return holders["a"] == third && holders["b"] == third })
	took = time.Since(third.taken(t)[1])
	t.Logf("after an orderly end the other showed all %v after it took over", took)
	if took < 10*time.Second {
		t.Errorf("gauges are shown %v after a share was taken that had been released, while those of the former holder may be seen", took)
	}
	if err := <-second.ended; err != nil {
		t.Errorf("the orderly end: %v", err)
	}

	fourth := p.start("fourth")
	p.until("the fourth has one", each)
	moves := func() int { return len(third.taken(t)) + len(fourth.taken(t)) }
	settled := moves()
	for _, name := range []string{"a", "b"} {
		for _, task := range late(name, time.Second) {
			sim.Put(task)
		}
	}
	const all = 2 * (replicaTasks + lateTasks)
	wait.Until(t, 2*time.Minute, 200*time.Millisecond, func() error {
		if n := finals(t, server); n < all {
			return fmt.Errorf("%d of %d tasks are final in Redis", n, all)
		}
		return nil
	})
	twin := p.start("fourth")
	time.Sleep(65 * time.Second) // new counters show 0 for a minute
	select {
	case err := <-twin.ended:
		if exit, ok := errors.AsType[*exec.ExitError](err); !ok || exit.ExitCode() != 1 || !strings.Contains(twin.log.String(), "has the same name") {
			t.Errorf("a second replica of one name ends with %v", err)
		}
	default:
		t.Error("a second replica of one name goes on")
	}
	p.look()
	early, last := p.counted("m"), p.counted("late")
	if early > 2*replicaTasks || early == 0 {
		t.Errorf("%v of %d tasks were counted that finished while replicas came and went", early, 2*replicaTasks)
	}
	if moves() != settled { // a machine that stood still for a lease
		t.Logf("shares moved once more, %v of %d late tasks were seen counted", last, 2*lateTasks)
	} else if last != 2*lateTasks {
		t.Errorf("%v of %d tasks were counted that finished while no share moved", last, 2*lateTasks)
	}
	t.Logf("%v of %d tasks were counted, the others by replicas that ended before they showed it; and %v of %d late ones", early, 2*replicaTasks, last, 2*lateTasks)
	checkWindows(t, sim)
	if values := server.Everything(t); strings.Contains(values, "canary") || strings.Contains(values, api.URL) || !strings.Contains(values, "_task_") {
		t.Error("Redis has a key or a URL, or no tasks")
	}
}

// late returns tasks of an account that finish when told to.
func late(account string, after time.Duration) (tasks []kiesim.Task) {
	for n := range lateTasks {
		tasks = append(tasks, kiesim.Task{ID: fmt.Sprintf("%s_task_late_%04d", account, n), Model: "late", Created: time.Now(), Duration: after})
	}
	return tasks
}

// counted returns how many tasks of a model all replicas together said they had counted.
func (p *pair) counted(model string) (n float64) {
	for _, l := range p.lives {
		for labels, counted := range l.counts {
			if strings.HasSuffix(labels, `model="`+model+`"`) {
				n += counted
			}
		}
	}
	return n
}

// finals returns how many final records there are in Redis.
func finals(t *testing.T, server *redistest.Server) (n int) {
	t.Helper()
	for key := range strings.FieldsSeq(server.CLI(t, "--scan", "--pattern", "*:b:*")) {
		n += strings.Count("\n"+server.CLI(t, "--raw", "hvals", key), "\nF")
	}
	return n
}

// checkWindows sees to it that no window of time saw more requests of an account, of all replicas together, than the account may send.
func checkWindows(t *testing.T, sim *kiesim.Server) {
	t.Helper()
	times := make(map[string][]time.Time)
	for _, r := range sim.Requests() {
		if account, _, ok := strings.Cut(r.ID, "_task_"); ok {
			times[account] = append(times[account], r.At)
		}
	}
	for account, all := range times {
		worst := 0.0
		for i := range all {
			for j := i; j < len(all); j++ {
				worst = max(worst, float64(j-i+1)-replicaRate*all[j].Sub(all[i]).Seconds())
			}
		}
		t.Logf("account %s: %d requests, at most %.1f above the rate", account, len(all), worst)
		if worst > replicaAtATime+replicaRate { // a second of the network's jitter, as in the soak
			t.Errorf("account %s: %.1f requests above the rate, %d are allowed", account, worst, replicaAtATime)
		}
	}
}
