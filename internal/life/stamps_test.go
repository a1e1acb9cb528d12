package life

import (
	"testing"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/kie"
)

// Whoever has seen all that was learned until some time must not miss what is learned while the clock is behind that.
func TestNothingIsLearnedBeforeWhatWasLearnedEarlier(t *testing.T) {
	var s Stamps
	noon := time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)
	for _, step := range []struct {
		now, want time.Time
	}{
		{noon, noon},
		{noon.Add(-time.Minute), noon},
		{noon.Add(time.Second), noon.Add(time.Second)},
		{noon.Add(-time.Hour + time.Second), noon.Add(time.Second)},
		{noon.Add(-2 * time.Hour), noon.Add(-2 * time.Hour)}, // it was wrong before
	} {
		if got := s.Next(step.now); got != kie.TimeOf(step.want) {
			t.Errorf("at %v: %v, want %v", step.now, got.Time(), step.want)
		}
	}
	s.Note(kie.TimeOf(noon.Add(time.Minute))) // by an earlier process
	if got := s.Next(noon); got != kie.TimeOf(noon.Add(time.Minute)) {
		t.Errorf("after a restart: %v", got.Time())
	}
}
