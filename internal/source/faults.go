// The bad lines of a list, told once each.

package source

import "log/slog"

const (
	maxFaults   = 1000 // different bad lines of a list that are remembered one by one
	maxReported = 10   // line numbers in one log line
)

// faults is a content's bad lines by their hash, so that a list which is read again and again as it grows has each
// counted once. Beyond maxFaults different ones only their number is remembered.
type faults struct {
	times  map[uint64]int
	others int
}

// add adds a bad line and reports whether the content read before did not have it.
func (f *faults) add(hash uint64, before *faults) bool {
	if _, known := f.times[hash]; !known && len(f.times) >= maxFaults {
		f.others++
		return f.others > before.others
	}
	if f.times == nil {
		f.times = make(map[uint64]int)
	}
	f.times[hash]++
	return f.times[hash] > before.times[hash]
}

// report is the bad lines that are new in a content.
type report struct {
	count int
	lines []int // the first of them
	err   error // what is wrong with the first

	beyond, most int // ids beyond those that a list may have, if it had none before
}

func (r *report) add(line int, err error) {
	if r.count == 0 {
		r.err = &located{line, err}
	}
	if r.count++; r.count <= maxReported {
		r.lines = append(r.lines, line)
	}
}

// log writes a log line of each kind, if there is anything to say.
func (r *report) log(log *slog.Logger) {
	if r.count > 0 {
		log.Warn("Bad lines skipped", "count", r.count, "lines", r.lines, "err", r.err)
	}
	if r.beyond > 0 {
		log.Warn("List has more ids than limits.list_ids, further ones are refused", "limit", r.most, "refused", r.beyond)
	}
}
