// Strangers at every door, and what must stay on time meanwhile.

package soak_test

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/sim/kiesim"
)

// What is promised while strangers are at every door.
const (
	siegeScrapes  promise = "A scrape is answered with 200, within its timeout, and parses strictly"
	siegeLearns   promise = "The end of a task on an honest list is shown in time, and is true"
	siegeAlerts   promise = "No alert has a false reason: the key is accepted, no honest task is overdue or given up, lists are read"
	siegeHooks    promise = "A genuine callback is accepted, in time"
	siegeReloads  promise = "A reload is done in time"
	siegeEnds     promise = "SIGTERM ends the process in time, with 0"
	siegeNoEffect promise = "What strangers ask for is refused"
	siegeNothing  promise = "Keys, prompts, results and other files are in no metric, page, log, and sent nowhere"
	siegeMemory   promise = "Memory, goroutines, open files and the log stay within their bounds"
	siegeDone     promise = "Every stranger did what is to be done"
)

func siegePromises() []promise {
	return []promise{
		siegeScrapes, siegeLearns, siegeAlerts, siegeHooks, siegeReloads, siegeEnds, siegeNoEffect, siegeNothing, siegeMemory, siegeDone,
	}
}

// The lines of a document between which the results are.
const (
	siegeBegins = "<!-- Results of `make soak-attack`; what is between here and the end mark is generated. -->"
	siegeEnd    = "<!-- End of results with strangers. -->"
)

// What a siege holds the exporter to. On a busy machine moments become seconds, so the short one, which shares it with other tests, is
// more patient.
const (
	siegeTimeout    = 5 * time.Second // of a scrape
	siegeHookWait   = 5 * time.Second
	siegeReloadWait = 15 * time.Second // it waits 10 s for the first answer of a list by HTTP
	siegeEndWait    = 10 * time.Second
	siegeLearnWait  = 30 * time.Second
	siegeStartWait  = 90 * time.Second // after a start, when what was kept is lost and lists that are there take a quarter of the budget

	siegeResident   = 320 << 20 // bytes; not under the race detector, which takes many times as much
	siegeGoroutines = 1200
	siegeFiles      = 600
	siegeLogRate    = 2 << 10 // bytes a second, on top of
	siegeLogStart   = 16 << 10
)

// siege is a siege under way. It is safe for concurrent use, but for what belongs to the operator.
type siege struct {
	plan    plan
	slack   time.Duration // that a busy machine may add
	dir     string
	verdict *verdict
	sim     *kiesim.Server
	url     string
	trap    string // where redirects lead
	lists   string // URL of a server of lists that means no good
	book    *book
	honest  *list
	process atomic.Pointer[process]

	scrapes, callbacks, served atomic.Int64

	// These belong to the operator.
	processes int

	mu       sync.Mutex
	done     map[string]int
	listedAt map[string]time.Time
	asked    map[string][]time.Time   // when each task was asked about
	spoilt   map[string]int           // answers about each task in a row that were of no use
	delays   map[string]time.Duration // from a task's end to the scrape that showed it
	slowest  map[string]time.Duration // by what was waited for
	most     map[string]float64       // of what the process takes
}

// TestHonestWorkStaysOnTimeWithStrangersAtEveryDoor lets somebody attack the lists, both ports, the way to the API and the storage at the
// same time, while tasks are listed, scraped and called back as usual.
func TestHonestWorkStaysOnTimeWithStrangersAtEveryDoor(t *testing.T) {
	if testing.Short() {
		t.Skip("takes half a minute")
	}
	p := newPlan(t)
	p.report = os.Getenv("SOAK_ATTACK_REPORT")
	s := newSiege(t, p)
	t.Logf("under siege for %v with seed %d", p.length, p.seed)
	s.startProcess(t)
	ctx, end := context.WithCancel(t.Context())
	var everybody sync.WaitGroup
	for _, work := range s.honestWork() {
		everybody.Go(func() { s.every(ctx, work) })
	}
	for name, stranger := range s.strangers() {
		for i := range stranger.many {
			everybody.Go(func() { s.attack(ctx, name, stranger, s.chance(fmt.Sprint(name, i))) })
		}
	}
	s.operate(t)
	end()
	everybody.Wait()
	s.judge()
	text := s.results()
	t.Log("\n" + text)
	if p.report != "" && !t.Failed() {
		putResults(t, p.report, siegeBegins, siegeEnd, text)
	}
}

func newSiege(t *testing.T, p plan) *siege {
	t.Helper()
	v := newVerdict(t)
	s := &siege{
		plan: p, slack: 2 * time.Second, dir: t.TempDir(), verdict: v,
		sim:  kiesim.New(kiesim.Options{Seed: p.seed, Latency: 2 * time.Millisecond, Credits: 1e6, TopUp: 1e6}),
		done: map[string]int{}, listedAt: map[string]time.Time{}, asked: map[string][]time.Time{}, spoilt: map[string]int{}, delays: map[string]time.Duration{}, slowest: map[string]time.Duration{}, most: map[string]float64{},
	}
	if !p.long() {
		s.slack = patience / 2
	}
	serve := func(h http.Handler) string {
		server := httptest.NewServer(h)
		t.Cleanup(server.Close)
		return server.URL
	}
	s.url = serve(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		id := r.URL.Query().Get("taskId")
		s.mu.Lock()
		s.asked[id] = append(s.asked[id], time.Now())
		s.mu.Unlock()
		copied := &copier{ResponseWriter: w}
		s.sim.ServeHTTP(copied, r)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.spoilt[id]++; copied.isAbout(id) {
			delete(s.spoilt, id)
		}
	}))
	s.trap = serve(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		v.check(siegeNothing, false, "somebody was sent %s", r.URL.Path)
	}))
	s.lists = serve(http.HandlerFunc(s.serveList))
	s.book = newBook(s.sim, s.chance("lives"))
	s.honest = &list{group: "honest", account: accounts()[0], path: filepath.Join(s.dir, "honest.txt")}
	s.spoil()
	for name, text := range map[string]string{"alpha.key": keyOf("alpha"), "hooks.key": hookKey(), "honest.txt": "", "kie_exporter.yml": s.configuration()} {
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(s.dir, "strangers"), 0o700); err != nil {
		t.Fatal(err)
	}
	return s
}

func (s *siege) configuration() string {
	return fmt.Sprintf(`accounts:
  - {name: alpha, base_url: %q, credentials_file: alpha.key, webhook_keys_files: [hooks.key], requests_per_second: %d, max_concurrent: %d, timeout: 3s, credits_interval: 10s}
groups:
  - {name: honest, files: [honest.txt]}
  - {name: strangers, max_tasks: 50, files: [strangers/*]}
  - {name: server, max_tasks: 50, http: {url: %q, refresh_interval: 2s}}
polling: {background: true, max_wait: 2s, min_interval: 1s, max_interval: 10s}
limits: {task_series: 100000}
`, s.url, accountRate, accountConcurrent, s.lists)
}

func (s *siege) chance(who string) *rand.Rand { return (&world{plan: s.plan}).chance(who) }

func (s *siege) startProcess(t *testing.T) {
	t.Helper()
	s.processes++
	s.process.Store(startProcess(t, s.processes, nil, s.verdict,
		"--config.file="+filepath.Join(s.dir, "kie_exporter.yml"), "--storage.path="+s.storage(), "--web.listen-address=127.0.0.1:0",
		"--web.webhook-listen-address=127.0.0.1:0", "--web.enable-lifecycle", "--web.max-connections=200"))
}

func (s *siege) storage() string { return filepath.Join(s.dir, "data") }

// current returns the process, if one runs that is not told to end.
func (s *siege) current() (p *process, ok bool) {
	p = s.process.Load()
	return p, p != nil && !p.isEnding()
}

// operate reloads, ends and starts the exporter until the time is over. Before each start somebody has been at the storage.
func (s *siege) operate(t *testing.T) {
	t.Helper()
	lives := 2
	if s.plan.long() {
		lives = int(s.plan.length / (time.Minute + 15*time.Second))
	}
	for life := range lives {
		if life > 0 {
			s.meddle(t, life)
			s.startProcess(t)
		}
		for part := range 3 {
			wait(t.Context(), s.plan.length/time.Duration(3*lives))
			if part == 0 {
				s.meddleWhileRunning(life)
			}
			s.reload(t.Context())
		}
		s.stop()
	}
}

// stop ends the process in the midst of everything.
func (s *siege) stop() {
	p, start := s.process.Load(), time.Now()
	err := p.end(syscall.SIGTERM)
	took := time.Since(start)
	s.process.Store(nil)
	s.verdict.check(siegeEnds, err == nil && took <= siegeEndWait+s.slack, "after %v: %v", took, err)
	s.took("SIGTERM", took)
	lived := time.Since(p.started)
	said := p.said.Load()
	s.verdict.check(siegeMemory, said <= siegeLogStart+int64(siegeLogRate*lived.Seconds()), "the log has %d bytes after %v: %s", said, lived, p.lastWords())
	s.note("bytes of log a minute", float64(said)/lived.Minutes())
}

func (s *siege) reload(ctx context.Context) {
	p, start := s.process.Load(), time.Now()
	status, err := s.send(ctx, http.MethodPost, p.base+"/-/reload", nil)
	took := time.Since(start)
	s.verdict.check(siegeReloads, err == nil && status == http.StatusOK && took <= siegeReloadWait+s.slack, "status %d, %v after %v", status, err, took)
	s.took("reload", took)
}

// send sends a request without a body.
func (s *siege) send(ctx context.Context, method, url string, header http.Header) (status int, err error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, method, url, http.NoBody)
	if err != nil {
		return 0, err
	}
	if header != nil {
		r.Header = header
		r.Host = cmp.Or(header.Get("Host"), r.Host)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		return 0, err
	}
	return resp.StatusCode, resp.Body.Close()
}

// took notes how long something took.
func (s *siege) took(what string, d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.slowest[what] = max(s.slowest[what], d)
}

// note notes how much there is of something.
func (s *siege) note(what string, n float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.most[what] = max(s.most[what], n)
}

// did counts what somebody did.
func (s *siege) did(what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.done[what]++
}

// judge looks back at what can only be known at the end.
func (s *siege) judge() {
	for name, stranger := range s.strangers() {
		for _, what := range stranger.deeds {
			n := s.done[name+": "+what]
			s.verdict.check(siegeDone, n > 0 || !s.plan.long(), "there was nothing of %s: %s", name, what)
		}
	}
	s.verdict.check(siegeDone, len(s.delays) > 0 && s.callbacks.Load() > 0, "%d ends were seen, %d callbacks sent", len(s.delays), s.callbacks.Load())
	maps.Copy(s.done, s.sim.Stats().Mixed)
}

// results returns the results in Markdown.
func (s *siege) results() string {
	var b strings.Builder
	fmt.Fprintf(&b, "A siege of %v with seed %d, on %s/%s with %d processors, Go %s.\n\n", time.Since(s.verdict.start).Round(time.Second), s.plan.seed,
		runtime.GOOS, runtime.GOARCH, runtime.NumCPU(), strings.TrimPrefix(runtime.Version(), "go"))
	table(&b, "what was promised", "looked at", "broken", func(row func(cells ...any)) {
		for _, p := range siegePromises() {
			looked, broken := s.verdict.counts(p)
			row(p, looked, broken)
		}
	})
	table(&b, "what was measured", "", "", func(row func(cells ...any)) {
		for _, f := range s.figures() {
			row(f.name, f.value)
		}
	})
	table(&b, "what strangers did", "times", "", func(row func(cells ...any)) {
		for _, name := range sortedKeys(s.done) {
			row(name, s.done[name])
		}
	})
	return strings.TrimSuffix(b.String(), "\n")
}

func (s *siege) figures() []figure {
	delays := make([]time.Duration, 0, len(s.delays))
	for _, d := range s.delays {
		delays = append(delays, d)
	}
	slices.Sort(delays)
	at := func(share float64) time.Duration {
		if len(delays) == 0 {
			return 0
		}
		return delays[int(share*float64(len(delays)-1))].Round(10 * time.Millisecond)
	}
	figures := []figure{
		{"processes; scrapes; genuine callbacks", fmt.Sprintf("%d; %d; %d", s.processes, s.scrapes.Load(), s.callbacks.Load())},
		{"honest tasks whose end was shown; after their end: half of them, 99 of 100, all", fmt.Sprintf("%d; %v, %v, %v", len(delays), at(0.5), at(0.99), at(1))},
	}
	for _, what := range sortedKeys(s.slowest) {
		figures = append(figures, figure{"slowest " + what, s.slowest[what].Round(time.Millisecond).String()})
	}
	for _, what := range sortedKeys(s.most) {
		value := fmt.Sprintf("%.0f", s.most[what])
		if strings.HasSuffix(what, "memory") {
			value = mebibytes(s.most[what])
		}
		figures = append(figures, figure{"most " + what, value})
	}
	return figures
}
