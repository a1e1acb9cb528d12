package table

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
)

type thing struct {
	id    string
	value byte
}

func newTable() *Table[thing] { return New(func(k *thing) string { return k.id }) }

// FuzzTableIsAMap: whatever is put into a table, found in it and deleted from it, it is what a map would be. The bytes say what to
// do, two for each step.
func FuzzTableIsAMap(f *testing.F) {
	random := rand.NewChaCha8([32]byte{})
	for _, n := range []int{4, 200, 5000} {
		steps := make([]byte, n)
		_, _ = random.Read(steps) // it can't fail
		f.Add(steps)
	}
	f.Fuzz(func(t *testing.T, steps []byte) {
		table, model := newTable(), make(map[string]*thing)
		for step := range slices.Chunk(steps, 2) {
			id := strconv.Itoa(int(step[len(step)-1]))
			switch step[0] % 8 {
			case 0, 1, 2:
				table.Delete(id)
				delete(model, id)
			default:
				k := &thing{id, step[0]}
				table.Put(k)
				model[id] = k
			}
			if table.Get(id) != model[id] {
				t.Fatalf("%q is %v, want %v", id, table.Get(id), model[id])
			}
		}
		compare(t, table, model)
	})
}

func compare(t *testing.T, table *Table[thing], model map[string]*thing) {
	t.Helper()
	if table.Len() != len(model) {
		t.Errorf("%d things, want %d", table.Len(), len(model))
	}
	for id, k := range model {
		if table.Get(id) != k {
			t.Errorf("%q is %v, want %v", id, table.Get(id), k)
		}
	}
	found := make(map[string]*thing)
	for k := range table.All() {
		if found[k.id] != nil {
			t.Errorf("%q is there twice", k.id)
		}
		found[k.id] = k
	}
	if !maps.Equal(found, model) {
		t.Errorf("all things: %d, want %d", len(found), len(model))
	}
}

// Things that hash alike lie in a row, also across the end.
func TestThingsWithTheSameHomeAreFound(t *testing.T) {
	table, model := newTable(), make(map[string]*thing)
	for i := 0; len(model) < 6; i++ {
		k := &thing{id: strconv.Itoa(i)}
		if s, hash := table.shardOf(k.id); s == &table.shards[0] && int(uint64(hash)*least>>32) == least-2 {
			table.Put(k)
			model[k.id] = k
		}
	}
	compare(t, table, model)
	for id := range model {
		table.Delete(id)
		delete(model, id)
		compare(t, table, model)
	}
}

func TestSlotsFollowTheNumberOfThings(t *testing.T) {
	const many = 100_000
	table := newTable()
	for i := range many {
		table.Put(&thing{id: strconv.Itoa(i)})
		if n := table.Len(); n > 10_000 && slots(table) > n*3/2 {
			t.Fatalf("%d slots for %d things", slots(table), n)
		}
	}
	for i := range many {
		table.Delete(strconv.Itoa(i))
	}
	if n := slots(table); n > 2*least*Shards {
		t.Errorf("%d slots for nothing", n)
	}
}

func slots(table *Table[thing]) (n int) {
	for i := range table.shards {
		n += len(table.shards[i].things)
	}
	return n
}

// Whoever holds a lock while something is put holds it for as long as it takes a shard to grow.
func TestAShardIsASmallPartAndThingsStayInTheirs(t *testing.T) {
	const many = 100_000
	table := newTable()
	in := make(map[string]int)
	for i := range many {
		k := &thing{id: strconv.Itoa(i)}
		table.Put(k)
		if i == many/10 {
			for s := range Shards {
				for k := range table.Shard(s) {
					in[k.id] = s
				}
			}
		}
	}
	for s := range Shards {
		n := 0
		for k := range table.Shard(s) {
			if was, known := in[k.id]; known && was != s {
				t.Fatalf("%s went from shard %d to %d", k.id, was, s)
			}
			n++
		}
		if n > 2*many/Shards {
			t.Errorf("%d things of %d in a shard", n, many)
		}
	}
	if len(in) != many/10+1 {
		t.Errorf("%d things were in shards", len(in))
	}
}

func BenchmarkTable(b *testing.B) {
	const many = 1_000_000
	things := make([]thing, many)
	for i := range things {
		things[i].id = strconv.Itoa(i)
	}
	b.Run("put", func(b *testing.B) {
		for b.Loop() {
			table := newTable()
			for i := range things {
				table.Put(&things[i])
			}
		}
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/many, "ns/thing")
	})
	b.Run("get", func(b *testing.B) {
		table := newTable()
		for i := range things {
			table.Put(&things[i])
		}
		for i := 0; b.Loop(); i++ {
			if id := things[i%many].id; table.Get(id) == nil {
				b.Fatal(id)
			}
		}
	})
}
