// How the sources fare: for metrics, readiness, and a person who checks a configuration.

package set

import (
	"maps"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
)

// publishLocked puts what is known of a source where readers find it without the lock.
func (m *member) publishLocked() {
	m.stat.Store(&source.Stat{
		Group: m.key.group, Source: m.key.label,
		Tasks: m.claims.Tally.Listed(), Read: m.reads.WasRead, LastSuccess: m.reads.LastSuccess,
		FailingSince: m.reads.FailedAt, Errors: m.reads.Errors, Rejected: m.claims.Tally.Rejected(), Refused: m.claims.Refused(),
		Pushed: m.key.isPushed(), LastPush: m.pushed, LastRefusal: m.refused,
	})
}

// Stats returns the health of each source, in order.
func (s *Set) Stats() []source.Stat {
	members := *s.shown.Load()
	stats := make([]source.Stat, len(members))
	for i, m := range members {
		stats[i] = *m.stat.Load()
		stats[i].Rejected, stats[i].Refused = maps.Clone(stats[i].Rejected), maps.Clone(stats[i].Refused)
	}
	return stats
}

// Reports returns a report of each source, in order.
func (s *Set) Reports() []source.Report {
	s.mu.Lock()
	defer s.mu.Unlock()
	reports := make([]source.Report, len(s.members))
	for i, m := range s.members {
		reports[i] = source.Report{
			Group: m.key.group, Source: m.key.label, IDs: m.claims.Owned(), Skipped: m.claims.Skipped(),
			Err: m.reads.Err, Partly: source.IsPartial(m.reads.Err), Pushed: m.key.isPushed(),
		}
	}
	return reports
}

// Settled reports whether every source was really read once, or has failed for a minute.
func (s *Set) Settled() bool {
	return !slices.ContainsFunc(*s.shown.Load(), func(m *member) bool { return !m.stat.Load().IsSettled(time.Now()) })
}
