package store

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"maps"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

func TestWhatIsPutIsFoundAgainAfterARestart(t *testing.T) {
	all := records(3000)
	all["a"] = Record{Seen: 1, Group: "g"}
	all["b"] = Record{
		Task: kie.Task{
			Created: 1_000_000_000_000, Model: "Ω", FailCode: "501", State: kie.StateFail, Reason: kie.ReasonOther,
			HasCredits: true,
		},
		Seen: 5, FailedAt: 9, Group: "g", Backlog: true, GivenUp: true,
	}
	dir, _ := made(t, all)
	s := open(t, dir)
	want(t, s, all)
	if got := s.Find(acct, []string{"unknown", "a"}); got[0].Known() || got[1] != all["a"] {
		t.Errorf("found %+v", got)
	}
}

// within runs a test in a bubble with a store that is at work.
func within(t *testing.T, test func(t *testing.T, s *Store, dir string)) {
	t.Helper()
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		ctx, stop := context.WithCancel(t.Context())
		var running sync.WaitGroup
		running.Go(func() { s.Run(ctx, tracked{}) })
		defer running.Wait()
		defer stop()
		test(t, s, dir)
	})
}

func TestCommittedIsCalledOnceTheRecordIsOnDisk(t *testing.T) {
	within(t, func(t *testing.T, s *Store, _ string) {
		calls := 0
		if !s.Put(acct, "a", record(1), func(bool) {
			calls++
			if n := s.Stats().Tasks; n != 1 {
				t.Errorf("%d tasks on disk", n)
			}
		}) {
			t.Fatal("not taken")
		}
		synctest.Wait()
		if calls != 0 {
			t.Error("called before the batch")
		}
		if got := s.Find(acct, []string{"a"}); got[0] != record(1) {
			t.Error("what waits for its batch is not found")
		}
		time.Sleep(10 * batchInterval)
		synctest.Wait()
		if calls != 1 {
			t.Errorf("called %d times", calls)
		}
	})
}

func TestTheLastBatchIsWrittenAtTheEnd(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	ctx, stop := context.WithCancel(t.Context())
	stop()
	called := false
	s.Put(acct, "a", record(1), func(bool) { called = true })
	s.Run(ctx, tracked{})
	s.Close()
	if !called {
		t.Error("committed was not called")
	}
	if s.Put(acct, "b", record(2), nil) {
		t.Error("a closed store takes records")
	}
	want(t, open(t, dir), tracked{"a": record(1)})
}

func TestCommittedIsCalledIfTheStoreIsClosedUnwritten(t *testing.T) {
	s := open(t, t.TempDir())
	called := 0
	s.Put(acct, "a", record(1), func(bool) { called++ })
	s.Close()
	s.Close()
	if called != 1 {
		t.Errorf("called %d times", called)
	}
}

func TestHeartbeatGoesOnWithoutAnythingToWrite(t *testing.T) {
	dir := t.TempDir()
	var end time.Time
	synctest.Test(t, func(t *testing.T) {
		s := open(t, dir)
		if !s.LastRun(acct).IsZero() {
			t.Error("a new store ran before")
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Minute+time.Second/2)
		defer stop()
		s.Run(ctx, tracked{})
		end = time.Now()
		if idle := end.Sub(s.written); idle > time.Second {
			t.Errorf("nothing was written for %s before the end", idle)
		}
		s.Close()
	})
	if got := open(t, dir).LastRun(acct); !got.Equal(end) {
		t.Errorf("last run %s, want %s", got, end)
	}
}

func TestMemoryKeepsNothing(t *testing.T) {
	var s Memory
	if s.Put(acct, "a", record(1), func(bool) { t.Error("called") }) {
		t.Error("took a record")
	}
	if got := s.Find(acct, []string{"a", "b"}); len(got) != 2 || got[0].Known() {
		t.Errorf("found %v", got)
	}
	for id := range s.All() {
		t.Error(id)
	}
	if st := s.Stats(); st.Up || len(st.Errors) != len(Operations()) || !s.LastRun(acct).IsZero() {
		t.Errorf("%+v", st)
	}
	ctx, stop := context.WithCancel(t.Context())
	stop()
	s.Run(ctx, tracked{})
	s.Close()
}

func TestPutNeverWaitsForTheDisk(t *testing.T) {
	s := open(t, t.TempDir())
	tx, err := s.file.db.Begin(true) // whoever writes now, waits
	if err != nil {
		t.Fatal(err)
	}
	s.Put(acct, "a", record(1), nil)
	var writing sync.WaitGroup
	writing.Go(func() { s.write(time.Now()) })
	s.Put(acct, "b", record(2), nil)
	if got := s.Find(acct, []string{"a", "b"}); got[0] != record(1) || got[1] != record(2) {
		t.Errorf("found %+v", got)
	}
	if err := tx.Rollback(); err != nil {
		t.Fatal(err)
	}
	writing.Wait()
	if !s.write(time.Now()) {
		t.Error("not written")
	}
	want(t, s, tracked{"a": record(1), "b": record(2)})
}

func TestASecondOneOnTheSamePathIsRefused(t *testing.T) {
	dir, _ := made(t, records(10))
	s := open(t, dir)
	if _, err := Open(dir, slog.New(slog.DiscardHandler)); !errors.Is(err, ErrLocked) {
		t.Errorf("in this process: %v", err)
	}
	if out := startChild(t, "open", dir).run(); out != "in use by another process\n" {
		t.Errorf("another process: %q", out)
	}
	want(t, s, records(10))
	s.Close()
	if out := startChild(t, "open", dir).run(); out != "open\n" {
		t.Errorf("after the first ended: %q", out)
	}
}

func TestRecordsOfTasksUnlistedFor60DaysGo(t *testing.T) {
	all := records(partSize + 5)
	dir, _ := made(t, all)
	s := open(t, dir)
	unlisted, back := id(1), id(2)
	listed := maps.Clone(all)
	delete(listed, unlisted)
	delete(listed, back)
	// Two steps sweep all, the next sweep is due a day later.
	start := time.Now()
	at := func(days int) {
		for i := range 3 {
			s.step(start.AddDate(0, 0, days).Add(firstSweep+time.Duration(i)*time.Minute), listed)
		}
	}
	s.step(start, listed)
	at(0)
	at(59)
	want(t, s, all)
	listed[back] = all[back]
	at(61)
	delete(all, unlisted)
	want(t, s, all)
	delete(listed, back)
	at(90)
	at(149)
	want(t, s, all)
	at(151)
	delete(all, back)
	want(t, s, all)
	s.Close()
	want(t, open(t, dir), all)
}

func TestAFileInUseIsAlwaysFoundGood(t *testing.T) {
	dir, path := made(t, records(500))
	s := open(t, dir)
	all, listed := records(500), make(tracked)
	random := rand.New(rand.NewPCG(5, 6))
	for round := range 60 {
		for range random.IntN(200) {
			n := random.IntN(5000)
			r := record(n)
			r.Model = strings.Repeat("x", random.IntN(128))
			all[id(n)] = r
			s.Put(acct, id(n), r, nil)
		}
		s.write(time.Now())
		// All that there is goes now and then, or some of it.
		gone := make([]kept, 0, len(all))
		for id, r := range all {
			if random.IntN(4) == 0 || round%20 == 19 {
				gone = append(gone, kept{key: keyOf(acct, id), record: r, unlisted: 1, ok: true})
				delete(all, id)
			}
		}
		swept, err := s.file.changes(gone, 100, listed)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.file.update(time.Now(), nil, slices.Values(swept)); err != nil {
			t.Fatal(err)
		}
		file, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if found, err := inspect(bytes.NewReader(file), int64(len(file)), nobody{}); err != nil || int(found.tasks) != len(all) {
			t.Fatalf("round %d: %+v of %d: %v", round, found, len(all), err)
		}
	}
	want(t, s, all)
}

func TestAFileIsForItsOwnerOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a mode says nothing here about who can read")
	}
	_, path := made(t, records(1))
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if mode := info.Mode().Perm(); mode != 0o600 {
		t.Errorf("mode %o", mode)
	}
}
