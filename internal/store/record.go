// What is kept of a task, and how it is written.

package store

import (
	"encoding/binary"
	"hash/crc32"
	"math"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// Record is what is kept of a task, finished or not. Times are absent where they are zero.
type Record struct {
	kie.Task // without its id, which is told beside it, Updated, Took and HasResult

	Group    string   // in which it was tracked last
	Seen     kie.Time // first sight; every record has it
	FailedAt kie.Time // of a failed task that is news
	Learned  kie.Time // when the final state was learned
	Answered kie.Time // of an unfinished task: when an answer last told state and model, of those that were kept

	Backlog bool // came with its source's first read
	Watched bool // was seen unfinished, so that its end is news
	Counted bool // is news, so that it is in the totals or will be; that it is final keeps it from being counted again
	GivenUp bool // unfinished and never asked again

	Endpoint kie.Endpoint // that was asked about it; in records of before there were others it is that of jobs

	byID     bool // was found under its id alone, and so may be another account's
	unlisted bool // was found unlisted, as far as a Reader is shown
}

// AsKept returns the record without what is not kept of it.
func (r Record) AsKept() Record {
	r.ID, r.Updated, r.Took, r.HasResult = "", 0, 0, false
	return r
}

// KeptByID reports whether the record was written by a version that kept records by id alone: its account is that of its group.
func (r Record) KeptByID() bool { return r.byID }

// Unlisted reports whether its task was found unlisted a day or more ago, of a record that is shown to a Reader.
func (r Record) Unlisted() bool { return r.unlisted }

// Known reports whether there is such a record: the zero one stands for none.
func (r Record) Known() bool { return !r.Seen.IsZero() }

// IsOver reports whether the task is never asked again.
func (r Record) IsOver() bool { return r.State.Finished() || r.Known() && r.GivenUp }

// The flags of a record. Their values are in files, like those of kie.State and kie.Reason.
const (
	flagCredits byte = 1 << iota
	flagBacklog
	flagWatched
	flagCounted
	flagGivenUp
	flagEndpoint
	flagAnswered
)

func (r *Record) flags() byte {
	return flagIf(r.HasCredits, flagCredits) | flagIf(r.Backlog, flagBacklog) | flagIf(r.Watched, flagWatched) | flagIf(r.Counted, flagCounted) |
		flagIf(r.GivenUp, flagGivenUp) | flagIf(r.Endpoint != kie.Jobs, flagEndpoint) | flagIf(!r.Answered.IsZero(), flagAnswered)
}

func flagIf(set bool, flag byte) byte {
	if set {
		return flag
	}
	return 0
}

// day counts days since 1970. Day 0 in a record says that the task is listed, else the record holds the day on which it was
// first found unlisted.
type day uint16

func dayOf(t time.Time) day {
	return day(min(max(t.Unix()/(24*60*60), 0), math.MaxUint16))
}

// encode returns the value that is written under a key: sealed, the day, then the record.
func (r Record) encode(key string, unlisted day) []byte {
	v := newSealed(80)
	v = binary.LittleEndian.AppendUint16(v, uint16(unlisted))
	v = append(v, r.flags(), byte(r.State), byte(r.Reason))
	for _, t := range []kie.Time{r.Seen, r.Created, r.Completed, r.FailedAt, r.Learned} {
		v = binary.AppendVarint(v, int64(t))
	}
	if r.Endpoint != kie.Jobs {
		v = append(v, byte(r.Endpoint))
	}
	if !r.Answered.IsZero() {
		v = binary.AppendVarint(v, int64(r.Answered))
	}
	if r.HasCredits {
		v = binary.LittleEndian.AppendUint64(v, math.Float64bits(r.Credits))
	}
	for _, s := range r.labels() {
		v = binary.AppendUvarint(v, uint64(len(*s)))
		v = append(v, *s...)
	}
	return seal(key, v)
}

// labels returns the texts of a record, in the order in which they are written.
func (r *Record) labels() [3]*string { return [3]*string{&r.Group, &r.Model, &r.FailCode} }

// decode reads what encode wrote; false: the value is not what was written under this key, or can't be true.
func decode(key, value []byte, names texts) (r Record, unlisted day, ok bool) {
	d := decoder{rest: unseal(key, value)}
	if len(d.rest) < 5 {
		return Record{}, 0, false
	}
	unlisted = day(binary.LittleEndian.Uint16(d.rest))
	flags := d.rest[2]
	r.State, r.Reason = kie.State(d.rest[3]), kie.Reason(d.rest[4])
	d.rest = d.rest[5:]
	for _, t := range []*kie.Time{&r.Seen, &r.Created, &r.Completed, &r.FailedAt, &r.Learned} {
		*t = d.time()
	}
	if flags&flagEndpoint != 0 {
		r.Endpoint = kie.Endpoint(d.byte())
	}
	if flags&flagAnswered != 0 {
		r.Answered = d.time()
	}
	r.HasCredits = flags&flagCredits != 0
	if r.HasCredits {
		r.Credits = d.float()
	}
	for _, s := range r.labels() {
		*s = names.get(d.text())
	}
	r.Backlog = flags&flagBacklog != 0
	r.Watched = flags&flagWatched != 0
	r.Counted = flags&flagCounted != 0
	r.GivenUp = flags&flagGivenUp != 0
	if d.bad || len(d.rest) > 0 || r.flags() != flags || !validKey(key) || !r.possible() {
		return Record{}, 0, false
	}
	return r, unlisted, true
}

// possible reports whether there can be such a task. A checksum only says that nothing changed since somebody wrote it, so
// that records are held to what answers are: what is said of one that is not believed is served nowhere.
//
// As in answers, Completed may be before Created: such a task has no latency, and is not asked again for it. Our own times
// are bounded by no clock, as ours may have been wrong then or be wrong now.
func (r *Record) possible() bool {
	told := func(t kie.Time) bool { return t.IsZero() || t.Valid() }
	ours := func(t kie.Time) bool { return t >= 0 && t < kie.EndOfTime }
	switch {
	case r.State > kie.StateFail, !r.Endpoint.TellsOfTasks(), r.Reason > kie.ReasonOther,
		!r.Known(), !ours(r.Seen), !ours(r.Learned), !ours(r.Answered), !ours(r.FailedAt), !told(r.Created), !told(r.Completed),
		!validName(r.Group), !kie.IsCleanLabel(r.Model), !kie.ValidCode(r.FailCode) && r.FailCode != kie.NoCode,
		!kie.ValidCredits(r.Credits), !r.Answered.IsZero() && (r.State.Finished() || !r.Watched):
		return false
	case r.State == kie.StateFail:
		return true
	case r.FailCode != "", r.Reason != kie.ReasonNone, !r.FailedAt.IsZero():
		return false
	}
	return r.State.Finished() || r.Completed.IsZero() && r.Learned.IsZero() && !r.HasCredits && !r.Counted
}

// longestName is the most bytes of the name of a group or an account.
const longestName = 64

// validName reports whether the configuration may call a group or an account so.
func validName(name string) bool {
	for i := range len(name) {
		if c := name[i]; (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && c != '_' && c != '-' && c != '.' {
			return false
		}
	}
	return name != "" && len(name) <= longestName
}

// longestText is the most bytes of a text that may be true: a model's name.
const longestText = 128

// decoder reads fields one after the other. Once one was bad, all are absent.
type decoder struct {
	rest []byte
	bad  bool
}

func (d *decoder) time() kie.Time {
	t, n := binary.Varint(d.rest)
	d.skip(n)
	return kie.Time(t)
}

func (d *decoder) byte() byte {
	if len(d.rest) == 0 {
		d.skip(-1)
		return 0
	}
	b := d.rest[0]
	d.skip(1)
	return b
}

func (d *decoder) float() float64 {
	if len(d.rest) < 8 {
		d.skip(-1)
		return 0
	}
	f := math.Float64frombits(binary.LittleEndian.Uint64(d.rest))
	d.skip(8)
	return f
}

func (d *decoder) text() []byte {
	length, n := binary.Uvarint(d.rest)
	d.skip(n)
	if length > min(longestText, uint64(len(d.rest))) {
		d.skip(-1)
		return nil
	}
	s := d.rest[:length]
	d.rest = d.rest[length:]
	return s
}

func (d *decoder) skip(n int) {
	if n <= 0 {
		d.bad, d.rest = true, nil
		return
	}
	d.rest = d.rest[n:]
}

// texts are the groups, models and fail codes decoded so far in one pass over records, so that each is copied once. It goes with the
// pass. Unlike unique.Make, a map finds a []byte without allocating it as a string.
type texts map[string]string

// mostTexts bounds them: a file may hold any.
const mostTexts = 10_000

func (names texts) get(b []byte) string {
	if len(b) == 0 { // as the fail codes of most
		return ""
	}
	if s, ok := names[string(b)]; ok {
		return s
	}
	s := string(b)
	if len(names) < mostTexts {
		names[s] = s
	}
	return s
}

// sealSize is the length of the checksum at the start of each value.
const sealSize = 4

func newSealed(capacity int) []byte { return make([]byte, sealSize, sealSize+capacity) }

// seal writes the checksum of key and value into the value's start.
func seal(key string, v []byte) []byte {
	binary.LittleEndian.PutUint32(v, checksum([]byte(key), v[sealSize:]))
	return v
}

// unseal returns what was sealed under this key; nil if it is not that.
func unseal(key, v []byte) []byte {
	if len(v) <= sealSize || binary.LittleEndian.Uint32(v) != checksum(key, v[sealSize:]) {
		return nil
	}
	return v[sealSize:]
}

// checksum covers the key too: a value that turns up under another one is not believed.
func checksum(key, content []byte) uint32 {
	castagnoli := crc32.MakeTable(crc32.Castagnoli)
	return crc32.Update(crc32.Update(0, castagnoli, key), castagnoli, content)
}

// sealNumber and unsealNumber are for the values that are not of tasks.
func sealNumber(key string, n int64) []byte {
	return seal(key, binary.AppendVarint(newSealed(binary.MaxVarintLen64), n))
}

func unsealNumber(key, v []byte) int64 { // 0: none
	n, _ := binary.Varint(unseal(key, v))
	return n
}
