package faults_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
	"github.com/kie-exporter/kie_exporter/test/kit/redistest"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// What all replicas are told.
const (
	lease     = 10 * time.Second
	rate      = 10.0
	atATime   = 4
	perSecond = 3 // tasks that are created
)

func accounts() []string { return []string{"a", "b", "c"} }

// fleet is replicas over one Redis and one API. What it notes is looked at in the end.
type fleet struct {
	t        *testing.T
	server   *redistest.Server
	sim      *kiesim.Server
	api      string // URL, to which a replica's name is added
	dir      string
	random   *rand.Rand
	settings func(redisAddress string) string // the configuration; nil: the usual one
	long     bool                             // there is time for what takes long
	began    time.Time
	stopAll  func()
	ctx      context.Context //nolint:containedctx // for as long as the fleet works
	working  sync.WaitGroup
	between  atomic.Int64 // nanoseconds from a scrape of a process to the next one

	mu       sync.Mutex // guards what follows
	requests []request
	ends     map[string]time.Time // when each task finishes
	listed   map[string]time.Time
	finals   map[string]time.Time // when its final record was seen in Redis
	lives    []*life
	kills    []time.Time
	wakes    []pause              // after which processes that stood still went on
	steps    []time.Time          // of the server's clock
	troubles []time.Time          // when something was wrong with the server
	losses   int                  // of all that the server had
	once     map[string]time.Time // like finals, of records that the server may have lost since
	idle     bool                 // no task is created
}

// pause is how long all stood still, as seen from here; or when a process went on that had stood still.
type pause struct{ from, to time.Time }

// request is a query about a task as the API got it.
type request struct {
	account, id, replica string
	at                   time.Time
}

// newFleet starts Redis and the API at these addresses, and has tasks created.
func newFleet(t *testing.T, redisHost, apiHost string) *fleet {
	t.Helper()
	f := newIdleFleet(t, redisHost, apiHost)
	f.working.Go(func() { f.create(f.ctx) })
	f.working.Go(func() { f.watchRecords(f.ctx) })
	return f
}

// newIdleFleet is newFleet without tasks.
func newIdleFleet(t *testing.T, redisHost, apiHost string) *fleet {
	t.Helper()
	f := &fleet{
		t: t, dir: t.TempDir(), random: rand.New(rand.NewPCG(1, 1)), began: time.Now(), sim: kiesim.New(kiesim.Options{Credits: 100}),
		ends: make(map[string]time.Time), listed: make(map[string]time.Time), finals: make(map[string]time.Time), once: make(map[string]time.Time),
	}
	f.between.Store(int64(usuallyBetween))
	f.server = redistest.New(t, "--protected-mode", "no") // its network is a test's own
	f.server.Host = redisHost
	f.server.Up(t)
	l, err := net.Listen("tcp", net.JoinHostPort(apiHost, "0")) //nolint:noctx // returns at once
	if err != nil {
		t.Fatal(err)
	}
	api := &httptest.Server{Listener: l, Config: &http.Server{Handler: http.HandlerFunc(f.serve)}} //nolint:gosec // a test's own
	api.Start()
	f.api = api.URL
	for _, a := range accounts() {
		f.write(a+".key", "canary-key-of-"+a)
		f.write(a+".txt", "")
	}
	ctx, cancel := context.WithCancel(context.Background())
	f.ctx = ctx
	f.stopAll = func() { cancel(); f.working.Wait() }
	f.working.Go(f.watchPauses)
	t.Cleanup(func() { f.stopAll(); api.Close() })
	return f
}

func (f *fleet) write(name, text string) {
	if err := os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o600); err != nil {
		f.t.Fatal(err)
	}
}

// serve answers for the API. A replica is known by the first part of the path.
func (f *fleet) serve(w http.ResponseWriter, r *http.Request) {
	replica, path, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	if id := r.URL.Query().Get("taskId"); id != "" {
		account, _, _ := strings.Cut(id, "_")
		f.mu.Lock()
		f.requests = append(f.requests, request{account, id, replica, time.Now()})
		f.mu.Unlock()
	}
	r.URL.Path = "/" + path
	f.sim.ServeHTTP(w, r)
}

// create lists a new task now and then, until ctx ends.
func (f *fleet) create(ctx context.Context) {
	tick := time.NewTicker(time.Second / perSecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		account := accounts()[n%len(accounts())]
		id, now := fmt.Sprintf("%s_task_%06d", account, n), time.Now()
		lasts := time.Duration(2+n*11%28) * time.Second
		f.mu.Lock()
		idle := f.idle
		if !idle {
			f.ends[id], f.listed[id] = now.Add(lasts), now
		}
		f.mu.Unlock()
		if idle {
			continue
		}
		f.sim.Put(kiesim.Task{ID: id, Model: "m", Created: now, Duration: lasts})
		file, err := os.OpenFile(filepath.Join(f.dir, account+".txt"), os.O_APPEND|os.O_WRONLY, 0)
		if err == nil {
			_, err = fmt.Fprintln(file, id)
			err = errors.Join(err, file.Close())
		}
		if err != nil {
			f.t.Error(err)
			return
		}
	}
}

// finalIDs is a script that returns the ids of all final records.
const finalIDs = `local all = {}
for _, key in ipairs(redis.call('KEYS', '*:b:*')) do
  local pairs = redis.call('HGETALL', key)
  for i = 1, #pairs, 2 do if string.sub(pairs[i + 1], 1, 1) == 'F' then all[#all + 1] = pairs[i] end end
end
return all`

// watchRecords notes which tasks have final records, until ctx ends.
func (f *fleet) watchRecords(ctx context.Context) {
	for ctx.Err() == nil {
		f.mu.Lock()
		losses := f.losses
		f.mu.Unlock()
		out, err := f.server.TryFor(ctx, 2*time.Second, "--raw", "eval", finalIDs, "0")
		now := time.Now()
		f.mu.Lock()
		for id := range strings.FieldsSeq(out) {
			if _, there := f.finals[id]; !there && err == nil && losses == f.losses && !f.listed[id].IsZero() {
				f.finals[id] = now
			}
		}
		f.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(500 * time.Millisecond):
		}
	}
}

// watchPauses notes when this process stood still, which then all did as likely as not.
func (f *fleet) watchPauses() {
	for before := time.Now(); !f.isStopping(); {
		time.Sleep(50 * time.Millisecond)
		now := time.Now()
		if now.Sub(before) > time.Second {
			f.mu.Lock()
			f.wakes = append(f.wakes, pause{before, now})
			f.mu.Unlock()
		}
		before = now
	}
}

// finishAll has all tasks end within a second.
func (f *fleet) finishAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	soon := time.Now().Add(time.Second)
	for id, end := range f.ends {
		if end.After(soon) {
			f.ends[id] = soon
			f.sim.Put(kiesim.Task{ID: id, Model: "m", Created: f.listed[id], Duration: soon.Sub(f.listed[id])})
		}
	}
}

// lost notes that the server has just lost all it had: what was final has to be written again.
func (f *fleet) lost() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.losses++
	maps.Copy(f.once, f.finals)
	clear(f.finals)
}

// configure writes the configuration of a replica, whose requests are known by its name.
func (f *fleet) configure(name, redisAddress string) string {
	if f.settings != nil {
		f.write(name+".yml", f.settings(redisAddress))
		return filepath.Join(f.dir, name+".yml")
	}
	var text strings.Builder
	text.WriteString("accounts:\n")
	for _, a := range accounts() {
		fmt.Fprintf(&text, "  - {name: %s, base_url: %q, credentials_file: %s.key, requests_per_second: %g, max_concurrent: %d, timeout: 1m, credits_interval: 0s}\n",
			a, f.api+"/"+name, a, rate, atATime)
	}
	text.WriteString("groups:\n")
	for _, a := range accounts() {
		fmt.Fprintf(&text, "  - {name: %s, account: %s, files: [%s.txt]}\n", a, a, a)
	}
	fmt.Fprintf(&text, "polling: {max_wait: 0s, min_interval: 1s, max_interval: 3s}\nstorage: {redis: {addresses: [%q]}}\ncluster: {lease: %s}\n", redisAddress, lease)
	f.write(name+".yml", text.String())
	return filepath.Join(f.dir, name+".yml")
}

func (f *fleet) isStopping() bool { return f.ctx.Err() != nil }

// holders returns who said last, and within a lease, that it holds each account.
func (f *fleet) holders() map[string][]*life {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make(map[string][]*life)
	for _, l := range f.lives {
		if len(l.seen) == 0 || l.isOver() {
			continue
		}
		last := l.seen[len(l.seen)-1]
		if time.Since(last.ended) > lease/2 {
			continue
		}
		for a := range last.held {
			all[a] = append(all[a], l)
		}
	}
	return all
}

// until waits until each account has one holder that ok likes.
func (f *fleet) until(what string, ok func(l *life) bool) time.Duration {
	f.t.Helper()
	began := time.Now()
	wait.Until(f.t, 2*time.Minute, 100*time.Millisecond, func() error {
		holders := f.holders()
		for _, a := range accounts() {
			if h := holders[a]; len(h) != 1 || !ok(h[0]) {
				return fmt.Errorf("%s: account %s has %d holders", what, a, len(h))
			}
		}
		return nil
	})
	return time.Since(began)
}

func (f *fleet) allHeld() time.Duration {
	f.t.Helper()
	return f.until("all is held", func(*life) bool { return true })
}

// skipFirstLease has the server's table of leases look old, so that shares are taken at once. It comes when the replicas have started, so that each
// gets as many.
func (f *fleet) skipFirstLease() {
	f.t.Helper()
	run := regexp.MustCompile(`run_id:(\w+)`).FindStringSubmatch(f.server.CLI(f.t, "info", "server"))
	if run == nil {
		f.t.Fatal("the server has no run_id")
	}
	f.server.CLI(f.t, "hset", "kie1:{default}:meta", "run", run[1], "born", "1")
}

// holderOf returns who holds an account.
func (f *fleet) holderOf(account string) *life {
	f.t.Helper()
	var holder *life
	wait.Until(f.t, time.Minute, 50*time.Millisecond, func() error {
		h := f.holders()[account]
		if len(h) != 1 {
			return fmt.Errorf("account %s has %d holders", account, len(h))
		}
		holder = h[0]
		return nil
	})
	return holder
}

// leases returns who has each share in Redis, and under which epoch.
func (f *fleet) leases() map[string]string {
	const key = "kie1:{default}:leases"
	all := make(map[string]string)
	for share := range strings.FieldsSeq(f.server.CLI(f.t, "--raw", "hkeys", key)) {
		if parts := strings.Split(f.server.CLI(f.t, "--raw", "hget", key, share), "|"); len(parts) == 4 {
			all[share] = strings.Join(parts[:3], "|")
		}
	}
	return all
}

// leasesEnded returns how often processes have said that they lost a share because its lease ended.
func (f *fleet) leasesEnded() (n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, l := range f.lives {
		n += len(l.log.Lines("A share can't be held any more")) + len(l.log.Lines("Another replica has taken a share"))
	}
	return n
}

// settle has all tasks end, and waits until they have final records, and replicas have shown what they counted.
func (f *fleet) settle() {
	f.t.Helper()
	f.mu.Lock()
	f.idle = true
	kills := slices.Clone(f.kills)
	f.mu.Unlock()
	for _, at := range kills { // until then unfinished tasks have to be asked about
		if by := at.Add(askedWithin); !f.wasTroubled(at, by) {
			time.Sleep(time.Until(by))
		}
	}
	f.finishAll()
	wait.Until(f.t, 3*time.Minute, 500*time.Millisecond, func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		if len(f.finals) < len(f.ends) {
			missing := slices.DeleteFunc(slices.Collect(maps.Keys(f.ends)), func(id string) bool { _, ok := f.finals[id]; return ok })
			return fmt.Errorf("%d of %d tasks are final in Redis, not %s", len(f.finals), len(f.ends), missing[0])
		}
		return nil
	})
	time.Sleep(3 * time.Second)
	f.stopAll()
}
