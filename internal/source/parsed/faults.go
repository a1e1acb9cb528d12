// The bad lines of a list, reported once each.

package parsed

import (
	"log/slog"
	"maps"
)

// Bounds of what is remembered and reported of bad lines.
const (
	MaxFaults   = 1000 // different bad lines of a list that are remembered one by one
	maxReported = 10   // line numbers in one log line
)

// Faults is a content's bad lines by their hash, so that a list which is read again and again as it grows has each
// counted once. Beyond MaxFaults different ones only their number is remembered.
type Faults struct {
	times  map[uint64]int
	others int
}

func (f *Faults) clone() Faults { return Faults{times: maps.Clone(f.times), others: f.others} }

// add adds a bad line and reports whether the content read before did not have it.
func (f *Faults) add(hash uint64, before *Faults) bool {
	if _, known := f.times[hash]; !known && len(f.times) >= MaxFaults {
		f.others++
		return f.others > before.others
	}
	if f.times == nil {
		f.times = make(map[uint64]int)
	}
	f.times[hash]++
	return f.times[hash] > before.times[hash]
}

// Report is the bad lines that are new in a content.
type Report struct {
	Count int
	Lines []int // the first of them
	Err   error // what is wrong with the first

	Beyond, Most int // ids beyond those that a list may have, if it had none before
}

func (r *Report) add(line int, err error) {
	if r.Count == 0 {
		r.Err = At(line, err)
	}
	if r.Count++; r.Count <= maxReported {
		r.Lines = append(r.Lines, line)
	}
}

// Append adds what is wrong with the next part of a content.
func (r *Report) Append(next *Report) {
	if r.Count == 0 {
		r.Err = next.Err
	}
	r.Count += next.Count
	r.Lines = append(r.Lines, next.Lines[:min(len(next.Lines), maxReported-len(r.Lines))]...)
}

// Log writes a log line of each kind, if there is anything to say.
func (r *Report) Log(log *slog.Logger) {
	if r.Count > 0 {
		log.Warn("Bad lines skipped", "count", r.Count, "lines", r.Lines, "err", r.Err)
	}
	if r.Beyond > 0 {
		log.Warn("List has more ids than limits.list_ids, further ones are refused", "limit", r.Most, "refused", r.Beyond)
	}
}
