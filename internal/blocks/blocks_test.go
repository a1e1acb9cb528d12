package blocks

import (
	"math"
	"math/bits"
	"math/rand/v2"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/view"
)

// numbers is a list of tasks with these ids. Those below 0 are gaps.
type numbers []int

func (n numbers) Len() int { return len(n) }

func (n numbers) Look(position int) (live, answered bool) {
	return n[position] >= 0, n[position]%2 == 1
}

func (n numbers) Read(position int) view.Task {
	return view.Task{Task: kie.Task{ID: strconv.Itoa(n[position])}, Group: "g"}
}

func upTo(n int) numbers {
	all := make(numbers, n)
	for i := range all {
		all[i] = i
	}
	return all
}

func TestABlockThatIsNotShownIsLetGo(t *testing.T) {
	const many, left = 10_000, 100
	m, now := Maker{}, time.Now()
	lists := Lists{Unfinished: numbers{}, Finished: upTo(many), Count: many, Newest: slices.Values([]int(nil))}
	if s, complete := m.Make(lists, many, math.MaxInt, now); !complete || len(s.Tasks()) != many {
		t.Fatalf("%d tasks are shown, want %d", len(s.Tasks()), many)
	}
	if s, complete := m.Make(lists, left, math.MaxInt, now); !complete || len(s.Tasks()) != left {
		t.Fatalf("%d tasks are shown, want %d", len(s.Tasks()), left)
	}
	for i, r := range m.finished.runs[:len(m.finished.runs)-1] {
		if r.block != nil {
			t.Errorf("run %d keeps its block", i)
		}
	}
	for i, p := range m.finished.pieces[:len(m.finished.pieces)-3] {
		if p.block != nil {
			t.Errorf("piece %d keeps its block", i)
		}
	}
}

func TestGapsHaveNoTask(t *testing.T) {
	m := Maker{}
	lists := Lists{Unfinished: numbers{-2, 1, -2, 4}, Finished: numbers{-2, 7}, Count: 1, Newest: slices.Values([]int{1})}
	s, _ := m.Make(lists, 10, math.MaxInt, time.Now())
	var ids []string
	for _, k := range s.Tasks() {
		ids = append(ids, k.ID)
	}
	if slices.Sort(ids); !slices.Equal(ids, []string{"1", "4", "7"}) {
		t.Errorf("shown are %v", ids)
	}
}

// What there is no room for is read the next time, and nothing twice.
func TestAboutAsManyTasksAreReadAsThereIsRoom(t *testing.T) {
	const many, room = 5000, 1000
	m, read := Maker{}, map[*view.Block]bool{}
	lists := Lists{Unfinished: upTo(many), Finished: upTo(many), Count: many, Newest: slices.Values([]int(nil))}
	for complete := false; !complete; {
		var s view.Shown
		s, complete = m.Make(lists, 2*many, room, time.Now())
		tasks := 0
		for _, b := range s.Blocks {
			if !read[b] {
				read[b] = true
				tasks += b.Len()
			}
		}
		if tasks == 0 || tasks > room+runTasks {
			t.Fatalf("%d tasks were read", tasks)
		}
		if n := len(s.Tasks()); complete && n != 2*many {
			t.Errorf("%d tasks are shown, want %d", n, 2*many)
		}
	}
}

func TestTheNewestAreThoseOfAPlainSort(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 200 {
		all := make([]Aged[int], r.IntN(60))
		var n Newest[int]
		limit := r.IntN(50)
		for i := range all {
			all[i] = Aged[int]{Born: kie.Time(r.IntN(20)), ID: strconv.Itoa(r.IntN(5)), Account: strconv.Itoa(i), Task: i}
			n.Add(all[i], limit)
		}
		slices.SortFunc(all, Aged[int].compare)
		if want := all[:min(limit, len(all))]; !slices.Equal(n.Sorted(), want) {
			t.Fatalf("%v, want %v", n.Sorted(), want)
		}
	}
}

func TestSomeBitsOfAMask(t *testing.T) {
	for _, mask := range []uint64{0, 1, 0b1011, 1 << 63, math.MaxUint64} {
		for count := range 66 {
			low, high := lowest(mask, count), highest(mask, count)
			if n := min(count, bits.OnesCount64(mask)); bits.OnesCount64(low) != n || bits.OnesCount64(high) != n {
				t.Errorf("%b: %d bits are %b and %b", mask, count, low, high)
			}
			if rest := mask &^ low; low&^mask != 0 || rest != 0 && bits.TrailingZeros64(rest) < bits.Len64(low) {
				t.Errorf("%b: the lowest %d bits are %b", mask, count, low)
			}
			if rest := mask &^ high; high&^mask != 0 || rest != 0 && high != 0 && bits.Len64(rest) > bits.TrailingZeros64(high) {
				t.Errorf("%b: the highest %d bits are %b", mask, count, high)
			}
		}
	}
}
