// How the sources fare: for metrics, readiness, and a person who checks a configuration.

package set

import (
	"maps"
	"slices"
	"time"

	"github.com/kie-exporter/kie_exporter/internal/source"
)

// settleAfter is for how long a source must have failed for nobody to wait for it any longer.
const settleAfter = time.Minute

// health is how the reads of a source went.
type health struct {
	wasRead     bool      // it was read at least once
	lastSuccess time.Time // zero: none yet
	failedAt    time.Time // the first time since it could be read; zero: it can
	errors      uint64
	err         error // of the last read that ended by itself
	last        error // of the last read
}

// noteLocked records how a read went. Only the beginning and the end of a failure are logged.
func (m *member) noteLocked(err error, now time.Time) {
	partial, failing := isPartial(err), m.err != nil
	m.err = err
	m.wasRead = m.wasRead || err == nil || partial
	if err == nil {
		m.lastSuccess, m.failedAt = now, time.Time{}
		if failing {
			m.log.Info("Source can be read again")
		}
		return
	}
	m.errors++
	if failing {
		return
	}
	m.failedAt = now
	if partial {
		m.log.Warn("Source has entries that are no lists, the others are read", "err", err)
	} else {
		m.log.Warn("Source can't be read, its tasks are kept", "err", err)
	}
}

// publishLocked puts what is known of a source where readers find it without the lock.
func (m *member) publishLocked() {
	m.stat.Store(&source.Stat{
		Group: m.key.group, Source: m.key.label,
		Tasks: m.claims.Listed(), Read: m.wasRead, LastSuccess: m.lastSuccess, FailingSince: m.failedAt,
		Errors: m.errors, Rejected: m.claims.Rejected(), Refused: m.claims.Refused(),
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
			Err: m.err, Partly: isPartial(m.err), Told: m.key.label == pushLabel && m.key.path == "",
		}
	}
	return reports
}

// Settled reports whether every source was really read once, or has failed for a minute.
func (s *Set) Settled() bool {
	return !slices.ContainsFunc(*s.shown.Load(), func(m *member) bool { return !m.settled() })
}

func (m *member) settled() bool {
	stat := m.stat.Load()
	return stat.Read || !stat.FailingSince.IsZero() && time.Since(stat.FailingSince) >= settleAfter
}
