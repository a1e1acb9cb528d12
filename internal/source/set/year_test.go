package set

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
	"github.com/kie-exporter/kie_exporter/internal/source/files"
)

// remembering is a sink on whose disk tasks are over: the first ones. Those before another number are old.
type remembering struct {
	over, old int

	added, looked, evictions int

	first int // the lowest number that was added
}

func (r *remembering) Apply(c source.Change) {
	for _, t := range c.Added {
		if n := number(t.ID); r.added == 0 || n < r.first {
			r.first = n
		}
		r.added++
	}
}

func number(id string) (n int) {
	_, _ = fmt.Sscanf(id, "task_%d", &n)
	return n
}

// Over counts what is looked for on disk.
func (r *remembering) Over(_ string, ids []string) []time.Time {
	r.looked += len(ids)
	all := make([]time.Time, len(ids))
	for i, id := range ids {
		if n := number(id); n < r.over {
			all[i] = time.Unix(int64(n+1), 0)
		}
	}
	return all
}

// Evict counts how often all tasks are gone through, which takes a second. Nothing of memory is over.
func (r *remembering) Evict(source.Wanted) []source.Evicted {
	r.evictions++
	time.Sleep(time.Second)
	return nil
}

func (r *remembering) CountOver() int { return 0 }

// Displace has none to displace.
func (r *remembering) Displace(source.Wanted, func(account, id string) bool) []source.Evicted {
	return nil
}

func (r *remembering) Keeps() bool        { return true }
func (r *remembering) Old(int) source.Old { return past{r.over, r.old} }

type past struct{ over, old int }

func (p past) Len() int { return p.over }

func (p past) Ages(_ string, ids []string, ages []source.Age) {
	for i, id := range ids {
		switch n := number(id); {
		case n < p.old:
			ages[i] = source.OldOver
		case n < p.over:
			ages[i] = source.Over
		default:
			ages[i] = source.NotOver
		}
	}
}

// A year of ids in one list, here of 24 MiB, in parts.
func TestLargeListOfAYearCostsNoLookAtTheDiskNorAtAllTasksForEachPart(t *testing.T) {
	const (
		ids, limit = 24_000, 1000
		mebibyte   = 1 << 20
	)
	for name, test := range map[string]struct {
		over, old                 int
		added, refused            int
		mostLooked, mostEvictions int
	}{
		"all but a few are over":      {ids - 100, ids - limit, limit, 0, 0, 0},
		"some more are over than old": {ids - 100, ids - limit - 50, limit, 50, 200, 2},
		"nothing is known":            {0, 0, limit, ids - limit, 0, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				path := filepath.Join(t.TempDir(), "year.jsonl")
				var lines strings.Builder
				for i := range ids {
					fmt.Fprintf(&lines, `{"taskId":"task_%d","note":"%s"}`+"\n", i, strings.Repeat("x", mebibyte/1024))
				}
				if err := os.WriteFile(path, []byte(lines.String()), 0o600); err != nil {
					t.Fatal(err)
				}
				sink := &remembering{over: test.over, old: test.old}
				s, err := New([]Group{{Name: "video", Account: "main", Files: []files.Pattern{{Written: "year.jsonl", Path: path}}}},
					source.Limits{Tasks: limit, Bytes: 256 * mebibyte, IDs: 1_000_000}, sink, slog.New(slog.DiscardHandler))
				if err != nil {
					t.Fatal(err)
				}
				defer s.Close()
				if err := s.Load(t.Context()); err != nil {
					t.Fatal(err)
				}
				st := s.Stats()[0]
				if st.Tasks != ids || sink.added != test.added || st.Refused[source.RejectedLimit] != test.refused {
					t.Errorf("%d listed, %d tracked, %d refused", st.Tasks, sink.added, st.Refused[source.RejectedLimit])
				}
				if last := ids - limit; test.over == 0 && sink.first != last {
					t.Errorf("%d is tracked, want none before %d", sink.first, last)
				}
				if sink.looked > test.mostLooked {
					t.Errorf("%d ids were looked for on disk, want %d at most", sink.looked, test.mostLooked)
				}
				if sink.evictions > test.mostEvictions {
					t.Errorf("all tasks were gone through %d times, want %d at most", sink.evictions, test.mostEvictions)
				}
			})
		})
	}
}

// What a file of lines names is handed on once it is much, however small the parts in which it is read: records of many ids are found on disk in
// less time together.
func TestLargeListIsHandedOnInFewChanges(t *testing.T) {
	const ids = 300_000
	path := filepath.Join(t.TempDir(), "long.txt")
	var lines strings.Builder
	for i := range ids {
		fmt.Fprintf(&lines, "%032d\n", i)
	}
	if err := os.WriteFile(path, []byte(lines.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	var changes []int
	s, err := New([]Group{{Name: "video", Account: "main", Files: []files.Pattern{{Written: "long.txt", Path: path}}}},
		source.Limits{Tasks: ids, Bytes: 256 << 20, IDs: ids}, sinkFunc(func(c source.Change) { changes = append(changes, len(c.Added)) }), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	all := 0
	for _, n := range changes {
		all += n
	}
	if all != ids || len(changes) > 4 || slices.Max(changes) > ids/2 {
		t.Errorf("changes of %v ids", changes)
	}
}
