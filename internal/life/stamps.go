// When it was learned that tasks have finished.

package life

import (
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// furthest is how far the clock may have been set back for times to go on from where they were. Beyond that it was wrong.
const furthest = time.Hour

// Stamps dates when it was learned that a task has finished: never before one that finished earlier, so that whoever has all that was
// learned until some time misses nothing when the clock is set back. The zero value has dated nothing yet.
type Stamps struct{ last kie.Time }

// Next returns the date of what is learned now.
func (s *Stamps) Next(now time.Time) kie.Time {
	at := kie.TimeOf(now)
	if s.last < at || s.last.Sub(at) > furthest {
		s.last = at
	}
	return s.last
}

// Note notes a date that was given before, by an earlier process, too.
func (s *Stamps) Note(at kie.Time) { s.last = max(s.last, at) }
