package store

import (
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"
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

func TestAReaderIsShownEachRecordOnceWhileTheFileIsChecked(t *testing.T) {
	all := records(20_000)
	dir, _ := made(t, all)
	s := open(t, dir)
	key := keyOf(acct, id(7))
	if err := s.file.update(time.Now(), nil, slices.Values([]change{{key, all[id(7)].encode(key, 100)}})); err != nil {
		t.Fatal(err)
	}
	s.Close()
	var n noted
	s, err := OpenWith(dir, Options{Reader: &n}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.Close()
	if want := []int{0, len(all)}; !slices.Equal(n.begun, want) {
		t.Errorf("begun for %v records, want %v", n.begun, want)
	}
	shown := 0
	for part, count := range n.parts {
		if shown += count; count < len(all)/100 {
			t.Errorf("part %d has %d records of %d", part, count, len(all))
		}
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
