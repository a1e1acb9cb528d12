// Package history gathers what the records of an earlier process tell a start: how long tasks took, and which were over.
package history

import (
	"github.com/kie-exporter/kie_exporter/internal/kie"
	"github.com/kie-exporter/kie_exporter/internal/learned"
	"github.com/kie-exporter/kie_exporter/internal/store"
)

// History is shown the records on disk while they are checked.
type History struct {
	parts [store.Parts]learned.Samples
	ends  *Ends
}

var _ store.Reader = (*History)(nil)

// New returns that nothing is known.
func New() *History { return &History{} }

// Of returns what so many records tell that a scan yields, of a store that does not show them when it is opened.
func Of(records int, scan func(yield func(account, id string, r store.Record) bool) error) *History {
	h := New()
	h.Begin(records)
	_ = scan(func(account, id string, r store.Record) bool { // what can't be read is counted
		h.Record(0, []byte(account), []byte(id), &r)
		return true
	})
	return h
}

// Begin implements store.Reader.
func (h *History) Begin(most int) {
	*h = History{}
	if most > 0 {
		h.ends = newEnds(most)
	}
}

// Record implements store.Reader.
func (h *History) Record(part int, account, id []byte, r *store.Record) {
	h.parts[part].Add(r)
	if len(account) > 0 && h.ends != nil {
		h.ends.note(part, account, id, r)
	}
}

// Samples returns the last durations of each group and model, in the order learned, and when the last end of any task was learned.
func (h *History) Samples() (samples []learned.Sample, latest kie.Time) {
	all := &h.parts[0]
	for i := range h.parts[1:] {
		all.Merge(&h.parts[1+i])
	}
	return all.Last()
}

// Ends returns which tasks were over; nil: there was no record.
func (h *History) Ends() *Ends { return h.ends }
