package store

import (
	"encoding/hex"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

func TestTheFormatOfARecordStays(t *testing.T) {
	r := Record{
		Group: "g", Model: "kling/v2", FailCode: "501", Seen: 1_700_000_000_000, Created: 1_700_000_000_001,
		Completed: 1_700_000_060_000, FailedAt: 1_700_000_060_000, Learned: 1_700_000_061_000, Credits: 1.5, HasCredits: true,
		State: kie.StateFail, Reason: kie.ReasonOther, Watched: true, Counted: true,
	}
	const golden = "3bde873a204e0d050780a0abfef96282a0abfef962c0c9b2fef962c0c9b2fef96290d9b2fef962000000000000f83f" +
		"0167086b6c696e672f763203353031"
	if got := hex.EncodeToString(r.encode("task", 20_000)); got != golden {
		t.Errorf("a record is written as\n%s, want\n%s", got, golden)
	}
	value, err := hex.DecodeString(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got, unlisted, ok := decode([]byte("task"), value, make(interned)); !ok || got != r || unlisted != 20_000 {
		t.Errorf("read %+v, unlisted %d, %t", got, unlisted, ok)
	}
}

func TestNoOtherValueIsBelieved(t *testing.T) {
	value := record(1).encode("task", 0)
	believed := func(key string, value []byte) bool {
		_, _, ok := decode([]byte(key), value, make(interned))
		return ok
	}
	if !believed("task", value) {
		t.Fatal("what was written is not believed")
	}
	if believed("tasl", value) {
		t.Error("another task's value is")
	}
	for i := range len(value) * 8 {
		value[i/8] ^= 1 << (i % 8)
		if believed("task", value) {
			t.Errorf("with bit %d flipped it is", i)
		}
		value[i/8] ^= 1 << (i % 8)
	}
	for i := range value {
		if believed("task", value[:i]) {
			t.Errorf("the first %d bytes of it are", i)
		}
	}
}

func TestAValueWithAGoodChecksumIsStillRead(t *testing.T) {
	good := record(1).encode("task", 0)
	for name, change := range map[string]func(v []byte) []byte{
		"a state that there is not":  func(v []byte) []byte { v[7] = 77; return v },
		"a reason that there is not": func(v []byte) []byte { v[8] = 77; return v },
		"a flag that there is not":   func(v []byte) []byte { v[6] |= 1 << 7; return v },
		"too long":                   func(v []byte) []byte { return append(v, 0) },
		"too short":                  func(v []byte) []byte { return v[:len(v)-1] },
		"nothing":                    func(v []byte) []byte { return v[:sealSize+1] },
		"never seen":                 func([]byte) []byte { return Record{}.encode("task", 0) },
	} {
		if _, _, ok := decode([]byte("task"), seal("task", change([]byte(string(good)))), make(interned)); ok {
			t.Error("believed: ", name)
		}
	}
}

func TestDaysAreInRange(t *testing.T) {
	for _, at := range []time.Time{{}, time.Unix(-1, 0), time.Unix(1, 0), time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC)} {
		if d := int(dayOf(at)); d != 0 && d != math.MaxUint16 {
			t.Errorf("day %d of %s", d, at)
		}
	}
}

// FuzzRecordComesBack: a record that may be believed is read as it was written, and no other is believed.
func FuzzRecordComesBack(f *testing.F) {
	f.Add("task", "g", "m", "501", int64(1), int64(-1), 1.5, true, byte(3), uint16(9))
	f.Fuzz(func(t *testing.T, id, group, model, code string, seen, created int64, credits float64, has bool, state byte, d uint16) {
		r := Record{
			Group: group, Model: model, FailCode: code, Seen: kie.Time(seen), Created: kie.Time(created),
			HasCredits: has, State: kie.State(state), Watched: !has,
		}
		if has && !math.IsNaN(credits) {
			r.Credits = credits
		}
		got, unlisted, ok := decode([]byte(strings.Clone(id)), r.encode(id, day(d)), make(interned))
		if valid := seen != 0 && r.State <= kie.StateFail; ok != valid {
			t.Fatalf("%+v is believed: %t", r, ok)
		}
		if ok && (got != r || unlisted != day(d)) {
			t.Errorf("%+v came back as %+v", r, got)
		}
	})
}
