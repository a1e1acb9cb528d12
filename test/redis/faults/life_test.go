package faults_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"os/exec"
	"regexp"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/output"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// life is a process of a replica from its start to its end.
type life struct {
	fleet *fleet
	name  string
	cmd   *exec.Cmd
	base  string
	log   output.Text
	over  chan struct{}
	err   error // with which it ended; once over is closed

	// The fleet's lock guards what follows.
	seen   []sight
	killed bool
}

// sight is one scrape: what was said at some moment between two.
type sight struct {
	began, ended time.Time
	held, shown  map[string]bool
	tasks        float64            // all that are shown
	taken        map[string]float64 // how often each account was taken so far
	counted      map[string]float64
	uncounted    map[string]float64
	calls        float64 // to Redis
}

// start starts a replica. Prefix runs it in another place, such as a network of its own.
func (f *fleet) start(name, redisAddress, listen string, prefix ...string) *life {
	f.t.Helper()
	l := &life{fleet: f, name: name, over: make(chan struct{})}
	args := append(append([]string(nil), prefix...), "kie_exporter", "--config.file="+f.configure(name, redisAddress), "--web.listen-address="+listen+":0",
		"--storage.path="+f.t.TempDir(), "--cluster.replica="+name)
	l.cmd = exec.Command(args[0], args[1:]...) //nolint:noctx,gosec // ended below
	l.cmd.Stderr = &l.log
	if err := l.cmd.Start(); err != nil {
		f.t.Fatal(err)
	}
	go func() { l.err = l.cmd.Wait(); close(l.over) }()
	f.t.Cleanup(func() {
		_ = l.cmd.Process.Kill()
		<-l.over
		if f.t.Failed() {
			f.t.Logf("%s:\n%s", name, l.log.String())
		}
	})
	listening := regexp.MustCompile(`msg="Listening on" address=(\S+)`)
	wait.Until(f.t, time.Minute, 10*time.Millisecond, func() error {
		if !listening.MatchString(l.log.String()) {
			return errors.New("it does not listen: " + l.log.String())
		}
		return nil
	})
	l.base = "http://" + listening.FindStringSubmatch(l.log.String())[1]
	f.mu.Lock()
	f.lives = append(f.lives, l)
	f.mu.Unlock()
	f.working.Go(l.watch)
	return l
}

func (l *life) isOver() bool {
	select {
	case <-l.over:
		return true
	default:
		return false
	}
}

// usuallyBetween is how much time passes between two scrapes of a process.
const usuallyBetween = 150 * time.Millisecond

// watch scrapes the process until it or the fleet ends.
func (l *life) watch() {
	for !l.isOver() && !l.fleet.isStopping() {
		if s, err := l.scrape(5 * time.Second); err == nil {
			l.fleet.mu.Lock()
			l.seen = append(l.seen, s)
			l.fleet.mu.Unlock()
		}
		time.Sleep(time.Duration(l.fleet.between.Load()))
	}
}

var sample = regexp.MustCompile(`(?m)^(kie_exporter_share_held|kie_exporter_share_changes_total|kie_tasks|kie_exporter_detection_delay_seconds_count|kie_exporter_uncounted_tasks_total|kie_exporter_redis_calls_total)\{(.*)\} (\S+)$`)

var label = regexp.MustCompile(`(account|group|change)="(\w+)"`)

func (l *life) scrape(within time.Duration) (s sight, err error) {
	s = sight{began: time.Now(), held: map[string]bool{}, shown: map[string]bool{}, taken: map[string]float64{}, counted: map[string]float64{}, uncounted: map[string]float64{}}
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, l.base+"/metrics", http.NoBody)
	if err != nil {
		return s, err
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return s, err
	}
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	s.ended = time.Now()
	for _, m := range sample.FindAllStringSubmatch(string(body), -1) {
		labels := map[string]string{}
		for _, pair := range label.FindAllStringSubmatch(m[2], -1) {
			labels[pair[1]] = pair[2]
		}
		value, e := strconv.ParseFloat(m[3], 64)
		if e != nil {
			return s, e
		}
		switch m[1] {
		case "kie_exporter_share_held":
			if value == 1 {
				s.held[labels["account"]] = true
			}
		case "kie_exporter_share_changes_total":
			if labels["change"] == "taken" {
				s.taken[labels["account"]] += value
			}
		case "kie_tasks":
			s.shown[labels["group"]] = true
			s.tasks += value
		case "kie_exporter_redis_calls_total":
			s.calls += value
		case "kie_exporter_detection_delay_seconds_count":
			s.counted[labels["group"]] += value
		default:
			s.uncounted[labels["group"]] += value
		}
	}
	return s, err
}

// scrapesMakeNoCalls compares how often a process calls Redis while it is scraped as fast as it can be to how often it does so before and after.
func (l *life) scrapesMakeNoCalls() {
	const clients, each = 8, 50
	rest := func() { time.Sleep(3 * time.Second) }
	before := l.callsDuring(rest)
	busy := l.callsDuring(func() {
		var all sync.WaitGroup
		for range clients {
			all.Go(func() {
				for range each {
					l.mustScrape()
				}
			})
		}
		all.Wait()
	})
	after := l.callsDuring(rest)
	most := 2*max(before.perSecond(), after.perSecond())*busy.took.Seconds() + clients*each/2
	l.fleet.t.Logf("%.1f calls to Redis a second, %.1f after that, and %.0f in %v with %d scrapes", before.perSecond(), after.perSecond(), busy.calls, busy.took, clients*each)
	if busy.calls > most {
		l.fleet.t.Errorf("%.0f calls to Redis while there were %d scrapes, want %.0f at most", busy.calls, clients*each, most)
	}
}

// tally is how often a process has called Redis in some time.
type tally struct {
	calls float64
	took  time.Duration
}

func (t tally) perSecond() float64 { return t.calls / t.took.Seconds() }

func (l *life) callsDuring(what func()) tally {
	before := l.mustScrape()
	what()
	after := l.mustScrape()
	return tally{after.calls - before.calls, after.ended.Sub(before.ended)}
}

func (l *life) mustScrape() sight {
	s, err := l.scrape(3 * time.Minute)
	if err != nil {
		l.fleet.t.Error(err)
	}
	return s
}

// kill ends the process at once.
func (l *life) kill() {
	l.fleet.mu.Lock()
	l.killed = true
	l.fleet.kills = append(l.fleet.kills, time.Now())
	l.fleet.mu.Unlock()
	_ = l.cmd.Process.Kill()
	<-l.over
}

// end ends the process in order.
func (l *life) end() {
	_ = l.cmd.Process.Signal(syscall.SIGTERM)
	<-l.over
	if l.err != nil {
		l.fleet.t.Errorf("%s ends with %v", l.name, l.err)
	}
}

// standStill has the process stand still for a while.
func (l *life) standStill(d time.Duration) {
	_ = l.cmd.Process.Signal(syscall.SIGSTOP)
	time.Sleep(d)
	l.fleet.mu.Lock()
	l.fleet.wakes = append(l.fleet.wakes, pause{time.Now(), time.Now()})
	l.fleet.mu.Unlock()
	_ = l.cmd.Process.Signal(syscall.SIGCONT)
}
