package store

import (
	"bytes"
	"io"
	"log/slog"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.etcd.io/bbolt"
)

// noted notes what a reader is shown.
type noted struct {
	mu       sync.Mutex
	begun    []int
	unlisted map[string]bool // by id
	parts    map[int]int     // records of each part
}

func (n *noted) Begin(most int) {
	n.begun, n.unlisted, n.parts = append(n.begun, most), make(map[string]bool), make(map[int]int)
}

func (n *noted) Record(part int, account, id []byte, r *Record) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if string(account) == acct {
		n.unlisted[string(id)] = r.Unlisted()
		n.parts[part]++
	}
}

// together is a reader to which each part shows a first record only when all have one. Else one might show all while the others get no processor.
type together struct {
	noted

	t     *testing.T
	first [Parts]sync.Once
	come  atomic.Int32
	all   chan struct{}
}

func (r *together) Record(part int, account, id []byte, record *Record) {
	r.first[part].Do(func() {
		if r.come.Add(1) == Parts {
			close(r.all)
		}
		select {
		case <-r.all:
		case <-time.After(3 * time.Minute):
			r.t.Error("a single part reads")
		}
	})
	r.noted.Record(part, account, id, record)
}

func TestAReaderIsShownEachRecordOnceWhileTheFileIsChecked(t *testing.T) {
	all := records(20_000)
	dir, _ := made(t, all)
	s := open(t, dir)
	key := keyOf(acct, id(7))
	if err := s.file.update(time.Now(), nil, slices.Values([]change{{key, all[id(7)].encode(key, 100)}})); err != nil {
		t.Fatal(err)
	}
	s.Close()
	n := together{t: t, all: make(chan struct{})}
	s, err := OpenWith(dir, Options{Reader: &n}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if want := []int{0, len(all)}; !slices.Equal(n.begun, want) {
		t.Errorf("begun for %v records, want %v", n.begun, want)
	}
	shown := 0
	for _, count := range n.parts {
		shown += count
	}
	if shown != len(all) || len(n.unlisted) != len(all) || len(n.parts) != Parts {
		t.Errorf("%d records of %d are shown, of %d tasks, by %d parts", shown, len(all), len(n.unlisted), len(n.parts))
	}
	for id, unlisted := range n.unlisted {
		if unlisted != (key == keyOf(acct, id)) {
			t.Errorf("%s is unlisted: %t", id, unlisted)
		}
	}
}

func TestWhatIsFoundByPagesIsWhatBboltFinds(t *testing.T) {
	all := records(5000)
	dir, _ := made(t, all)
	s := open(t, dir)
	ids := []string{"", "\xff", "none"}
	for i := range 6000 {
		ids = append(ids, id(i)) // some of which there are not
	}
	slices.Reverse(ids)
	for i, r := range s.Find(acct, ids) {
		if want := all[ids[i]]; r != want {
			t.Fatalf("%q: got %+v, want %+v", ids[i], r, want)
		}
	}
}

// reads counts what is read.
type reads struct {
	io.ReaderAt
	count int
}

// ReadAt implements io.ReaderAt.
func (r *reads) ReadAt(p []byte, off int64) (int, error) {
	r.count++
	return r.ReaderAt.ReadAt(p, off)
}

// A tree that is asked for keys in any order, there or not, finds what bbolt finds. In their order it reads no page twice.
func TestATreeIsReadOnceForKeysInOrder(t *testing.T) {
	const count = 3000
	dir, _ := made(t, records(count))
	s := open(t, dir)
	var keys []string
	for i := range count + 500 {
		key := keyOf(acct, id(i))
		keys = append(keys, key, key+"x", key[:len(key)-1])
	}
	keys = append(keys, keyOf(acct, ""), keyOf(acct, "\xff"), "\x00", "\xff")
	err := s.file.view(func(_, tasks *bbolt.Bucket) error {
		pages := &reads{ReaderAt: s.file.handle}
		newTree := func() *tree {
			return &tree{file: pages, root: uint64(tasks.Root()), size: tasks.Tx().DB().Info().PageSize}
		}
		check := func(tree *tree) {
			for _, key := range keys {
				if got, err := tree.get([]byte(key)); err != nil || !bytes.Equal(got, tasks.Get([]byte(key))) {
					t.Fatalf("%q: %q, %v", key, got, err)
				}
			}
		}
		rand.New(rand.NewPCG(1, 2)).Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
		check(newTree())
		slices.Sort(keys)
		pages.count = 0
		check(newTree())
		stats := tasks.Stats()
		if all := stats.BranchPageN + stats.LeafPageN; all < 20 || pages.count > all {
			t.Errorf("%d reads of %d pages", pages.count, all)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// What was found and is used no more is there for the next one, and holds nothing of it.
func TestWhatIsRecycledIsFoundIn(t *testing.T) {
	all := records(parallelFind)
	dir, _ := made(t, all)
	s := open(t, dir)
	ids := slices.Sorted(maps.Keys(all))
	for range 3 {
		found := s.FindListed(acct, ids)
		for i, r := range found {
			if r != all[ids[i]] {
				t.Fatalf("%s: %+v", ids[i], r)
			}
		}
		Recycle(found)
		for i, r := range s.FindListed("other", ids) {
			if r.Known() {
				t.Fatalf("%s of another account: %+v", ids[i], r)
			}
		}
	}
}
