package store

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/config"
	"github.com/kie-exporter/kie_exporter/internal/kie"
)

func TestTheFormatOfARecordStays(t *testing.T) {
	r := Record{
		Task: kie.Task{
			Model: "kling/v2", FailCode: "501", Created: 1_700_000_000_001, Completed: 1_700_000_060_000, Credits: 1.5,
			HasCredits: true, State: kie.StateFail, Reason: kie.ReasonOther,
		},
		Group: "g", Seen: 1_700_000_000_000, FailedAt: 1_700_000_060_000, Learned: 1_700_000_061_000, Watched: true, Counted: true,
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
	if got, unlisted, ok := decode([]byte("task"), value, make(texts)); !ok || got != r || unlisted != 20_000 {
		t.Errorf("read %+v, unlisted %d, %t", got, unlisted, ok)
	}
}

// What was written before there were other endpoints is of jobs, and what is of jobs is written as it was then.
func TestARecordOfAnotherEndpointIsOneByteLonger(t *testing.T) {
	r := record(1)
	jobs := r.encode("task", 0)
	r.Endpoint = kie.Suno
	suno := r.encode("task", 0)
	got, _, ok := decode([]byte("task"), suno, make(texts))
	if len(suno) != len(jobs)+1 || !ok || got != r {
		t.Errorf("%d and %d bytes; read %+v, %v", len(jobs), len(suno), got, ok)
	}
	if got, _, ok = decode([]byte("task"), jobs, make(texts)); !ok || got.Endpoint != kie.Jobs {
		t.Errorf("read %+v, %v", got, ok)
	}
	r.Endpoint = kie.Credit
	if _, _, ok := decode([]byte("task"), r.encode("task", 0), make(texts)); ok {
		t.Error("a record of a task of the balance is believed")
	}
}

// What was written before last answers were kept is read as it is, and so is what has none.
func TestARecordWithALastAnswerIsSixBytesLonger(t *testing.T) {
	r := Record{
		Task: kie.Task{Model: "kling/v2", Created: 1_700_000_000_001, State: kie.StateGenerating}, Group: "g", Seen: 1_700_000_000_000, Watched: true,
	}
	const golden = "de4c4660000004030080a0abfef96282a0abfef962000000" + "0167086b6c696e672f763200"
	none := r.encode("task", 0)
	if got := hex.EncodeToString(none); got != golden {
		t.Errorf("a record is written as\n%s, want\n%s", got, golden)
	}
	r.Answered = 1_700_000_061_000
	some := r.encode("task", 0)
	got, _, ok := decode([]byte("task"), some, make(texts))
	if len(some) != len(none)+6 || !ok || got != r {
		t.Errorf("%d and %d bytes; read %+v, %v", len(none), len(some), got, ok)
	}
}

func TestNoOtherValueIsBelieved(t *testing.T) {
	value := record(1).encode("task", 0)
	believed := func(key string, value []byte) bool {
		_, _, ok := decode([]byte(key), value, make(texts))
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
		if _, _, ok := decode([]byte("task"), seal("task", change([]byte(string(good)))), make(texts)); ok {
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

var (
	plainCode  = regexp.MustCompile(`^([0-9A-Z_]{0,32}|other|none)$`)
	plainGroup = regexp.MustCompile(`^[0-9A-Za-z_.-]{1,64}$`)
)

// plausible says, in other words than possible, whether there may be such a record.
func plausible(id string, r Record) bool {
	told := func(at kie.Time) bool { return at == 0 || at >= 1_000_000_000_000 && at <= 9_999_999_999_999 }
	labels := kie.CleanLabel(r.Model) == r.Model && plainGroup.MatchString(r.Group) && plainCode.MatchString(r.FailCode)
	times := told(r.Created) && told(r.Completed) && r.Seen > 0 && min(r.Learned, r.FailedAt) >= 0 &&
		max(r.Seen, r.Learned, r.FailedAt) < 10_000_000_000_000
	answered := r.Answered == 0 || r.Answered > 0 && r.Answered < 10_000_000_000_000 && r.Watched && !r.State.Finished()
	credits := math.Float64bits(r.Credits) <= math.Float64bits(1e9) // which −0, NaN and what is negative are above
	known := slices.Contains(kie.States(), r.State) && slices.Contains(kie.Reasons(), r.Reason)
	ending := r.Completed != 0 || r.Learned != 0 || r.HasCredits || r.Counted
	failing := r.FailCode != "" || r.Reason != 0 || r.FailedAt != 0
	return kie.ValidID(id) && labels && times && answered && credits && known &&
		(r.State.Finished() || !ending) && (r.State == kie.StateFail || !failing)
}

// FuzzRecordComesBack: a record that may be true is read as it was written, and no other is believed, whole or in part.
func FuzzRecordComesBack(f *testing.F) {
	const at = 1_790_000_000_000
	f.Add("task", "g", "m", "501", int64(1), int64(at), int64(at), int64(at), int64(at), 1.5, byte(kie.StateFail), byte(1), byte(0x15), uint16(9))
	f.Add("task", "g", "m", "", int64(at), int64(0), int64(0), int64(0), int64(0), 0.0, byte(kie.StateWaiting), byte(0), byte(0x1e), uint16(0))
	f.Add("task", "g", "m", "", int64(at), int64(at), int64(0), int64(0), int64(at), 0.0, byte(kie.StateWaiting), byte(0), byte(0x24), uint16(0))
	f.Add("\xff", "g\n", "\xff", "5 1", int64(-1), int64(math.MinInt64), int64(1<<58), int64(1), int64(math.MaxInt64), math.NaN(), byte(99), byte(99), byte(1), uint16(9))
	f.Fuzz(func(t *testing.T, id, group, model, code string, seen, created, completed, failed, learned int64, credits float64, state, reason, flags byte, d uint16) {
		r := Record{
			Task: kie.Task{
				Model: model, FailCode: code, State: kie.State(state), Reason: kie.Reason(reason), Created: kie.Time(created),
				Completed: kie.Time(completed), HasCredits: flags&1 != 0,
			},
			Group: group, Seen: kie.Time(seen), FailedAt: kie.Time(failed), Learned: kie.Time(learned), Backlog: flags&2 != 0,
			Watched: flags&4 != 0, Counted: flags&8 != 0, GivenUp: flags&16 != 0,
		}
		if r.HasCredits {
			r.Credits = credits
		}
		if flags&32 != 0 {
			r.Answered, r.Learned = r.Learned, 0
		}
		got, unlisted, ok := decode([]byte(strings.Clone(id)), r.encode(id, day(d)), make(texts))
		switch {
		case ok != plausible(id, r):
			t.Errorf("%+v of %q is believed: %t", r, id, ok)
		case ok && (got != r || unlisted != day(d)):
			t.Errorf("%+v came back as %+v", r, got)
		case !ok && (got != Record{} || unlisted != 0):
			t.Errorf("%+v is believed in part: %+v", r, got)
		}
	})
}

// FuzzSealedContentIsNoWildRecord: of whatever bytes somebody gives a good checksum to, nothing is believed, or a whole record that may be
// true and is read again as it is.
func FuzzSealedContentIsNoWildRecord(f *testing.F) {
	f.Add("task", record(1).encode("task", 7)[sealSize:])
	f.Add("task", Record{Seen: 1, Group: "g", Task: kie.Task{Model: "\xff"}}.encode("task", 0)[sealSize:])
	f.Add("task", []byte{})
	f.Add("task", bytes.Repeat([]byte{0xff}, 200))
	f.Fuzz(func(t *testing.T, id string, content []byte) {
		r, unlisted, ok := decode([]byte(id), seal(id, append(newSealed(len(content)), content...)), make(texts))
		if !ok {
			if r != (Record{}) || unlisted != 0 {
				t.Errorf("believed in part: %+v", r)
			}
			return
		}
		if again, day, ok := decode([]byte(id), r.encode(id, unlisted), make(texts)); !plausible(id, r) || !ok || again != r || day != unlisted {
			t.Errorf("%+v of %q is believed, and read again as %+v", r, id, again)
		}
	})
}

// TestARecordThatCanNotBeTrueIsAsIfItWereNotThere: it is counted, neither found nor handed out, and goes with the next sweep.
func TestARecordThatCanNotBeTrueIsAsIfItWereNotThere(t *testing.T) {
	all := records(5)
	wild := make(tracked)
	for i, change := range []func(r *Record){
		func(r *Record) { r.Model = "\xff" },
		func(r *Record) { r.Model = " m" },
		func(r *Record) { r.Group = "g\"" },
		func(r *Record) {
			r.State, r.Reason, r.FailCode = kie.StateFail, kie.ReasonOther, strings.Repeat("5", 64<<10)
		},
		func(r *Record) { r.FailCode = "501" }, // of a success
		func(r *Record) { r.Credits = math.NaN() },
		func(r *Record) { r.Credits = 2e9 },
		func(r *Record) { r.Created, r.Completed = 1, 1<<58 }, // whose difference is −1 ms
		func(r *Record) { r.Learned = kie.EndOfTime },
		func(r *Record) { r.State = kie.StateWaiting }, // with all that only an end has
		func(r *Record) { r.Answered = r.Learned },     // of what is over
	} {
		r := record(1000 + i)
		change(&r)
		wild[id(1000+i)] = r
	}
	wild["id\n"] = record(1)
	both := maps.Clone(all)
	maps.Copy(both, wild)
	dir, _ := made(t, both)
	s := open(t, dir)
	if n := s.Stats().Errors[OpDecode]; n != uint64(len(wild)) {
		t.Errorf("%d counted of %d", n, len(wild))
	}
	for i, r := range s.Find(acct, slices.Sorted(maps.Keys(wild))) {
		if r != (Record{}) {
			t.Errorf("found of the %d.: %+v", i, r)
		}
	}
	if got := maps.Collect(s.All()); !maps.Equal(got, all) {
		t.Errorf("%d records, want %d", len(got), len(all))
	}
	s.step(time.Now(), both)
	s.step(time.Now().Add(firstSweep+time.Minute), both)
	want(t, s, all)
}

// TestACompletionBeforeTheCreationIsBelieved: answers tell such times, too, and such a task is finished all the same.
func TestACompletionBeforeTheCreationIsBelieved(t *testing.T) {
	r := record(1)
	r.Created, r.Completed = r.Completed, r.Created
	if got, _, ok := decode([]byte("task"), r.encode("task", 0), make(texts)); !ok || got != r {
		t.Errorf("%+v is read as %+v, %t", r, got, ok)
	}
}

func TestWhateverTheConfigurationCallsAGroupIsBelieved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "kie.yml")
	names := []string{"default", "", strings.Repeat("g", longestName), strings.Repeat("g", longestName+1), "é"}
	for c := range 128 {
		names = append(names, "g"+string(rune(c)))
	}
	for _, name := range names {
		text := fmt.Sprintf("groups: [{name: %q, tasks: [a]}]\n", name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := config.Load(path, func(string) string { return "0123456789abcdef" })
		if name != "" && validName(name) != (err == nil) {
			t.Errorf("%q is a name of a group: %t in a record, in the configuration: %v", name, validName(name), err)
		}
	}
}
