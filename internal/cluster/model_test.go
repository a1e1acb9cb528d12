//go:build !noredis

package cluster

import (
	"container/heap"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/redis"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/test/kit/redistest"
)

// world is some replicas and a Redis server in virtual time. Calls are late, lost and made twice; replicas die, stand still and come again;
// the server is restarted, with all it had, with an older copy of it, or with nothing.
type world struct {
	t        *testing.T
	rand     *rand.Rand
	client   *redis.Client
	keys     []string
	now      time.Duration
	run      int // of the server
	copy     [3][]any
	replicas []*replica
	shares   []share.Share
	events   queue
	healthy  bool
	log      []string
	calls    int
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

func (w *world) fail(format string, args ...any) {
	w.t.Helper()
	w.t.Fatalf(format+"\n%s", append(args, strings.Join(w.log, "\n"))...)
}

func (w *world) call(args []any) any {
	answer, err := w.client.Run(w.t.Context(), redis.Call{Name: "tick", Urgent: true}, tickScript, w.keys, args...)
	if err != nil {
		w.t.Fatal(err)
	}
	return answer
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
		w.copy = w.save()
		w.note("the server is copied")
	case n < 6:
		w.run++
		w.note("the server is restarted")
	case n < 7:
		w.run++
		w.load()
		w.note("the server is restarted with an older copy")
	default:
		w.copy = [3][]any{}
		w.load()
		w.note("the server loses all it has")
	}
}

func (w *world) do(args ...any) any {
	reply, err := w.client.Do(w.t.Context(), redis.Call{Name: "test", Urgent: true}, args...)
	if err != nil {
		w.t.Fatal(err)
	}
	return reply
}

func (w *world) save() (saved [3][]any) {
	for i, key := range w.keys {
		saved[i], _ = w.do("hgetall", key).([]any)
	}
	return saved
}

func (w *world) load() {
	w.do("del", w.keys[0], w.keys[1], w.keys[2])
	for i, pairs := range w.copy {
		if len(pairs) > 0 {
			w.do(append([]any{"hset", w.keys[i]}, pairs...)...)
		}
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
func history(t *testing.T, client *redis.Client, seed uint64, w *world) {
	t.Helper()
	*w = world{t: t, rand: rand.New(rand.NewPCG(seed, 0)), client: client, keys: []string{"leases", "members", "meta"}}
	w.do("flushall")
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

// TestTick runs histories of all kinds. KIE_TEST_HISTORIES says how many, KIE_TEST_SEED which one.
func TestTick(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "s")
	redistest.Start(t, "--unixsocket", socket)
	w := &world{}
	client, err := redis.New(redis.Options{
		Addresses: []string{socket}, Timeout: 10 * time.Second, Log: slog.New(slog.DiscardHandler),
		Stand: func() (time.Time, string) { return epochOfModel.Add(w.now), "run" + strconv.Itoa(w.run) },
	})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = client.Close() }()
	histories, first := 100, uint64(1)
	if n, err := strconv.Atoi(os.Getenv("KIE_TEST_HISTORIES")); err == nil {
		histories = n
	}
	if seed, err := strconv.ParseUint(os.Getenv("KIE_TEST_SEED"), 10, 64); err == nil {
		histories, first = 1, seed
	}
	calls := 0
	for seed := first; seed < first+uint64(histories); seed++ {
		if !t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { history(t, client, seed, w) }) {
			return
		}
		calls += w.calls
	}
	t.Logf("%d histories, %d events", histories, calls)
}
