//go:build !noredis

package replicas

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/budget"
	"github.com/kie-exporter/kie_exporter/internal/cluster"
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/redis"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/internal/shared"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/test/kit/redistest"
	"github.com/kie-exporter/kie_exporter/test/kit/storetest"
)

const (
	lease      = 30 * time.Second
	perSecond  = 2 // the defaults of an account
	concurrent = 4
	latency    = 300 * time.Millisecond // of the API
	away       = 30 * time.Second       // for which a replica that ended is
	queries    = 5                      // until a task is finished
	number     = 10                     // of replicas
	interval   = 15 * time.Second       // between scrapes

	// Half of the accounts have nothing to ask for a while after so many requests, so that a burst follows.
	busy = 20
	idle = 2500 * time.Millisecond
)

// world is replicas that share accounts.
type world struct {
	server *redistest.Server
	shares []share.Share
	began  time.Time

	mu       sync.Mutex // guards what follows
	requests map[string]Requests
	epochs   map[string]uint64 // of the latest holder that asked
	result   Result
}

// replica is a process: the exporter's leases, records and budgets, without lists, tasks and the network of the API.
type replica struct {
	*world

	client *redis.Client
	keeper *cluster.Keeper
	store  *shared.Store
	end    context.CancelFunc
	ended  sync.WaitGroup

	polling map[string]context.CancelFunc // by account, how to stop
	polled  sync.WaitGroup

	inFlight map[string]int // guarded by the world's lock
}

// Held implements shared.Rights.
func (r *replica) Held() (held []shared.Part) {
	for _, sh := range r.keeper.Held() {
		held = append(held, shared.Part{Account: sh.Account, Part: sh.Part})
	}
	return held
}

// Of implements shared.Rights.
func (r *replica) Of(account, id string) int { return share.Of(id, r.keeper.Parts(account)) }

// Mark implements shared.Rights.
func (r *replica) Mark(p shared.Part) string {
	return r.keeper.Mark(share.Share{Account: p.Account, Part: p.Part, Parts: 1})
}

func (w *world) start(t *testing.T, name string) *replica {
	t.Helper()
	r := &replica{world: w, polling: make(map[string]context.CancelFunc), inFlight: make(map[string]int)}
	quiet := slog.New(slog.DiscardHandler)
	client, err := redis.New(redis.Options{
		Addresses: []string{w.server.Addr()}, Timeout: 5 * time.Second, Log: quiet,
		Stand: func() (time.Time, string) { return time.Now(), "one" },
	})
	if err != nil {
		t.Fatal(err)
	}
	r.client = client
	r.keeper = cluster.New(cluster.Options{
		Client: client, Cluster: "c", Replica: name, Version: "1", Lease: lease,
		Seal: func(ctx context.Context, sh share.Share, mark string, epoch uint64) error {
			return r.store.Seal(ctx, shared.Part{Account: sh.Account, Part: sh.Part}, mark, epoch)
		},
		Flush: func(ctx context.Context, sh share.Share) {
			r.store.Flush(ctx, shared.Part{Account: sh.Account, Part: sh.Part})
		},
		Resting: func(account string) bool { r.mu.Lock(); defer r.mu.Unlock(); return r.inFlight[account] == 0 },
		Scraped: func() time.Time { return r.began.Add(time.Since(r.began).Truncate(interval)) }, Log: quiet,
	}, w.shares, "digest")
	r.store = shared.New(shared.Options{Client: client, Cluster: "c", Rights: r, Copy: store.Memory{}, Log: quiet})
	ctx, cancel := context.WithCancel(t.Context())
	r.end = cancel
	r.ended.Go(func() { _ = r.keeper.Run(ctx) })
	r.ended.Go(func() { r.store.Run(ctx, storetest.NoTasks{}) })
	r.ended.Go(func() { r.adopt(ctx) })
	return r
}

// adopt asks for the accounts that are held, and no others.
func (r *replica) adopt(ctx context.Context) {
	for {
		held := r.keeper.Shares()
		for account, stop := range r.polling {
			if _, ok := held[account]; !ok {
				stop()
				delete(r.polling, account)
			}
		}
		for account := range held {
			if r.polling[account] == nil && ctx.Err() == nil {
				polling, stop := context.WithCancel(ctx)
				r.polling[account] = stop
				r.polled.Go(func() { r.poll(polling, account) })
			}
		}
		select {
		case <-r.keeper.Changed():
		case <-ctx.Done():
			r.polled.Wait()
			return
		}
	}
}

// poll spends an account's budget, as the dispatcher does. Without a client a permit is held for as long as a request takes, and given back.
func (r *replica) poll(ctx context.Context, account string) {
	may := func() bool { return r.keeper.May(account) }
	b := budget.New(budget.Options{Key: func() string { return "" }, Rate: perSecond, Concurrent: concurrent, Right: may, Empty: true})
	var sent sync.WaitGroup
	defer sent.Wait()
	for n := 1; ; n++ {
		permit, err := b.Acquire(ctx)
		if err != nil {
			return
		}
		if !may() {
			permit.Release()
			continue
		}
		r.asked(account)
		if isBursty(account) && n%busy == 0 {
			time.Sleep(idle)
		}
		sent.Go(func() {
			time.Sleep(latency)
			permit.Release()
			if n%queries == 0 && ctx.Err() == nil {
				r.finished(account)
			}
			r.mu.Lock()
			defer r.mu.Unlock()
			r.inFlight[account]--
		})
	}
}

func isBursty(account string) bool { return strings.HasSuffix(account, "bursts") }

func (r *replica) asked(account string) {
	epoch, _ := strconv.ParseUint(strings.Split(r.Mark(shared.Part{Account: account}), "|")[0], 10, 64)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.inFlight[account]++
	r.requests[account] = append(r.requests[account], time.Since(r.began))
	if epoch < r.epochs[account] {
		r.result.Overlaps++
	}
	r.epochs[account] = max(r.epochs[account], epoch)
}

// finished has the record of another finished task written.
func (r *replica) finished(account string) {
	r.mu.Lock()
	r.result.Finished++
	id := "task_" + strconv.Itoa(r.result.Finished)
	r.mu.Unlock()
	record := store.Record{Task: kie.Task{State: kie.StateSuccess, Model: "model", Created: kie.TimeOf(time.Now())}, Group: "group", Seen: kie.TimeOf(time.Now()), Watched: true}
	r.store.Put(account, id, record, func(first bool) {
		if first {
			r.mu.Lock()
			r.result.Counted++
			r.mu.Unlock()
		}
	})
}

// stop ends the replica: at once, as kill -9 does, or in order.
func (r *replica) stop(kill bool) {
	if kill {
		_ = r.client.Close()
	}
	r.end()
	r.ended.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	for count, n := range r.client.Stats().Calls {
		if count.Result == redis.OK {
			r.result.Calls[count.Operation] += n
		}
	}
	if !kill {
		_ = r.client.Close()
	}
}

// simulate has replicas share accounts for some time, of which one a minute is killed or ends, and comes again.
func simulate(t *testing.T, server *redistest.Server, accounts int, took time.Duration) (result Result) {
	t.Helper()
	server.CLI(t, "flushall")
	before := cpuOf(t, server)
	synctest.Test(t, func(t *testing.T) {
		w := &world{server: server, began: time.Now(), requests: make(map[string]Requests), epochs: make(map[string]uint64)}
		w.result = Result{Accounts: accounts, Replicas: number, Took: took, Ended: make(map[string]int), Calls: make(map[string]uint64)}
		for i := range accounts {
			name := fmt.Sprintf("account-%d", i)
			if i%2 == 0 {
				name += "-bursts"
			}
			w.shares = append(w.shares, share.Share{Account: name, Parts: 1})
		}
		random := rand.New(rand.NewPCG(1, 1))
		var replicas []*replica
		for i := range number {
			replicas = append(replicas, w.start(t, fmt.Sprintf("replica-%d", i)))
			time.Sleep(time.Duration(random.IntN(1000)) * time.Millisecond)
		}
		for n := 0; time.Since(w.began) < took-2*time.Minute; n++ { // so that all is even again in the end
			time.Sleep(away + time.Duration(random.IntN(1000))*time.Millisecond)
			i, kill := random.IntN(number), n%2 == 0
			replicas[i].stop(kill)
			w.result.Ended[map[bool]string{true: "killed", false: "ended"}[kill]]++
			time.Sleep(away)
			replicas[i] = w.start(t, fmt.Sprintf("replica-%d", i))
		}
		time.Sleep(took - time.Since(w.began))
		w.result.Least = accounts
		for _, r := range replicas {
			w.result.Most, w.result.Least = max(w.result.Most, len(r.keeper.Held())), min(w.result.Least, len(r.keeper.Held()))
		}
		for _, r := range replicas {
			r.stop(false)
		}
		result = w.summed()
	})
	result.ServerCPU = cpuOf(t, server) - before
	return result
}

func (w *world) summed() Result {
	r := w.result
	for account, requests := range w.requests {
		r.Requests += len(requests)
		if !isBursty(account) {
			r.Gaps = append(r.Gaps, requests.Gap())
		}
		r.Beyond = max(r.Beyond, requests.Beyond(perSecond))
		r.MostIn10s = max(r.MostIn10s, requests.MostIn(10*time.Second))
	}
	return r
}

// cpuOf returns what time of the processor a server took so far.
func cpuOf(t *testing.T, server *redistest.Server) (used time.Duration) {
	t.Helper()
	for line := range strings.Lines(server.CLI(t, "info", "cpu")) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if s, err := strconv.ParseFloat(value, 64); err == nil && (name == "used_cpu_sys" || name == "used_cpu_user") {
			used += time.Duration(s * float64(time.Second))
		}
	}
	return used
}

var document = flag.String("write", "", "a document: simulate for long, and write the table into it")

// Whatever replicas die: never two holders, never more requests than the account's, no gap longer than a lease and what a tick takes.
func TestReplicasKeepTheirPromises(t *testing.T) {
	server := redistest.Start(t)
	runs := []struct {
		accounts int
		took     time.Duration
	}{{10, 5 * time.Minute}, {100, 4 * time.Minute}}
	if *document != "" {
		runs[0].took, runs[1].took = time.Hour, 20*time.Minute
		runs = append(runs, struct {
			accounts int
			took     time.Duration
		}{1000, 10 * time.Minute})
	}
	var results []Result
	for _, run := range runs {
		r := simulate(t, server, run.accounts, run.took)
		results = append(results, r)
		switch {
		case len(r.Gaps) != run.accounts/2:
			t.Errorf("%d of %d accounts were asked all the time", len(r.Gaps), run.accounts)
		case r.Overlaps > 0 || r.Counted > r.Finished:
			t.Errorf("%d requests of who was no holder any more, %d tasks counted of %d", r.Overlaps, r.Counted, r.Finished)
		case r.Gap() > lease+3*time.Second:
			t.Errorf("an account was not asked for %v", r.Gap())
		case r.Beyond > concurrent+1e-6 || r.MostIn10s > concurrent+10*perSecond:
			t.Errorf("%v beyond the rate, %d in 10 s", r.Beyond, r.MostIn10s)
		case r.Most-r.Least > 1 || r.Requests < run.accounts*perSecond*int(run.took.Seconds())/2:
			t.Errorf("%d to %d shares each, %d requests", r.Least, r.Most, r.Requests)
		}
	}
	t.Log("\n" + Table(results))
	if *document != "" {
		write(t, *document, Table(results))
	}
}

func write(t *testing.T, path, table string) {
	t.Helper()
	const begin, end = "<!-- simulation: begin -->\n", "<!-- simulation: end -->\n"
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := bytes.Cut(text, []byte(begin))
	_, after, ok2 := bytes.Cut(rest, []byte(end))
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", path)
	}
	text = bytes.Join([][]byte{before, []byte(begin), []byte(table), []byte(end), after}, nil)
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWhatIsMeasuredOfRequests(t *testing.T) {
	s := time.Second
	for _, tt := range []struct {
		requests Requests
		gap      time.Duration
		beyond   float64
		in10s    int
	}{
		{nil, 0, 0, 0},
		{Requests{5 * s}, 0, 1, 1},
		{Requests{0, 0, 0, 0, s / 2, s, 20 * s}, 19 * s, 4, 6},
		{Requests{0, 9 * s, 10 * s, 10 * s, 11 * s}, 9 * s, 2, 4},
	} {
		if gap, beyond, most := tt.requests.Gap(), tt.requests.Beyond(2), tt.requests.MostIn(10*s); gap != tt.gap || beyond != tt.beyond || most != tt.in10s {
			t.Errorf("%v: gap %v, beyond %v, in 10 s %d", tt.requests, gap, beyond, most)
		}
	}
}
