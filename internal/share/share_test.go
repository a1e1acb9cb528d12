package share

import (
	"fmt"
	"hash/fnv"
	"slices"
	"testing"
)

// jump is the algorithm as its authors have it (Lamping and Veach, A Fast, Minimal Memory, Consistent Hash Algorithm).
func jump(key uint64, buckets int) int {
	var b, j int64 = -1, 0
	for j < int64(buckets) {
		b = j
		key = key*2862933555777941757 + 1
		j = int64(float64(b+1) * (float64(int64(1)<<31) / float64((key>>33)+1)))
	}
	return int(b)
}

func id(n uint64) string { return fmt.Sprintf("%032x", n*0x9e3779b97f4a7c15) }

func TestATaskIsInThePartThatTheAlgorithmSays(t *testing.T) {
	for n := range uint64(20_000) {
		h := fnv.New64a()
		if _, err := h.Write([]byte(id(n))); err != nil {
			t.Fatal(err)
		}
		for _, parts := range []int{1, 2, 3, 10, 1000} {
			if got, want := Of(id(n), parts), jump(h.Sum64(), parts); got != want {
				t.Fatalf("%s is in part %d of %d, want %d", id(n), got, parts, want)
			}
		}
	}
}

// Whoever routes ids computes parts, too, and files hold what was divided by them: these never change.
func TestPartsNeverChange(t *testing.T) {
	var got []int
	for _, id := range []string{"", "task_12345678", "281e5b0f39b9", "ee9c2715375b7837f8bb51d641ff5863", "Ω"} {
		got = append(got, Of(id, 2), Of(id, 4), Of(id, 10), Of(id, 1000))
	}
	want := []int{1, 1, 1, 266, 1, 1, 6, 350, 1, 2, 4, 747, 0, 0, 0, 15, 0, 0, 7, 707}
	if !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestPartsAreEvenAndOneMoreMovesItsShare(t *testing.T) {
	const ids = 100_000
	for _, parts := range []int{2, 4, 10, 100} {
		count, moved := make([]int, parts), 0
		for n := range uint64(ids) {
			part := Of(id(n), parts)
			count[part]++
			if more := Of(id(n), parts+1); more != part {
				moved++
				if more != parts {
					t.Fatalf("%s moves from %d to %d of %d", id(n), part, more, parts+1)
				}
			}
		}
		if least, most, even := slices.Min(count), slices.Max(count), ids/parts; least < even*8/10 || most > even*12/10 {
			t.Errorf("%d to %d of %d in %d parts", least, most, ids, parts)
		}
		if want := ids / (parts + 1); moved < want*9/10 || moved > want*11/10 {
			t.Errorf("%d move from %d parts to one more, want about %d", moved, parts, want)
		}
	}
}

func TestASetHasWhatItsPartsHave(t *testing.T) {
	s := Some(4, 3, 1, 3, 7, -1)
	if held, parts := s.Fraction(); held != 2 || parts != 4 || s.IsWhole() || !slices.Equal(s.Held(), []int{1, 3}) {
		t.Errorf("%d of %d: %v", held, parts, s.Held())
	}
	for n := range uint64(1000) {
		if part := Of(id(n), 4); s.Has(id(n)) != (part == 1 || part == 3) {
			t.Errorf("has %s of part %d: %v", id(n), part, s.Has(id(n)))
		}
	}
	switch {
	case Set{}.Has("a"), Set{}.IsWhole(), !Some(1, 0).IsWhole(), !Some(1, 0).Has("a"), !Some(3, 2, 1, 0).IsWhole():
		t.Error("the empty set has something, or a whole one lacks something")
	case !s.Equal(Some(4, 1, 3)), s.Equal(Some(5, 1, 3)), s.Equal(Some(4, 1)):
		t.Error("equal is what is not, or what is is not")
	case Share{"main", 3, 4}.String() != "main/3":
		t.Error(Share{"main", 3, 4})
	}
}

func BenchmarkOf(b *testing.B) {
	text := id(12345)
	b.ReportAllocs()
	for b.Loop() {
		if Of(text, 10) > 9 {
			b.Fatal("of 11")
		}
	}
}
