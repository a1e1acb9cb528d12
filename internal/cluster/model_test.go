//go:build !noredis

package cluster

import (
	"container/heap"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/redis"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/test/kit/program"
	"github.com/kie-exporter/kie_exporter/test/kit/redistest"
)

// world is some replicas and a Redis server in virtual time. Calls are late, lost and made twice; replicas die, stand still and come again;
// the server is restarted, with all it had, with an older copy of it, or with nothing.
type world struct {
	t        *testing.T
	rand     *rand.Rand
	server   server
	now      time.Duration
	run      int // of the server
	replicas []*replica
	shares   []share.Share
	events   queue
	healthy  bool
	notes    bool // are taken
	log      []string
	calls    int
}

// server is what the replicas call.
type server interface {
	tick(at time.Time, run string, args []any) any
	copy()  // what it has
	empty() // the copy
	load()  // the copy
}

// replica is a process, or what was one.
type replica struct {
	*state
	name  string
	lives int           // so far
	skew  time.Duration // of its clock
	still time.Duration // until when it stands still
	dead  bool
}

const modelLease = 30 * time.Second

var epochOfModel = time.Unix(1_800_000_000, 0)

type event struct {
	at time.Duration
	n  int // in order where times are the same
	do func()
}

type queue []event

func (q queue) Len() int           { return len(q) }
func (q queue) Less(i, j int) bool { return q[i].at < q[j].at || q[i].at == q[j].at && q[i].n < q[j].n }
func (q queue) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *queue) Push(x any)        { *q = append(*q, x.(event)) }
func (q *queue) Pop() any          { x := (*q)[len(*q)-1]; *q = (*q)[:len(*q)-1]; return x }

func (w *world) after(d time.Duration, do func()) {
	w.calls++
	heap.Push(&w.events, event{w.now + d, w.calls, do})
}

func (w *world) chance(percent int) bool { return !w.healthy && w.rand.IntN(100) < percent }

func (w *world) upTo(d time.Duration) time.Duration { return time.Duration(w.rand.Int64N(int64(d))) }

func (w *world) note(format string, args ...any) {
	if !w.notes {
		return
	}
	w.log = append(w.log, fmt.Sprintf("%8.3f ", w.now.Seconds())+fmt.Sprintf(format, args...))
}

func (r *replica) clock(now time.Duration) time.Time { return epochOfModel.Add(now + r.skew) }

func (w *world) start(r *replica) {
	r.lives++
	r.dead, r.still = false, 0
	r.state = newState(r.name, r.name+"."+strconv.Itoa(r.lives), "1", modelLease)
	r.set(w.shares, "same")
	w.note("%s starts", r.session)
	w.tick(r, r.state)
}

// tick has a replica make a call, and the next one later.
func (w *world) tick(r *replica, life *state) {
	if r.dead || r.state != life {
		return
	}
	if w.now < r.still {
		w.after(r.still-w.now, func() { w.tick(r, life) })
		return
	}
	r.expire(r.clock(w.now))
	for _, h := range r.holds {
		if !h.leaving.IsZero() && (w.healthy || w.rand.IntN(3) > 0) {
			r.gone(h)
		}
	}
	args, released, sent := r.args(true), maps.Clone(r.release), r.clock(w.now)
	calls := 1
	if w.chance(5) {
		calls = 2
	}
	for range calls {
		out, back := w.upTo(50*time.Millisecond), w.upTo(50*time.Millisecond)
		if w.chance(10) {
			out = w.upTo(20 * time.Second)
		}
		if w.chance(10) {
			back = w.upTo(20 * time.Second)
		}
		lost, unheard := w.chance(8), w.chance(8)
		w.after(out, func() {
			if lost {
				return
			}
			answer := w.call(args)
			if unheard {
				w.note("%s is not answered", life.session)
				return
			}
			w.after(back, func() { w.heard(r, life, answer, sent, released) })
		})
	}
	w.after(modelLease/ticksALease, func() { w.tick(r, life) })
}

func (w *world) heard(r *replica, life *state, answer any, sent time.Time, released map[share.Share]uint64) {
	if r.dead || r.state != life {
		return
	}
	if w.now < r.still {
		w.after(r.still-w.now, func() { w.heard(r, life, answer, sent, released) })
		return
	}
	reply, err := parse(answer)
	if err != nil {
		w.t.Fatal(err)
	}
	now := r.clock(w.now)
	r.expire(now)
	c := r.take(reply, sent, now, released)
	r.leave(c.shed, now)
	w.note("%s %s: holds %v, lost %v, sheds %d", life.session, reply.state, reply.held, reply.lost, reply.shed)
	w.check()
}

// check sees to it that no share has two holders.
func (w *world) check() {
	holder := make(map[share.Share]string)
	for _, r := range w.replicas {
		if r.dead {
			continue
		}
		for sh, h := range r.holds {
			if !r.valid(h.asked, r.clock(w.now)) {
				continue
			}
			if other, ok := holder[sh]; ok {
				w.fail("%v is held by %s and %s", sh, other, r.session)
			}
			holder[sh] = r.session
		}
	}
}

// fail ends the history. What is noted takes most of the time, so without notes it is run again with them.
func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	if !w.notes {
		panic(errAgain)
	}
	w.t.Fatalf(format+"\n%s", append(args, strings.Join(w.log, "\n"))...)
}

func (w *world) call(args []any) any {
	return w.server.tick(epochOfModel.Add(w.now), "run"+strconv.Itoa(w.run), args)
}

// fault has something happen.
func (w *world) fault() {
	r := w.replicas[w.rand.IntN(len(w.replicas))]
	switch n := w.rand.IntN(8); {
	case n < 2 && r.dead:
		w.start(r)
	case n < 1:
		w.note("%s dies", r.session)
		r.dead = true
	case n < 2: // an orderly end
		w.note("%s ends", r.session)
		for _, h := range r.holds {
			r.gone(h)
		}
		w.call(r.args(false))
		r.dead = true
	case n < 4:
		if r.still = w.now + w.upTo(2*modelLease); !r.dead {
			w.note("%s stands still until %v", r.session, r.still)
		}
	case n < 5:
		w.server.copy()
		w.note("the server is copied")
	case n < 6:
		w.run++
		w.note("the server is restarted")
	case n < 7:
		w.run++
		w.server.load()
		w.note("the server is restarted with an older copy")
	default:
		w.server.empty()
		w.server.load()
		w.note("the server loses all it has")
	}
}

func (w *world) until(end time.Duration) {
	for len(w.events) > 0 && w.events[0].at <= end {
		e := heap.Pop(&w.events).(event)
		w.now = e.at
		e.do()
	}
	w.now = end
}

// history is one run of the world: some minutes with faults, then some without, after which all is shared out evenly.
func (w *world) history() {
	w.t.Helper()
	for n, shares := 0, 1+w.rand.IntN(12); n < shares; n++ {
		w.shares = append(w.shares, share.Share{Account: "a", Part: n, Parts: shares})
	}
	for i := range 3 + w.rand.IntN(8) {
		r := &replica{name: "r" + strconv.Itoa(i), skew: w.upTo(time.Hour) - 30*time.Minute}
		w.replicas = append(w.replicas, r)
		r.state = newState("", "", "", modelLease)
		r.dead = true
		w.after(w.upTo(modelLease), func() { w.start(r) })
	}
	w.until(2 * modelLease)
	for range 6 {
		w.until(w.now + w.upTo(modelLease/2))
		w.fault()
	}
	w.healthy = true
	for _, r := range w.replicas {
		r.still = 0
	}
	w.note("all is well from now on")
	w.until(w.now + 5*modelLease)
	live, most, least, held := 0, 0, len(w.shares), 0
	for _, r := range w.replicas {
		if !r.dead {
			r.expire(r.clock(w.now))
			live, held = live+1, held+len(r.holds)
			most, least = max(most, len(r.holds)), min(least, len(r.holds))
		}
	}
	if live > 0 && (held != len(w.shares) || most-least > 1) {
		w.fail("%d of %d shares are held by %d replicas, %d to %d each", held, len(w.shares), live, least, most)
	}
}

// histories runs histories of all kinds. KIE_TEST_HISTORIES says how many, KIE_TEST_SEED which one.
func histories(t *testing.T, n int, start func() server) {
	t.Helper()
	first := uint64(1)
	if more, err := strconv.Atoi(os.Getenv("KIE_TEST_HISTORIES")); err == nil {
		n = more
	}
	if seed, err := strconv.ParseUint(os.Getenv("KIE_TEST_SEED"), 10, 64); err == nil {
		n, first = 1, seed
	}
	events := 0
	for seed := first; seed < first+uint64(n); seed++ {
		if w, ok := runHistory(t, seed, start(), false); ok {
			events += w.calls
			continue
		}
		t.Logf("history %d", seed)
		runHistory(t, seed, start(), true)
		t.Fatalf("history %d fails, but not a second time", seed)
	}
	t.Logf("%d histories, %d events", n, events)
}

var errAgain = errors.New("a history failed, of which nothing is noted")

func runHistory(t *testing.T, seed uint64, s server, notes bool) (w *world, ok bool) {
	t.Helper()
	defer func() {
		if r := recover(); r != nil && r != errAgain { //nolint:errorlint // it is what was panicked with
			panic(r)
		}
	}()
	w = &world{t: t, rand: rand.New(rand.NewPCG(seed, 0)), server: s, notes: notes}
	w.history()
	return w, true
}

// TestTick runs the histories on the model of the script, of which TestTheModelIsTheScript sees that it is the script.
func TestTick(t *testing.T) {
	defer debug.SetGCPercent(debug.SetGCPercent(800)) // garbage is most of what a history makes
	histories(t, program.Fewer(200, 2000), func() server { return &modelled{table: newTable(), saved: newTable()} })
}

// modelled is a server that is the model alone.
type modelled struct {
	*table
	saved *table
}

func (m *modelled) copy()  { m.saved = m.clone() }
func (m *modelled) empty() { m.saved = newTable() }
func (m *modelled) load()  { m.table = m.saved.clone() }

func TestTheModelIsTheScript(t *testing.T) {
	running := redistest.Start(t)
	both := &compared{t: t, keys: []string{"leases", "members", "meta"}}
	client, err := redis.New(redis.Options{
		Addresses: []string{running.Addr()}, Timeout: 5 * time.Minute, Log: slog.New(slog.DiscardHandler),
		Stand: func() (time.Time, string) { return both.at, both.run },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	both.client = client
	histories(t, program.Fewer(10, 40), func() server {
		both.empty()
		both.load()
		return both
	})
	t.Logf("%d calls", both.calls)
}

// compared is the script on a server, of which each answer and all that it has must be the model's.
type compared struct {
	modelled
	t      *testing.T
	client *redis.Client
	keys   []string
	at     time.Time
	run    string
	stored [3][]any
	calls  int
}

func (c *compared) tick(at time.Time, run string, args []any) any {
	c.at, c.run = at, run
	c.calls++
	answer, err := c.client.Run(c.t.Context(), redis.Call{Name: "tick", Urgent: true}, tickScript, c.keys, args...)
	if err != nil {
		c.t.Fatal(err)
	}
	modelled := c.modelled.tick(at, run, args)
	if is, want := fmt.Sprint(modelled), fmt.Sprint(answer); is != want {
		c.t.Fatalf("the model answers %s, the script %s", is, want)
	}
	if is, want := c.text(), c.has(); is != want {
		c.t.Fatalf("the model has\n%s\nthe server\n%s", is, want)
	}
	return answer
}

func (c *compared) send(commands ...[]any) []any {
	replies, err := c.client.Pipeline(c.t.Context(), redis.Call{Name: "test", Urgent: true}, commands)
	if err != nil {
		c.t.Fatal(err)
	}
	return replies
}

func (c *compared) all() (all [3][]any) {
	for i, reply := range c.send([]any{"hgetall", c.keys[0]}, []any{"hgetall", c.keys[1]}, []any{"hgetall", c.keys[2]}) {
		all[i], _ = reply.([]any)
	}
	return all
}

func (c *compared) has() string {
	var lines []string
	for _, pairs := range c.all() {
		for i := 0; i+1 < len(pairs); i += 2 {
			lines = append(lines, fmt.Sprint(pairs[i], "=", pairs[i+1]))
		}
	}
	slices.Sort(lines)
	return strings.Join(lines, "\n")
}

func (c *compared) copy() {
	c.modelled.copy()
	c.stored = c.all()
}

func (c *compared) empty() {
	c.modelled.empty()
	c.stored = [3][]any{}
}

func (c *compared) load() {
	c.modelled.load()
	commands := [][]any{{"flushall"}}
	for i, pairs := range c.stored {
		if len(pairs) > 0 {
			commands = append(commands, append([]any{"hset", c.keys[i]}, pairs...))
		}
	}
	c.send(commands...)
}
