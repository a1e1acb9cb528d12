// What the tests of this package share: records, tasks that stand for a tracker, stores whose time is the test's.

package store

import (
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// childMode names what the test binary does when it is started as another process.
const childMode = "STORE_TEST_CHILD"

func TestMain(m *testing.M) {
	if mode, dir := os.Getenv(childMode), os.Args[len(os.Args)-1]; mode != "" {
		os.Exit(child(mode, dir))
	}
	goleak.VerifyTestMain(m)
}

// acct is the account of the tasks of most tests.
const acct = "main"

// tracked stands for the tracker: tasks of one account.
type tracked map[string]Record

func (t tracked) Accounts() []string { return []string{acct} }

func (t tracked) IDs(string) []string { return slices.Collect(maps.Keys(t)) }

func (t tracked) Records(_ string, ids []string) []Record {
	some := make([]Record, len(ids))
	for i, id := range ids {
		some[i] = t[id]
	}
	return some
}

func (t tracked) Listed(_, id string) bool { return t[id].Known() }

func (t tracked) Owner(Record) (string, bool) { return acct, true }

// TakesPushes implements Tasks.
func (t tracked) TakesPushes(string) bool { return true }

// record returns a record that no other number has.
func record(n int) Record {
	at := kie.Time(1_700_000_000_000 + 1000*int64(n))
	return Record{
		Task: kie.Task{
			Model: fmt.Sprintf("model/%d", n%7), Created: at - 500, Completed: at + 60_000, State: kie.StateSuccess,
			Credits: float64(n) / 4, HasCredits: true,
		},
		Group: "video", Seen: at, Learned: at + 61_234, Counted: true, Watched: true,
	}
}

// id returns a task id as long as the API's are, in no order.
func id(n int) string {
	return fmt.Sprintf("%08x%024x", uint32(n)*2654435761, n) //nolint:gosec // the high bits are to go
}

func records(n int) tracked {
	all := make(tracked, n)
	for i := range n {
		all[id(i)] = record(i)
	}
	return all
}

func open(tb testing.TB, dir string) *Store {
	tb.Helper()
	s, err := Open(dir, slog.New(slog.DiscardHandler))
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(s.Close)
	return s
}

// fillUp puts records and commits them.
func fillUp(tb testing.TB, s *Store, all tracked) {
	tb.Helper()
	n := 0
	for id, r := range all {
		if !s.Put(acct, id, r, nil) {
			tb.Fatal("the store is down")
		}
		if n++; n%batchSize == 0 { // more would not fit into the queue
			s.write(time.Now())
		}
	}
	if !s.write(time.Now()) {
		tb.Fatal("not committed")
	}
}

// made returns a folder with a store of such records, written in more than one go so that pages have been given up.
func made(tb testing.TB, all tracked) (dir, path string) {
	tb.Helper()
	dir = tb.TempDir()
	s := open(tb, dir)
	ids := slices.Sorted(maps.Keys(all))
	for part := range slices.Chunk(ids, len(ids)/3+1) {
		some := make(tracked)
		for _, id := range part {
			some[id] = all[id]
		}
		fillUp(tb, s, some)
	}
	s.Close()
	return dir, filepath.Join(dir, "kie_exporter.db")
}

// want checks that the store holds exactly these records.
func want(tb testing.TB, s *Store, all tracked) {
	tb.Helper()
	got := maps.Collect(s.All())
	if !maps.Equal(got, all) {
		tb.Errorf("%d records, want %d, or other ones", len(got), len(all))
	}
	ids := slices.Sorted(maps.Keys(all))
	for i, r := range s.Find(acct, ids) {
		if r != all[ids[i]] {
			tb.Fatalf("found of %s: %+v, want %+v", ids[i], r, all[ids[i]])
		}
	}
	if n := s.Stats().Tasks; n != len(all) {
		tb.Errorf("%d tasks in the stats, want %d", n, len(all))
	}
}

func wantUp(tb testing.TB, s *Store, up bool) {
	tb.Helper()
	if got := s.Stats().Up; got != up {
		tb.Fatalf("up: %t, want %t; %v", got, up, s.Stats().Errors)
	}
}

// later is a time at which what failed is tried again.
func later() time.Time { return time.Now().Add(retryInterval + time.Second) }

// asides returns the files that were set aside.
func asides(tb testing.TB, dir string) []string {
	tb.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*.set-aside-*"))
	if err != nil {
		tb.Fatal(err)
	}
	return found
}
