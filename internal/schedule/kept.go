// Learned durations as bytes, for whoever goes on with the same tasks.

package schedule

import (
	"encoding/binary"
	"errors"
	"math"
	"time"
)

// keptVersion is the first byte.
const keptVersion = 1

var errKept = errors.New("learned durations can't be read")

// AppendBinary implements encoding.BinaryAppender: what was observed of these tasks, and not what follows from it or from others.
func (d *Durations) AppendBinary(to []byte) ([]byte, error) {
	to = append(to, keptVersion)
	to = appendWeights(to, &d.weights, d.seen)
	to = binary.LittleEndian.AppendUint32(to, math.Float32bits(float32(d.rank)))
	to = binary.LittleEndian.AppendUint32(to, math.Float32bits(float32(d.share)))
	to = binary.AppendUvarint(to, uint64(d.overdue.held)) //nolint:gosec // not negative
	to = append(to, flags(d.overdue.fell, d.overdue.changed))
	to = appendWeights(to, &d.overdue.all.weights, d.overdue.all.seen)
	return appendWeights(to, &d.overdue.recent.weights, d.overdue.recent.seen), nil
}

func flags(fell, changed bool) (f byte) {
	if fell {
		f |= 1
	}
	if changed {
		f |= 2
	}
	return f
}

// appendWeights appends how many tasks were seen, and the buckets that have a weight: how many, and each by its distance from the one before.
func appendWeights(to []byte, weights *[buckets]float32, seen int) []byte {
	to = binary.AppendUvarint(to, uint64(seen)) //nolint:gosec // a count
	n := uint64(0)
	for _, w := range weights {
		if w > 0 {
			n++
		}
	}
	to = binary.AppendUvarint(to, n)
	last := 0
	for b, w := range weights {
		if w > 0 {
			to = binary.AppendUvarint(to, uint64(b-last)) //nolint:gosec // grows
			to = binary.LittleEndian.AppendUint32(to, math.Float32bits(w))
			last = b
		}
	}
	return to
}

// ParseDurations returns durations as AppendBinary wrote them, a part of no others. What makes no sense is an error.
func ParseDurations(data []byte) (*Durations, error) {
	r := &keptReader{data: data}
	if r.byte() != keptVersion {
		return nil, errKept
	}
	d := NewDurations(nil)
	d.weights, d.total, d.seen = r.weights()
	d.rank, d.share = r.float(1), r.float(memory)
	held := r.uvarint(uint64(1000 * time.Hour))
	d.overdue.held = time.Duration(held) //nolint:gosec // bounded
	f := r.byte()
	d.overdue.fell, d.overdue.changed = f&1 != 0, f&2 != 0
	for _, s := range []*sample{&d.overdue.all, &d.overdue.recent} {
		s.weights, s.total, s.seen = r.weights()
	}
	if r.bad || f > 3 || len(r.data) > 0 {
		return nil, errKept
	}
	d.fresh = d.seen
	return d, nil
}

// keptReader reads bytes; once something is wrong, all that follows is 0.
type keptReader struct {
	data []byte
	bad  bool
}

func (r *keptReader) take(n int) []byte {
	if r.bad || len(r.data) < n {
		r.bad = true
		return make([]byte, n)
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

func (r *keptReader) byte() byte { return r.take(1)[0] }

func (r *keptReader) uvarint(most uint64) uint64 {
	v, n := binary.Uvarint(r.data)
	if r.bad || n <= 0 || v > most {
		r.bad = true
		return 0
	}
	r.data = r.data[n:]
	return v
}

func (r *keptReader) float(most float64) float64 {
	v := float64(math.Float32frombits(binary.LittleEndian.Uint32(r.take(4))))
	if !(v >= 0 && v <= most) { // the negation catches NaN
		r.bad = true
		return 0
	}
	return v
}

func (r *keptReader) weights() (weights [buckets]float32, total float64, seen int) {
	seen = int(r.uvarint(math.MaxInt32)) //nolint:gosec // bounded
	b := 0
	for range r.uvarint(buckets) {
		b += int(r.uvarint(buckets)) //nolint:gosec // bounded
		w := r.float(memory)
		if b >= buckets || weights[min(b, buckets-1)] > 0 {
			r.bad = true
		}
		if r.bad {
			break
		}
		weights[b] = float32(w) //nolint:gosec // b is bounded
		total += w
	}
	return weights, total, seen
}
