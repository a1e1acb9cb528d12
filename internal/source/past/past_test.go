package past

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/kie-exporter/kie_exporter/test/kit/heap"
)

const mainAccount, most = "main", 1000

// lists are the rounds that lists are in.
type lists map[uint32]uint32

func (l lists) isStale(n Naming) bool { return l[n.List] != n.Round }

func id(i int) string { return fmt.Sprintf("%032x", i) }

func TestWhatIsListedNoLongerMakesRoomFirst(t *testing.T) { synctest.Test(t, listedNoLonger) }

func listedNoLonger(t *testing.T) {
	rounds := lists{1: 1, 2: 1}
	m := New(rounds.isStale)
	for i := range most {
		m.Remember(mainAccount, id(i), Naming{List: 1 + uint32(i%2), Round: 1}, most, false)
	}
	if m.Remember(mainAccount, "one more", Naming{List: 1, Round: 1}, most, false) {
		t.Fatal("more are remembered than there may be")
	}
	rounds[2] = 2 // which names half of them no longer
	time.Sleep(lookAgain)
	if !m.Remember(mainAccount, "one more", Naming{List: 1, Round: 1}, most, false) {
		t.Fatal("what is listed no longer made no room")
	}
	for i := 0; i < most; i += 2 {
		if !m.Has(mainAccount, id(i)) {
			t.Fatalf("%d is listed, and was forgotten", i)
		}
	}
	if m.Has("other", id(0)) || m.Has(mainAccount, "never") {
		t.Error("an id is remembered that never was")
	}
}

func TestWhereSomeAreForgottenNobodyKnowsOfAny(t *testing.T) {
	m := New(lists{1: 1}.isStale)
	for i := range 3 * most {
		if !m.Remember(mainAccount, id(i), Naming{List: 1, Round: 1}, most, true) {
			t.Fatal("it is not remembered")
		}
		if m.Len() > most {
			t.Fatalf("%d are remembered", m.Len())
		}
	}
	if !m.Has(mainAccount, id(0)) || !m.Has(mainAccount, "never") {
		t.Error("it is told that an id is not listed, which nobody knows")
	}
}

func TestAnIDIsOfTheListThatNamedItUntilThatDoesNoLonger(t *testing.T) {
	rounds := lists{1: 1, 2: 1}
	m := New(rounds.isStale)
	m.Remember(mainAccount, "a", Naming{List: 1, Round: 1}, most, false)
	if known, repeated := m.Name(mainAccount, "a", Naming{List: 2, Round: 1}); !known || repeated {
		t.Errorf("known %t, repeated %t", known, repeated)
	}
	rounds[1] = 2
	if known, repeated := m.Name(mainAccount, "a", Naming{List: 1, Round: 2}); !known || repeated {
		t.Errorf("known %t, repeated %t in the next round", known, repeated)
	}
	if known, repeated := m.Name(mainAccount, "a", Naming{List: 1, Round: 2}); !known || !repeated {
		t.Errorf("known %t, repeated %t in the same round", known, repeated)
	}
	if m.Remove(mainAccount, "a", 2) || !m.Remove(mainAccount, "a", 1) || m.Len() != 0 {
		t.Error("it was not removed by its list alone")
	}
}

func TestIDsGoWithTheirListsToAnotherAccount(t *testing.T) {
	m := New(lists{1: 1, 2: 1}.isStale)
	m.Remember(mainAccount, "a", Naming{List: 1, Round: 1}, most, false)
	m.Remember(mainAccount, "b", Naming{List: 2, Round: 1}, most, false)
	m.Remember("other", "a", Naming{List: 2, Round: 1}, most, false)
	m.Move(mainAccount, "other", func(list uint32) bool { return list == 1 })
	if m.Has(mainAccount, "a") || !m.Has("other", "a") || !m.Has(mainAccount, "b") || m.Len() != 2 {
		t.Errorf("%d are remembered", m.Len())
	}
}

// The map doubles a part of it at a time, so it is between 20 and 40 bytes for each.
func TestAnIDThatLeftMemoryTakesAFewBytes(t *testing.T) {
	const many, limit = 1_000_000, 40
	before := heap.InUse()
	m := New(func(Naming) bool { return false })
	for i := range many {
		m.Remember(mainAccount, id(i), Naming{List: 1, Round: 1}, many, false)
	}
	each := float64(heap.InUse()-before) / many
	t.Logf("%.1f bytes an id", each)
	if each > limit || m.Len() != many {
		t.Errorf("%.1f bytes for each of %d", each, m.Len())
	}
}
