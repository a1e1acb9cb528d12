// Everything that takes part, and what each does all along.

package soak_test

import (
	"context"
	"crypto/sha256"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	historicTasks = 5 // of each list: those that had finished long before
	heartbeats    = 15 * time.Second
)

// world is a soak under way.
type world struct {
	plan     plan
	dir      string
	verdict  *verdict
	api      *api
	book     *book
	lists    []*list
	config   *configuration
	scrapers []*scraper
	looker   *looker
	server   *listServer
	caller   *caller
	pusher   *pusher
	streamer *streamer
	usage    usage
	process  atomic.Pointer[process] // nil: none runs

	// What follows belongs to who operates.
	processes int
	kept      kept // as of the last process's end
	killed    map[int]bool
	deeds     map[string]int // of the operator, by name

	mu      sync.Mutex
	manners map[string]int // in which lists were written
}

func newWorld(t *testing.T, p plan) *world {
	t.Helper()
	v := newVerdict(t)
	w := &world{
		plan: p, dir: t.TempDir(), verdict: v, api: startAPI(t, p.seed, v),
		kept: kept{}, killed: map[int]bool{}, deeds: map[string]int{}, manners: map[string]int{},
	}
	w.book = newBook(w.api.Server, w.chance("lives"))
	for _, a := range accounts() {
		w.api.accounts[keyOf(a)] = a
	}
	w.looker = &looker{w: w}
	w.caller = &caller{w: w, random: w.chance("callbacks"), became: map[callback]int{}}
	w.pusher = &pusher{w: w, random: w.chance("pushes"), became: map[push]int{}}
	w.streamer = newStreamer(w)
	w.lists = newLists(w.dir)
	for _, l := range w.lists {
		if l.group == hookedGroup {
			w.server = serveList(t, l, w.known, w.chance("server"))
		}
	}
	var err error
	if w.config, err = newConfiguration(w.dir, w.api.url, w.lists); err != nil {
		t.Fatal(err)
	}
	w.scrapers = []*scraper{
		{w: w, format: openMetrics(), interval: time.Second, timeout: 5 * time.Second},
		{w: w, format: plainText(), interval: 2700 * time.Millisecond, timeout: 3 * time.Second},
	}
	return w
}

// chance returns the random numbers of one who decides.
func (w *world) chance(who string) *rand.Rand {
	return rand.New(rand.NewChaCha8(sha256.Sum256(fmt.Append(nil, w.plan.seed, who))))
}

// start lists what had finished before, and starts the first process.
func (w *world) start(t *testing.T) {
	t.Helper()
	for _, l := range w.lists {
		if l.group == pushedGroup {
			continue
		}
		for range historicTasks {
			l.add(w.book.create(l.group, l.account, longAgo))
		}
		if l.path == "" {
			continue
		}
		if err := l.replace(); err != nil {
			t.Fatal(err)
		}
	}
	w.startProcess(t)
}

func (w *world) startProcess(t *testing.T) {
	t.Helper()
	if err := w.config.write(w.config.render(full())); err != nil {
		t.Fatal(err)
	}
	w.processes++
	w.api.begin(w.processes)
	w.process.Store(startProcess(t, w.processes, w.kept, w.verdict,
		"--config.file="+w.config.path, "--storage.path="+w.folder("data"), "--web.listen-address=127.0.0.1:0",
		"--web.webhook-listen-address=127.0.0.1:0", "--web.enable-lifecycle", "--log.level=debug"))
}

// current returns the process that runs; nil: none does.
func (w *world) current() *process { return w.process.Load() }

// stop ends the process and looks at what it leaves.
func (w *world) stop(t *testing.T, how syscall.Signal) {
	t.Helper()
	p := w.current()
	err := p.end(how)
	w.process.Store(nil)
	w.verdict.check(endsWhenTold, err == nil, "process %d: %v", p.number, err)
	w.killed[p.number] = how == syscall.SIGKILL
	w.deeds["ended by "+how.String()]++
	for what, n := range p.totals.deeds() {
		if w.plan.long() { // short, a process may live through none
			w.deeds[what] += n
		}
	}
	w.kept = readKept(t, w.folder("data"), w.verdict)
	w.kept.checkAgainst(p, w.book, w.verdict)
	w.api.end(w.kept.finished(), p.failed)
}

func (w *world) restart(t *testing.T, how syscall.Signal) {
	t.Helper()
	w.stop(t, how)
	w.startProcess(t)
}

// create makes tasks at random moments and lists them, and has their callbacks sent, until ctx ends.
func (w *world) create(ctx context.Context) {
	r := w.chance("arrivals")
	var calls sync.WaitGroup
	defer calls.Wait()
	for ctx.Err() == nil {
		w.pause(ctx, time.Duration(r.ExpFloat64()*float64(time.Second)/w.plan.tasksPerSecond()))
		l := w.lists[r.IntN(len(w.lists))]
		id := w.book.create(l.group, l.account, 0)
		f, _ := w.book.fact(id)
		switch l.group {
		case pushedGroup:
			calls.Go(func() { w.pusher.deliver(ctx, l, f) })
			continue
		case hookedGroup:
			calls.Go(func() { w.caller.follow(ctx, f) })
		}
		l.add(id)
	}
}

// rewrite writes a list again and again, until ctx ends.
func (w *world) rewrite(ctx context.Context, l *list, r *rand.Rand) {
	for ctx.Err() == nil {
		w.pause(ctx, time.Duration(500+r.IntN(2500))*time.Millisecond)
		l.retire(w.known)
		manner, err := l.write(r)
		w.verdict.check(everythingDone, err == nil, "%s: %v", l.path, err)
		w.mu.Lock()
		w.manners[manner]++
		w.mu.Unlock()
	}
}

// known reports whether a task is known for good to have finished.
func (w *world) known(id string) bool { return w.looker.known(id) || w.api.isSettled(id) }

// retiredBefore reports whether a task was taken off its list before a time.
func (w *world) retiredBefore(f *fact, at time.Time) bool {
	for _, l := range w.lists {
		if l.group == f.group && l.retiredBefore(f.id, at) {
			return true
		}
	}
	return false
}

// heartbeat logs how far things are, until ctx ends.
func (w *world) heartbeat(ctx context.Context, t *testing.T) {
	for {
		w.pause(ctx, heartbeats)
		if ctx.Err() != nil {
			return
		}
		asked, repeated, _ := w.api.counts()
		t.Logf("%6.1fs: process %d, %d tasks, %d requests, %d of them repeated, %d scrapes, %d findings; %s", time.Since(w.verdict.start).Seconds(),
			w.api.process(), w.book.len(), asked, repeated, w.scrapers[0].scrapes.Load()+w.scrapers[1].scrapes.Load(), w.verdict.total(), w.mood(ctx))
	}
}

// mood says how the accounts do.
func (w *world) mood(ctx context.Context) string {
	p := w.current()
	if p == nil {
		return "nothing runs"
	}
	e, err := glance(ctx, p, shortly)
	if err != nil {
		return "no answer"
	}
	said := []string{fmt.Sprintf("%v due, pace %.0f/s", e.sum("kie_exporter_due_tasks", nil), e.sum("kie_api_pace_requests_per_second", nil))}
	for _, k := range e.named["kie_api_gate_closed"] {
		if k.value == 1 {
			said = append(said, k.labels.Get("account")+" closed for "+k.labels.Get("reason"))
		}
	}
	return strings.Join(said, ", ")
}

// pause waits, or until ctx ends.
func (w *world) pause(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}

// environment is that of the exporter: nothing in it may stand in for what the configuration lacks.
func environment() []string { return append(os.Environ(), "KIE_API_KEY=") }
