// How a record is written where many replicas keep theirs: names are numbers of a dictionary, times are differences.

package store

import (
	"encoding/binary"
	"math"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// Dictionary has the names of groups and models, and the fail codes, as numbers.
type Dictionary interface {
	// Number returns the number of a name; 0: it has none, and is written out.
	Number(name string) uint64
	// Name returns the name of a number; false: there is none.
	Name(n uint64) (string, bool)
}

// The first byte of a compact record says whether it is final, and its format. A record that begins otherwise is of a later version.
const (
	CompactOpen  byte = 'O'
	CompactFinal byte = 'F'
)

// Compact is a record with what is written beside it.
type Compact struct {
	Record   Record
	Nonce    uint32 // of the one who wrote it: a second try to write it is told from another's record
	Unlisted uint16 // the day on which the task was first found unlisted, since 1970; 0: it is listed
}

// What a label is written as, besides a number of the dictionary, which comes after these.
const (
	labelEmpty = iota
	labelText
	labelNumbers
)

// Encode returns what is written of a task: its kind, a checksum, the nonce, the day, then the record.
func (c Compact) Encode(account, id string, d Dictionary) []byte {
	r := c.Record
	v := make([]byte, sealSize, 64)
	v = binary.LittleEndian.AppendUint32(v, c.Nonce)
	v = binary.LittleEndian.AppendUint16(v, c.Unlisted)
	v = append(v, r.flags(), byte(r.State), byte(r.Reason))
	v = binary.AppendVarint(v, int64(r.Seen))
	for _, t := range []kie.Time{r.Created, r.Completed, r.FailedAt, r.Learned} {
		v = appendSince(v, t, r.Seen)
	}
	if r.Endpoint != kie.Jobs {
		v = append(v, byte(r.Endpoint))
	}
	if !r.Answered.IsZero() {
		v = appendSince(v, r.Answered, r.Seen)
	}
	if r.HasCredits {
		v = binary.LittleEndian.AppendUint64(v, math.Float64bits(r.Credits))
	}
	for _, s := range r.labels() {
		v = appendLabel(v, *s, d)
	}
	kind := CompactOpen
	if r.State.Finished() {
		kind = CompactFinal
	}
	return append([]byte{kind}, seal(string(kind)+keyOf(account, id), v)...)
}

// appendSince writes a time as 0 if it is absent, else as 1 more than the folded difference to another.
func appendSince(v []byte, t, since kie.Time) []byte {
	if t.IsZero() {
		return append(v, 0)
	}
	d := int64(t - since)
	return binary.AppendUvarint(v, uint64(d<<1^d>>63)+1) //nolint:gosec // folds the sign into the last bit
}

func appendLabel(v []byte, s string, d Dictionary) []byte {
	if s == "" {
		return append(v, labelEmpty)
	}
	if n := d.Number(s); n > 0 {
		return binary.AppendUvarint(v, n+labelNumbers-1)
	}
	v = append(v, labelText)
	v = binary.AppendUvarint(v, uint64(len(s)))
	return append(v, s...)
}

// ParseCompact reads what Encode returned. Known is false if the record is of a format that this version does not know; ok is false, too, if
// it is not what was written of this task, or can't be true.
func ParseCompact(account, id string, value []byte, names Dictionary) (c Compact, known, ok bool) {
	if len(value) == 0 || value[0] != CompactOpen && value[0] != CompactFinal {
		return Compact{}, len(value) == 0, false
	}
	var place [192]byte // a million of these are read at once when an account is taken over
	key := append(append(append(append(place[:0], value[0]), account...), 0), id...)
	d := decoder{rest: unseal(key, value[1:])}
	if len(d.rest) < 9 {
		return Compact{}, true, false
	}
	c.Nonce, c.Unlisted = binary.LittleEndian.Uint32(d.rest), binary.LittleEndian.Uint16(d.rest[4:])
	r := &c.Record
	flags := d.rest[6]
	r.State, r.Reason = kie.State(d.rest[7]), kie.Reason(d.rest[8])
	d.rest = d.rest[9:]
	r.Seen = d.time()
	for _, t := range []*kie.Time{&r.Created, &r.Completed, &r.FailedAt, &r.Learned} {
		*t = d.since(r.Seen)
	}
	if flags&flagEndpoint != 0 {
		r.Endpoint = kie.Endpoint(d.byte())
	}
	if flags&flagAnswered != 0 {
		r.Answered = d.since(r.Seen)
	}
	if r.HasCredits = flags&flagCredits != 0; r.HasCredits {
		r.Credits = d.float()
	}
	for _, s := range r.labels() {
		*s = d.label(names)
	}
	r.Backlog, r.Watched = flags&flagBacklog != 0, flags&flagWatched != 0
	r.Counted, r.GivenUp = flags&flagCounted != 0, flags&flagGivenUp != 0
	if d.bad || len(d.rest) > 0 || r.flags() != flags || !r.possible() || r.State.Finished() != (value[0] == CompactFinal) {
		return Compact{}, true, false
	}
	return c, true, true
}

func (d *decoder) number() uint64 {
	n, length := binary.Uvarint(d.rest)
	d.skip(length)
	return n
}

func (d *decoder) since(t kie.Time) kie.Time {
	n := d.number()
	if n == 0 {
		return 0
	}
	n--
	return t + kie.Time(int64(n>>1)^-int64(n&1))
}

func (d *decoder) label(names Dictionary) string {
	switch n := d.number(); n {
	case labelEmpty:
		return ""
	case labelText:
		return string(d.text())
	default:
		s, ok := names.Name(n - labelNumbers + 1)
		if !ok {
			d.skip(-1)
		}
		return s
	}
}
