//go:build !noredis

package shared

import (
	"context"
	"crypto/md5" //nolint:gosec // as ids of the API look
	"errors"
	"fmt"
	"hash/fnv"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/redis"
	"github.com/kie-exporter/kie_exporter/internal/store"
	"github.com/kie-exporter/kie_exporter/test/kit/redistest"
	"github.com/kie-exporter/kie_exporter/test/kit/storetest"
	"github.com/kie-exporter/kie_exporter/test/kit/wait"
)

// rights are the parts that a process holds, as told.
type rights struct {
	parts int // of each account

	mu    sync.Mutex
	marks map[Part]string
}

func (r *rights) Held() (all []Part) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for p := range r.marks {
		all = append(all, p)
	}
	slices.SortFunc(all, func(a, b Part) int { return strings.Compare(a.Account, b.Account)*10 + a.Part - b.Part })
	return all
}

func (r *rights) Of(_, id string) int {
	h := fnv.New32()
	_, _ = h.Write([]byte(id))
	return int(h.Sum32() % uint32(max(1, r.parts))) //nolint:gosec // few
}

func (r *rights) Mark(p Part) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.marks[p]
}

func (r *rights) set(p Part, mark string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.marks[p] = mark; mark == "" {
		delete(r.marks, p)
	}
}

// process is a store with its client.
type process struct {
	*Store

	client *redis.Client
	rights *rights
}

func (p process) Close() {
	p.Store.Close()
	_ = p.client.Close()
}

// open opens the store of a process whose clock is also Redis'.
func open(t *testing.T, server *redistest.Server, cluster string, local Copy) process {
	t.Helper()
	client, err := redis.New(redis.Options{
		Addresses: []string{server.Addr()}, Timeout: 30 * time.Second, Log: slog.New(slog.DiscardHandler),
		Stand: func() (time.Time, string) { return time.Now(), "run" },
	})
	if err != nil {
		t.Fatal(err)
	}
	r := &rights{marks: make(map[Part]string)}
	return process{New(Options{Client: client, Cluster: cluster, Rights: r, Copy: local, Log: slog.New(slog.DiscardHandler)}), client, r}
}

// take has a process take a part, under an epoch.
func (p process) take(t *testing.T, part Part, epoch uint64) {
	t.Helper()
	mark := fmt.Sprintf("%d|session%d", epoch, epoch)
	if err := p.Seal(t.Context(), part, mark, epoch); err != nil {
		t.Fatal(err)
	}
	p.rights.set(part, mark)
}

func memory(*testing.T) Copy { return store.Memory{} }

func TestRecordsInRedisAreAStore(t *testing.T) {
	server := redistest.Start(t)
	for name, local := range map[string]func(*testing.T, string) Copy{
		"without a copy": func(*testing.T, string) Copy { return store.Memory{} },
		"with a copy": func(t *testing.T, dir string) Copy {
			t.Helper()
			s, err := store.Open(dir, slog.New(slog.DiscardHandler))
			if err != nil {
				t.Fatal(err)
			}
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			var epoch uint64
			storetest.Test(t, true, func(t *testing.T, dir string) storetest.Store {
				t.Helper()
				p := open(t, server, "c"+strconv.Itoa(int(fnvOf(dir))), local(t, dir))
				epoch++
				p.take(t, Part{"main", 0}, epoch)
				p.take(t, Part{"other", 0}, epoch)
				return p
			})
		})
	}
}

func fnvOf(s string) uint32 {
	h := fnv.New32()
	_, _ = h.Write([]byte(s))
	return h.Sum32()
}

func final(group string) store.Record {
	r := store.Record{Group: group, Seen: 1_700_000_000_000, Watched: true, Learned: 1_700_000_033_000, Counted: true}
	r.State, r.Created, r.Completed = kie.StateSuccess, 1_700_000_000_000, 1_700_000_032_000
	return r
}

// tasks are those that a process tracks.
type tasks map[string]store.Record

func (tasks) Accounts() []string { return []string{"main"} }
func (m tasks) IDs(string) (ids []string) {
	for id := range m {
		ids = append(ids, id)
	}
	return ids
}

func (m tasks) Records(_ string, ids []string) (all []store.Record) {
	for _, id := range ids {
		all = append(all, m[id])
	}
	return all
}
func (m tasks) Listed(_, id string) bool        { return m[id].Known() }
func (tasks) TakesPushes(string) bool           { return false }
func (tasks) Owner(store.Record) (string, bool) { return "", false }

var whole = Part{"main", 0}

// put puts a record and returns where is told whether it was the first.
func (p process) put(id string, r store.Record) *string {
	told := new(string)
	*told = "waits"
	p.Put("main", id, r, func(first bool) {
		*told = "no"
		if first {
			*told = "first"
		}
	})
	return told
}

func (p process) write(t *testing.T) { t.Helper(); p.step(t.Context(), tasks{}, false) }

func want(t *testing.T, what string, got *string, want string) {
	t.Helper()
	if *got != want {
		t.Errorf("%s: %s, want %s", what, *got, want)
	}
}

func TestOnlyWhoTookAPartLastWritesAndCounts(t *testing.T) {
	server := redistest.Start(t)
	a, b := open(t, server, "c", memory(t)), open(t, server, "c", memory(t))
	defer a.Close()
	defer b.Close()
	a.take(t, whole, 1)
	early := a.put("1", final("video"))
	a.write(t)
	late := a.put("2", final("video"))
	b.take(t, whole, 2)
	a.write(t)
	want(t, "of the holder", early, "first")
	want(t, "of the earlier holder", late, "no")
	if n := a.Refused(); n != 1 {
		t.Errorf("%d records were refused", n)
	}
	if err := a.Seal(t.Context(), whole, "1|session1", 1); err != ErrFenced { //nolint:errorlint // it is the very error
		t.Errorf("the earlier holder seals again: %v", err)
	}
	again, other := b.put("1", final("video")), b.put("2", final("video"))
	b.write(t)
	want(t, "what was counted", again, "no")
	want(t, "what was not", other, "first")
}

func TestARecordWhoseWritingWasNotAnsweredIsRecognised(t *testing.T) {
	server := redistest.Start(t)
	p := open(t, server, "c", memory(t))
	defer p.Close()
	p.take(t, whole, 1)
	told := p.put("1", final("video"))
	batch := p.Store.take(whole)
	if _, err := p.tryCommit(t.Context(), whole, p.rights.Mark(whole), batch); err != nil { // written, and nobody hears of it
		t.Fatal(err)
	}
	p.mu.Lock()
	for k, e := range p.leaveLocked(batch) {
		p.queue.putBack(k, e)
	}
	p.mu.Unlock()
	second := p.put("1", final("video"))
	p.write(t)
	want(t, "the record", told, "first")
	want(t, "the same record put again", second, "no")
	third := p.put("1", final("video"))
	p.write(t)
	want(t, "the same record once more", third, "no")
}

func TestRedisAwayHasRecordsWait(t *testing.T) {
	server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	p := open(t, server, "c", memory(t))
	defer p.Close()
	p.take(t, whole, 1)
	first := p.put("1", final("video"))
	p.write(t)
	server.Kill()
	second := p.put("2", final("video"))
	p.write(t)
	want(t, "while Redis is away", second, "waits")
	if p.Stats().Up || p.Stats().Errors[store.OpWrite] == 0 {
		t.Errorf("%+v", p.Stats())
	}
	server.Up(t)
	p.write(t)
	want(t, "before", first, "first")
	want(t, "after", second, "first")
	third := p.put("3", final("video"))
	p.rights.set(whole, "")
	p.write(t)
	want(t, "when the right has ended", third, "no")
	if r := p.Find("main", []string{"3"})[0]; r.Known() {
		t.Errorf("what was not counted is known: %+v", r)
	}
}

func TestWhatRedisLostIsWrittenAgain(t *testing.T) {
	server := redistest.Start(t)
	local, err := store.Open(t.TempDir(), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	p := open(t, server, "c", local)
	defer p.Close()
	p.take(t, whole, 1)
	ctx, cancel := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { p.Run(ctx, tasks{"tracked": final("video")}) })
	a, b := p.put("tracked", final("video")), p.put("gone", final("other"))
	eventually(t, func() bool {
		return p.Find("main", []string{"gone"})[0].Known() && len(local.Find("main", []string{"gone"})) == 1 && p.Stats().Tasks == 2
	})
	for local.Stats().Tasks < 2 {
		time.Sleep(10 * time.Millisecond)
	}
	server.CLI(t, "flushall")
	p.Put("main", "new", final("third"), nil)
	over := func() bool {
		return slices.Equal(p.AreOver("main", []string{"tracked", "gone", "new"}), []bool{true, true, true})
	}
	eventually(t, over)
	want(t, "what was counted", a, "first")
	want(t, "what was counted", b, "first")
	again := p.put("gone", final("other"))
	cancel()
	running.Wait()
	want(t, "what Redis had lost", again, "no")
	other := open(t, server, "c", memory(t))
	defer other.Close()
	other.take(t, whole, 2)
	if got := other.Find("main", []string{"gone", "new"}); got[0] != final("other") || got[1] != final("third") {
		t.Errorf("the next holder reads %+v", got)
	}
}

func eventually(t *testing.T, ok func() bool) {
	t.Helper()
	wait.Until(t, time.Minute, 20*time.Millisecond, func() error {
		if !ok() {
			return errors.New("it does not happen")
		}
		return nil
	})
}

func TestAnotherDictionaryIsNoticed(t *testing.T) {
	server := redistest.Start(t)
	p := open(t, server, "c", memory(t))
	defer p.Close()
	p.take(t, whole, 1)
	p.put("1", final("video"))
	p.write(t)
	server.CLI(t, "del", "kie1:{c:main}:names") // which a copy had not heard of
	server.CLI(t, "hset", "kie1:{c:main}:names", "audio", "1")
	told := p.put("2", final("video"))
	p.write(t)
	want(t, "the next record", told, "first")
	if got := p.Find("main", []string{"2"})[0]; got != final("video") {
		t.Errorf("got %+v", got)
	}
}

func TestWhatIsNotOursIsLeftAlone(t *testing.T) {
	server := redistest.Start(t)
	p := open(t, server, "c", memory(t))
	defer p.Close()
	p.take(t, whole, 1)
	server.CLI(t, "set", p.bucket("main", bucketOf("text")), "mine")
	server.CLI(t, "hset", p.bucket("main", bucketOf("later")), "later", "fof a later version")
	server.CLI(t, "hset", p.bucket("main", bucketOf("garbage")), "garbage", "Ogarbage")
	told := map[string]*string{}
	for _, id := range []string{"text", "later", "garbage", "good"} {
		told[id] = p.put(id, final("video"))
	}
	p.write(t)
	for id, w := range map[string]string{"text": "no", "later": "no", "garbage": "first", "good": "first"} {
		want(t, id, told[id], w)
	}
	if got := server.CLI(t, "get", p.bucket("main", bucketOf("text"))) + server.CLI(t, "hget", p.bucket("main", bucketOf("later")), "later"); got != "minefof a later version" {
		t.Errorf("got %s", got)
	}
	if n := p.Stats().Errors[store.OpDecode]; n != 2 {
		t.Errorf("%d errors", n)
	}
	server.CLI(t, "set", "kie1:{c:main}:fence:0", "garbage")
	if err := p.Seal(t.Context(), whole, "3|s", 3); err == nil || !strings.Contains(err.Error(), "is left alone") {
		t.Errorf("a fence that can't be read: %v", err)
	}
	server.CLI(t, "del", "kie1:{c:main}:fence:0")
	server.CLI(t, "lpush", "kie1:{c:main}:fence:0", "x")
	if err := p.Seal(t.Context(), whole, "3|s", 3); !redis.IsWrongType(err) {
		t.Errorf("a fence of another type: %v", err)
	}
	waits := p.put("more", final("video"))
	p.write(t)
	want(t, "without a fence", waits, "waits")
}

func TestMoreThanABatchOfSeveralParts(t *testing.T) {
	server := redistest.Start(t)
	a, b := open(t, server, "c", memory(t)), open(t, server, "c", memory(t))
	defer a.Close()
	defer b.Close()
	a.rights.parts, b.rights.parts = 2, 2
	a.take(t, Part{"main", 0}, 1)
	b.take(t, Part{"main", 1}, 2)
	const n = 3000
	first := 0
	for i := range n {
		id := "task_" + strconv.Itoa(i)
		p := a
		if a.rights.Of("main", id) == 1 {
			p = b
		}
		p.Put("main", id, final("group"+strconv.Itoa(i%7)), func(f bool) {
			if f {
				first++
			}
		})
	}
	a.write(t)
	b.write(t)
	if first != n || a.Stats().Tasks+b.Stats().Tasks != n {
		t.Errorf("%d were first, %d and %d are kept", first, a.Stats().Tasks, b.Stats().Tasks)
	}
	seen := map[string]bool{}
	for _, p := range []process{a, b} {
		for id, r := range p.All() {
			if seen[id] || !strings.HasPrefix(r.Group, "group") {
				t.Errorf("%s is there twice, or is %+v", id, r)
			}
			seen[id] = true
		}
	}
	if len(seen) != n {
		t.Errorf("%d of %d are read", len(seen), n)
	}
}

func TestTheSweepRemovesWhatIsLongUnlisted(t *testing.T) {
	server := redistest.Start(t)
	p := open(t, server, "c", memory(t))
	defer p.Close()
	p.take(t, whole, 1)
	for _, id := range []string{"listed", "unlisted"} {
		p.put(id, final("video"))
	}
	p.write(t)
	listed := tasks{"listed": final("video")}
	for _, day := range []uint16{20_000, 20_059, 20_060} {
		for from := 0; from < buckets; from += commandsAtATime {
			if err := p.sweepBuckets(t.Context(), "main", from, day, listed); err != nil {
				t.Fatal(err)
			}
		}
		got := p.AreOver("main", []string{"listed", "unlisted"})
		if want := []bool{true, day < 20_060}; !slices.Equal(got, want) {
			t.Errorf("on day %d: %v, want %v", day, got, want)
		}
	}
	p.put("more", final("video"))
	p.write(t)
	if n := p.Stats().Tasks; n != 2 {
		t.Errorf("%d records", n)
	}
}

// TestARecordTakesLittleMemory has a sixteenth of the buckets of an account as full as they are with a million records.
func TestARecordTakesLittleMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("writes 62,500 records")
	}
	server := redistest.Start(t)
	p := open(t, server, "c", memory(t))
	defer p.Close()
	p.take(t, whole, 1)
	used := func() int {
		for line := range strings.SplitSeq(server.CLI(t, "info", "memory"), "\n") {
			if n, ok := strings.CutPrefix(strings.TrimSpace(line), "used_memory:"); ok {
				bytes, err := strconv.Atoi(n)
				if err != nil {
					t.Fatal(err)
				}
				return bytes
			}
		}
		t.Fatal("Redis does not tell")
		return 0
	}
	p.put("first", final("video"))
	p.write(t) // scripts and the dictionary are there
	before, n := used(), 0
	for i := 0; n < 1_000_000/16; i++ {
		id := fmt.Sprintf("%032x", md5.Sum([]byte(strconv.Itoa(i)))) //nolint:gosec // as ids of the API look
		if bucketOf(id) >= buckets/16 {
			continue
		}
		r := final("group" + strconv.Itoa(i%20))
		if i%5 == 0 {
			r.State, r.FailCode, r.FailedAt = kie.StateFail, "422", r.Learned
		}
		r.Model, r.Credits, r.HasCredits = "veo3_fast"+strconv.Itoa(i%10), float64(i%100)/2, true
		r.Seen += kie.Time(i * 1_000)
		p.Put("main", id, r, nil)
		if n++; n%20_000 == 0 {
			p.write(t)
		}
	}
	p.write(t)
	if got := p.Stats().Tasks; got != n+1 {
		t.Fatalf("%d records of %d are written", got, n+1)
	}
	each := (used() - before) / n
	t.Logf("%d bytes a record", each)
	if each > 120 {
		t.Errorf("a record takes %d bytes, at most 120 are allowed", each)
	}
	began, found := time.Now(), 0
	for range p.All() {
		found++
	}
	t.Logf("%d records read in %v", found, time.Since(began))
}

// Redis goes away while records are read of tasks that are about to be tracked.
func TestATakeoverWaitsForRedis(t *testing.T) {
	server := redistest.Start(t, "--appendonly", "yes", "--appendfsync", "always")
	p := open(t, server, "c", memory(t))
	defer p.Close()
	p.take(t, whole, 1)
	ids := make([]string, 2*muchToRead)
	for i := range ids {
		if ids[i] = fmt.Sprintf("task_%d", i); i%10 == 0 {
			p.put(ids[i], final("video"))
		}
	}
	p.step(t.Context(), tasks{}, true)
	known := func(found []store.Record) (n int) {
		for _, r := range found {
			if r.Known() {
				n++
			}
		}
		return n
	}
	read := func() chan int {
		result := make(chan int, 1)
		go func() { result <- known(p.FindListed("main", ids)) }()
		return result
	}
	if n := <-read(); n != len(ids)/10 {
		t.Errorf("%d are known, want %d", n, len(ids)/10)
	}
	away := func() chan int {
		server.Kill()
		if n := known(p.Find("main", ids)); n != 0 {
			t.Errorf("of a server that is away %d are known", n)
		}
		result := read()
		select {
		case n := <-result:
			t.Errorf("nobody waits for the server: %d are known", n)
		case <-time.After(2 * readAgain):
		}
		return result
	}
	result := away()
	server.Up(t)
	if n := <-result; n != len(ids)/10 {
		t.Errorf("%d are known when the server is back, want %d", n, len(ids)/10)
	}
	result = away()
	p.rights.set(whole, "")
	if n := <-result; n != 0 {
		t.Errorf("%d are known of an account that is not held", n)
	}
	server.Up(t)
	eventually(t, func() bool { _, err := p.Durations(t.Context(), "main"); return err == nil }) // the client knows that it is back
	p.take(t, whole, 2)
	result = away()
	p.StopWaiting()
	if n := <-result; n != 0 {
		t.Errorf("%d are known at the end", n)
	}
}
