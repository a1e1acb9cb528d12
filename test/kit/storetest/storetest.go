// Package storetest tests what the tracker relies on in whatever it is given as its Store.
package storetest

import (
	"context"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/records"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

// Store is a store as a process has it.
type Store interface {
	records.Store
	Run(ctx context.Context, t store.Tasks)
	Close()
}

// Test tests a store. Open opens it as a process does that comes after those that had the same directory. Keeps says whether the store
// keeps anything: one that does not is all right as long as it never says that it does.
func Test(t *testing.T, keeps bool, open func(t *testing.T, dir string) Store) {
	t.Helper()
	k := kit{keeps: keeps, open: open}
	for name, test := range map[string]func(*testing.T, kit){
		"each id gets a record, or a zero one":             testFind,
		"committed is called once, or not promised":        testCommitted,
		"a second final record of a task is not the first": testFirst,
		"a record of another task does not count":          testFirstOfEach,
		"what is kept outlives the process":                testAll,
		"an earlier process is dated, or unknown":          testLastRun,
		"what is forgotten or renewed is no error":         testForget,
		"every operation has its count of errors":          testStats,
	} {
		t.Run(name, func(t *testing.T) {
			k := k
			k.dir = t.TempDir()
			synctest.Test(t, func(t *testing.T) { test(t, k) })
		})
	}
}

type kit struct {
	keeps bool
	open  func(t *testing.T, dir string) Store
	dir   string
}

// process opens the store, has it run while live runs, and closes it.
func (k kit) process(t *testing.T, live func(s Store)) {
	t.Helper()
	s := k.open(t, k.dir)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		s.Run(ctx, listed{})
	}()
	live(s)
	stop()
	<-ended
	s.Close()
}

// settle waits until what was put is written.
func settle() {
	time.Sleep(5 * time.Second)
	synctest.Wait()
}

// listed says that every task is listed, and nothing else of any.
type listed struct{}

func (listed) Accounts() []string                              { return nil }
func (listed) IDs(string) []string                             { return nil }
func (listed) Records(_ string, ids []string) []store.Record   { return make([]store.Record, len(ids)) }
func (listed) Listed(string, string) bool                      { return true }
func (listed) Owner(store.Record) (account string, owned bool) { return "", false }

func (listed) TakesPushes(string) bool { return true }

// NoTasks are the tasks of a process without any.
type NoTasks struct{}

// Accounts returns none.
func (NoTasks) Accounts() []string { return nil }

// IDs returns none.
func (NoTasks) IDs(string) []string { return nil }

// Records returns none.
func (NoTasks) Records(string, []string) []store.Record { return nil }

// Listed says that every task is listed.
func (NoTasks) Listed(string, string) bool { return true }

// Owner knows of nobody.
func (NoTasks) Owner(store.Record) (account string, owned bool) { return "", false }

// TakesPushes says that no group does.
func (NoTasks) TakesPushes(string) bool { return false }

const account = "main"

func unfinished() store.Record {
	return store.Record{Group: "video", Seen: 1_700_000_000_000, Watched: true}
}

func final() store.Record {
	r := unfinished()
	r.State, r.Created, r.Completed, r.Learned, r.Counted = kie.StateSuccess, 1_700_000_000_000, 1_700_000_032_000, 1_700_000_033_000, true
	return r
}

// want checks what is found of tasks of an account; a zero record is wanted of what is not kept.
func (k kit) want(t *testing.T, s Store, account string, ids []string, want []store.Record) {
	t.Helper()
	if !k.keeps {
		want = make([]store.Record, len(ids))
	}
	if got := s.Find(account, ids); !slices.Equal(got, want) {
		t.Errorf("of %v is found\n%+v\nwant\n%+v", ids, got, want)
	}
}

func testFind(t *testing.T, k kit) {
	k.process(t, func(s Store) {
		k.want(t, s, account, nil, []store.Record{})
		s.Put(account, "a", unfinished(), nil)
		s.Put(account, "b", unfinished(), nil)
		named := final()
		named.ID, named.Updated, named.Took, named.HasResult = "b", named.Completed, 1, true // which are not kept
		s.Put(account, "b", named, nil)
		ids, want := []string{"b", "none", "a"}, []store.Record{final(), {}, unfinished()}
		k.want(t, s, account, ids, want)
		settle()
		k.want(t, s, account, ids, want)
		k.want(t, s, "other", ids, make([]store.Record, 3))
	})
}

func testCommitted(t *testing.T, k kit) {
	var promised, called [20]int
	put := func(s Store, i int) {
		if s.Put(account, strconv.Itoa(i), final(), func(bool) { called[i]++ }) {
			promised[i]++
		}
	}
	k.process(t, func(s Store) {
		for i := range 10 {
			put(s, i)
		}
		settle()
		for i := range 10 {
			if called[i] != promised[i] {
				t.Errorf("record %d: promised %d times, called %d times", i, promised[i], called[i])
			}
			if kept := promised[i] == 1; kept != k.keeps {
				t.Errorf("the store promises to keep record %d: %t", i, kept)
			}
		}
		for i := 10; i < len(called); i++ { // which the end of the process may be too soon for
			put(s, i)
		}
	})
	if called != promised {
		t.Errorf("promised %v, called %v", promised, called)
	}
}

// counts is what Put said of some records in a row: "first", "second", or "unknown".
type counts []string

func (a *counts) put(s Store, account, id string, r store.Record) {
	i := len(*a)
	*a = append(*a, "unknown")
	s.Put(account, id, r, func(first bool) {
		(*a)[i] = "second"
		if first {
			(*a)[i] = "first"
		}
	})
}

func (k kit) wantCounts(t *testing.T, got counts, want ...string) {
	t.Helper()
	if !k.keeps {
		want = slices.Repeat([]string{"unknown"}, len(want))
	}
	if !slices.Equal(got, want) {
		t.Errorf("told %v, want %v", got, want)
	}
}

func testFirst(t *testing.T, k kit) {
	var got counts
	k.process(t, func(s Store) {
		s.Put(account, "a", unfinished(), nil)
		settle()
		got.put(s, account, "a", final())
		got.put(s, account, "a", final()) // while the first one waits to be written
		settle()
		got.put(s, account, "a", final()) // when it was
		s.Put(account, "quiet", final(), nil)
		got.put(s, account, "quiet", final())
		settle()
	})
	k.process(t, func(s Store) {
		got.put(s, account, "a", final())
		got.put(s, account, "quiet", final())
		got.put(s, account, "new", final())
	})
	k.wantCounts(t, got, "first", "second", "second", "second", "second", "second", "first")
}

func testFirstOfEach(t *testing.T, k kit) {
	var got counts
	k.process(t, func(s Store) {
		got.put(s, account, "a", final())
		got.put(s, account, "b", final())
		got.put(s, "other", "a", final())
		settle()
		got.put(s, "other", "b", final())
		settle()
	})
	k.wantCounts(t, got, "first", "first", "first", "first")
}

func testAll(t *testing.T, k kit) {
	k.process(t, func(s Store) {
		s.Put(account, "a", unfinished(), nil)
		s.Put(account, "b", final(), nil)
		s.Put("other", "b", final(), nil)
	})
	k.process(t, func(s Store) {
		var ids []string
		for id := range s.All() {
			ids = append(ids, id)
		}
		slices.Sort(ids)
		want := []string{"a", "b", "b"}
		if !k.keeps {
			want = nil
		}
		if !slices.Equal(ids, want) {
			t.Errorf("there are records of %v, want %v", ids, want)
		}
		k.want(t, s, account, []string{"a", "b"}, []store.Record{unfinished(), final()})
	})
}

func testLastRun(t *testing.T, k kit) {
	var end time.Time
	began := time.Now()
	k.process(t, func(s Store) {
		if at := s.LastRun(account); !at.IsZero() && at.Before(began) {
			t.Errorf("a new store was last run at %v", at)
		}
		time.Sleep(time.Minute)
		end = time.Now()
	})
	time.Sleep(time.Hour)
	k.process(t, func(s Store) {
		at := s.LastRun(account)
		if known := !at.IsZero(); known != k.keeps || known && end.Sub(at).Abs() > 10*time.Second {
			t.Errorf("the process that ended at %v last ran at %v", end, at)
		}
	})
}

func testForget(t *testing.T, k kit) {
	k.process(t, func(s Store) {
		s.Put(account, "a", final(), nil)
		s.Forget(account, []string{"a", "none"})
		s.Renew()
		settle()
		k.want(t, s, account, []string{"a"}, []store.Record{final()}) // it is neither to be asked nor counted again
	})
}

func testStats(t *testing.T, k kit) {
	k.process(t, func(s Store) {
		s.Put(account, "a", final(), nil)
		settle()
		st := s.Stats()
		if st.Keeps != k.keeps || st.Up != k.keeps || (st.Tasks == 1) != k.keeps {
			t.Errorf("%+v", st)
		}
		for _, op := range store.Operations() {
			if n, ok := st.Errors[op]; !ok || n != 0 {
				t.Errorf("errors of %s: %d, %t", op, n, ok)
			}
		}
	})
}
