// Package redis_test has replicas share work over servers that fail: Sentinel, Redis Cluster, broken lines, and with the rights that the
// documentation names.
package redis_test

import (
	"cmp"
	"context"
	"log/slog"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/cluster"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/redis"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/internal/shared"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/test/kit/storetest"
)

// world is some replicas, what they counted, and who held what.
type world struct {
	t        *testing.T
	lease    time.Duration
	shares   []share.Share
	replicas []*replica

	mu      sync.Mutex
	counted map[string]int // by task
	refused int            // records that were put, and not counted
}

// replica holds shares and keeps a record of a task of each now and then, as an exporter does.
type replica struct {
	*cluster.Keeper

	world  *world
	name   string
	client *redis.Client
	store  *shared.Store
	end    func()
}

func newWorld(t *testing.T, lease time.Duration) *world {
	t.Helper()
	w := &world{t: t, lease: lease, counted: make(map[string]int)}
	for part := range 4 {
		w.shares = append(w.shares, share.Share{Account: "main", Part: part, Parts: 4})
	}
	return w
}

func (r *replica) share(p shared.Part) share.Share { return r.world.shares[p.Part] }

func (r *replica) Of(_, id string) int { return share.Of(id, len(r.world.shares)) }

func (r *replica) Mark(p shared.Part) string { return r.Keeper.Mark(r.share(p)) }

func (r *replica) Held() (held []shared.Part) {
	for _, sh := range r.Keeper.Held() {
		held = append(held, shared.Part{Account: sh.Account, Part: sh.Part})
	}
	return held
}

func part(sh share.Share) shared.Part { return shared.Part{Account: sh.Account, Part: sh.Part} }

// join has a replica come that speaks to servers as options say.
func (w *world) join(name string, o redis.Options) *replica {
	w.t.Helper()
	log := slog.New(slog.DiscardHandler)
	o.Timeout, o.Log = cmp.Or(o.Timeout, 500*time.Millisecond), log
	client, err := redis.New(o)
	if err != nil {
		w.t.Fatal(err)
	}
	r := &replica{world: w, name: name, client: client}
	r.store = shared.New(shared.Options{Client: client, Cluster: "c", Rights: r, Copy: store.Memory{}, Log: log})
	r.Keeper = cluster.New(cluster.Options{
		Client: client, Cluster: "c", Replica: name, Version: "1", Lease: w.lease, Scraped: time.Now, Resting: func(string) bool { return true }, Log: log,
		Seal: func(ctx context.Context, sh share.Share, mark string, epoch uint64) error {
			return r.store.Seal(ctx, part(sh), mark, epoch)
		},
		Flush: func(ctx context.Context, sh share.Share) { r.store.Flush(ctx, part(sh)) },
	}, w.shares, "digest")
	ctx, cancel := context.WithCancel(w.t.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = r.Run(ctx) })
	running.Go(func() { r.store.Run(ctx, storetest.NoTasks{}) })
	running.Go(func() { r.work(ctx) })
	r.end = sync.OnceFunc(func() {
		cancel()
		running.Wait()
		r.store.Close()
		_ = client.Close()
	})
	w.t.Cleanup(r.end)
	w.replicas = append(w.replicas, r)
	return r
}

// work keeps records: every replica finds out that the same tasks are over, and that a task is over it finds out again and again.
func (r *replica) work(ctx context.Context) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for n := 0; ; n++ {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		id := "task_" + strconv.Itoa(n%500)
		sh := r.world.shares[r.Of("main", id)]
		if !slices.Contains(r.Keeper.Held(), sh) || !r.May("main") {
			continue
		}
		record := store.Record{Group: "video", Seen: 1_700_000_000_000, Watched: true, Counted: true}
		record.State, record.Created, record.Completed = kie.StateSuccess, 1_700_000_000_000, 1_700_000_032_000
		record.Learned = kie.Time(time.Now().UnixMilli())
		r.store.Put("main", id, record, func(first bool) {
			r.world.mu.Lock()
			defer r.world.mu.Unlock()
			if first {
				r.world.counted[id]++
			} else {
				r.world.refused++
			}
		})
	}
}

// watch looks all the time whether a share has two holders.
func (w *world) watch() (stop func()) {
	ctx, cancel := context.WithCancel(w.t.Context())
	var watching sync.WaitGroup
	watching.Go(func() {
		for ctx.Err() == nil {
			for i, r := range w.replicas {
				for _, sh := range r.Keeper.Held() {
					w.wantAlone(sh, r, slices.Concat(w.replicas[:i], w.replicas[i+1:]))
				}
			}
			time.Sleep(5 * time.Millisecond)
		}
	})
	return func() { cancel(); watching.Wait() }
}

// wantAlone checks that no other replica holds a share while one does: it has the same right before and after a look at another.
func (w *world) wantAlone(sh share.Share, r *replica, others []*replica) {
	for _, other := range others {
		before := r.Keeper.Mark(sh)
		if theirs := other.Keeper.Mark(sh); before != "" && theirs != "" && r.Keeper.Mark(sh) == before {
			w.t.Errorf("%v is held by %s as %s and by %s as %s", sh, r.name, before, other.name, theirs)
		}
	}
}

// even reports whether each share is held, and every replica has as many, one more or less.
func (w *world) even(replicas ...*replica) bool {
	held, most, least := 0, 0, len(w.shares)
	for _, r := range replicas {
		n := len(r.Keeper.Held())
		held, most, least = held+n, max(most, n), min(least, n)
	}
	return held == len(w.shares) && most-least <= 1
}

func (w *world) eventually(what string, ok func() bool) {
	w.t.Helper()
	for began := time.Now(); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > 4*time.Minute {
			for _, r := range w.replicas {
				w.t.Logf("%s: %v, %+v", r.name, r.Keeper.Held(), r.Stats())
			}
			w.t.Fatalf("it never happens: %s", what)
		}
	}
}

func (w *world) total() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.counted)
}

// more waits until more tasks are counted: records are written.
func (w *world) more(what string) {
	w.t.Helper()
	before := w.total()
	w.eventually(what, func() bool { return w.total() > before || w.total() == 500 })
}

// once checks that no task was counted twice.
func (w *world) once() {
	w.t.Helper()
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, n := range w.counted {
		if n > 1 {
			w.t.Errorf("%s was counted %d times", id, n)
		}
	}
	w.t.Logf("%d tasks counted, %d records of tasks that were counted before", len(w.counted), w.refused)
}
