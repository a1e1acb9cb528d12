package store

import (
	"bytes"
	"strings"
	"testing"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// few has some names.
type few []string

func (f few) Number(name string) uint64 {
	for i, s := range f {
		if s == name {
			return uint64(i) + 1
		}
	}
	return 0
}

func (f few) Name(n uint64) (string, bool) {
	if n == 0 || n > uint64(len(f)) {
		return "", false
	}
	return f[n-1], true
}

func compacts() map[string]Compact {
	seen := kie.Time(1_700_000_000_000)
	open := Record{Group: "video", Seen: seen}
	answered := open
	answered.State, answered.Model, answered.Watched, answered.Answered = kie.StateGenerating, "veo3", true, seen+7_000
	given := open
	given.GivenUp, given.Watched, given.Backlog = true, true, true
	final := Record{Group: "video", Seen: seen, FailedAt: seen + 5, Learned: seen + 99_999, Watched: true, Counted: true}
	final.State, final.Model, final.FailCode, final.Reason = kie.StateFail, "veo3", "422", kie.ReasonOther
	final.Created, final.Completed, final.Credits, final.HasCredits = seen-86_400_000, seen+60_000, 12.5, true
	unnamed := final
	unnamed.Model, unnamed.Group = strings.Repeat("m", longestText), "other"
	return map[string]Compact{
		"open": {Record: open}, "answered": {Record: answered}, "given up": {Record: given, Unlisted: 20_000}, "final": {Record: final, Nonce: 7},
		"with names written out": {Record: unnamed, Nonce: 1<<32 - 1},
	}
}

func TestCompactRecordIsReadAsItWasWritten(t *testing.T) {
	names := few{"video", "veo3", "422"}
	for name, want := range compacts() {
		v := want.Encode("main", "task_1", names)
		got, known, ok := ParseCompact("main", "task_1", v, names)
		if !known || !ok || got != want {
			t.Errorf("%s: got %+v, %t, %t, want %+v", name, got, known, ok, want)
		}
		if name == "final" && len(v) > 64 {
			t.Errorf("%d bytes, beyond 64 a hash of Redis is not compact any more", len(v))
		}
		for other, key := range map[string][2]string{"of another id": {"main", "task_2"}, "of another account": {"other", "task_1"}} {
			if _, _, ok := ParseCompact(key[0], key[1], v, names); ok {
				t.Errorf("%s: read %s", name, other)
			}
		}
		for i := range v {
			changed := bytes.Clone(v)
			changed[i] ^= 1
			if _, _, ok := ParseCompact("main", "task_1", changed, names); ok {
				t.Errorf("%s: byte %d may be any", name, i)
			}
		}
		if _, known, ok := ParseCompact("main", "task_1", append([]byte{'f'}, v[1:]...), names); known || ok {
			t.Errorf("%s: a later format is known", name)
		}
		if _, known, ok := ParseCompact("main", "task_1", v, few{}); name != "with names written out" && (!known || ok) {
			t.Errorf("%s: a number without a name is believed", name)
		}
	}
}

// FuzzParseCompact: what is believed of any bytes is a whole record, which is read again as it is.
func FuzzParseCompact(f *testing.F) {
	names := few{"video", "veo3", "422"}
	for _, c := range compacts() {
		f.Add(c.Encode("main", "task_1", names))
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		c, _, ok := ParseCompact("main", "task_1", v, names)
		if !ok {
			return
		}
		again, _, ok := ParseCompact("main", "task_1", c.Encode("main", "task_1", names), names)
		if !ok || again != c {
			t.Errorf("%+v becomes %+v, %t", c, again, ok)
		}
	})
}

func TestAge(t *testing.T) {
	for name, test := range map[string]struct {
		unlisted uint16
		listed   bool
		today    uint16
		want     uint16
		gone     bool
	}{
		"listed":                 {0, true, 20_000, 0, false},
		"unlisted since today":   {0, false, 20_000, 20_000, false},
		"listed again":           {19_900, true, 20_000, 0, false},
		"unlisted for 59 days":   {20_000, false, 20_059, 20_000, false},
		"unlisted for 60 days":   {20_000, false, 20_060, 20_000, true},
		"a clock that went back": {20_000, false, 10, 20_000, false},
	} {
		if got, gone := Age(test.unlisted, test.listed, test.today); got != test.want || gone != test.gone {
			t.Errorf("%s: %d, %t", name, got, gone)
		}
	}
}
