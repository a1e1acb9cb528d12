package store

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"go.etcd.io/bbolt"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/source"
)

// BenchmarkLoadAMillion is what a start does with a store of 1,000,000 tasks, all of them listed.
func BenchmarkLoadAMillion(b *testing.B) {
	const n = 1_000_000
	dir, path := made(b, records(n))
	ids := make([]string, n)
	for i := range ids {
		ids[i] = id(i) // which is a random order
	}
	var opened, learned, found time.Duration
	b.ReportAllocs()
	for b.Loop() {
		start := time.Now()
		s := open(b, dir)
		opened += time.Since(start)
		start = time.Now()
		count := 0
		for range s.All() {
			count++
		}
		learned += time.Since(start)
		start = time.Now()
		known := 0
		for part := range slices.Chunk(ids, 1<<16) {
			for _, r := range s.Find(acct, part) {
				if r.Known() {
					known++
				}
			}
		}
		found += time.Since(start)
		if count != n || known != n {
			b.Fatalf("%d and %d records", count, known)
		}
		s.Close()
	}
	info, err := os.Stat(path)
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64(info.Size())/(1<<20), "MB-file")
	for name, d := range map[string]time.Duration{"s-open": opened, "s-all": learned, "s-find": found} {
		b.ReportMetric(d.Seconds()/float64(b.N), name)
	}
}

// BenchmarkPutAMillion is the first read of 1,000,000 ids: a batch of so many first sights.
func BenchmarkPutAMillion(b *testing.B) {
	for b.Loop() {
		s := open(b, b.TempDir())
		for n := range 1_000_000 {
			s.Put(acct, id(n), Record{Seen: 1, Group: "video", Backlog: true}, nil)
		}
		if !s.write(time.Now()) {
			b.Fatal("not written")
		}
		s.Close()
	}
}

// BenchmarkBatch is a second of an account at its budget, on top of 100,000 records.
func BenchmarkBatch(b *testing.B) {
	dir, _ := made(b, records(100_000))
	s := open(b, dir)
	n := 100_000
	for b.Loop() {
		for range 4 {
			n++
			s.Put(acct, id(n), record(n), nil)
		}
		if !s.write(time.Now()) {
			b.Fatal("not written")
		}
	}
}

// BenchmarkBatchOfAnswers is the same of answers about unfinished tasks, each of which is written over the one of a minute before.
func BenchmarkBatchOfAnswers(b *testing.B) {
	all := records(100_000)
	for id, r := range all {
		all[id] = Record{
			Task: kie.Task{Model: r.Model, Created: r.Created, State: kie.StateGenerating}, Group: r.Group, Seen: r.Seen, Watched: true, Answered: r.Learned,
		}
	}
	dir, _ := made(b, all)
	s := open(b, dir)
	n := 0
	for b.Loop() {
		for range 4 {
			n = (n + 7919) % 100_000
			r := all[id(n)]
			r.Answered += kie.Time(n)
			s.Put(acct, id(n), r, nil)
		}
		if !s.write(time.Now()) {
			b.Fatal("not written")
		}
	}
}

// BenchmarkDecode is a record that is read.
func BenchmarkDecode(b *testing.B) {
	key, names := keyOf("default", id(1)), make(texts)
	value := record(1).encode(key, 0)
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := decode([]byte(key), value, names); !ok {
			b.Fatal("not believed")
		}
	}
}

// BenchmarkPushesOnDisk tells what a pushed id takes on disk: ids of 32 characters in no order, pushed 500 at a time, with a model and without.
func BenchmarkPushesOnDisk(b *testing.B) {
	const many, together = 100_000, 500
	for _, model := range []string{"", "vendor/model-1/image-to-video"} {
		b.Run("model="+model, func(b *testing.B) {
			for b.Loop() {
				s, err := Open(b.TempDir(), slog.New(slog.DiscardHandler))
				if err != nil {
					b.Fatal(err)
				}
				random := rand.New(rand.NewPCG(1, 2))
				var changes []source.Pushed
				for range many {
					id := fmt.Sprintf("%016x%016x", random.Uint64(), random.Uint64())
					changes = append(changes, source.Pushed{Group: "video", Task: source.Task{ID: id, Model: model}})
				}
				for part := range slices.Chunk(changes, together) {
					if err := s.SavePushes(part); err != nil {
						b.Fatal(err)
					}
				}
				var pages int // the file is longer: it grows by much at a time, and keeps what is free
				err = s.file.db.View(func(tx *bbolt.Tx) error {
					st := tx.Bucket([]byte(bucketPushes)).Stats()
					pages = st.LeafAlloc + st.BranchAlloc
					return nil
				})
				if err != nil {
					b.Fatal(err)
				}
				s.Close()
				b.ReportMetric(float64(pages)/many, "B/id")
			}
		})
	}
}
