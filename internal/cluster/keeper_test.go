//go:build !noredis

package cluster

import (
	"context"
	"errors"
	"log/slog"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/redis"
	"github.com/kie-exporter/kie_exporter/internal/share"
	"github.com/kie-exporter/kie_exporter/test/kit/redistest"
)

// running is a keeper at work.
type running struct {
	*Keeper

	stop   func() error // ends it and returns what Run did
	ended  chan struct{}
	client *redis.Client
	mu     sync.Mutex
	calls  []string
}

func (r *running) did(what string, sh share.Share) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.calls = append(r.calls, what+" "+sh.String())
}

func (r *running) done() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.calls)
}

const (
	// testLease is for tests that wait for its end.
	testLease = 1200 * time.Millisecond
	// longLease is for tests of what is held all along, on a machine that may stand still for seconds.
	longLease = 40 * time.Second
)

var testShares = []share.Share{{Account: "a", Part: 0, Parts: 2}, {Account: "a", Part: 1, Parts: 2}, {Account: "b", Part: 0, Parts: 1}}

// withLongLease is an option.
func withLongLease(o *Options) { o.Lease = longLease }

// startRedis starts a server whose table of leases looks old, so that what nobody holds is taken at once and not after a lease.
func startRedis(t *testing.T) *redistest.Server {
	t.Helper()
	server := redistest.Start(t)
	run := regexp.MustCompile(`run_id:(\w+)`).FindStringSubmatch(server.CLI(t, "info", "server"))
	if run == nil {
		t.Fatal("the server has no run_id")
	}
	server.CLI(t, "hset", "kie1:{c}:meta", "run", run[1], "born", "1")
	return server
}

func run(t *testing.T, server *redistest.Server, name string, change func(o *Options)) *running {
	t.Helper()
	r := &running{}
	o := Options{
		Cluster: "c", Replica: name, Lease: testLease, Log: slog.New(slog.DiscardHandler), Scraped: time.Now, Resting: func(string) bool { return true },
		Seal:  func(_ context.Context, sh share.Share, _ string, _ uint64) error { r.did("seal", sh); return nil },
		Flush: func(_ context.Context, sh share.Share) { r.did("flush", sh) },
	}
	if change != nil {
		change(&o)
	}
	client, err := redis.New(redis.Options{Addresses: []string{server.Addr()}, Timeout: o.Lease / 4, Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	r.client, o.Client = client, client
	r.Keeper = New(o, testShares, "digest")
	ctx, cancel := context.WithCancel(t.Context())
	var result error
	r.ended = make(chan struct{})
	go func() { result = r.Run(ctx); close(r.ended) }()
	r.stop = sync.OnceValue(func() error {
		cancel()
		<-r.ended
		_ = client.Close()
		return result
	})
	t.Cleanup(func() { _ = r.stop() })
	return r
}

// Who only wants leases tells a keeper nothing more.
func TestAKeeperNeedsNobodyToTellItAnything(t *testing.T) {
	server := redistest.Start(t)
	bare := func(o *Options) { o.Seal, o.Flush, o.Resting, o.Scraped, o.Log = nil, nil, nil, nil, nil }
	a := run(t, server, "a", bare)
	eventually(t, "one has all", func() bool { return len(a.held()) == 3 })
	b := run(t, server, "b", bare)
	eventually(t, "it gives one up, though nobody looks", func() bool {
		a.Keeper.mu.Lock()
		for _, h := range a.state.holds {
			if !h.written.IsZero() { // from then on it waits to be looked at
				h.leaving = h.leaving.Add(-longestHold)
			}
		}
		a.Keeper.mu.Unlock()
		return len(b.held()) == 1
	})
	if err := a.stop(); err != nil {
		t.Error(err)
	}
	eventually(t, "the other has all", func() bool { return len(b.held()) == 3 })
}

func (r *running) held() []string {
	var names []string
	for _, sh := range r.Held() {
		names = append(names, sh.String())
	}
	return names
}

func eventually(t *testing.T, what string, ok func() bool) time.Duration {
	t.Helper()
	began := time.Now()
	for !ok() {
		if time.Since(began) > long {
			t.Fatalf("within %v it is not so: %s", long, what)
		}
		time.Sleep(5 * time.Millisecond)
	}
	return time.Since(began)
}

const long = 3 * time.Minute // for machines that do much else

func TestReplicasShareWork(t *testing.T) {
	server := startRedis(t)
	a := run(t, server, "a", withLongLease)
	eventually(t, "one has all", func() bool { return len(a.held()) == 3 })
	if set := a.Shares()["a"]; !set.IsWhole() || !a.May("a") || !a.May("b") || a.May("c") {
		t.Errorf("%v", a.Shares())
	}
	if mark := a.Mark(testShares[0]); !strings.HasSuffix(mark, "|"+a.state.session) {
		t.Errorf("its mark is %q", mark)
	}
	b := run(t, server, "b", withLongLease)
	eventually(t, "they share", func() bool { return len(a.held()) == 2 && len(b.held()) == 1 })
	for _, r := range []*running{a, b} {
		other, name := b, "b"
		if r == b {
			other, name = a, "a"
		}
		eventually(t, "each knows what the other one holds", func() bool {
			var names []string
			all, current := r.Holders(t.Context())
			for _, h := range all {
				if h.Replica == name {
					names = append(names, h.String())
				}
			}
			return current && slices.Equal(names, other.held())
		})
	}
	if err := a.stop(); err != nil {
		t.Error(err)
	}
	took := eventually(t, "the other has all", func() bool { return len(b.held()) == 3 })
	t.Logf("after an orderly end: %v", took)
	var flushed []string
	for _, call := range a.done() {
		if strings.HasPrefix(call, "flush") {
			flushed = append(flushed, call)
		}
	}
	slices.Sort(flushed)
	if len(slices.Compact(flushed)) != 3 { // one of them before it was scraped, too
		t.Errorf("flushed %v", flushed)
	}
	st := b.Stats()
	if st.Changes[Change{"a", Taken}]+st.Changes[Change{"b", Taken}] != 3 || st.Alike != 0 || len(st.Unheld) != 0 || st.Remaining <= 0 {
		t.Errorf("%+v", st)
	}
}

func TestRedisAwayEndsRightsInTime(t *testing.T) {
	server := redistest.Start(t)
	a := run(t, server, "a", nil)
	eventually(t, "it has all", func() bool { return len(a.held()) == 3 })
	server.Stop()
	eventually(t, "it has none", func() bool { return !a.May("a") && len(a.held()) == 0 && a.Mark(testShares[0]) == "" })
	eventually(t, "it is dropped", func() bool { return a.Stats().Changes[Change{"b", Expired}] >= 1 })
	server.Continue()
	eventually(t, "it has all again", func() bool { return len(a.held()) == 3 })
}

func TestAShareIsUsedOnlyOnceItIsSealed(t *testing.T) {
	server := redistest.Start(t)
	var mu sync.Mutex
	fenced := errors.New("fenced")
	seals := 0
	a := run(t, server, "a", func(o *Options) {
		o.Seal = func(context.Context, share.Share, string, uint64) error {
			mu.Lock()
			defer mu.Unlock()
			if seals++; seals < 10 {
				return fenced
			}
			return nil
		}
	})
	eventually(t, "it is tried", func() bool { mu.Lock(); defer mu.Unlock(); return seals > 0 && seals < 10 })
	if len(a.held()) != 0 {
		t.Errorf("it holds %v", a.held())
	}
	eventually(t, "it has all", func() bool { return len(a.held()) == 3 })
}

func TestANameThatIsTakenIsRefused(t *testing.T) {
	server := startRedis(t)
	ofSeconds := func(o *Options) { o.Lease = 8 * time.Second } // which the second one waits for
	a := run(t, server, "same", ofSeconds)
	eventually(t, "it has all", func() bool { return len(a.held()) == 3 })
	b := run(t, server, "same", ofSeconds)
	select {
	case <-b.ended:
	case <-time.After(long):
		t.Fatal("the second one does not end")
	}
	if err := b.stop(); !errors.Is(err, ErrNameTaken) {
		t.Errorf("the second one ends with %v", err)
	}
	eventually(t, "the first one goes on", func() bool { return len(a.held()) == 3 })
	if err := a.stop(); err != nil {
		t.Error(err)
	}
	c := run(t, server, "same", ofSeconds)
	eventually(t, "who comes after has all", func() bool { return len(c.held()) == 3 })
}

func TestAShareWaitsToBeScrapedBeforeItIsGivenUp(t *testing.T) {
	server := startRedis(t)
	var mu sync.Mutex
	var scraped time.Time
	a := run(t, server, "a", func(o *Options) {
		o.Lease, o.Scraped = longLease, func() time.Time { mu.Lock(); defer mu.Unlock(); return scraped }
	})
	eventually(t, "it has all", func() bool { return len(a.held()) == 3 })
	b := run(t, server, "b", withLongLease)
	eventually(t, "it is to give one up", a.isLeaving)
	time.Sleep(testLease)
	if len(a.held()) != 3 || len(b.held()) != 0 {
		t.Errorf("before it was scraped: %v and %v", a.held(), b.held())
	}
	mu.Lock()
	scraped = time.Now()
	mu.Unlock()
	eventually(t, "they share", func() bool { return len(a.held()) == 2 && len(b.held()) == 1 })
}

func TestOtherConfigurations(t *testing.T) {
	server := startRedis(t)
	a := run(t, server, "a", withLongLease)
	eventually(t, "it has all", func() bool { return len(a.held()) == 3 })
	for name, test := range map[string]struct {
		change func(r *running, o *Options)
		want   string
	}{
		"another lease": {func(_ *running, o *Options) { o.Lease *= 2 }, stateLease},
	} {
		b := run(t, server, "b", func(o *Options) { withLongLease(o); test.change(nil, o) })
		eventually(t, name, func() bool { b.mu.Lock(); defer b.mu.Unlock(); return b.said() == test.want })
		time.Sleep(testLease)
		if len(b.held()) != 0 || len(a.held()) != 3 && len(a.held()) != 2 {
			t.Errorf("%s: %v and %v", name, a.held(), b.held())
		}
		_ = b.stop()
	}
	other := run(t, server, "c", withLongLease)
	other.Set([]share.Share{{Account: "a", Part: 0, Parts: 1}, testShares[2]}, "other")
	eventually(t, "other parts are told", func() bool { return slices.Equal(other.differ(), []string{"a"}) })
	if n := a.Stats(); n.Others == 0 {
		eventually(t, "another configuration is counted", func() bool { return a.Stats().Others == 1 })
	}
	for _, name := range other.held() {
		if strings.HasPrefix(name, "a/") {
			t.Errorf("%s is taken", name)
		}
	}
	if err := a.stop(); err != nil {
		t.Error(err)
	}
	eventually(t, "when the others are gone it has all", func() bool { return slices.Equal(other.held(), []string{"a/0", "b/0"}) })
}

func (k *Keeper) said() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state.last.state
}

func (k *Keeper) differ() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.state.last.differ
}

func TestEntriesThatCantBeReadAreAStrangers(t *testing.T) {
	server := redistest.Start(t)
	server.CLI(t, "hset", "kie1:{c}:leases", "a/0", "garbage", "a/1", "x|y|1|99999999999999")
	server.CLI(t, "hset", "kie1:{c}:members", "z", "garbage")
	a := run(t, server, "a", nil)
	eventually(t, "it has the others", func() bool { return slices.Equal(a.held(), []string{"a/1", "b/0"}) })
	if st := a.Stats(); !slices.Equal(st.Unheld, []string{"a/0"}) {
		t.Errorf("unheld: %v", st.Unheld)
	}
	if got := server.CLI(t, "hget", "kie1:{c}:leases", "a/0") + server.CLI(t, "hget", "kie1:{c}:members", "z"); got != "garbagegarbage" {
		t.Errorf("it was touched: %s", got)
	}
}

// TestFaultsOfRedis looks, all the time, whether a share has two holders or rights outlive what they may.
func TestFaultsOfRedis(t *testing.T) {
	for name, test := range map[string]struct {
		fault func(t *testing.T, s *redistest.Server)
		keeps bool // holders go on holding
	}{
		"emptied":           {func(t *testing.T, s *redistest.Server) { t.Helper(); s.CLI(t, "flushall") }, true},
		"killed, and empty": {func(t *testing.T, s *redistest.Server) { t.Helper(); s.Kill(); s.Up(t) }, false},
		"paused for long":   {func(t *testing.T, s *redistest.Server) { t.Helper(); s.CLI(t, "client", "pause", "3000") }, false},
		"read only for a while": {func(t *testing.T, s *redistest.Server) {
			t.Helper()
			s.CLI(t, "replicaof", "127.0.0.1", "1")
			time.Sleep(2 * testLease)
			s.CLI(t, "replicaof", "no", "one")
		}, false},
		"full for a while": {func(t *testing.T, s *redistest.Server) {
			t.Helper()
			s.CLI(t, "config", "set", "maxmemory", "1")
			time.Sleep(2 * testLease)
			s.CLI(t, "config", "set", "maxmemory", "0")
		}, false},
		"all leases made to look ended": {func(t *testing.T, s *redistest.Server) {
			t.Helper()
			entries := strings.Fields(s.CLI(t, "hgetall", "kie1:{c}:leases"))
			for i := 0; i+1 < len(entries); i += 2 {
				parts := strings.Split(entries[i+1], "|")
				parts[3] = strconv.Itoa(1)
				s.CLI(t, "hset", "kie1:{c}:leases", entries[i], strings.Join(parts, "|"))
			}
		}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := startRedis(t)
			lease := func(o *Options) {
				if test.keeps {
					o.Lease = longLease
				}
			}
			all := []*running{run(t, server, "a", lease), run(t, server, "b", lease), run(t, server, "c", lease)}
			even := func() bool {
				return len(all[0].held()) == 1 && len(all[1].held()) == 1 && len(all[2].held()) == 1
			}
			eventually(t, "they share", even)
			ctx, cancel := context.WithCancel(t.Context())
			var watching sync.WaitGroup
			watching.Go(func() {
				for ctx.Err() == nil {
					for i, r := range all {
						for _, sh := range r.Held() {
							wantAlone(t, sh, r, slices.Concat(all[:i], all[i+1:]))
						}
					}
					time.Sleep(2 * time.Millisecond)
				}
			})
			before := [][]string{all[0].held(), all[1].held(), all[2].held()}
			test.fault(t, server)
			eventually(t, "they share again", even)
			time.Sleep(testLease)
			eventually(t, "they share for good", even)
			cancel()
			watching.Wait()
			after := [][]string{all[0].held(), all[1].held(), all[2].held()}
			if test.keeps && !slices.EqualFunc(before, after, slices.Equal) {
				t.Errorf("shares moved: %v, then %v", before, after)
			}
		})
	}
}

// wantAlone checks that no other holds a share while one does: it has the same right before and after a look at another.
func wantAlone(t *testing.T, sh share.Share, r *running, others []*running) {
	t.Helper()
	for _, other := range others {
		before := r.Mark(sh)
		if theirs := other.Mark(sh); before != "" && theirs != "" && r.Mark(sh) == before {
			t.Errorf("%v is held by %s as %s and by %s as %s", sh, r.options.Replica, before, other.options.Replica, theirs)
		}
	}
}

func TestBothClocksSayHowLongARightLasts(t *testing.T) {
	s := newState("a", "s", "1", 10*time.Second)
	asked := time.Now()
	wall := func(d time.Duration) time.Time { return asked.Round(0).Add(d) } // which has no monotonic time
	for name, test := range map[string]struct {
		now  time.Time
		want bool
	}{
		"at once":                    {asked, true},
		"before nine tenths":         {asked.Add(8_999 * time.Millisecond), true},
		"after nine tenths":          {asked.Add(9 * time.Second), false},
		"a clock that went on alone": {wall(9 * time.Second), false},
		"a clock that was set back":  {wall(-time.Hour), true},
		"an hour on both":            {asked.Add(time.Hour), false},
	} {
		if got := s.valid(asked, test.now); got != test.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}

// Who looks while rights have ended by the clock lets their shares go. That they were renewed all the same has to be told.
func TestRightsThatHadEndedAndAreRenewedAreTold(t *testing.T) {
	k := New(Options{Cluster: "c", Replica: "a", Lease: time.Minute}, testShares, "digest")
	h := &hold{share: testShares[0], epoch: 1, asked: time.Now(), sealed: true}
	publish := func() (told bool) {
		k.mu.Lock()
		defer k.mu.Unlock()
		k.state.holds[h.share] = h
		k.publishLocked()
		select {
		case <-k.Changed():
			return true
		default:
			return false
		}
	}
	if !publish() || len(k.Held()) != 1 {
		t.Errorf("holding %v is not told", k.Held())
	}
	h.asked = h.asked.Add(time.Second)
	if publish() {
		t.Error("a renewal in time is told")
	}
	h.asked = time.Now().Add(-time.Minute)
	publish()
	if len(k.Held()) != 0 {
		t.Errorf("after a lease it holds %v", k.Held())
	}
	h.asked = time.Now()
	if !publish() || len(k.Held()) != 1 {
		t.Errorf("that it holds %v again is not told", k.Held())
	}
	if publish() {
		t.Error("the same rights are told twice")
	}
}

// What was given up is shown by the next holder when the series of the former one are gone; what its holder lost is shown at once.
func TestWhatWasReleasedIsShownLater(t *testing.T) {
	server := startRedis(t)
	a := run(t, server, "a", withLongLease)
	eventually(t, "one has all", func() bool { return len(a.held()) == 3 })
	if n, _ := a.Withheld("a").Fraction(); n != 0 {
		t.Error("what nobody had is withheld")
	}
	before := time.Now()
	b := run(t, server, "b", withLongLease)
	eventually(t, "they share", func() bool { return len(b.held()) == 1 })
	account := b.Held()[0].Account
	n, _ := b.Withheld(account).Fraction()
	after := time.Now()
	shown := b.rights.Load().shares[b.Held()[0]].shown
	if n != 1 && after.Before(shown) {
		t.Error("what was given to it is shown at once")
	}
	if shown.Before(before.Add(seenOn)) || shown.After(after.Add(seenOn)) { // it was given meanwhile
		t.Errorf("it is shown %v after this began", shown.Sub(before))
	}
	c := newState("c", "session", "1", testLease)
	c.set(testShares, "digest")
	reply, err := parse([]any{"1800000000000", "", int64(1), []any{"a/0|5", "a/1|6"}, []any{}, int64(0), int64(0), int64(0), []any{}, []any{}, []any{"a/1|4000"}})
	if err != nil {
		t.Fatal(err)
	}
	now := time.Now()
	c.take(reply, now, now, nil)
	if !c.holds[testShares[0]].shown.IsZero() || !c.holds[testShares[1]].shown.Equal(now.Add(seenOn-4*time.Second)) {
		t.Errorf("%v, %v", c.holds[testShares[0]].shown, c.holds[testShares[1]].shown)
	}
}

// Who gives a share up asks no more, waits for its queries to end, writes, waits until that was scraped, and only then lets go.
func TestWhatIsGivenUpIsScrapedOnceMore(t *testing.T) {
	server := startRedis(t)
	var resting atomic.Bool
	var scraped atomic.Int64
	a := run(t, server, "a", func(o *Options) {
		o.Lease = longLease
		o.Resting = func(string) bool { return resting.Load() }
		o.Scraped = func() time.Time { return time.UnixMilli(scraped.Load()) }
	})
	eventually(t, "one has all", func() bool { return len(a.held()) == 3 })
	b := run(t, server, "b", withLongLease)
	var leaving share.Share
	eventually(t, "one is to be given up", func() bool {
		for sh, x := range a.rights.Load().shares {
			if x.leaving {
				leaving = sh
			}
		}
		return leaving.Account != ""
	})
	if a.May(leaving.Account) {
		t.Error("it asks on")
	}
	flushes := func() (n int) {
		for _, call := range a.done() {
			if call == "flush "+leaving.String() {
				n++
			}
		}
		return n
	}
	scraped.Store(time.Now().Add(time.Hour).UnixMilli())
	time.Sleep(retry + testLease)
	if len(a.held()) != 3 || flushes() != 0 {
		t.Errorf("with a query under way it has %v left, and %d flushes", a.held(), flushes())
	}
	scraped.Store(0)
	resting.Store(true)
	eventually(t, "it writes", func() bool { return flushes() == 1 })
	time.Sleep(retry + testLease)
	if len(a.held()) != 3 {
		t.Errorf("before a scrape it has %v left", a.held())
	}
	scraped.Store(time.Now().UnixMilli())
	eventually(t, "the other has it", func() bool { return slices.Contains(b.held(), leaving.String()) })
}
